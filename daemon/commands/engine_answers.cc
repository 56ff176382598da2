// Answers that come later, through the pipeline.
#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "daemon/commands/engine_state.h"
#include "daemon/log/messages.h"

namespace ami::daemon::commands {
namespace asio = boost::asio;
using sdk::AttemptState;
using storage::AnswerFate;
using storage::ArrivedAnswer;
using storage::Operations;
using storage::OperationTarget;
using storage::TargetState;

struct Engine::Taking {
  std::string feed;
  storage::UtilityId utility = 0;
  std::span<const ResultObservation> results;
  MeterOf meter_of;
  Outcome outcome = Done{};
};

namespace {

storage::TargetAnswer as_stored(const sdk::AttemptAnswer& said) {
  storage::TargetAnswer answer;
  switch (said.state) {
    case AttemptState::Waiting:
      answer.state = TargetState::Sent;
      break;
    case AttemptState::Succeeded:
      answer.state = TargetState::Succeeded;
      break;
    case AttemptState::Failed:
      answer.state = TargetState::Failed;
      break;
    case AttemptState::Unknown:
      answer.state = TargetState::Unknown;
      break;
  }
  if (said.state != AttemptState::Succeeded) answer.reason = said.reason;
  answer.words = said.words;
  if (said.power != sdk::PowerState::Unknown) answer.power = name_of(said.power);
  if (said.position != sdk::SwitchPosition::Unknown) answer.switch_position = name_of(said.position);
  answer.at = said.at;
  return answer;
}

// Of the targets of a transaction those that the result is about: by what was sent, else by whose id it is
// now. A result without an id is about the only meter there is; of several see rejection_of().
std::vector<const OperationTarget*> about(const std::vector<OperationTarget>& targets,
                                          const ResultObservation& result, const MeterOf& meter_of) {
  std::vector<const OperationTarget*> of_transaction, out;
  for (const OperationTarget& target : targets) {
    if (target.transaction == result.transaction) of_transaction.push_back(&target);
  }
  const auto take_if = [&](auto&& condition) {
    std::ranges::copy_if(of_transaction, std::back_inserter(out), condition);
  };
  if (result.meter.empty()) {
    const bool one = std::ranges::all_of(of_transaction, [&](const OperationTarget* target) {
      return target->vendor_id == of_transaction.front()->vendor_id;
    });
    return one ? of_transaction : out;
  }
  take_if([&](const OperationTarget* target) { return target->vendor_id == result.meter; });
  if (!out.empty() || of_transaction.empty() || !meter_of) return out;
  if (const auto meter = meter_of(result.meter_kind, result.meter))
    take_if([&](const OperationTarget* target) { return target->meter_id == *meter; });
  return out;
}

// What a result without an id says of a request for several meters: only that it was rejected, which is then
// about each of them. That "one failed" or "one is done" is nobody's.
std::optional<storage::TargetAnswer> rejection_of(const std::vector<OperationTarget>& targets,
                                                  const ResultObservation& result, const CommandFeed& port) {
  if (!result.meter.empty()) return std::nullopt;
  const auto target = std::ranges::find(targets, result.transaction, &OperationTarget::transaction);
  if (target == targets.end()) return std::nullopt;
  const sdk::AttemptAnswer said = port.verdict(command_of(target->kind), result);
  if (said.state != AttemptState::Failed || said.reason != "rejected") return std::nullopt;
  return as_stored(said);
}

// Says what became of it.
bool definite(const storage::TargetAnswer& answer) {
  return answer.state == TargetState::Succeeded || answer.state == TargetState::Failed;
}

// A rejection of a whole request is about each meter that the same message does not speak of by name.
void spread(const std::vector<OperationTarget>& targets, const ResultObservation& result,
            const storage::TargetAnswer& said, std::vector<ArrivedAnswer>& arrived) {
  std::set<storage::TargetKey> named;
  for (const ArrivedAnswer& answer : arrived) {
    if (definite(answer.answer)) named.insert(answer.key);
  }
  for (const OperationTarget& target : targets) {
    if (target.transaction == result.transaction && !named.contains(target.key))
      arrived.push_back({target.key, std::string(result.transaction), {}, said});
  }
}

// What is wrong with the answers themselves is so each time: the message that they came with is put aside.
Outcome not_settled(const storage::Refusal& why) {
  const bool again =
      why.kind == storage::Refusal::Kind::Unavailable || why.kind == storage::Refusal::Kind::InDoubt;
  return again ? transient("answers of commands wait: " + why.message)
               : permanent("answers of commands cannot be stored: " + why.message);
}

}  // namespace

sdk::Awaitable<Outcome> Engine::take(std::string feed, storage::UtilityId utility,
                                     std::span<const ResultObservation> results, MeterOf meter_of) {
  const auto taking = std::make_shared<Taking>();
  taking->feed = std::move(feed);
  taking->utility = utility;
  taking->results = results;
  taking->meter_of = std::move(meter_of);
  auto work = take_now(taking);
  co_await asio::co_spawn(strand_, std::move(work), asio::use_awaitable);
  co_return taking->outcome;
}

sdk::Awaitable<void> Engine::take_now(std::shared_ptr<Taking> taking) {
  co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  const auto self = shared_from_this();
  std::set<std::string> transactions;
  std::size_t unasked = 0;
  for (const ResultObservation& result : taking->results) {
    if (result.transaction.empty()) {
      ++unasked;
    } else {
      transactions.emplace(result.transaction);
    }
  }
  if (transactions.empty()) {
    figures_.count([&](Figures& f) { f.feeds[taking->feed].without_transaction += unasked; });
    co_return;
  }
  FeedState& feed = feed_state(taking->feed);
  const auto port = feed.port;
  if (!port) {
    taking->outcome = transient("feed " + taking->feed + " is not known to the engine of commands yet");
    co_return;
  }
  const std::vector<std::string> wanted(transactions.begin(), transactions.end());
  const StoreCall<std::vector<OperationTarget>> find = [&](Operations& s) {
    return s.find(taking->feed, wanted);
  };
  const auto targets = co_await ask(find);
  if (!targets.ok()) {
    taking->outcome = not_settled(targets.refusal());
    co_return;
  }

  std::vector<ArrivedAnswer> arrived;
  std::vector<std::pair<const ResultObservation*, storage::TargetAnswer>> rejections;  // of whole requests
  std::size_t unreadable = 0;
  for (const ResultObservation& result : taking->results) {
    if (result.transaction.empty()) continue;
    const auto subjects = about(*targets, result, taking->meter_of);
    if (subjects.empty()) {
      if (const auto said = rejection_of(*targets, result, *port)) {
        rejections.emplace_back(&result, *said);
        continue;
      }
      storage::TargetAnswer answer;
      answer.words = std::string(result.fault.empty() ? result.word : result.fault);
      arrived.push_back({{}, std::string(result.transaction), std::string(result.meter), answer});
      continue;
    }
    const auto said = as_stored(port->verdict(command_of(subjects.front()->kind), result));
    if (said.state == TargetState::Unknown) ++unreadable;
    for (const OperationTarget* target : subjects)
      arrived.push_back({target->key, std::string(result.transaction), std::string(result.meter), said});
  }
  for (const auto& [result, said] : rejections) spread(*targets, *result, said, arrived);
  const StoreCall<Operations::Settled> settle = [&](Operations& s) {
    return s.settle(taking->utility, taking->feed, arrived, parts_.clock.now());
  };
  const auto settled = co_await ask(settle);
  if (!settled.ok()) {
    taking->outcome = not_settled(settled.refusal());
    co_return;
  }

  const auto count = [&](AnswerFate fate) {
    return static_cast<std::uint64_t>(std::ranges::count(settled->fates, fate));
  };
  const std::uint64_t late = count(AnswerFate::Late), strays = count(AnswerFate::Stray),
                      duplicates = count(AnswerFate::Duplicate), resolved = count(AnswerFate::Resolved);
  std::set<storage::TargetKey> found;
  std::set<JobPtr> jobs;
  for (const ArrivedAnswer& answer : arrived) {
    found.insert(answer.key);
    const auto live = targets_.find(answer.key);
    if (!definite(answer.answer) || live == targets_.end() || !live->second.job) continue;
    answered(*live->second.feed, live->second.job, answer.answer);
    jobs.insert(live->second.job);
  }
  for (const storage::EndedTarget& target : settled->ended) ended(target);
  // Whoever joined too late to be found by the transaction, whether or not that is stored by now.
  Ends shared;
  for (const JobPtr& job : jobs) {
    for (const Waiter& waiter : job->waiters) {
      if (!found.contains(waiter.key)) shared.push_back({waiter.key, *job->answer});
    }
  }
  figures_.count([&](Figures& f) {
    FeedFigures& of = f.feeds[taking->feed];
    of.answers += arrived.size();
    of.late += late;
    of.strays += strays;
    of.duplicates += duplicates;
    of.resolved += resolved;
    of.unreadable += unreadable;
    of.without_transaction += unasked;
  });
  if (late + strays > 0) {
    parts_.log.write(messages::kCommandAnswersKept, {{"feed", taking->feed},
                                                     {"late", std::to_string(late)},
                                                     {"unknown", std::to_string(strays)},
                                                     {"transaction", wanted.front()}});
  }
  if (!shared.empty()) {
    spawn([self, shared] { return self->finish(shared); });
  }
  pump(feed);
}

}  // namespace ami::daemon::commands
