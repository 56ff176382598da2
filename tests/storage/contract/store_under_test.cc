#include "tests/storage/contract/store_under_test.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

namespace ami::storage::contract {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

std::string line(const std::vector<std::string>& cells) {
  std::string out;
  for (const std::string& cell : cells) out += (out.empty() ? "" : " | ") + cell;
  return out;
}

}  // namespace

const std::map<std::string, std::vector<std::string>>& section_columns() {
  static const auto* const columns = [] {
    const std::string channel = "utility meter channel type unit ";
    auto* const out = new std::map<std::string, std::vector<std::string>>;
    const std::map<std::string, std::string> texts{
        {"channel", channel},
        {"day", channel + "day length exponent values wide exponents"},
        {"odd", channel + "start length mantissa exponent version"},
        {"slot", channel + "start length value quality flag stamp mapping"},
        {"revision", channel + "start length value quality flag stamp mapping"},
        {"register", channel + "at mantissa exponent quality flag stamp mapping period occurred clock"},
        {"register_revision",
         channel + "at mantissa exponent quality flag stamp mapping period occurred clock"},
        {"event", "utility meter at vendor raw_code raw_text kind code mapping clock told"},
        {"quarantine", "utility feed reason raw state"},
        {"state", "feed key value"},
        {"source", "utility feed content offset stamp mapping clock replay"},
        {"receipt",
         "utility feed content offset stamp mapping clock replay name length received registers values "
         "events cause"},
        {"version", channel + "start length version"},
        {"slot_origin", channel + "start length content offset clock"},
        {"revision_origin", channel + "start length value quality flag stamp mapping content offset clock"},
        {"register_origin", channel + "at content offset"},
        {"register_revision_origin",
         channel + "at mantissa exponent quality flag stamp mapping content offset"},
        {"event_origin", "meter at raw_code raw_text content offset"},
        {"sighting", "utility feed reason raw detail meter offset seen first last content"},
        {"clock", "meter feed kind times first last tolerance last_offset least most worst"},
        {"change", "commit entity utility meter channel at length version kinds slots old"},
        {"as_of", "what utility meter channel type unit at length value quality flag stamp mapping"},
    };
    for (const auto& [section, text] : texts) (*out)[section] = words(text);
    return out;
  }();
  return *columns;
}

bool is_truth(const std::string& section) {
  static const auto* const names = new std::set<std::string>{
      "channel", "day", "slot", "revision", "register", "event", "quarantine", "state", "register_revision"};
  return names->contains(section);
}

const EventFacts& contract_facts() {
  static const auto* const facts = new EventFacts(
      EventFacts::parse("kinds: {OUTAGE: '', LAST_GASP: '', RESTORATION: '', OPENED: '', CLOSED: ''}\n"
                        "told_again:\n"
                        "  power: {window_s: 120, states: [[OUTAGE, LAST_GASP], [RESTORATION]]}\n"
                        "  switch: {window_s: 60, states: [[OPENED], [CLOSED]]}\n",
                        "contract")
          .value());
  return *facts;
}

void sort_rows(Section& section) {
  std::sort(section.rows.begin(), section.rows.end());
}

std::vector<std::string> Dump::pick(const std::string& section, std::string_view columns) const {
  const Section* found = nullptr;
  for (const auto* part : {&truth, &sources, &history, &digits}) {
    if (const auto place = part->find(section); place != part->end()) found = &place->second;
  }
  if (found == nullptr) throw std::invalid_argument("no section " + section);
  std::vector<std::size_t> wanted;
  for (const std::string& name : words(columns)) {
    const auto place = std::find(found->columns.begin(), found->columns.end(), name);
    if (place == found->columns.end()) throw std::invalid_argument("no column " + name + " in " + section);
    wanted.push_back(static_cast<std::size_t>(place - found->columns.begin()));
  }
  std::vector<std::string> out;
  for (const auto& row : found->rows) {
    std::string cells;
    for (const std::size_t i : wanted) cells += (cells.empty() ? "" : " ") + row[i];
    out.push_back(cells);
  }
  return out;
}

std::string difference(const std::map<std::string, Section>& left,
                       const std::map<std::string, Section>& right) {
  std::string out;
  int shown = 0;
  for (const auto& [name, section] : left) {
    const auto other = right.find(name);
    if (other == right.end()) return "only the left has section " + name;
    if (section == other->second) continue;
    const std::multiset<std::vector<std::string>> a(section.rows.begin(), section.rows.end()),
        b(other->second.rows.begin(), other->second.rows.end());
    out += name + ": " + line(section.columns) + "\n";
    for (const auto& row : a) {
      if (b.count(row) != a.count(row) && shown++ < 12) out += "  left  " + line(row) + "\n";
    }
    for (const auto& row : b) {
      if (b.count(row) != a.count(row) && shown++ < 24) out += "  right " + line(row) + "\n";
    }
  }
  if (left.size() != right.size()) out += "the right has other sections\n";
  return out;
}

}  // namespace ami::storage::contract
