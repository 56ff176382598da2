// Seals the switch audit and keeps signed heads of it outside the database. docs/audit.md
//
// Any number of gateways may each have one: the database lets one seal at a time. Switching never waits for
// sealing and is never stopped by it: a missing key is told to a person, and what is not sealed is counted.
//
// tick() and stop() block (they use the store and the disk) and are called by one thread at a time; figures() by any.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "meter_model/audit/signed_head.h"
#include "storage/contract/switch_seals.h"

namespace ami::daemon::switching {

enum class SealAlert : std::uint8_t {
  Contradicted,  // what was sealed or signed before is gone or is another: nothing is sealed nor signed any more
  NoHead,        // no signed head can be kept; told again once a day
  Late,          // lines wait longer than a minute to be sealed
  Kept,          // a head was kept; no alert
};

struct SealFigures {
  std::int64_t position = 0;      // last one that is known to be sealed
  std::int64_t unsealed = 0;      // lines
  std::chrono::microseconds oldest_unsealed{0};  // age, by the clock of the database
  std::optional<UtcInstant> checked_at{};        // when the store last answered, by the gateway's clock
  std::optional<UtcInstant> head_at{};           // of the newest signed head
  std::int64_t head_position = 0;
  bool contradicted = false;
  std::string trouble{};  // why something of it does not work now; empty = all of it does
};

class Sealer {
 public:
  struct Parts {
    storage::SealStore& store;
    std::function<UtcInstant()> now;
    std::function<void(SealAlert, const std::string& words)> alert;  // called from tick() and stop()
  };
  struct Settings {
    std::string head_dir;  // empty = no head is kept
    std::string key_file;  // Ed25519 private key in PEM
    std::string gateway;   // who writes the heads
    std::size_t batch = 2000;
    std::size_t batches = 50;  // of one tick at most; the next goes on
  };
  Sealer(Parts parts, Settings settings) : parts_(std::move(parts)), settings_(std::move(settings)) {}

  // Twice a second or more often: seals what is there, keeps a head when a new day (UTC) has begun.
  void tick();
  // Seals what is there and keeps a head unless the newest one says all. Afterwards tick() does nothing.
  void stop();
  [[nodiscard]] SealFigures figures() const;

 private:
  struct Known {
    std::int64_t position = 0;
    audit::Digest chain = audit::kChainStart;
    std::string where;  // who says so
  };
  void seal_all();
  bool still_there();
  bool look_into_folder();
  void keep_daily_head(bool at_stop);
  Outcome keep_head_now();
  void contradict(const std::string& words);
  void no_head(const std::string& words);
  void look_at_tail();

  Parts parts_;
  const Settings settings_;
  // Of the stepping thread.
  std::optional<Known> known_;
  bool looked_into_folder_ = false;
  bool stopped_ = false, late_ = false, store_failed_ = false;
  std::string last_file_, last_text_;  // newest head of the folder
  std::optional<UtcInstant> told_no_head_, try_head_at_;

  mutable std::mutex mutex_;
  SealFigures figures_;
};

}  // namespace ami::daemon::switching
