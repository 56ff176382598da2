// One run of a gateway's engine on a virtual clock and a real store, with a far side that does what it is
// told. A second run on the same store is what comes after a kill of the first: that one simply never goes
// on.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "daemon/commands/engine.h"
#include "tests/daemon/commands/stepped_offload.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon::commands {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// How the adapter behaves. What it was asked for is kept.
struct FarSide {
  struct Asked {
    UtcInstant at{};
    std::string transaction;
    sdk::CommandKind kind = sdk::CommandKind::Read;
    std::vector<std::string> meters;
    UtcInstant expires_at{};
    bool granted = false;  // its first byte left
    UtcInstant from{}, to{};
  };
  sdk::AttemptState state = sdk::AttemptState::Waiting;
  std::string reason;
  std::function<sdk::AttemptAnswer(const std::string& meter, sdk::CommandKind)> answer;  // instead of the two
  milliseconds before{0},
      after{0};       // it takes, before it asks whether it may send, and from then to its answer
  bool asks = true;   // whether it may send
  bool dies = false;  // never comes back once it may send
  bool throws_before = false, throws_after = false;
  std::size_t forgets = 0;                    // answers that it does not give
  std::function<void(const Asked&)> on_send;  // at the moment of the first byte
  std::vector<Asked> asked;

  [[nodiscard]] std::vector<Asked> sent() const;
};

class Life {
 public:
  Life(storage::Database& database, storage::UtilityId utility, Rules rules = {}, UtcInstant from = {});
  ~Life();

  void attach(const std::string& feed = "radio");
  void run() { host.run_until_idle(); }
  void advance(milliseconds span) { host.advance(span); }

  Reply<Submitted> submit(const Request& request);
  OperationId read(const std::string& request, std::vector<std::string> meters, int priority = 0);
  Reply<storage::Operation> cancel(OperationId operation);
  std::optional<Place> place(OperationId operation);
  // Answers that come through the feed, as (transaction, meter, word).
  struct Result {
    std::string transaction, meter, word;
  };
  Outcome take(const std::vector<Result>& results, const std::string& feed = "radio");
  // The same while the store holds: what they bring comes when it has answered.
  std::shared_ptr<std::optional<Outcome>> begin_take(const std::vector<Result>& results,
                                                     const std::string& feed = "radio");
  std::shared_ptr<std::optional<Reply<Submitted>>> begin_submit(const Request& request);
  // The newest call that the store holds.
  void answer_newest() {
    store.answer(store.held() - 1);
    run();
  }
  // All that it holds, oldest first, until nobody asks it any more.
  void answer_all() {
    while (store.held() > 0) {
      store.answer(0);
      run();
    }
  }
  [[nodiscard]] std::size_t logged(const std::string& id) const;
  [[nodiscard]] FeedFigures figures() const { return engine->figures().feeds["radio"]; }

  std::vector<std::string> lines;
  Log log{[this](Level, const std::string& line) { lines.push_back(line); }};
  sdk::testing::FakeHost host;
  SetClock clock{host.clock};     // the engine's
  SteppedOffload store{host.io};  // likewise
  std::shared_ptr<FarSide> far = std::make_shared<FarSide>();
  CommandFeed feed;
  std::shared_ptr<Engine> engine;
  bool ended = false;
  storage::UtilityId utility;
};

class CommandsTest : public storage::StoreTest {
 protected:
  void SetUp() override;
  // A meter "M<n>" that the feed knows as "B<n>", on a feeder when one is named.
  void add_meter(int n, const std::string& feeder = {}, const std::string& of_feed = "radio");
  Request request(const std::string& id, std::vector<std::string> meters = {"M1"}) const;
  // States of the targets of an operation, "SENT SENT".
  std::string states(OperationId operation) const;
  std::string reasons(OperationId operation) const;
  std::string transaction(OperationId operation, int number = 0) const;
  // Everything is as it must be, whatever happened.
  void TearDown() override;
  std::unique_ptr<Life> start(Rules rules = {}, UtcInstant from = {});
};

}  // namespace ami::daemon::commands
