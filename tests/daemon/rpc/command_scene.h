// CommandService over a real engine on a real database, with a far side that does what it is told. Utility
// "maui"; the feed "radio" knows meter "m<n>" as "B<n>", n from 1 to 5. The engine runs on threads and a
// clock of its own: tests wait for facts, and what must not end simply gets no answer.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ami/v1/command_service.grpc.pb.h"
#include "daemon/commands/engine.h"
#include "daemon/host/steady_clock.h"
#include "daemon/pipeline/worker_pool.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc::testing {

namespace cmd = daemon::commands;

// What adapters were asked, and what they answer at once. Used from several threads.
class Radio {
 public:
  struct Asked {
    std::string transaction;
    sdk::CommandKind kind = sdk::CommandKind::Read;
    std::vector<std::string> meters;
  };
  using Answer = std::function<sdk::AttemptAnswer(const std::string& meter, sdk::CommandKind)>;

  void answer(Answer answer);  // from now on; until then: Waiting
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt);
  std::vector<Asked> wait_for(std::size_t count);  // until so many have left; all of them

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Asked> sent_;
  Answer answer_;
};

// One run of the engine.
class EngineRun {
 public:
  EngineRun(const std::string& conninfo, cmd::Rules rules);
  ~EngineRun();  // as a gateway that stops
  EngineRun(const EngineRun&) = delete;
  EngineRun& operator=(const EngineRun&) = delete;

  [[nodiscard]] Commands commands() const;

  storage::Database database;
  daemon::SteadyClock clock;
  daemon::WorkerPool pool{2};
  daemon::Log log{[](daemon::Level, const std::string&) {}};
  boost::asio::io_context io;
  std::shared_ptr<cmd::Engine> engine;

 private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::promise<void> ended_;
  std::vector<std::thread> threads_;
};

class CommandScene : public ::testing::Test {
 protected:
  explicit CommandScene(cmd::Rules rules = {});
  ~CommandScene() override;

  void start(std::size_t max_calls = 256);  // gateway: engine, feed and server
  void stop();
  void attach(const cmd::CommandFeed& feed);  // completes when the engine knows it

  MeterId add_meter(const std::string& key, const std::string& badge, const std::string& feed = "radio");
  // What came through a feed just now.
  void store_reading(const std::string& meter, const Decimal& value, const std::string& feed = "radio");
  // An answer of a command that comes through the feed "radio": "done", "failed", "working".
  void say(const std::string& transaction, const std::string& badge, const std::string& word);
  // Answers all that have left so far and were not answered, once `count` have.
  void say_done(std::size_t count);
  [[nodiscard]] std::string one(const std::string& query) const;

  // A stub of a caller with these roles, of maui; empty = the local operator.
  [[nodiscard]] std::unique_ptr<v1::CommandService::Stub> caller(const std::vector<std::string>& roles,
                                                                 const std::string& name = "mdm",
                                                                 const std::string& utility = "maui") const;

  template <class Request>
  static Request request(const std::string& id) {
    Request out;
    out.set_request_id(id);
    out.set_purpose("test 4711");
    return out;
  }
  static v1::ReadNowRequest read(const std::string& id, const std::string& meter = "m1", double wait_s = 0);
  static v1::BatchReadNowRequest batch(const std::string& id, const std::vector<std::string>& meters);

  using Stub = v1::CommandService::Stub;
  template <class Request, class Response>
  grpc::Status call(Stub& used, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{60});
    response.Clear();
    return (used.*method)(&context, request, &response);
  }
  // By the local operator; the call must be answered well.
  template <class Request>
  v1::Operation must(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, v1::Operation*),
                     const Request& request) const {
    v1::Operation response;
    const grpc::Status status = call(*local, method, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::Operation get(const std::string& name) const;

  const std::string conninfo;
  const cmd::Rules rules;
  cmd::CommandFeed feed;
  std::shared_ptr<Radio> radio = std::make_shared<Radio>();
  storage::UtilityId maui = 0;
  std::unique_ptr<EngineRun> run;
  std::unique_ptr<RpcFixture> fixture;
  std::unique_ptr<Stub> local;

 private:
  std::size_t said_ = 0;
  int contents_ = 0;
};

}  // namespace ami::rpc::testing
