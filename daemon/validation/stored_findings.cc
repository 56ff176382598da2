#include "daemon/validation/stored_findings.h"

#include <algorithm>
#include <tuple>

namespace ami::validation {
namespace {

constexpr std::size_t kLongestWords = 500;

std::string words_of(const vee::Finding& finding) {
  std::string text = finding.words;
  for (std::size_t i = 0; i < finding.figures.size(); ++i) {
    const vee::Figure& figure = finding.figures[i];
    text += (i == 0 ? ": " : ", ") + std::string(figure.name) + " " + figure.value.to_string();
    if (!figure.unit.empty()) text += " " + std::string(figure.unit);
  }
  if (text.size() > kLongestWords) text.resize(kLongestWords);
  return text;
}

storage::DayFinding base(const vee::Finding& finding) {
  storage::DayFinding stored;
  stored.check = static_cast<std::int16_t>(static_cast<int>(finding.check) + 1);
  stored.quality = finding.quality;
  if (finding.advice != vee::Advice::Keep) stored.advice = name_of(finding.advice);
  stored.words = words_of(finding);
  return stored;
}

std::string inputs_of(const vee::Estimate& estimate) {
  std::string text = estimate.register_scaled ? R"({"register_scaled":true,"inputs":[)" : R"({"inputs":[)";
  for (std::size_t i = 0; i < estimate.inputs.size(); ++i) {
    const vee::CitedInput& input = estimate.inputs[i];
    if (i > 0) text += ',';
    text += R"({"kind":")" + std::string(name_of(input.kind)) + R"(","at":")" + to_text(input.at) + R"("})";
  }
  return text + "]}";
}

auto rank(const Period& period) {
  return std::tuple(period.from, period.to);
}

}  // namespace

storage::DayFinding meter_finding(const Period& day, const vee::Finding& finding) {
  storage::DayFinding stored = base(finding);
  stored.period = finding.from && finding.to ? Period{*finding.from, *finding.to} : day;
  return stored;
}

storage::DayFinding register_finding(ChannelId channel, const vee::Finding& finding) {
  storage::DayFinding stored = base(finding);
  stored.channel = channel;
  const UtcInstant at = finding.to.value_or(finding.from.value_or(UtcInstant{}));
  stored.period = {at, at};
  return stored;
}

std::vector<storage::DayFinding> interval_findings(const JudgedChannel& channel, const Period& day,
                                                   const vee::Finding& finding, ChannelId demand) {
  using vee::Check;
  storage::DayFinding stored = base(finding);
  if (finding.check == Check::ProlongedEstimation) {
    // 2.8.0 is no code for the day's measured values: it is said of the meter, with the channel's name.
    stored.words = channel.channel.key + ": " + stored.words;
    stored.period = day;
    return {stored};
  }
  stored.channel = channel.channel.id;
  stored.length = channel.input.length;
  if (finding.check == Check::IntervalSum && finding.from && finding.to) {
    stored.period = {*finding.from, *finding.to};  // may begin the day before
    return {stored};
  }
  if (finding.check == Check::Demand && finding.slots.count == 0 && finding.to) {
    return {register_finding(demand, finding)};
  }
  std::vector<storage::DayFinding> found;
  if (finding.slots.count > 0) {
    const vee::SlotRange& slots = finding.slots;
    const bool empty_day = channel.input.values.empty();
    // Without a single slot the finding counts those of the day's grid and says when.
    stored.period = empty_day && finding.from && finding.to
                        ? Period{*finding.from, *finding.to}
                        : Period{channel.input.start_of(slots.first),
                                 channel.input.end_of(slots.first + slots.count - 1)};
    found.push_back(stored);
  }
  const bool of_odd = std::ranges::any_of(channel.odd, [&](const vee::OddInterval& odd) {
    return finding.from && finding.to && odd.start == *finding.from && odd.end == *finding.to;
  });
  if (of_odd && finding.check != Check::UseWhileOff) {
    stored.period = {*finding.from, *finding.to};
    stored.length = std::chrono::floor<std::chrono::seconds>(*finding.to - *finding.from);
    found.push_back(stored);
  }
  if (found.empty()) {  // of the channel's whole day
    stored.period = day;
    stored.channel = 0;
    stored.length = std::chrono::seconds{0};
    found.push_back(stored);
  }
  return found;
}

std::vector<storage::DayEstimate> stored_estimates(const JudgedChannel& channel) {
  std::vector<storage::DayEstimate> stored;
  for (const vee::Estimate& estimate : channel.estimation.estimates) {
    stored.push_back({.channel = channel.channel.id,
                      .first_start = channel.input.start_of(estimate.slots.first),
                      .length = channel.input.length,
                      .exponent = estimate.exponent,
                      .mantissas = estimate.values,
                      .method = std::string(name_of(estimate.method)),
                      .algorithm = std::string(vee::kEstimationAlgorithm),
                      .version = vee::kEstimationVersion,
                      .inputs = inputs_of(estimate)});
  }
  return stored;
}

void settle(storage::DayVerdict& verdict) {
  auto& findings = verdict.findings;
  std::ranges::sort(findings, {}, [](const storage::DayFinding& f) {
    return std::tuple_cat(std::tuple(f.channel, f.length), rank(f.period),
                          std::tuple(f.check, f.quality, f.advice, f.words));
  });
  findings.erase(std::ranges::unique(findings).begin(), findings.end());
  std::ranges::sort(verdict.estimates, {}, [](const storage::DayEstimate& e) {
    return std::tuple(e.channel, e.length, e.first_start);
  });
}

}  // namespace ami::validation
