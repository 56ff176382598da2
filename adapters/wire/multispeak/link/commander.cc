#include "adapters/wire/multispeak/link/commander.h"

#include <utility>

namespace ami::multispeak {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;

bool stated(const sdk::Capabilities& can, CommandKind kind) {
  switch (kind) {
    case CommandKind::Read:
      return can.read_on_demand;
    case CommandKind::Ping:
      return can.ping;
    case CommandKind::DemandReset:
      return can.demand_reset;
    case CommandKind::Backfill:
      return can.backfill;
    case CommandKind::SwitchState:
      return can.switch_state;
    case CommandKind::SwitchOpen:
      return can.switch_open;
    case CommandKind::SwitchClose:
      return can.switch_close;
    case CommandKind::SwitchArm:
      return can.switch_arm;
  }
  return false;
}

bool is_switch(CommandKind kind) {
  return kind == CommandKind::SwitchOpen || kind == CommandKind::SwitchClose ||
         kind == CommandKind::SwitchArm;
}

}  // namespace

Commander::Commander(CommandRules rules, sdk::Capabilities can, Vocabulary vocabulary, MeterField meter_field,
                     std::string silence, Contacts& contacts, sdk::Services services, Tally& tally)
    : rules_(std::move(rules)),
      can_(can),
      vocabulary_(std::move(vocabulary)),
      meter_field_(meter_field),
      silence_(std::move(silence)),
      contacts_(contacts),
      services_(services),
      tally_(tally) {}

std::string why_not_stated(const sdk::Capabilities& can, CommandKind kind, const std::string& silence) {
  if (stated(can, kind)) return {};
  std::string words = "this feed states no " + std::string(sdk::name_of(kind));
  if (is_switch(kind) && !silence.empty()) words += ": " + silence;
  return words;
}

std::string Commander::refusal(const sdk::Attempt& attempt, const Order& order) const {
  std::string words = why_not_stated(can_, attempt.kind, silence_);
  return words.empty() ? contacts_.at(order.role)->not_offered(order.operation) : words;
}

sdk::Awaitable<std::vector<AttemptAnswer>> Commander::attempt(sdk::Attempt attempt) {
  const Order order = order_of(attempt.kind, rules_);
  const std::size_t count = attempt.meters.size();
  if (const std::string words = refusal(attempt, order); !words.empty())
    co_return Answers(count, failed_answer("not_stated", words));
  if (is_switch(attempt.kind) && count != 1)
    co_return Answers(count, failed_answer("not_sent", "a switch order goes alone, one meter at a time"));
  Contact& contact = *contacts_.at(order.role);
  Answers answers;
  if (attempt.kind == CommandKind::Backfill) {
    auto work = backfill(std::move(attempt), order, contact);
    answers = co_await std::move(work);
  } else if (order.one_meter) {
    auto work = one_by_one(std::move(attempt), order, contact);
    answers = co_await std::move(work);
  } else {
    auto work = at_once(std::move(attempt), order, contact);
    answers = co_await std::move(work);
  }
  co_return answers;
}

sdk::Awaitable<Commander::Answers> Commander::at_once(sdk::Attempt attempt, Order order, Contact& contact) {
  Request request = request_of(order, attempt, attempt.meters, rules_, services_.clock.now());
  Manner manner;
  manner.before_send = std::move(attempt.before_send);
  manner.fresh_connection = order.effect == Effect::Change;
  auto asking = contact.head_end().ask(std::move(request), std::move(manner));
  const Heard heard = co_await std::move(asking);
  co_return accepted_or_rejected(heard, order, attempt.meters);
}

sdk::Awaitable<Commander::Answers> Commander::one_by_one(sdk::Attempt attempt, Order order,
                                                         Contact& contact) {
  Answers answers;
  for (const std::string& meter : attempt.meters) {
    Request request = request_of(order, attempt, {&meter, 1}, rules_, services_.clock.now());
    Manner manner;
    manner.before_send = std::exchange(attempt.before_send, {});  // for the first byte of all
    manner.repeatable = true;
    manner.keep = true;
    auto asking = contact.head_end().ask(std::move(request), std::move(manner));
    Heard heard = co_await std::move(asking);
    if (heard.failure && !heard.failure->sent && answers.empty()) {
      // It was not marked as sent, or is nowhere to be reached: so with the others.
      co_return Answers(attempt.meters.size(), *without_answer(heard, order.effect));
    }
    if (order.operation == Operation::GetCdMeterState) {
      answers.push_back(state_told(heard));
      continue;
    }
    auto taking = latest(std::move(heard), meter);
    AttemptAnswer answer = co_await std::move(taking);
    answers.push_back(std::move(answer));
  }
  co_return answers;
}

sdk::Awaitable<AttemptAnswer> Commander::latest(Heard heard, std::string meter) {
  AttemptAnswer answer = latest_read(heard, meter, meter_field_ == MeterField::MeterNo, vocabulary_);
  if (!heard.response || heard.response->fault) co_return answer;
  // Whoever's it is, and whatever else there is: nothing that came is dropped.
  auto storing = store_heard(services_, tally_, std::move(heard), "GetLatestReading/" + meter, {});
  const Outcome stored = co_await std::move(storing);
  if (!stored && answer.state == AttemptState::Succeeded)
    answer =
        failed_answer("failed", as_words("the reading came and was not stored: " + stored.error().message));
  co_return answer;
}

sdk::Awaitable<Commander::Answers> Commander::backfill(sdk::Attempt attempt, Order order, Contact& contact) {
  const std::size_t count = attempt.meters.size();
  if (attempt.to <= attempt.from)
    co_return Answers(count, failed_answer("not_sent", "the period ends before it begins"));
  Request request = request_of(order, attempt, attempt.meters, rules_, services_.clock.now());
  auto fetching = fetch_pages(contact.head_end(), services_, tally_, std::move(request), {},
                              std::move(attempt.before_send), attempt.expires_at);
  const PagesEnd end = co_await std::move(fetching);
  if (!end.complete) {
    if (end.expired) co_return Answers(count, failed_answer("expired", as_words(end.problem)));
    if (end.first) co_return Answers(count, *without_answer(*end.first, order.effect));
    co_return Answers(count, failed_answer("failed", as_words("after " + std::to_string(end.pages) +
                                                              " pages: " + end.problem)));
  }
  AttemptAnswer done;
  done.state = AttemptState::Succeeded;
  done.words =
      "all meters of the period, in " + std::to_string(end.pages) + (end.pages == 1 ? " page" : " pages");
  co_return Answers(count, done);
}

}  // namespace ami::multispeak
