// Validation as the store sees it: which meter-days are due, what is known of them, and what was found.
// Blocking, thread-safe. What a check is, and its bounds, is not known here (meter_model/vee,
// daemon/validation).
//
// Findings and estimates stand beside the values and change none. Each is dated (found_at, gone_at), so an
// answer as of an earlier moment has those that stood then.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/quantity/quality.h"
#include "storage/postgres/database.h"
#include "storage/postgres/meter_day.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct ValidationRules {
  std::chrono::seconds settle{
      900};  // a meter-day is looked at so long after its last change, and never before it ended
  std::size_t batch = 500;  // meter-days a step
};

// What a check says of intervals, a register reading or a whole meter.
struct DayFinding {
  ChannelId channel = 0;  // 0 = the meter: no value carries its code
  std::chrono::seconds length{
      0};                  // of the intervals [from, to) consists of; 0 = register readings at from and to
  Period period;           // from = to: one reading
                           // at most 62 days: readers look no further
  std::int16_t check = 0;  // 14 = V14
  QualityCode quality;
  std::string advice, words;  // "SAFETY_EVENT"; for a person, with the numbers
  bool operator==(const DayFinding&) const = default;
};

// Values for consecutive intervals that have none.
struct DayEstimate {
  ChannelId channel = 0;
  UtcInstant first_start{};
  std::chrono::seconds length{0};
  std::int32_t exponent = 0;
  std::vector<std::int64_t> mantissas;
  std::string method, algorithm;  // "LINEAR", "ami.vee.interval-estimation"
  int version = 0;
  std::string inputs;  // JSON: what it was made from
  bool operator==(const DayEstimate&) const = default;
};

struct DayVerdict {
  bool judged = true;   // false: its feed's profile is off; what was found before is taken back
  std::string profile;  // and a digest of the thresholds: what it was judged by
  std::vector<DayFinding> findings;
  std::vector<DayEstimate> estimates;
  std::optional<UtcInstant> again_at;  // look once more then: holes that are not due yet
};
using DayJudge = std::function<DayVerdict(const MeterDayFacts&)>;  // pure; any thread

struct ValidationStep {
  bool busy = false;  // another gateway is at it; nothing was done
  bool more = false;  // call again: there is more to do now
  std::size_t changes = 0, judged = 0, found = 0, gone = 0, estimated = 0;
};

struct FindingRow {
  std::int64_t id = 0;
  MeterId meter = 0;
  std::string meter_key;
  std::chrono::year_month_day date{};
  DayFinding finding;
  std::string channel_key, profile;
  UtcInstant found_at{};
  std::optional<UtcInstant> gone_at;
};
struct FindingQuery {
  UtilityId utility = 0;
  std::optional<MeterId> meter{};
  std::optional<std::int16_t> check{};
  std::optional<std::chrono::year_month_day> first{}, last{};  // civil days
  bool gone_too = false;
  PageRequest page{};  // by id
};

// How many meters a check hit on a civil day, of those that were judged by the same profile.
struct CheckShare {
  UtilityId utility = 0;
  std::chrono::year_month_day date{};
  std::int16_t check = 0;
  std::int64_t hit = 0, judged = 0;
  std::string profile;  // as in DayVerdict
  bool operator==(const CheckShare&) const = default;
};

// What stood at an earlier moment about a meter's civil day: findings of its values or with it as their day,
// and estimates for intervals that begin in it.
struct DaySaid {
  std::vector<FindingRow> findings;  // by id
  struct Made {
    DayEstimate estimate;
    UtcInstant at{};
  };
  std::vector<Made> estimates;  // by channel, time
};

class Validation {
 public:
  explicit Validation(Database& database) : database_(database) {}

  // One bounded piece of work in one transaction: reads the change feed into the queue, then judges what is
  // due. A change brings the civil days back that overlap [its begin, its end + 26 h], an event also 26 h
  // before it, a register reading also days near it with estimates, a value or reading also the day before
  // where that has holes, and those of the next 62 days that have too many estimated days before them. An
  // estimate that is made or goes, and a day in which a channel is silent of which something was found (but for
  // days that were ordered, where nothing changed), bring the day after; what is found of a run of values
  // from midnight on, or no more, brings the day before. Several gateways may call it: one
  // works, the others get `busy`. Cut off anywhere, the next call goes on. `judge` that throws leaves
  // everything as it was.
  Result<ValidationStep> step(const ValidationRules& rules, UtcInstant now, const DayJudge& judge);

  // As a step would see it, or would have seen it at that moment: then without a history and
  // days of estimates, and with assets and places as they are known now. NotFound: no such meter in the
  // utility.
  Answer<MeterDayFacts> facts(const MeterDate& of, std::optional<UtcInstant> as_of = {});
  // `day`: the civil day, as in the facts.
  Answer<DaySaid> said(const MeterDate& of, const Period& day, UtcInstant as_of);

  // Puts them into the queue, due at once; days that are not over, when they are. An order stands whatever
  // changes are read after it, until the day was judged. At most 1,000,000 meter-days a call. Empty meters =
  // all of the utility.
  Answer<std::int64_t> revalidate(UtilityId utility, const std::vector<MeterId>& meters,
                                  std::chrono::year_month_day first, std::chrono::year_month_day last);

  Answer<PageOf<FindingRow>> findings(const FindingQuery& query);
  // Of days with a judgement since then; what was judged by a profile that is not known is left out.
  Answer<std::vector<CheckShare>> shares(UtcInstant changed_since);
  // Keeps shares that are too large; returns those that were not kept yet, whoever kept them.
  Answer<std::vector<CheckShare>> keep_suspects(const std::vector<CheckShare>& shares);
  // Those kept of these days; by date, check, profile.
  Answer<std::vector<CheckShare>> suspects(UtilityId utility,
                                           const std::vector<std::chrono::year_month_day>& dates);
  Answer<std::int64_t> waiting(
      std::optional<UtcInstant> now = {});  // meter-days in the queue that are due; default: now

 private:
  Database& database_;
};

}  // namespace ami::storage
