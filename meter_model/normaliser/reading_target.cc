#include "meter_model/normaliser/reading_target.h"

#include <optional>
#include <utility>

#include "meter_model/quantity/quoted.h"
#include "meter_model/quantity/unit.h"

namespace ami {
namespace {

void replace_all(std::string& text, std::string_view field, const std::string& with) {
  for (std::size_t at = text.find(field); at != std::string::npos; at = text.find(field, at + with.size())) {
    text.replace(at, field.size(), with);
  }
}

bool fits_but_for_label(const UnitRule& rule, const SeriesObservation& said) {
  return (rule.unit == said.unit || rule.unit == kAnyUnit) && (rule.measure.empty() || rule.measure == said.measure) &&
         (rule.commodity.empty() || rule.commodity == said.commodity) &&
         (!rule.kind || *rule.kind == said.kind) && (!rule.channel || *rule.channel == said.channel);
}

std::string words(const SeriesObservation& said) {
  std::string text = "unit " + quoted(said.unit) + ", measure " + quoted(said.measure);
  if (!said.commodity.empty()) text += ", commodity " + quoted(said.commodity);
  if (!said.tou.empty()) text += ", label " + quoted(said.tou);
  return text + (said.kind == SeriesKind::Interval ? ", an interval series" : ", a register");
}

}  // namespace

std::string fill_template(std::string text, int period, int tou) {
  replace_all(text, kPeriodField, std::to_string(period));
  replace_all(text, kTouField, std::to_string(tou));
  return text;
}

TargetChooser::Choice TargetChooser::choose(const SeriesObservation& said) const {
  std::optional<int> index;  // of the label; no label is the total
  if (said.tou.empty()) {
    index = 0;
  } else if (const auto found = mapping_.tou.find(said.tou); found != mapping_.tou.end()) {
    index = found->second;
  }
  bool label_stood_in_the_way = false;
  for (std::size_t i = 0; i < mapping_.units.size(); ++i) {
    const UnitRule& rule = mapping_.units[i];
    if (!fits_but_for_label(rule, said)) continue;
    if (rule.tou && *rule.tou != "*") {
      if (*rule.tou != said.tou) continue;
      if (!index && rule.reading_type.find(kTouField) == std::string::npos) return {i, 0, nullptr, {}};
    }
    // A label without a meaning is never taken for a total.
    if (!index) {
      label_stood_in_the_way = true;
      continue;
    }
    if (rule.tou == "*" && *index < 1) continue;
    return {i, *index, nullptr, {}, rule.unit == kAnyUnit ? std::string(said.unit) : std::string{}};
  }
  if (label_stood_in_the_way) return {0, 0, "unknown_tou_label", "no meaning configured for " + words(said)};
  return {0, 0, "unknown_unit", "no rule in the mapping for " + words(said)};
}

const ReadingTarget* TargetChooser::target(const Choice& choice, std::chrono::seconds interval,
                                           const std::string& form, const char*& problem) {
  auto key = std::make_tuple(choice.rule, choice.tou, static_cast<std::int64_t>(interval.count()), form,
                             choice.unit);
  if (const auto found = known_.find(key); found != known_.end()) return &found->second;

  const UnitRule& rule = mapping_.units[choice.rule];
  int period = 0;
  if (rule.reading_type.find(kPeriodField) != std::string::npos) {
    const std::optional<int> code = measuring_period_code(interval.count());
    if (!code) {
      problem = "unknown_interval_length";
      return nullptr;
    }
    period = *code;
  }
  const bool as_said = rule.unit == kAnyUnit;
  const auto parsed =
      ReadingType::parse(as_said ? choice.unit : fill_template(rule.reading_type, period, choice.tou));
  if (!parsed || (as_said && unit_symbol((*parsed)[ReadingType::Unit]).empty())) {
    problem = as_said ? "unknown_unit" : "bad_mapping";
    return nullptr;
  }
  ReadingType as_sent = *parsed;
  if (const auto phases = rule.phases_by_form.find(form); phases != rule.phases_by_form.end()) {
    as_sent.parts[ReadingType::Phases] = phases->second;
  }
  const ReadingType canonical = as_sent.canonical().unscaled();
  ReadingTarget target{as_sent, canonical.to_string(),
                       std::string(unit_symbol(canonical[ReadingType::Unit]))};
  return &known_.emplace(std::move(key), std::move(target)).first->second;
}

}  // namespace ami
