#include "adapters/wire/ssn_export/codec/grammar.h"

#include <algorithm>
#include <charconv>

namespace ami::ssn_export {
namespace {

struct Rule {
  Node parent;
  std::string_view name;
  Node node;
};
constexpr Rule kRules[] = {
    {Node::Interval, "Reading", Node::Reading},
    {Node::IntervalReadData, "Interval", Node::Interval},
    {Node::Tier, "Register", Node::Register},
    {Node::RegisterRead, "Tier", Node::Tier},
    {Node::RegisterData, "RegisterRead", Node::RegisterRead},
    {Node::EventData, "Event", Node::Event},
    {Node::MeterData, "RegisterData", Node::RegisterData},
    {Node::MeterData, "IntervalReadData", Node::IntervalReadData},
    {Node::MeterData, "EventData", Node::EventData},
    {Node::Document, "MeterData", Node::MeterData},
};

constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

std::optional<Node> child_of(Node parent, std::string_view name) noexcept {
  for (const Rule& rule : kRules) {
    if (rule.parent == parent && rule.name == name) return rule.node;
  }
  return std::nullopt;
}

std::string_view stated_count_attribute(Node container) noexcept {
  switch (container) {
    case Node::RegisterData:
      return "NumberReads";
    case Node::IntervalReadData:
      return "NumberIntervals";
    default:
      return "NumberEvents";
  }
}

bool has_others(const xml::Attributes& attributes, std::initializer_list<std::string_view> names) noexcept {
  for (const char** at = attributes.list(); *at != nullptr; at += 2) {
    const std::string_view name = *at;
    const bool ours = name.find('\n') == std::string_view::npos;
    if (ours && std::find(names.begin(), names.end(), name) == names.end()) return true;
  }
  return false;
}

std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low,
                                          std::uint64_t high) noexcept {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < low || number > high) return std::nullopt;
  return number;
}

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view head_of(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

}  // namespace ami::ssn_export
