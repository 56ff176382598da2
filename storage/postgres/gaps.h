// What should have come and has not: the job that compares, and the questions about it. Blocking,
// thread-safe. Meaning of expected, missing and gap: docs/gaps.md and storage/postgres/gaps_judge.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/assets.h"
#include "storage/postgres/database.h"
#include "storage/postgres/gaps_judge.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

struct CollectionRules {
  std::chrono::seconds grace{std::chrono::hours{30}};  // after the end of a civil day, until it is judged
  bool registers_daily =
      false;                 // a register that came on most days of a week is expected each day from then on
  std::size_t batch = 2000;  // series a step
};

struct GapStep {
  bool busy = false;                    // another gateway is at it; nothing was done
  bool more = false;                    // call again: there is more to do now
  std::size_t changes = 0;              // of the change feed that were read
  std::size_t judged = 0;               // series, each over one stretch of time
  std::size_t written = 0, closed = 0;  // gaps
};

enum class GapState : std::uint8_t { Open, Requested, Closed, GivenUp };

struct GapRow {
  std::int64_t id = 0;
  std::string meter, usage_point;  // keys
  std::string channel, reading_type, unit, feed;
  UtcInstant from{}, to{};
  std::chrono::seconds interval{0};  // 0 = one value a civil day
  std::int64_t slots = 0;            // missing
  GapReason reason = GapReason::NotReceived;
  GapState state = GapState::Open;
  UtcInstant found_at{};
  std::optional<UtcInstant> settled_at;
  std::string note;
  std::optional<UtcInstant> given_up_at;
  std::string given_up_by, given_up_reason;
  int tries = 0;  // of the gateway to get its values: storage/postgres/backfills.h
};

struct GapQuery {
  UtilityId utility = 0;
  std::optional<MeterId> meter{};
  std::optional<UsagePointId> usage_point{};  // gaps of whatever meter was there
  std::vector<std::string> feeds{};           // empty = all
  std::vector<GapState> states{};             // empty = all
  Period period{};                            // overlaps
  PageRequest page{};                         // by id
};

struct CompletenessQuery {
  enum class By : std::uint8_t { Feed, Feeder, Channel };
  UtilityId utility = 0;
  std::vector<std::chrono::year_month_day> days{};  // civil, each in the zone of its usage point
  By by = By::Feed;
  std::vector<std::string> feeds{};  // empty = all
  std::optional<std::string> feeder{};
  std::optional<MeterId> meter{};
  std::optional<UsagePointId> usage_point{};
};
struct CompletenessRow {
  std::chrono::year_month_day day{};
  std::string feed, feeder;                  // as grouped; else empty
  std::string meter, channel, reading_type;  // by channel only
  std::int64_t channels = 0;                 // judged, of which a value was expected
  std::int64_t waiting = 0;                  // of which one is expected, and the day is not judged yet
  std::int64_t expected = 0, missing = 0, given_up = 0;  // values of the judged; missing holds given_up too
  [[nodiscard]] std::int64_t received() const { return expected - missing; }
};

// Of one feed, over every utility.
struct CollectionFigures {
  std::string feed;
  std::int64_t open_gaps = 0, missing = 0;         // values, in open gaps
  std::optional<std::chrono::year_month_day> day;  // the newest that is judged
  std::int64_t day_expected = 0, day_received = 0;
};

class Gaps {
 public:
  explicit Gaps(Database& database) : database_(database) {}

  // One bounded piece of the comparison, in one transaction: what came or changed since the last, then days
  // whose grace has passed. Several gateways may call it: one works, the others get `busy`. Cut off anywhere,
  // the next call goes on.
  Result<GapStep> step(const CollectionRules& rules, UtcInstant now);

  Answer<PageOf<GapRow>> list(const GapQuery& query);

  // By day, then by feed, feeder, or meter and channel. At most 62 days.
  Answer<std::vector<CompletenessRow>> completeness(const CompletenessQuery& query);

  // All of `ids` or none. Kept in asset_audit, with who and why. A gap that is given up already by the same
  // actor for the same reason stays as it is; by another, or a closed one: Collision. Unknown in this
  // utility: NotFound.
  Answer<std::vector<GapRow>> give_up(UtilityId utility, const std::vector<std::int64_t>& ids,
                                      const std::string& reason, const std::string& actor, UtcInstant now);
  // Makes them OPEN again, as if never asked for; those that are open stay as they are. Closed: Collision.
  Answer<std::vector<GapRow>> undo_give_up(UtilityId utility, const std::vector<std::int64_t>& ids,
                                           const std::string& actor);

  Answer<std::vector<CollectionFigures>> figures(const CollectionRules& rules, UtcInstant now);

 private:
  Database& database_;
};

}  // namespace ami::storage
