// One meter M7 at usage point UP-7, a far side that does what it is told, and clocks that stand until moved.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/switching/engine.h"
#include "storage/memory/switching.h"

namespace ami::daemon::switching {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using State = SwitchState;

class FakeSite final : public Site {
 public:
  Answer<MeterNow> meter(std::int32_t utility, const std::string& key, UtcInstant now) override;
  MeterNow now_is;
  bool gone = false, away = false;
};

// The far side. Keeps what left; how it answers is set.
class FakeCarrier final : public Carrier {
 public:
  struct Left {
    Errand errand;
    std::function<void(sdk::AttemptAnswer)> done;
  };
  void carry(const Errand& errand, std::function<Outcome()> before_send,
             std::function<void(sdk::AttemptAnswer)> done) override;
  void read_register(const SwitchOperation& operation, std::function<void(Result<std::string>)> done) override;

  std::vector<Left> left;
  int asked = 0, reads = 0;
  bool answers_at_once = true;
  sdk::AttemptAnswer answer;            // at once; Waiting unless set
  bool refuses_before = false;          // unreachable: does not even ask whether it may send
  bool never_asks = false;              // sends without asking, against its contract
  std::function<void()> before_asking;  // runs between the errand and before_send
  std::function<void()> at_first_byte;
  Result<std::string> final_register = std::string("1234.5 kWh");
};

class FakeWatcher final : public Watcher {
 public:
  void tell(What what, const SwitchOperation& operation, const std::string& words) override;
  [[nodiscard]] int count(What what) const;
  std::vector<std::pair<What, SwitchId>> told;
};

// A book that fails as it is told: before a change (nothing is stored) or after it (it is, and nobody knows).
class FlakyStore final : public storage::SwitchStore {
 public:
  explicit FlakyStore(storage::SwitchStore& real) : real_(real) {}
  enum class Fails { No, Before, After };
  std::function<Fails()> fails = [] { return Fails::No; };  // of each change

  Answer<Created> create(const storage::SwitchAsked& asked, const storage::SwitchNote& note) override;
  Answer<Done> move(const SwitchOperation& next, const storage::SwitchNote& note,
                    const std::optional<storage::SwitchLease>& lease = {}) override;
  Answer<SwitchOperation> get(std::int32_t utility, SwitchId id) override { return real_.get(utility, id); }
  Answer<std::optional<SwitchOperation>> by_transaction(const std::string& transaction) override {
    return real_.by_transaction(transaction);
  }
  Answer<std::vector<SwitchOperation>> open_books() override {
    if (at_open_books) at_open_books();
    return real_.open_books();
  }
  std::function<void()> at_open_books;
  Answer<std::vector<SwitchOperation>> of_meter(MeterId meter, std::size_t limit) override {
    return real_.of_meter(meter, limit);
  }
  Answer<std::vector<SwitchOperation>> list(const storage::SwitchQuery& query) override {
    return real_.list(query);
  }
  Answer<std::vector<storage::SwitchAuditLine>> audit(SwitchId id) override { return real_.audit(id); }
  Answer<Done> refused(const storage::SwitchRefusal& refusal) override { return real_.refused(refusal); }
  Answer<std::vector<storage::SwitchRefusal>> refusals(std::int32_t utility, std::size_t limit) override {
    return real_.refusals(utility, limit);
  }
  Answer<std::vector<storage::SwitchOutboxLine>> outbox(std::int64_t after, std::size_t limit) override {
    return real_.outbox(after, limit);
  }
  Answer<std::optional<storage::SwitchLease>> take_lease(const std::string& holder,
                                                         milliseconds span) override {
    return real_.take_lease(holder, span);
  }

 private:
  storage::SwitchStore& real_;
};

class SwitchingTest : public ::testing::Test {
 protected:
  SwitchingTest();
  std::unique_ptr<Engine> make(const std::string& gateway);
  // Another run of the gateway; the one before it is gone, whatever it was doing, and its lease with it.
  void restart(const std::string& gateway);
  void pass(milliseconds span);  // both clocks
  void pass_and_tick(milliseconds span) {
    pass(span);
    engine->tick();
  }

  SwitchRequest request(const std::string& id, SwitchAction action = SwitchAction::Open) const;
  SwitchOperation submit(const SwitchRequest& asked);  // fails the test when refused
  SwitchOperation open(const std::string& id) { return submit(request(id)); }
  SwitchOperation get(SwitchId id);
  State state(SwitchId id) { return get(id).state; }
  std::string rule_of(const Answer<SwitchOperation>& answer) const;
  // The inputs that the audit holds of it, "REQUEST POLICY_PASSED …".
  std::string story(SwitchId id);
  sdk::AttemptAnswer says(sdk::AttemptState attempt, const std::string& reason = {}) const;
  sdk::AttemptAnswer done(SwitchPosition position, std::optional<UtcInstant> at = {}) const;

  UtcInstant wall = parse_instant("2026-01-15T12:00:00Z").value();
  milliseconds steady{1'000'000};
  storage::MemorySwitching memory;
  FlakyStore store{memory};
  FakeSite site;
  FakeCarrier carrier;
  FakeWatcher watcher;
  EnginePolicy policy;
  Timing timing;
  std::unique_ptr<Engine> engine;
};

}  // namespace ami::daemon::switching
