// What callers ask of the engine and what they are answered. The service on top turns it into messages.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "storage/postgres/operations.h"

namespace ami::daemon::commands {

using storage::OperationId;
using storage::OperationKind;
using storage::TargetKey;

// How a site wants commands to be handled; section `commands` of gateway.yaml.
struct Rules {
  std::size_t queue = 20'000;  // targets of one feed that wait or are under way
  // Meters that are asked at once, of one feeder, substation and collector. 0 = no bound.
  std::size_t group_in_flight = 8, substation_in_flight = 32, collector_in_flight = 16;
  int backfill_percent = 25;                            // of a feed's pace at most, for recorded values
  std::chrono::seconds expiry{std::chrono::hours{24}};  // of what was asked without one
  std::chrono::seconds reset_lock_out{std::chrono::days{25}};  // assumed: the figure is the utility's
  bool read_before_reset = true;
  // A reset that has not left so long after its read never does: it would destroy what came about since.
  std::chrono::seconds read_before_age{std::chrono::minutes{15}};
  std::size_t followers = 1000;                                        // callers that wait for operations
  std::chrono::milliseconds retry_first{1000}, retry_longest{60'000};  // after what has not left
};

inline constexpr int kHighestPriority = 9;
inline constexpr std::size_t kMostMeters = 10'000;
inline constexpr std::chrono::seconds kLongestExpiry{std::chrono::days{7}};
inline constexpr std::chrono::seconds kLongestBackfill{std::chrono::days{400}};

// At least one.
inline std::size_t share_of(std::size_t whole, int percent) {
  return std::max<std::size_t>(whole * static_cast<std::size_t>(percent) / 100, 1);
}

struct Request {
  storage::UtilityId utility = 0;
  OperationKind kind = OperationKind::Read;
  std::vector<std::string> meters;  // keys; of a DemandReset one. Named twice counts once
  std::string caller, request_id;   // the same request again is the same operation
  std::string order_id, on_behalf_of, purpose;
  int priority = 0;                              // 0 to 9; 9 goes first. A Backfill goes after all else
  std::optional<std::chrono::seconds> expiry{};  // from now on; what has not left by then never does
  std::optional<storage::Period> period{};       // of a Backfill, which must have one: values of [from, to)
  std::string choice{};                          // see storage::NewOperation
};

// Where an operation stands now.
struct Place {
  std::size_t queued = 0, sent = 0;  // its targets
  std::size_t position = 0;          // meters of the feed that are asked before its last one
  // Until its last answer, by the pacing of the feed and its recent answers; absent = none has answered yet.
  std::optional<std::chrono::seconds> expected;
};

struct Submitted {
  storage::Operation operation;  // as it was created or, of a request that came again, as it is
  bool repeated = false;
  std::optional<OperationId> read_before;  // of a DemandReset: the read that goes first
  Place place;
};

struct Refused {
  storage::Refusal refusal;
  std::optional<std::chrono::seconds> retry_after{};  // absent: the same again is refused again
};

template <class T>
class [[nodiscard]] Reply {
 public:
  Reply(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Reply(Refused refused) : state_(std::in_place_index<1>, std::move(refused)) {}
  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  [[nodiscard]] const Refused& refused() const { return std::get<1>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

 private:
  std::variant<T, Refused> state_;
};

// What a follower is told.
struct Followed {
  std::uint64_t version = 0;  // to follow on from; grows with every change of a target
  bool live = false;          // false: this gateway works on it no more; the store says how it ended
};

}  // namespace ami::daemon::commands
