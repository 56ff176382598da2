#include "daemon/commands/reset_verdict.h"

#include <algorithm>
#include <array>
#include <map>

#include "meter_model/quantity/reading_type.h"

namespace ami::daemon::commands {
namespace {

using storage::ResetFacts;
using storage::ResetValue;
using storage::Verification;

constexpr std::int32_t kPrevious = 16;                    // measuring period of a copy
constexpr std::array<std::int32_t, 2> kCumulative{2, 3};  // accumulations that are no maximum
constexpr std::int32_t kTimeStamp = 108;                  // unit of the time of a maximum
constexpr std::chrono::minutes kClock{5};                 // that a meter's clock may be off
// Counts that begin again at 0 after it: one byte in Standard Table 23, two digits on displays.
constexpr std::array<std::int64_t, 3> kLastCounts{99, 255, 65535};

struct Value {
  ReadingType type;
  const ResetValue* stored = nullptr;
  Decimal value;  // in the unit itself
};

// Maxima that are about the same demand, whatever their interval is called.
ReadingType same_demand(ReadingType type) {
  for (const auto part : {ReadingType::MacroPeriod, ReadingType::MeasuringPeriod, ReadingType::Accumulation,
                          ReadingType::Multiplier})
    type.parts[part] = 0;
  return type;
}

bool is_maximum(const Value& value) {
  return value.type[ReadingType::Unit] != kTimeStamp &&
         std::ranges::find(kCumulative, value.type[ReadingType::Accumulation]) == kCumulative.end();
}

std::vector<Value> typed(const std::vector<ResetValue>& values, bool counts) {
  std::vector<Value> out;
  for (const ResetValue& stored : values) {
    const auto type = ReadingType::parse(stored.reading_type);
    if (!type || (quantity_of(*type) == Quantity::DemandResetCount) != counts) continue;
    const auto in_unit = stored.value.shifted((*type)[ReadingType::Multiplier]);
    const Value value{*type, &stored, in_unit.value_or(stored.value)};
    if (counts || is_maximum(value)) out.push_back(value);
  }
  return out;
}

std::string told(const Value& value) {
  const std::int32_t unit = value.type[ReadingType::Unit];
  const char* const name = unit == 38 ? " W" : unit == 61 ? " VA" : unit == 63 ? " var" : "";
  return value.value.normalised().to_string() + name;
}

// One thing that was compared, or was missing.
struct Part {
  enum class Kind { Agrees, Contradicts, Missing } kind = Kind::Missing;
  std::string words;
};

Part compare_counts(const ResetFacts& facts, UtcInstant reset_at) {
  const auto before = typed(facts.came_before, true), after = typed(facts.came_after, true);
  if (before.empty()) return {Part::Kind::Missing, "no count of resets came with a read before"};
  // The meter's own clock orders the two; a count that it took before the reset says nothing.
  const Value& first = before.back();
  const auto last = std::ranges::find_if(after.rbegin(), after.rend(), [&](const Value& value) {
    return value.stored->at > first.stored->at && value.stored->at >= reset_at;
  });
  if (last == after.rend()) return {Part::Kind::Missing, "no count of resets was read since"};
  const auto was = first.value.mantissa_at(0), is = last->value.mantissa_at(0);
  const std::string words = "reset count " + told(first) + " before, " + told(*last) + " after";
  const bool wrapped = was && is && *is == 0 && std::ranges::find(kLastCounts, *was) != kLastCounts.end();
  const bool one = was && is && (*is == *was + 1 || wrapped);
  return {one ? Part::Kind::Agrees : Part::Kind::Contradicts, words};
}

// The copy says so itself, or it is the value of a period that was closed by the reset: it began before,
// ended then, and a later value of the same demand goes on.
bool is_copy(const Value& value, const std::vector<Value>& all, UtcInstant from, UtcInstant to) {
  if (value.type[ReadingType::MeasuringPeriod] == kPrevious) return true;
  const ResetValue& stored = *value.stored;
  if (!stored.period_start || *stored.period_start >= from) return false;
  if (stored.at < from - kClock || stored.at > to + kClock) return false;
  return std::ranges::any_of(all, [&](const Value& other) {
    return same_demand(other.type) == same_demand(value.type) && other.stored->at > stored.at;
  });
}

std::vector<Part> compare_copies(const ResetFacts& facts, UtcInstant reset_at, UtcInstant until) {
  const auto before = typed(facts.came_before, false), after = typed(facts.came_after, false);
  std::vector<Part> out;
  std::map<std::string, const Value*> newest;
  for (const Value& value : after) {
    if (is_copy(value, after, reset_at, until)) newest[same_demand(value.type).to_string()] = &value;
  }
  bool copies = false, maxima = false;
  for (const auto& [demand, copy] : newest) {
    copies = true;
    const auto read = std::ranges::find_if(before.rbegin(), before.rend(), [&](const Value& value) {
      return same_demand(value.type).to_string() == demand &&
             value.type[ReadingType::MeasuringPeriod] != kPrevious;
    });
    if (read == before.rend()) continue;
    maxima = true;
    std::string words = "maximum read before " + told(*read) + ", copy of the previous period " + told(*copy);
    const bool grew = copy->value > read->value && copy->stored->occurred_at &&
                      *copy->stored->occurred_at > read->stored->at;
    if (grew) words += ", which came about after that read";
    out.push_back({copy->value == read->value || grew ? Part::Kind::Agrees : Part::Kind::Contradicts, words});
  }
  if (!copies) return {{Part::Kind::Missing, "no copy of the previous period came since"}};
  if (!maxima) return {{Part::Kind::Missing, "no maximum came with a read before"}};
  return out;
}

}  // namespace

ResetVerdict judge_reset(const ResetFacts& facts) {
  const UtcInstant reset_at = facts.reset.sent_at.value_or(facts.reset.created_at);
  const UtcInstant until = facts.reset.answer.at.value_or(facts.reset.ended_at.value_or(reset_at));
  std::vector<Part> parts = compare_copies(facts, reset_at, until);
  parts.insert(parts.begin(), compare_counts(facts, reset_at));
  const auto any = [&](Part::Kind kind) {
    return std::ranges::find(parts, kind, &Part::kind) != parts.end();
  };
  ResetVerdict verdict;
  verdict.outcome = any(Part::Kind::Contradicts) ? Verification::Contradicted
                    : any(Part::Kind::Agrees)    ? Verification::Verified
                                                 : Verification::NotVerifiable;
  verdict.complete = !any(Part::Kind::Missing);
  // What decides comes first.
  std::ranges::stable_sort(parts, {}, [](const Part& part) {
    return part.kind == Part::Kind::Contradicts ? 0 : part.kind == Part::Kind::Agrees ? 1 : 2;
  });
  for (const Part& part : parts) verdict.words += (verdict.words.empty() ? "" : "; ") + part.words;
  return verdict;
}

}  // namespace ami::daemon::commands
