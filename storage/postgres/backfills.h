// Open gaps whose values are asked for again by the gateway itself: which are due, who asks, how often it
// was, and when nobody asks any more. docs/gaps.md. Blocking, thread-safe.
//
// A gap is claimed before it is asked for, in one transaction, so that of several gateways one asks; the
// operation that asks has the claim's request_id, so that a claim whose gateway died is carried out by
// another, once.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/postgres/operations.h"

namespace ami::storage {

struct BackfillRules {
  std::chrono::seconds after{std::chrono::hours{12}};  // a gap was found, until it is asked for
  int tries = 3;                                       // that count; then it is given up
  std::chrono::seconds pause{std::chrono::hours{6}};   // after the first time; doubles each time
  std::chrono::seconds longest{std::chrono::days{7}};  // pause
  std::size_t per_hour = 600;                          // meters of one feed
};

// A gap that is due.
struct DueGap {
  std::int64_t id = 0;
  UtilityId utility = 0;
  std::string meter, feed;  // key; where the channel's newest values came from
  Period period;
  Period days;   // the whole civil days that hold it
  Period asked;  // what is asked for: the gap itself, unless whoever asks says otherwise
};

// Gaps that one operation asks for, all of one period.
struct GapClaim {
  std::string request_id;
  UtilityId utility = 0;
  std::string feed;  // that is asked
  Period period;
  std::vector<std::string> meters;  // keys, each once
};

// Meters that somebody asks for.
struct MeterChoice {
  UtilityId utility = 0;
  std::vector<std::string> keys{};  // of these; empty = of all
  std::string feed{};               // whose newest values come from it; empty = any
  bool open_gaps_only = false;      // that reach into `period`
  Period period{};
};

struct BackfillStep {
  std::map<std::string, std::size_t> given_up;  // by feed
  std::vector<std::pair<UtilityId, OperationId>>
      not_needed;  // that ask only for gaps that are no longer open
};

class Backfills {
 public:
  explicit Backfills(Database& database) : database_(database) {}

  // Keys in their order, at most `most`.
  Answer<std::vector<std::string>> meters(const MeterChoice& choice, std::size_t most);

  // What became of operations that ended, and gaps whose last try is behind them; at most 2,000 of each.
  // Who gives up is kOwnCaller; of a gap that has grown since it was asked for, only the part that was.
  Answer<BackfillStep> settle(const BackfillRules& rules, UtcInstant now);

  // Meters that each of these feeds may still be asked about in this hour.
  Answer<std::map<std::string, std::size_t>> room(const std::vector<std::string>& feeds,
                                                  const BackfillRules& rules, UtcInstant now);
  // Open gaps of channels that these feeds deliver, the oldest first.
  Answer<std::vector<DueGap>> due(const std::vector<std::pair<UtilityId, std::string>>& delivered_by,
                                  const BackfillRules& rules, UtcInstant now, std::size_t most);
  // Of these gaps, all due, those that nobody else has claimed: an operation each feed and period.
  Answer<std::vector<GapClaim>> claim(const std::map<std::string, std::vector<DueGap>>& by_feed,
                                      UtcInstant now);
  // Claims of these feeds that no operation was made for within five minutes, to be carried out by the
  // caller.
  Answer<std::vector<GapClaim>> left_over(const std::vector<std::string>& feeds, UtcInstant now);
  // The operation of a claim was made.
  Answer<Done> asked(const GapClaim& claim, OperationId operation);
  // It was not, and nothing was asked: the gaps are due again at `again`. Counts as no try.
  Answer<Done> release(const GapClaim& claim, UtcInstant again, const std::string& words);
  // Gaps that nobody can be asked for now; likewise.
  Answer<Done> postpone(const std::map<std::int64_t, std::string>& words_by_gap, UtcInstant again);

 private:
  Database& database_;
};

}  // namespace ami::storage
