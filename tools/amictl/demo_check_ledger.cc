#include "tools/amictl/demo_check_ledger.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <iterator>
#include <stdexcept>

namespace ami::amictl {
namespace {

namespace json = boost::json;

constexpr std::size_t kLineBytes = 8192;

struct BadLine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SwitchFact {
  std::string_view command, code, name;
};
constexpr SwitchFact kSwitchFacts[] = {{"open", "3.31.0.68", "SWITCH_OPENED"},
                                       {"close", "3.31.0.42", "SWITCH_CLOSED"},
                                       {"arm", "3.31.0.11", "SWITCH_ARMED"}};
const SwitchFact* fact_of(std::string_view command) {
  const auto* found = std::find_if(std::begin(kSwitchFacts), std::end(kSwitchFacts),
                                   [&](const SwitchFact& fact) { return fact.command == command; });
  return found == std::end(kSwitchFacts) ? nullptr : found;
}

}  // namespace

// One line; what is asked for and is not there is a BadLine.
class LedgerReader::Line {
 public:
  explicit Line(const json::object& object) : object_(object) {}

  // As long as the line.
  [[nodiscard]] std::string_view text(const char* key) const {
    const json::value* value = object_.if_contains(key);
    if (value == nullptr || !value->is_string()) throw BadLine(std::string(key) + " is missing or no text");
    return {value->get_string().data(), value->get_string().size()};
  }
  [[nodiscard]] std::string_view text_or_none(const char* key) const {
    return object_.contains(key) ? text(key) : std::string_view();
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
  ++summary_.lines;
  const auto at = [&](const std::string& words) {
    return permanent("line " + std::to_string(summary_.lines) + ": " + words);
  };
  std::array<unsigned char, kLineBytes> room;  // most lines need nothing of the heap
  json::monotonic_resource memory(room.data(), room.size());
  boost::system::error_code bad;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), bad, &memory);
  if (bad || !parsed.is_object()) return at("no JSON object");
  try {
    if (auto taken = take(Line(parsed.get_object())); !taken) return at(taken.error().message);
  } catch (const BadLine& error) {
    return at(error.what());
  }
  return Done{};
}

Delivery LedgerReader::delivery_of(const Line& line) const {
  const std::string_view word = line.text("delivery");
  if (word == "lost") return Delivery::Lost;
  if (word != "sent" && word != "unsure")
    throw BadLine("delivery \"" + std::string(word) + "\" is not among sent, lost, unsure");
  const bool after = until_ && line.instant("sent") > *until_;
  return word == "unsure" || after ? Delivery::Unsure : Delivery::Sent;
}

// The ledger's unit follows from the reading type: see its format.
void LedgerReader::unit_of(std::string_view reading_type, std::string_view unit) {
  const auto known = units_.find(reading_type);
  if (known == units_.end()) {
    units_.emplace(reading_type, unit);
  } else if (known->second != unit) {
    throw BadLine("unit " + std::string(unit) + ", and " + known->second + " before");
  }
}

void LedgerReader::said(UtcInstant at) {
  if (!summary_.first || at < *summary_.first) summary_.first = at;
  if (!summary_.last || at > *summary_.last) summary_.last = at;
}

void LedgerReader::count(Delivery delivery) {
  ++(delivery == Delivery::Sent ? summary_.sent : delivery == Delivery::Lost ? summary_.lost : summary_.unsure);
}

Outcome LedgerReader::take(const Line& line) {
  const std::string_view kind = line.text("kind");
  if (!begun_) {
    if (kind != "run") return permanent("the first line is of kind \"run\"; this is no ledger");
    if (const std::int64_t version = line.integer("version"); version != 1)
      return permanent("version " + std::to_string(version) + " of the ledger; 1 is understood");
    begun_ = true;
    return Done{};
  }
  if (kind == "register" || kind == "interval_block") {
    const Delivery delivery = delivery_of(line);
    const std::string_view meter = line.text("meter"), reading_type = line.text("reading_type"),
                           unit = line.text("unit");
    unit_of(reading_type, unit);
    statements_.clear();
    if (kind == "register") {
      statements_.push_back({line.instant("at"), Line::decimal(line.text("value")), 0, delivery});
    } else {
      const std::int64_t length = line.integer("length_s");
      if (length < 1 || length > 40LL * 86'400) throw BadLine("length_s is 1 to 40 days");
      UtcInstant at = line.instant("start");
      for (const json::value& value : line.array("values")) {
        if (value.is_string()) {
          const std::string_view digits(value.get_string().data(), value.get_string().size());
          statements_.push_back({at, Line::decimal(digits), static_cast<std::uint32_t>(length), delivery});
        } else if (value.is_null()) {
          ++summary_.missing;  // it claims nothing
        } else {
          throw BadLine("a value is neither text nor null");
        }
        at += std::chrono::seconds{length};
      }
    }
    for (const Statement& one : statements_) {
      said(one.at);
      count(one.delivery);
    }
    sink_.values(meter, reading_type, unit, statements_);
  } else if (kind == "event") {
    const Delivery delivery = delivery_of(line);
    const SaidEvent event{std::string(line.text("code")), std::string(line.text("name")),
                          std::string(line.text_or_none("raw")), line.instant("at"), delivery};
    said(event.at);
    sink_.event(line.text("meter"), event);
  } else if (kind == "command") {
    const std::string_view transaction = line.text_or_none("transaction");
    if (transaction.empty()) return Done{};  // a hand's
    const std::string_view step = line.text("step"), result = line.text_or_none("result");
    CommandStep what = CommandStep::Other;
    if (step == "received") what = CommandStep::Received;
    if (step == "told") what = CommandStep::Told;
    if (step == "executed")
      what = result == "done" || result == "already_there" ? CommandStep::Done : CommandStep::Refused;
    const std::string_view command = line.text("command");
    sink_.command({std::string(transaction), std::string(line.text("meter")), std::string(command), what});
    // What the far side told of an order, a gateway may keep as an event, beside the one that the meter's own log tells.
    if (const SwitchFact* fact = what == CommandStep::Told ? fact_of(command) : nullptr) {
      const SaidEvent event{std::string(fact->code), std::string(fact->name), {}, line.instant("at"), Delivery::Unsure};
      said(event.at);
      sink_.event(line.text("meter"), event);
    }
  } else if (kind == "end") {
    summary_.ended = true;
  }
  return Done{};
}

Result<LedgerSummary> LedgerReader::finish() {
  if (!begun_) return permanent("the ledger is empty");
  return summary_;
}

}  // namespace ami::amictl
