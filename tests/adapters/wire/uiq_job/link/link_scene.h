// The link against a simulated job service over real sockets, on a virtual clock. The far side lives on; the
// near side may be killed and begin again with what was durable.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/uiq_job/link/interface.h"
#include "adapters/wire/uiq_job/peer/simulated_jobs.h"
#include "tests/adapters/wire/http/http_scene.h"

namespace ami::uiq_job {

inline constexpr const char* kPassword = "not-in-any-log-7431";

// State that can be made to fail.
class FlakyState : public sdk::DurableState {
 public:
  explicit FlakyState(sdk::testing::FakeStore& store) : store_(store) {}
  sdk::Awaitable<Result<std::optional<std::string>>> load(std::string key) override;
  sdk::Awaitable<Outcome> save(std::vector<sdk::StateChange> changes) override;
  bool failing = false;
  bool throwing = false;  // when it is asked
  int refused = 0;

 private:
  sdk::testing::FakeStore& store_;
};

// Keeps contents whole, or refuses.
class KeptContents : public sdk::RawStore {
 public:
  sdk::Awaitable<Outcome> keep(sdk::RawContent content) override;
  std::map<std::string, std::string> kept;  // by digest
  bool failing = false;
  int refused = 0;
};

// One run of the near side.
struct Life {
  Life() : state(host.store) {}
  KeptContents raw;
  sdk::testing::FakeHost host;
  FlakyState state;
  std::unique_ptr<sdk::Adapter> adapter;
};

struct Trial {
  std::optional<std::vector<sdk::AttemptAnswer>> answers;
  int before_send = 0;
  std::size_t ledger_then = 0;  // what the far side had been asked by then
  [[nodiscard]] const sdk::AttemptAnswer& answer() const { return answers.value().at(0); }
  [[nodiscard]] bool done() const { return answers.has_value(); }
};
using TrialPtr = std::shared_ptr<Trial>;

class LinkScene : public testing::Test {
 public:
  LinkScene();
  ~LinkScene() override;

  // Of the feed file, behind what every feed here has. `site` is the text of the template.
  void configure(const std::string& settings = "", const std::string& site = shipped_template());
  void configure_near_only(const std::string& settings);  // the far side stays as it is
  static std::string shipped_template();
  static std::string confirmed_template();  // the same, without `assumed`
  static std::string without(std::string yaml, const std::string& operation);

  // A new life with the state of the one before, which is not heard of again; no stop, as after kill -9.
  void begin();
  void begin_with(std::map<std::string, std::string> state);
  void stop();  // in order
  Outcome start_result();

  TrialPtr ask(sdk::CommandKind kind, const std::string& meter = "M1",
               const std::string& transaction = "op-1");
  TrialPtr ask_answered(sdk::CommandKind kind, const std::string& meter = "M1",
                        const std::string& transaction = "op-1");
  sdk::AttemptAnswer verdict(sdk::CommandKind kind);  // of the only result that was committed

  // Runs both sides, real sockets and virtual time, until it is so. Throws after 20 s of real time.
  void until(const std::function<bool()>& reached);
  void pass(std::chrono::seconds span);  // of virtual time
  void settle();                         // runs what can run without time going on

  // The next answers to an operation, as bytes of HTTP; empty = the connection is cut after the request. The
  // simulation is asked all the same when `perform`.
  void instead(Operation operation, std::string bytes, int times = 1, bool perform = false);
  void clear_instead(Operation operation) { instead_[operation].clear(); }
  void hold(Operation operation) { held_operation = operation; }  // the simulation works, the answer waits
  void release();
  bool stuck_before_send = false;  // SENT is being stored for ever, until release()

  [[nodiscard]] std::vector<ResultObservation> results() const;  // of this life
  [[nodiscard]] std::size_t noted_jobs() const;                  // in the durable state
  [[nodiscard]] UtcInstant now() { return life->host.clock.now(); }
  [[nodiscard]] std::size_t logged(const char* id) const { return life->host.log.count(id); }
  [[nodiscard]] std::vector<std::string> operations() const;  // as the far side was asked
  [[nodiscard]] std::string everything_said() const;          // logs, states, health and batches of all lives

  std::filesystem::path folder;
  sdk::testing::FakeHost far_host;
  std::unique_ptr<peer::SimulatedJobs> far;
  std::vector<std::string> requests;  // raw, as they came
  std::optional<Operation> held_operation;
  std::size_t held = 0, most_held = 0;
  std::unique_ptr<http::ScriptedPeer> front;
  std::unique_ptr<sdk::AdapterFamily> family;
  sdk::LoadedSettings feed;
  std::vector<std::unique_ptr<Life>> lives;
  Life* life = nullptr;

 private:
  sdk::Awaitable<void> serve(http::RawConnection& connection);
  std::string respond(const std::string& request, Operation operation);
  bool run_some();
  struct Instead {
    std::string bytes;
    bool perform = false;
  };
  std::map<Operation, std::deque<Instead>> instead_;
  std::unique_ptr<boost::asio::steady_timer> gate_;
  std::vector<std::shared_ptr<boost::asio::steady_timer>> stuck_;
  bool open_ = false;
};

std::string http_ok(const std::string& body);
std::string http_status(int status, const std::string& headers = "", const std::string& body = "");

}  // namespace ami::uiq_job
