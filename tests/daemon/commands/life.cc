#include "tests/daemon/commands/life.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <stdexcept>

namespace ami::daemon::commands {
namespace asio = boost::asio;

namespace {

sdk::Awaitable<std::vector<sdk::AttemptAnswer>> play(std::shared_ptr<FarSide> far, sdk::Clock& clock,
                                                     sdk::Attempt attempt) {
  const std::size_t index = far->asked.size();
  far->asked.push_back({clock.now(), attempt.transaction, attempt.kind, attempt.meters, attempt.expires_at,
                        false, attempt.from, attempt.to});
  if (far->throws_before) throw std::runtime_error("broken before it sent");
  std::vector<sdk::AttemptAnswer> answers(attempt.meters.size());
  if (far->before.count() > 0) co_await clock.wait(far->before);
  if (far->asks) {
    const Outcome may = co_await attempt.before_send();
    if (!may.ok()) {
      for (sdk::AttemptAnswer& answer : answers) {
        answer.state = sdk::AttemptState::Failed;
        answer.reason = "not_sent";
        answer.words = may.error().message;
      }
      co_return answers;
    }
    far->asked[index].granted = true;
    if (far->on_send) far->on_send(far->asked[index]);
    if (far->dies) co_await clock.wait(hours{24 * 365});
    if (far->throws_after) throw std::runtime_error("broken after it sent");
  }
  if (far->after.count() > 0) co_await clock.wait(far->after);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    answers[i].state = far->state;
    answers[i].reason = far->reason;
    if (far->answer) answers[i] = far->answer(attempt.meters[i], attempt.kind);
  }
  answers.resize(answers.size() - std::min(answers.size(), far->forgets));
  co_return answers;
}

sdk::AttemptAnswer verdict(sdk::CommandKind kind, const ResultObservation& result) {
  sdk::AttemptAnswer answer;
  answer.words = result.fault;
  if (result.word == "done") {
    answer.state = sdk::AttemptState::Succeeded;
    if (kind == sdk::CommandKind::Ping) answer.power = sdk::PowerState::Powered;
  } else if (result.word == "failed") {
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "failed";
  } else if (result.word == "rejected") {
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "rejected";
    answer.words = "closed today";
  } else if (result.word == "working") {
    answer.state = sdk::AttemptState::Waiting;
  } else {
    answer.reason = "unreadable_answer";
  }
  return answer;
}

}  // namespace

std::vector<FarSide::Asked> FarSide::sent() const {
  std::vector<Asked> out;
  std::ranges::copy_if(asked, std::back_inserter(out), &Asked::granted);
  return out;
}

Life::Life(storage::Database& database, storage::UtilityId of, Rules rules, UtcInstant from) : utility(of) {
  log.configure(Level::Debug, LogFormat::Text);
  if (from > host.clock.now()) host.advance(std::chrono::ceil<milliseconds>(from - host.clock.now()));
  feed.name = "radio";
  feed.family = "fake";
  feed.utility = of;
  feed.can.read_on_demand = feed.can.ping = feed.can.demand_reset = true;
  feed.limits.expiry = seconds{300};
  feed.limits.grace = seconds{60};
  feed.attempt = [far = far, clock = &host.clock](sdk::Attempt attempt) {
    return play(far, *clock, std::move(attempt));
  };
  feed.verdict = verdict;
  engine =
      std::make_shared<Engine>(Engine::Parts{host.io.get_executor(), clock, store, database, log}, rules);
  asio::co_spawn(engine->strand(), engine->keep(), [this](std::exception_ptr defect) {
    EXPECT_FALSE(defect);
    ended = true;
  });
  run();
}

Life::~Life() = default;

void Life::attach(const std::string& name) {
  CommandFeed one = feed;
  one.name = name;
  engine->attach(std::move(one));
  run();
}

Reply<Submitted> Life::submit(const Request& request) {
  std::optional<Reply<Submitted>> reply;
  engine->submit(request, [&](Reply<Submitted> told) { reply.emplace(std::move(told)); });
  run();
  if (!reply) throw std::logic_error("submit did not answer");
  return *reply;
}

OperationId Life::read(const std::string& id, std::vector<std::string> meters, int priority) {
  Request request;
  request.utility = utility;
  request.meters = std::move(meters);
  request.caller = "cn=mdm";
  request.request_id = id;
  request.priority = priority;
  const auto reply = submit(request);
  EXPECT_TRUE(reply.ok()) << (reply.ok() ? "" : reply.refused().refusal.message);
  return reply.ok() ? reply->operation.id : 0;
}

Reply<storage::Operation> Life::cancel(OperationId operation) {
  std::optional<Reply<storage::Operation>> reply;
  engine->cancel(utility, operation, "cn=ops",
                 [&](Reply<storage::Operation> told) { reply.emplace(std::move(told)); });
  run();
  if (!reply) throw std::logic_error("cancel did not answer");
  return *reply;
}

std::optional<Place> Life::place(OperationId operation) {
  std::optional<Place> place;
  engine->place(operation, [&](std::optional<Place> told) { place = told; });
  run();
  return place;
}

Outcome Life::take(const std::vector<Result>& results, const std::string& name) {
  const auto outcome = begin_take(results, name);
  if (!outcome->has_value()) throw std::logic_error("take did not answer");
  return **outcome;
}

std::shared_ptr<std::optional<Outcome>> Life::begin_take(const std::vector<Result>& results,
                                                         const std::string& name) {
  auto outcome = std::make_shared<std::optional<Outcome>>();
  // The directory knows one more name: "alias of B1" is M1's.
  const MeterOf meter_of = [](AliasKind, std::string_view id) -> std::optional<MeterId> {
    return id == "alias of first" ? std::optional<MeterId>(1) : std::nullopt;
  };
  const auto work = [](std::shared_ptr<Engine> used, std::string from, storage::UtilityId of,
                       std::vector<Result> said, MeterOf whose,
                       std::shared_ptr<std::optional<Outcome>> into) -> sdk::Awaitable<void> {
    std::vector<ResultObservation> observations;
    for (const Result& result : said) {
      ResultObservation observation;
      observation.transaction = result.transaction;
      observation.meter = result.meter;
      observation.word = result.word;
      observations.push_back(observation);
    }
    auto taking = used->take(std::move(from), of, observations, std::move(whose));
    const Outcome told = co_await std::move(taking);
    into->emplace(told);
  };
  asio::co_spawn(host.io, work(engine, name, utility, results, meter_of, outcome),
                 [](std::exception_ptr defect) { EXPECT_FALSE(defect); });
  run();
  return outcome;
}

std::shared_ptr<std::optional<Reply<Submitted>>> Life::begin_submit(const Request& request) {
  auto reply = std::make_shared<std::optional<Reply<Submitted>>>();
  engine->submit(request, [reply](Reply<Submitted> told) { reply->emplace(std::move(told)); });
  run();
  return reply;
}

std::size_t Life::logged(const std::string& id) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [&](const std::string& line) { return line.find("id=" + id) != std::string::npos; }));
}

void CommandsTest::SetUp() {
  StoreTest::SetUp();
  for (int n = 1; n <= 5; ++n) add_meter(n);
}

void CommandsTest::add_meter(int n, const std::string& feeder, const std::string& of_feed) {
  const std::string key = "M" + std::to_string(n);
  storage::MeterDetail detail;
  detail.valid.from = storage::at("2020-01-01T00:00:00Z");
  const storage::Alias badge{of_feed, AliasKind::Badge, "B" + std::to_string(n), {detail.valid.from}};
  ASSERT_TRUE(assets->create_meter(north, key, detail, {badge}).ok());
  if (feeder.empty()) return;
  storage::UsagePointDetail place;
  place.valid.from = detail.valid.from;
  place.feeder = feeder;
  ASSERT_TRUE(assets->create_usage_point(north, "p-" + key, place).ok());
  ASSERT_TRUE(assets->install({north, key, "p-" + key, detail.valid.from, {1, 0}, "", {}}).ok());
}

Request CommandsTest::request(const std::string& id, std::vector<std::string> meters) const {
  Request out;
  out.utility = north;
  out.meters = std::move(meters);
  out.caller = "cn=mdm";
  out.request_id = id;
  return out;
}

std::string CommandsTest::states(OperationId operation) const {
  return one(
      "SELECT coalesce(string_agg(state, ' ' ORDER BY number), '') FROM operation_target WHERE operation_id "
      "= " +
      std::to_string(operation));
}
std::string CommandsTest::reasons(OperationId operation) const {
  return one(
      "SELECT coalesce(string_agg(reason, ' ' ORDER BY number), '') FROM operation_target WHERE operation_id "
      "= " +
      std::to_string(operation));
}
std::string CommandsTest::transaction(OperationId operation, int number) const {
  return one("SELECT coalesce(transaction, '') FROM operation_target WHERE operation_id = " +
             std::to_string(operation) + " AND number = " + std::to_string(number));
}

void CommandsTest::TearDown() {
  EXPECT_EQ(one("SELECT count(*) FROM operation_target WHERE kind = 'DEMAND_RESET' AND state = 'TIMED_OUT'"),
            "0");
  EXPECT_EQ(one("SELECT count(*) FROM operation_target WHERE ended_at < sent_at"), "0");
}

std::unique_ptr<Life> CommandsTest::start(Rules rules, UtcInstant from) {
  auto life = std::make_unique<Life>(*database, north, rules, from);
  life->attach();
  return life;
}

}  // namespace ami::daemon::commands
