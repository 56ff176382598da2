#include "tests/tools/fieldsim/support/said.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <iterator>
#include <sstream>

#include "meter_model/quantity/decimal.h"
#include "meter_model/time/instant.h"

namespace ami::fieldsim::testing {
namespace {

namespace json = boost::json;

std::string number(std::string_view text) {
  return Decimal::parse(text).value().normalised().to_string();
}
std::string text(const json::object& line, const char* key) {
  return json::value_to<std::string>(line.at(key));
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

bool is_reading_type(const std::string& word) {
  return std::ranges::count(word, '.') == 17;
}

}  // namespace

Said said_in_ledger(const std::vector<std::string>& lines, const std::string& delivery) {
  Said said;
  for (const std::string& one : lines) {
    const json::object line = json::parse(one).as_object();
    if (!line.contains("delivery") || text(line, "delivery") != delivery) continue;
    const std::string kind = text(line, "kind"), meter = text(line, "meter");
    if (kind == "event") {
      said.insert("event " + meter + " " + text(line, "name") + " " + text(line, "code") + " " +
                  text(line, "at"));
    } else if (kind == "register") {
      said.insert("reg " + meter + " " + text(line, "reading_type") + " " + text(line, "at") + " " +
                  number(text(line, "value")) +
                  (line.contains("occurred") ? " @" + text(line, "occurred") : std::string()));
    } else {
      UtcInstant start = parse_instant(text(line, "start")).value();
      const std::chrono::seconds length{line.at("length_s").as_int64()};
      for (const json::value& value : line.at("values").as_array()) {
        if (!value.is_null()) {
          said.insert("int " + meter + " " + text(line, "reading_type") + " " + to_text(start) + " " +
                      number(json::value_to<std::string>(value)));
        }
        start += length;
      }
    }
  }
  return said;
}

Said said_by_adapter(const std::vector<std::string>& lines,
                     const std::map<std::string, std::int64_t>& meters) {
  std::map<std::string, std::string> names;
  for (const auto& [name, id] : meters) names[std::to_string(id)] = name;
  Said said;
  for (const std::string& line : lines) {
    const std::vector<std::string> words = words_of(line);
    if (words.at(0) == "result") continue;
    if (words.at(0) == "event") {
      said.insert("event " + names.at(words.at(1)) + " " + words.at(2) + " " + words.at(3) + " " +
                  words.at(4));
      continue;
    }
    const auto type = std::ranges::find_if(words, is_reading_type);
    if (type == words.end()) {
      said.insert(line);
      continue;
    }
    const auto at = static_cast<std::size_t>(type - words.begin()) + 2;  // behind type and unit
    const std::string head = words[0] + " " + names.at(words.at(1)) + " " + *type + " ";
    if (words[0] == "reg") {
      const std::string occurred = words.back().starts_with("@") ? " " + words.back() : "";
      said.insert(head + words.at(at) + " " + number(words.at(at + 1)) + occurred);
      continue;
    }
    UtcInstant start = parse_instant(words.at(at)).value();
    const std::chrono::seconds length{std::stoi(words.at(at + 1).substr(1))};
    for (std::size_t i = at + 2; i < words.size(); ++i, start += length) {
      if (words[i] != "-") said.insert(head + to_text(start) + " " + number(words[i]));
    }
  }
  return said;
}

std::vector<std::string> steps_in_ledger(const std::vector<std::string>& lines) {
  std::vector<std::string> steps;
  for (const std::string& one : lines) {
    const json::object line = json::parse(one).as_object();
    if (text(line, "kind") != "command") continue;
    std::string step = text(line, "step") + " " + text(line, "command") + " " + text(line, "transaction") +
                       " " + text(line, "meter");
    if (line.contains("result")) step += " " + text(line, "result");
    steps.push_back(std::move(step));
  }
  return steps;
}

Said without(const Said& all, const Said& these) {
  Said rest;
  std::ranges::set_difference(all, these, std::inserter(rest, rest.end()));
  return rest;
}

}  // namespace ami::fieldsim::testing
