#include "meter_model/quantity/event_facts.h"

#include <yaml-cpp/yaml.h>

#include <set>
#include <stdexcept>

#include "meter_model/quantity/quoted.h"

namespace ami {
namespace {

// Thrown inside this file only; parse() turns it into an Error.
struct BadFacts : std::runtime_error {
  BadFacts(const YAML::Node& node, const std::string& what)
      : std::runtime_error("line " + std::to_string(node.Mark().line + 1) + ": " + what) {}
};

std::chrono::seconds window_of(const YAML::Node& subject, const std::string& name) {
  const YAML::Node node = subject["window_s"];
  if (!node) throw BadFacts(subject, name + " needs window_s: seconds, 0 = never told again");
  std::int64_t seconds = -1;
  if (!node.IsScalar() || !YAML::convert<std::int64_t>::decode(node, seconds) || seconds < 0 ||
      seconds > EventFacts::kLongestWindow) {
    throw BadFacts(node, "window_s of " + name + " must be a whole number of seconds from 0 to " +
                             std::to_string(EventFacts::kLongestWindow));
  }
  return std::chrono::seconds{seconds};
}

void check_keys(const YAML::Node& subject, const std::string& name) {
  if (!subject.IsMap()) throw BadFacts(subject, name + " must have the keys window_s and states");
  std::set<std::string> seen;
  for (const auto& entry : subject) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (key != "window_s" && key != "states") {
      throw BadFacts(entry.first,
                     "unknown key " + quoted(key) + " of " + name + ": window_s and states are known");
    }
    if (!seen.insert(key).second) throw BadFacts(entry.first, "key " + quoted(key) + " is there twice");
  }
}

}  // namespace

Result<EventFacts> EventFacts::parse(std::string_view table_of_record, const std::string& name_for_errors) {
  EventFacts facts;
  try {
    const YAML::Node table = YAML::Load(std::string(table_of_record));
    if (!table.IsMap()) throw BadFacts(table, "an event map must be a YAML map with the key version");
    const YAML::Node again = table["told_again"];
    if (!again) return facts;
    if (!again.IsMap()) throw BadFacts(again, "told_again must map subjects to window_s and states");
    std::set<std::string> known, subjects, listed;
    for (const auto& kind : table["kinds"]) known.insert(kind.first.Scalar());
    EventFact fact;
    for (const auto& entry : again) {
      const std::string name = entry.first.Scalar();
      if (name.empty() || !subjects.insert(name).second) {
        throw BadFacts(entry.first,
                       "subject " + quoted(name) + (name.empty() ? " needs a name" : " is there twice"));
      }
      check_keys(entry.second, name);
      fact.window = window_of(entry.second, name);
      const YAML::Node states = entry.second["states"];
      if (!states || !states.IsSequence() || states.size() == 0) {
        throw BadFacts(entry.second, "states of " + name + " must be a list of lists of kinds");
      }
      fact.state = 0;
      for (const YAML::Node& state : states) {
        if (!state.IsSequence() || state.size() == 0) {
          throw BadFacts(state,
                         "a state of " + name + " must be a list of kinds, such as [OUTAGE, LAST_GASP]");
        }
        for (const YAML::Node& kind : state) {
          const std::string word = kind.IsScalar() ? kind.Scalar() : "";
          if (!known.contains(word)) throw BadFacts(kind, "unknown kind " + quoted(word));
          if (!listed.insert(word).second) throw BadFacts(kind, "kind " + word + " is listed twice");
          if (fact.window.count() > 0) facts.kinds_.emplace(word, fact);
        }
        ++fact.state;
      }
      ++fact.subject;
    }
  } catch (const std::exception& problem) {
    return permanent(name_for_errors + " (told_again): " + problem.what());
  }
  return facts;
}

const EventFact* EventFacts::of(std::string_view kind) const {
  const auto found = kinds_.find(kind);
  return found == kinds_.end() ? nullptr : &found->second;
}

}  // namespace ami
