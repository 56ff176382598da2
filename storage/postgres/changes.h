// The reader's side of the change feed. Blocking, thread-safe; nothing is held between two calls.
//
// A change is delivered once no transaction with a lower number can still commit one, so a reader who goes on
// from where it stopped never misses a late commit and always sees the same order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/change_cursor.h"
#include "storage/postgres/readers.h"

namespace ami::storage {

enum class ChangeEntity : std::uint8_t { IntervalDay = 1, IntervalOdd = 2, Register = 3, Event = 4 };

// A row of the table `change`; what its numbers mean stands there (storage/schema/0005_changes.sql).
struct ChangeRow {
  ChangePosition at;
  UtcInstant changed_at{};
  MeterId meter = 0;
  ChangeEntity entity = ChangeEntity::IntervalDay;
  std::optional<ChannelInfo> channel;  // nullopt for an event
  std::chrono::sys_days day{};
  std::int32_t interval_s = 0;
  std::int64_t version = 0;
  std::optional<UtcInstant> time;  // nullopt: all of `day`
  // 0: not known, written by a release that did not say. 4 is also said where only our validation changed its
  // mind; 32 where an estimate was made, replaced or taken back (a value that arrives is 1 or 2, with or
  // without one).
  std::int16_t kinds = 0;
  std::vector<std::int16_t> slots;
  std::vector<std::int64_t> old;
};

struct ChangeQuery {
  UtilityId utility = 0;
  // With either list: only changes of these meters, or of meters that ever were at these usage points.
  std::vector<MeterId> meters{};
  std::vector<UsagePointId> usage_points{};
  ChannelFilter channels{};  // given one, events are left out
  std::int16_t kinds = 0;    // bits wanted, 0 = all; a change of unknown kind always comes
  std::size_t size = 200;
  std::size_t scan = 20'000;  // looks at no more changes than this, so that a rare match costs no long query
};

// Why a cursor does not lead anywhere.
enum class CursorFault : std::uint8_t {
  None,
  OtherFeed,  // of another database, or of this one before it was restored
  TooOld,     // what followed it is no longer kept
  Ahead,      // this database has not come that far: it was restored to an earlier time
};

struct ChangePage {
  CursorFault fault = CursorFault::None;  // with one there are no rows, and `oldest` is where to begin anew
  ChangeCursor oldest;
  std::vector<ChangeRow> rows;  // in order
  ChangeCursor next;            // go on from here; further on than the last row when others did not match
  bool caught_up = false;       // nothing more can be delivered now
  Dictionary dictionary;        // qualities of old values
};

struct FeedBounds {
  ChangeCursor oldest,
      newest;  // every change after `oldest` is kept; after `newest` none can be delivered yet
  std::chrono::milliseconds held_back{0};  // age of the oldest change that waits for a running transaction
};

struct Subscriber {
  std::string name;
  ChangeCursor cursor;  // acknowledged up to here
  UtcInstant acked_at{};
  std::string acked_by;
  std::int64_t waiting = 0;  // changes of the utility after it, counted up to kMostCounted
  static constexpr std::int64_t kMostCounted = 100'000;
  std::chrono::milliseconds lag{0};  // age of the first of them
  bool too_old = false;              // what followed is no longer kept: it must begin anew
};

struct FeedHealth {
  struct Lag {
    std::string utility;  // key
    std::string name;
    std::chrono::milliseconds lag{0};  // as in Subscriber
  };
  std::chrono::milliseconds held_back{0};
  std::vector<Lag> subscribers;
};

struct AckRequest {
  UtilityId utility = 0;
  std::string subscriber;
  ChangeCursor cursor;
  std::string by;       // who says so
  bool rewind = false;  // may go backwards
};
struct AckResult {
  CursorFault fault = CursorFault::None;
  ChangeCursor oldest;  // with a fault
  ChangeCursor stored;  // what is acknowledged now; further on than asked when that was no rewind
};

// Where a meter was when.
struct MeterStay {
  MeterId meter = 0;
  std::int64_t installation = 0;
  UsagePointId usage_point = 0;
  Period period;
  Decimal multiplier{1, 0};
};

class Changes {
 public:
  static constexpr std::size_t kMostSubscribers = 256;  // of a utility

  explicit Changes(Database& database) : Changes(database, database) {}
  // Values and stays are read through `reading`, which may see less.
  Changes(Database& database, Database& reading) : database_(database), reading_(reading) {}

  Answer<FeedBounds> bounds(UtilityId utility);
  Answer<ChangePage> page(const ChangeQuery& query, const ChangeCursor& after);

  // Kept with the utility's other subscribers. Collision: there are too many of them.
  Answer<AckResult> ack(const AckRequest& request);
  Answer<bool> forget(UtilityId utility, const std::string& subscriber);  // false: was not known
  Answer<std::optional<ChangeCursor>> acked(UtilityId utility, const std::string& subscriber);
  Answer<std::vector<Subscriber>> subscribers(UtilityId utility);  // by name

  Answer<FeedHealth> health();  // over all utilities, for metrics

  // Months of changes that end before then; at least 35 days are kept whatever is asked. Returns their
  // tables.
  Answer<std::vector<std::string>> drop_older_than(UtcInstant instant);

  Answer<std::vector<MeterStay>> stays(const std::vector<MeterId>& meters);  // by meter, time

 private:
  Database& database_;
  Database& reading_;
};

}  // namespace ami::storage
