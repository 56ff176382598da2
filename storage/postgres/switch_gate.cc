#include "storage/postgres/switch_gate.h"

#include <array>
#include <map>
#include <string_view>

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 4> kRules{"SAFETY_HOLD", "KILL_SWITCH", "LIMIT", "EMERGENCY_UNREVIEWED"};

// "hold=5 scope=FEEDER place=north 4": the last value goes to the end of the line.
std::map<std::string, std::string> facts_of(std::string_view text) {
  std::map<std::string, std::string> out;
  std::string_view key;
  while (true) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) break;
    key = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    const auto next = key == "place" ? std::string_view::npos : text.find(' ');
    out[std::string(key)] = std::string(text.substr(0, next));
    if (next == std::string_view::npos) break;
    text.remove_prefix(next + 1);
  }
  return out;
}

std::string words_of(std::string_view rule, const std::map<std::string, std::string>& facts) {
  const auto fact = [&](const char* key) {
    const auto at = facts.find(key);
    return at == facts.end() ? std::string() : at->second;
  };
  if (rule == "SAFETY_HOLD")
    return "safety hold " + fact("hold") + " is on " + fact("scope") + " " + fact("place") + ": nothing leaves";
  if (rule == "KILL_SWITCH")
    return "stop " + fact("stop") + " of " + fact("scope") + " is in force: nothing leaves until two persons clear it";
  if (rule == "EMERGENCY_UNREVIEWED") {
    return "nobody else has looked at emergency " + fact("operation") +
           " in 24 hours: its person sends no other one until somebody has";
  }
  return "the limit of " + fact("ceiling") + " " + fact("direction") + " (" + fact("reason") + ", " + fact("scope") +
         ") in " + fact("span_s") + " s is used up: nothing leaves";
}

}  // namespace

std::optional<Refusal> gate_refusal(const std::string& error) {
  for (const std::string_view rule : kRules) {
    const auto at = error.find(std::string(rule) + " ");
    if (at == std::string::npos) continue;
    std::string_view line = std::string_view(error).substr(at + rule.size() + 1);
    line = line.substr(0, line.find('\n'));
    const auto facts = facts_of(line);
    if (facts.empty()) continue;
    Refusal out;
    out.kind = Refusal::Kind::Excluded;
    out.message = words_of(rule, facts);
    out.field = "meter";
    out.rule = std::make_shared<const Rule>(Rule{std::string(rule), facts});
    return out;
  }
  return std::nullopt;
}

}  // namespace ami::storage
