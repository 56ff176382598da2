#include "meter_model/approval/verification.h"

#include <algorithm>
#include <utility>

namespace ami::approval {
namespace {

VerificationVerdict verdict(Verification status, std::string reason, std::optional<std::size_t> record) {
  return {status, std::move(reason), record};
}

}  // namespace

std::string_view name_of(Verification verification) {
  switch (verification) {
    case Verification::InPeriod:
      return "IN_PERIOD";
    case Verification::Expired:
      return "EXPIRED";
    case Verification::NotVerified:
      return "NOT_VERIFIED";
    case Verification::Unknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

VerificationVerdict verification_at(std::span<const VerificationRecord> records,
                                    std::span<const SealBreak> breaks, UtcInstant at, const Zone& zone) {
  const auto day_of = [&](UtcInstant instant) {
    return Date{std::chrono::floor<std::chrono::days>(zone.civil(instant))};
  };
  const Date today = day_of(at);
  std::optional<std::size_t> newest;
  bool undated = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    undated = undated || !records[i].sealed;
    if (!records[i].sealed || *records[i].sealed > today) continue;
    if (!newest || *records[*newest].sealed <= *records[i].sealed) newest = i;
  }
  const SealBreak* broken = nullptr;
  for (const SealBreak& one : breaks) {
    if (one.at <= at && (broken == nullptr || broken->at < one.at)) broken = &one;
  }
  if (broken != nullptr) {
    const Date day = day_of(broken->at);
    const std::string told = "seal broken on " + to_text(day) + " (" + broken->cause + ")";
    if (!newest && undated)
      return verdict(Verification::Unknown, told + "; a seal without day is on record", newest);
    if (!newest || *records[*newest].sealed < day)
      return verdict(Verification::NotVerified, told + ", not sealed since", newest);
    if (*records[*newest].sealed == day)
      return verdict(Verification::Unknown, told + ", the day of the seal: which came first is not recorded",
                     newest);
  }
  if (!newest) {
    return verdict(
        Verification::Unknown,
        undated ? "the day of the seal is not recorded" : "no verification is on record for that day",
        newest);
  }
  const VerificationRecord& record = records[*newest];
  if (record.certificate.empty()) return verdict(Verification::Unknown, "no certificate is recorded", newest);
  if (!record.due_year) return verdict(Verification::Unknown, "no due year is recorded", newest);
  const std::string due = "due in " + std::to_string(*record.due_year);
  if (*record.due_year < static_cast<int>(record.sealed->year()))
    return verdict(Verification::Unknown, due + ", before it was sealed", newest);
  if (static_cast<int>(today.year()) > *record.due_year) return verdict(Verification::Expired, due, newest);
  return verdict(Verification::InPeriod, due, newest);
}

}  // namespace ami::approval
