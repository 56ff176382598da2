#include "tools/amictl/demo_check_ledger.h"

#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>

namespace ami::amictl {
namespace {

namespace json = boost::json;

struct BadLine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

// One line; what is asked for and is not there is a BadLine.
class LedgerReader::Line {
 public:
  explicit Line(const json::object& object) : object_(object) {}

  [[nodiscard]] std::string text(const char* key) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr || !value->is_string()) throw BadLine(std::string(key) + " is missing or no text");
    return std::string(value->as_string());
  }
  [[nodiscard]] std::string text_or_none(const char* key) const {
    return object_.contains(key) ? text(key) : std::string();
  }
  [[nodiscard]] UtcInstant instant(const char* key) const {
    const auto parsed = parse_instant(text(key));
    if (!parsed) throw BadLine(std::string(key) + ": " + parsed.error().message);
    return *parsed;
  }
  [[nodiscard]] std::int64_t integer(const char* key) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr || !value->is_int64()) throw BadLine(std::string(key) + " is missing or no whole number");
    return value->as_int64();
  }
  [[nodiscard]] const json::array& array(const char* key) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr || !value->is_array()) throw BadLine(std::string(key) + " is missing or no list");
    return value->as_array();
  }
  static Decimal decimal(std::string_view text) {
    const auto parsed = Decimal::parse(text);
    if (!parsed) throw BadLine("a value: " + parsed.error().message);
    return *parsed;
  }

 private:
  const json::object& object_;
};

Outcome LedgerReader::line(std::string_view text) {
  ++truth_.lines;
  const auto at = [&](const std::string& words) {
    return permanent("line " + std::to_string(truth_.lines) + ": " + words);
  };
  boost::system::error_code bad;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), bad);
  if (bad || !parsed.is_object()) return at("no JSON object");
  try {
    if (auto taken = take(Line(parsed.as_object())); !taken) return at(taken.error().message);
  } catch (const BadLine& error) {
    return at(error.what());
  }
  return Done{};
}

Delivery LedgerReader::delivery_of(const Line& line) const {
  const std::string word = line.text("delivery");
  if (word == "lost") return Delivery::Lost;
  if (word != "sent" && word != "unsure") throw BadLine("delivery \"" + word + "\" is not among sent, lost, unsure");
  const bool after = until_ && line.instant("sent") > *until_;
  return word == "unsure" || after ? Delivery::Unsure : Delivery::Sent;
}

void LedgerReader::said(UtcInstant at) {
  if (!truth_.first || at < *truth_.first) truth_.first = at;
  if (!truth_.last || at > *truth_.last) truth_.last = at;
}

void LedgerReader::count(Delivery delivery) {
  ++(delivery == Delivery::Sent ? truth_.sent : delivery == Delivery::Lost ? truth_.lost : truth_.unsure);
}

Outcome LedgerReader::take(const Line& line) {
  const std::string kind = line.text("kind");
  if (!begun_) {
    if (kind != "run") return permanent("the first line is of kind \"run\"; this is no ledger");
    if (const std::int64_t version = line.integer("version"); version != 1)
      return permanent("version " + std::to_string(version) + " of the ledger; 1 is understood");
    begun_ = true;
    return Done{};
  }
  if (kind == "register" || kind == "interval_block") {
    const Delivery delivery = delivery_of(line);
    SaidChannel& channel = truth_.meters[line.text("meter")].channels[line.text("reading_type")];
    const std::string unit = line.text("unit");
    if (channel.unit.empty()) channel.unit = unit;
    if (channel.unit != unit) throw BadLine("unit " + unit + ", and " + channel.unit + " before");
    if (kind == "register") {
      const Statement one{line.instant("at"), Line::decimal(line.text("value")), 0, delivery};
      said(one.at);
      count(delivery);
      channel.said.push_back(one);
      return Done{};
    }
    const std::int64_t length = line.integer("length_s");
    if (length < 1 || length > 40LL * 86'400) throw BadLine("length_s is 1 to 40 days");
    UtcInstant at = line.instant("start");
    for (const json::value& value : line.array("values")) {
      if (value.is_string()) {
        const std::string_view digits(value.get_string().data(), value.get_string().size());
        channel.said.push_back({at, Line::decimal(digits), static_cast<std::uint32_t>(length), delivery});
        said(at);
        count(delivery);
      } else if (value.is_null()) {
        ++truth_.missing;  // it claims nothing
      } else {
        throw BadLine("a value is neither text nor null");
      }
      at += std::chrono::seconds{length};
    }
  } else if (kind == "event") {
    const Delivery delivery = delivery_of(line);
    SaidEvent event{line.text("code"), line.text("name"), line.text_or_none("raw"), line.instant("at"), delivery};
    said(event.at);
    truth_.meters[line.text("meter")].events.push_back(std::move(event));
  } else if (kind == "command") {
    const std::string transaction = line.text_or_none("transaction");
    if (transaction.empty()) return Done{};  // a hand's
    SaidCommand& command = truth_.commands[{transaction, line.text("meter")}];
    const std::string step = line.text("step"), result = line.text_or_none("result");
    if (step == "executed" || command.command.empty()) command.command = line.text("command");
    if (step == "received") ++command.received;
    if (step == "told") ++command.told;
    if (step == "executed") ++(result == "done" || result == "already_there" ? command.executed : command.refused);
  } else if (kind == "end") {
    truth_.ended = true;
  }
  return Done{};
}

Result<Truth> LedgerReader::finish() {
  if (!begun_) return permanent("the ledger is empty");
  for (auto& [name, meter] : truth_.meters) {
    for (auto& [type, channel] : meter.channels) {
      std::stable_sort(channel.said.begin(), channel.said.end(),
                       [](const Statement& a, const Statement& b) { return a.at < b.at; });
    }
  }
  return std::move(truth_);
}

}  // namespace ami::amictl
