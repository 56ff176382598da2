#include "meter_model/vee/report.h"

#include <algorithm>
#include <array>

namespace ami::vee {

const Decimal* figure(const Figures& figures, std::string_view name) {
  const auto found = std::ranges::find(figures, name, &Figure::name);
  return found == figures.end() ? nullptr : &found->value;
}

std::string_view name_of(Advice advice) {
  constexpr std::array<std::string_view, 7> kNames{
      "KEEP", "EXCLUDE_FROM_BILLING", "UNUSABLE", "REFUSE_TO_STAMP", "DISCARD", "QUARANTINE", "SAFETY_EVENT"};
  return kNames[static_cast<std::size_t>(advice)];
}

std::string_view name_of(Verdict verdict) {
  constexpr std::array<std::string_view, 3> kNames{"PASSED", "FAILED", "NOT_JUDGED"};
  return kNames[static_cast<std::size_t>(verdict)];
}

void Report::found(Finding finding) {
  if (explains()) judgements_.push_back({finding.check, Verdict::Failed, finding.figures, finding.words});
  findings_.push_back(std::move(finding));
}

void Report::passed(Check check, Figures figures) {
  if (explains()) judgements_.push_back({check, Verdict::Passed, std::move(figures), {}});
}

void Report::not_judged(Check check, std::string_view why) {
  if (explains()) judgements_.push_back({check, Verdict::NotJudged, {}, std::string(why)});
}

bool Report::found_by(Check check) const {
  return std::ranges::find(findings_, check, &Finding::check) != findings_.end();
}

void Report::clear() {
  findings_.clear();
  judgements_.clear();
}

QualitySet codes_of_slot(const std::vector<Finding>& findings, std::size_t slot) {
  QualitySet codes;
  for (const Finding& finding : findings) {
    if (slot >= finding.slots.first && slot - finding.slots.first < finding.slots.count)
      add(codes, finding.quality);
  }
  return codes;
}

}  // namespace ami::vee
