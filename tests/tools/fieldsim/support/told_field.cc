#include "tests/tools/fieldsim/support/told_field.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim::testing {

namespace json = boost::json;

ToldField::ToldField(const std::string& yaml) {
  for (const char* name : {"drop", "other"}) std::filesystem::create_directory(run_->folder / name);
  if (const std::string said = run_->run(yaml); !said.empty()) throw std::runtime_error(said);
  for (const std::string& one : run_->ledger) lines_.push_back(json::parse(one).as_object());
}

std::string ToldField::text(const Line& line, const char* key) {
  const json::value* value = line.if_contains(key);
  if (value == nullptr) return {};
  return value->is_string() ? json::value_to<std::string>(*value) : json::serialize(*value);
}

UtcInstant ToldField::instant(const Line& line, const char* key) {
  return parse_instant(text(line, key)).value();
}

std::vector<ToldField::Line> ToldField::of(const std::string& kind) const {
  std::vector<Line> found;
  std::ranges::copy_if(lines_, std::back_inserter(found),
                       [&](const Line& line) { return text(line, "kind") == kind; });
  return found;
}

std::set<std::string> ToldField::words(const std::string& kind, const char* key) const {
  std::set<std::string> all;
  for (const Line& line : of(kind)) {
    if (line.contains(key)) all.insert(text(line, key));
  }
  return all;
}

std::map<std::string, std::map<UtcInstant, Decimal>> ToldField::dials() const {
  std::map<std::string, std::map<UtcInstant, Decimal>> all;
  for (const Line& line : of("register")) {
    if (text(line, "reading_type") == reading_type::kDelivered)
      all[text(line, "meter")][instant(line, "at")] = Decimal::parse(text(line, "value")).value();
  }
  return all;
}

std::vector<Decimal> ToldField::intervals(bool received) const {
  std::vector<Decimal> all;
  for (const Line& line : of("interval_block")) {
    const bool other = text(line, "reading_type").find(".4.19.") != std::string::npos;
    if (other != received) continue;
    for (const json::value& value : line.at("values").as_array()) {
      if (value.is_string()) all.push_back(Decimal::parse(json::value_to<std::string>(value)).value());
    }
  }
  return all;
}

std::vector<std::chrono::microseconds> ToldField::under_way() const {
  std::vector<std::chrono::microseconds> spans;
  for (const Line& line : of("register")) {
    if (text(line, "delivery") == "sent") spans.push_back(instant(line, "sent") - instant(line, "at"));
  }
  std::ranges::sort(spans);
  return spans;
}

std::multiset<UtcInstant> ToldField::events(const std::string& name) const {
  std::multiset<UtcInstant> at;
  for (const Line& line : of("event")) {
    if (text(line, "name") == name) at.insert(instant(line, "at"));
  }
  return at;
}

std::string ToldField::file(const char* name) const {
  std::ifstream in(run_->folder / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace ami::fieldsim::testing
