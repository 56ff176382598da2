#include "tools/amictl/scenario/yaml_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"

namespace ami::amictl {
namespace {

// How far a word is from a known key. Units are part of the keys' names, so the word without them is near.
std::size_t distance(std::string_view word, std::string_view known) {
  const bool begins = !word.empty() && (known.starts_with(word) || word.starts_with(known));
  return begins ? 0 : edit_distance(word, known);
}

// A key from outside may be a book; edit distance is for words.
constexpr std::size_t kLongestKey = 64;

std::string number_text(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return {buffer, end};
}

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace

std::string YamlProblems::text() const {
  auto sorted = problems_;
  std::ranges::stable_sort(sorted, {}, &std::pair<int, std::string>::first);
  std::string all;
  for (const auto& [line, message] : sorted) {
    if (!all.empty()) all += '\n';
    all += file_ + ":" + std::to_string(line) + ": " + message;
  }
  return all;
}

YamlFields::YamlFields(YAML::Node node, std::string what, std::vector<std::string_view> known,
                       YamlProblems& problems)
    : node_(std::move(node)), what_(std::move(what)), problems_(problems) {
  if (!node_.IsMap()) {
    problems_.add(node_, what_ + " must be a mapping of keys to values");
    return;
  }
  usable_ = true;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!seen.insert(key).second)
      problems_.add(entry.first, what_ + ": key " + quoted(key) + " is given twice");
    if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
    std::string message = what_ + ": unknown key " + quoted(key);
    if (key.size() <= kLongestKey) {
      const auto nearest = std::ranges::min_element(
          known, {}, [&](std::string_view candidate) { return distance(key, candidate); });
      message += ", nearest is " + quoted(*nearest);
    }
    problems_.add(entry.first, message);
  }
}

bool YamlFields::has(std::string_view key) const {
  return usable_ && node(key).IsDefined();
}

YAML::Node YamlFields::node(std::string_view key) const {
  const YAML::Node& map = node_;
  return map[std::string(key)];
}

int YamlFields::line(std::string_view key) const {
  if (!usable_) return line();
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.first.Mark().line + 1;
  }
  return line();
}

void YamlFields::problem(std::string_view key, const std::string& message) {
  problems_.add(line(key), what_ + ": " + message);
}

bool YamlFields::required(std::string_view key) {
  if (has(key)) return true;
  if (usable_) problem(key, "'" + std::string(key) + "' is missing");
  return false;
}

bool YamlFields::mapping(std::string_view key) {
  if (!has(key)) return false;
  if (!node(key).IsMap()) problem(key, std::string(key) + " must be a mapping of keys to values");
  return node(key).IsMap();
}

std::optional<std::string> YamlFields::text(std::string_view key) {
  if (!has(key)) return std::nullopt;
  if (node(key).IsScalar() && !node(key).Scalar().empty()) return node(key).Scalar();
  problem(key, std::string(key) + " must be a word or a number");
  return std::nullopt;
}

std::optional<bool> YamlFields::boolean(std::string_view key) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  if (*written == "true") return true;
  if (*written == "false") return false;
  problem(key, std::string(key) + " " + quoted(*written) + " is neither true nor false");
  return std::nullopt;
}

std::optional<std::int64_t> YamlFields::whole(std::string_view key, std::int64_t least, std::int64_t most) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  const auto parsed = Decimal::parse(*written);
  const auto value = parsed ? parsed->mantissa_at(0) : std::nullopt;
  if (value && *value >= least && *value <= most) return value;
  problem(key, std::string(key) + " " + quoted(*written) + " is not a whole number from " +
                   std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<double> YamlFields::number(std::string_view key, double least, double most) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  double value = 0;
  const char* begin = written->data();
  const char* end = begin + written->size();
  if (*begin == '+' && end - begin > 1 && begin[1] != '-') ++begin;
  const auto [stop, failure] = std::from_chars(begin, end, value);
  if (failure == std::errc{} && stop == end && std::isfinite(value) && value >= least && value <= most) {
    return value;
  }
  problem(key, std::string(key) + " " + quoted(*written) + " is not a number from " + number_text(least) +
                   " to " + number_text(most));
  return std::nullopt;
}

std::optional<Decimal> YamlFields::decimal(std::string_view key) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  const auto parsed = Decimal::parse(*written);
  if (parsed) return *parsed;
  problem(key, std::string(key) + " " + quoted(*written) + " is not a decimal number of at most 18 digits");
  return std::nullopt;
}

std::optional<Elapsed> YamlFields::seconds(std::string_view key, Elapsed least, Elapsed most) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  const auto parsed = Decimal::parse(*written);
  if (!parsed) {
    problem(key, std::string(key) + " " + quoted(*written) + " is not a number of seconds");
    return std::nullopt;
  }
  if (const auto count = parsed->mantissa_at(-6)) {
    const Elapsed time(*count);
    if (time >= least && time <= most) return time;
  } else if (parsed->normalised().exponent < -6) {
    problem(key, std::string(key) + " " + quoted(*written) + " is finer than a microsecond");
    return std::nullopt;
  }
  problem(key, std::string(key) + " " + quoted(*written) + " is not from " + seconds_text(least) + " to " +
                   seconds_text(most) + " s");
  return std::nullopt;
}

std::optional<std::size_t> YamlFields::word(std::string_view key, std::span<const std::string_view> words) {
  const auto written = text(key);
  if (!written) return std::nullopt;
  const auto found = std::ranges::find(words, std::string_view(*written));
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  problem(key, std::string(key) + " " + quoted(*written) + " is none of: " + listed(words));
  return std::nullopt;
}

std::vector<YAML::Node> YamlFields::list(std::string_view key) {
  std::vector<YAML::Node> items;
  if (!has(key)) return items;
  if (!node(key).IsSequence()) {
    problem(key, std::string(key) + " must be a list");
    return items;
  }
  for (const auto& item : node(key)) items.push_back(item);
  return items;
}

}  // namespace ami::amictl
