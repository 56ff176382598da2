#include "tests/daemon/rpc/command_scene.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <pqxx/pqxx>
#include <stdexcept>

#include "storage/postgres/ingest.h"

namespace ami::rpc::testing {
namespace asio = boost::asio;
namespace {

const UtcInstant kSince{std::chrono::sys_days{std::chrono::year{2020} / 1 / 1}};

template <class T>
T value_of(storage::Answer<T> answer) {
  if (!answer.ok()) throw std::runtime_error(answer.refusal().message);
  return std::move(answer).value();
}

UtcInstant system_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

sdk::AttemptAnswer verdict(sdk::CommandKind kind, const ResultObservation& result) {
  sdk::AttemptAnswer answer;
  if (result.word == "done") {
    answer.state = sdk::AttemptState::Succeeded;
    if (kind == sdk::CommandKind::Ping) answer.power = sdk::PowerState::Powered;
  } else if (result.word == "failed") {
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "failed";
    answer.words = "the module did not answer";
  } else {
    answer.state = sdk::AttemptState::Waiting;
  }
  return answer;
}

}  // namespace

void Radio::answer(Answer answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

sdk::Awaitable<std::vector<sdk::AttemptAnswer>> Radio::attempt(sdk::Attempt attempt) {
  std::vector<sdk::AttemptAnswer> answers(attempt.meters.size());
  const Outcome may = co_await attempt.before_send();
  Answer said;
  {
    const std::lock_guard lock(mutex_);
    said = answer_;
    if (may.ok()) sent_.push_back({attempt.transaction, attempt.kind, attempt.meters});
  }
  changed_.notify_all();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answers[i].state = may.ok() ? sdk::AttemptState::Waiting : sdk::AttemptState::Failed;
    if (!may.ok()) answers[i].reason = "not_sent";
    if (may.ok() && said) answers[i] = said(attempt.meters[i], attempt.kind);
  }
  co_return answers;
}

std::vector<Radio::Asked> Radio::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return sent_.size() >= count; }))
    throw std::runtime_error("only " + std::to_string(sent_.size()) + " attempts have left");
  return sent_;
}

EngineRun::EngineRun(const std::string& conninfo, cmd::Rules rules)
    : database(storage::DatabaseOptions{.conninfo = conninfo, .connections = 4}),
      engine(std::make_shared<cmd::Engine>(cmd::Engine::Parts{io.get_executor(), clock, pool, database, log},
                                           rules)),
      work_(asio::make_work_guard(io)) {
  asio::co_spawn(engine->strand(), engine->keep(), [this](std::exception_ptr defect) {
    EXPECT_FALSE(defect);
    ended_.set_value();
  });
  for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { io.run(); });
}

EngineRun::~EngineRun() {
  engine->stop();
  ended_.get_future().wait();
  work_.reset();
  io.stop();
  for (std::thread& thread : threads_) thread.join();
}

Commands EngineRun::commands() const {
  Commands out;
  out.submit = [e = engine](cmd::Request request, auto told) {
    e->submit(std::move(request), std::move(told));
  };
  out.cancel = [e = engine](storage::UtilityId utility, storage::OperationId operation, std::string actor,
                            auto told) { e->cancel(utility, operation, std::move(actor), std::move(told)); };
  out.place = [e = engine](storage::OperationId operation, auto told) {
    e->place(operation, std::move(told));
  };
  out.follow = [e = engine](storage::OperationId operation, std::uint64_t seen,
                            std::chrono::milliseconds patience,
                            auto told) { e->follow(operation, seen, patience, std::move(told)); };
  return out;
}

CommandScene::CommandScene(cmd::Rules given) : conninfo(create_empty_database()), rules(given) {
  storage::Database database(storage::DatabaseOptions{.conninfo = conninfo});
  maui = value_of(storage::Assets(database).get_utility("maui")).id;
  for (int n = 1; n <= 5; ++n) add_meter("m" + std::to_string(n), "B" + std::to_string(n));
  feed.name = "radio";
  feed.family = "fake";
  feed.utility = maui;
  feed.can.read_on_demand = feed.can.ping = feed.can.demand_reset = true;
  feed.limits.expiry = std::chrono::seconds{300};
  feed.limits.per_minute = 100'000;
  feed.limits.in_flight = 100;
  feed.attempt = [radio = radio](sdk::Attempt attempt) { return radio->attempt(std::move(attempt)); };
  feed.verdict = verdict;
}

CommandScene::~CommandScene() {
  stop();
}

void CommandScene::start(std::size_t max_calls) {
  run = std::make_unique<EngineRun>(conninfo, rules);
  attach(feed);
  fixture = std::make_unique<RpcFixture>(conninfo);
  fixture->commands = run->commands();
  RpcServer::Config config = fixture->tls_config();
  config.unix_socket = fixture->folder.path() / "rpc.sock";
  config.max_calls = max_calls;
  const Outcome started = fixture->start(config);
  ASSERT_TRUE(started.ok()) << started.error().message;
  local = caller({});
}

void CommandScene::stop() {
  local.reset();
  fixture.reset();  // the server first: its calls still ask the engine
  run.reset();
}

void CommandScene::attach(const cmd::CommandFeed& given) {
  run->engine->attach(given);
  // Whatever is posted to the strand later finds the feed.
  asio::post(run->engine->strand(), asio::use_future([] {})).wait();
}

MeterId CommandScene::add_meter(const std::string& key, const std::string& badge,
                                const std::string& of_feed) {
  storage::Database database(storage::DatabaseOptions{.conninfo = conninfo});
  storage::MeterDetail detail;
  detail.form = "2S";
  detail.valid.from = kSince;
  std::vector<storage::Alias> aliases;
  if (!badge.empty()) aliases.push_back({of_feed, AliasKind::Badge, badge, {kSince}});
  return value_of(storage::Assets(database).create_meter(maui, key, detail, aliases)).id;
}

void CommandScene::store_reading(const std::string& meter, const Decimal& value, const std::string& of_feed) {
  storage::Database database(storage::DatabaseOptions{.conninfo = conninfo});
  storage::Assets assets(database);
  storage::CommitUnit unit;
  unit.utility = maui;
  unit.source.feed = of_feed;
  unit.source.name = "message-" + std::to_string(++contents_);
  unit.source.content_sha256 = std::string(60, 'c') + std::to_string(1000 + contents_);
  unit.source.mapping_version = 1;
  unit.source.received_at = system_now();
  unit.batch.qualities.emplace_back();
  unit.batch.channels = {{value_of(assets.get_meter(maui, meter)).id, "ms:kWh", kBulkEnergy, "Wh"}};
  RegisterReading read;
  read.at = system_now();
  read.value = value;
  unit.batch.registers.push_back(read);
  unit.directory_version = value_of(assets.directory_version());
  const auto counts = storage::PostgresIngest(database).commit(unit);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
}

void CommandScene::say(const std::string& transaction, const std::string& badge, const std::string& word) {
  ResultObservation result;
  result.transaction = transaction;
  result.meter = badge;
  result.word = word;
  Outcome taken = transient("not asked");
  const auto work = [](cmd::Engine& engine, storage::UtilityId utility, ResultObservation one,
                       Outcome& into) -> sdk::Awaitable<void> {
    into = co_await engine.take("radio", utility, std::span(&one, 1), {});
  };
  asio::co_spawn(run->io, work(*run->engine, maui, result, taken), asio::use_future).get();
  ASSERT_TRUE(taken.ok()) << taken.error().message;
}

void CommandScene::say_done(std::size_t count) {
  const auto sent = radio->wait_for(count);
  for (; said_ < sent.size(); ++said_) {
    for (const std::string& meter : sent[said_].meters) say(sent[said_].transaction, meter, "done");
  }
}

std::string CommandScene::one(const std::string& query) const {
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  return tx.exec1(query)[0].c_str();
}

std::unique_ptr<v1::CommandService::Stub> CommandScene::caller(const std::vector<std::string>& roles,
                                                               const std::string& name,
                                                               const std::string& utility) const {
  if (roles.empty()) {
    const std::string socket = fixture->folder.path() / "rpc.sock";
    return v1::CommandService::NewStub(
        grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials()));
  }
  std::vector<std::string> sans{"URI:ami://utility/" + utility};
  for (const std::string& role : roles) sans.push_back("URI:ami://role/" + role);
  return v1::CommandService::NewStub(fixture->channel(fixture->ca.issue({.name = name, .sans = sans})));
}

v1::ReadNowRequest CommandScene::read(const std::string& id, const std::string& meter, double wait_s) {
  auto out = request<v1::ReadNowRequest>(id);
  out.set_meter("utilities/maui/meters/" + meter);
  if (wait_s > 0) {
    out.mutable_wait()->set_seconds(static_cast<std::int64_t>(wait_s));
    out.mutable_wait()->set_nanos(
        static_cast<std::int32_t>((wait_s - static_cast<double>(out.wait().seconds())) * 1e9));
  }
  return out;
}

v1::BatchReadNowRequest CommandScene::batch(const std::string& id, const std::vector<std::string>& meters) {
  auto out = request<v1::BatchReadNowRequest>(id);
  for (const std::string& meter : meters) out.add_meters("utilities/maui/meters/" + meter);
  return out;
}

v1::Operation CommandScene::get(const std::string& name) const {
  v1::GetOperationRequest request;
  request.set_name(name);
  return must(&Stub::GetOperation, request);
}

}  // namespace ami::rpc::testing
