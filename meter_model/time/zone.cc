#include "meter_model/time/zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include "meter_model/quantity/quoted.h"

namespace ami {
namespace {

using namespace std::chrono;

absl::CivilSecond to_absl(CivilTime civil) {
  return absl::CivilSecond(1970, 1, 1) + floor<seconds>(civil.time_since_epoch()).count();
}

UtcInstant from_absl(absl::Time time) {
  return UtcInstant{seconds{absl::ToUnixSeconds(time)}};
}

// Only names of the IANA database: no paths, no "localtime", nothing that depends on the machine's settings.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name == "localtime") return false;
  if (name.front() < 'A' || name.front() > 'Z') return false;
  for (const char c : name) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!letter && !(c >= '0' && c <= '9') && c != '/' && c != '_' && c != '-' && c != '+') return false;
  }
  return true;
}

}  // namespace

struct Zone::Impl {
  std::string name;
  absl::TimeZone rules;
};

Result<Zone> Zone::load(std::string_view iana_name) {
  absl::TimeZone rules;
  if (!is_zone_name(iana_name) || !absl::LoadTimeZone(std::string(iana_name), &rules)) {
    return permanent("unknown time zone " + quoted(iana_name) +
                     "; wanted a name of the IANA database such as America/Toronto (is tzdata installed?)");
  }
  return Zone(std::make_shared<const Impl>(Impl{std::string(iana_name), rules}));
}

Zone Zone::utc() {
  return Zone(std::make_shared<const Impl>(Impl{"UTC", absl::UTCTimeZone()}));
}

const std::string& Zone::name() const noexcept {
  return impl_->name;
}

Zone::Candidates Zone::resolve(CivilTime civil) const {
  const microseconds fraction = civil.time_since_epoch() - floor<seconds>(civil.time_since_epoch());
  const absl::TimeZone::TimeInfo info = impl_->rules.At(to_absl(civil));
  switch (info.kind) {
    case absl::TimeZone::TimeInfo::UNIQUE: {
      const UtcInstant only = from_absl(info.pre) + fraction;
      return {1, only, only};
    }
    case absl::TimeZone::TimeInfo::REPEATED:
      return {2, from_absl(info.pre) + fraction, from_absl(info.post) + fraction};
    case absl::TimeZone::TimeInfo::SKIPPED:
      break;
  }
  return {};
}

CivilTime Zone::civil(UtcInstant instant) const {
  const seconds whole = floor<seconds>(instant.time_since_epoch());
  const absl::TimeZone::CivilInfo info = impl_->rules.At(absl::FromUnixSeconds(whole.count()));
  const absl::civil_diff_t face = info.cs - absl::CivilSecond(1970, 1, 1);
  return CivilTime{seconds{face} + (instant.time_since_epoch() - whole)};
}

Zone::Day Zone::civil_day(year_month_day date) const {
  const auto first_instant = [&](absl::CivilDay day) {
    const absl::TimeZone::TimeInfo info = impl_->rules.At(absl::CivilSecond(day));
    // Where clocks jump over midnight the day begins at the jump; where midnight repeats, at the earlier one.
    return from_absl(info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre);
  };
  const absl::CivilDay day(static_cast<int>(date.year()),
                           static_cast<int>(static_cast<unsigned>(date.month())),
                           static_cast<int>(static_cast<unsigned>(date.day())));
  return {first_instant(day), first_instant(day + 1)};
}

}  // namespace ami
