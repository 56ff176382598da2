#include "adapters/wire/multispeak/link/puller.h"

#include <algorithm>
#include <utility>

#include "adapters/wire/http/retry.h"
#include "adapters/wire/multispeak/link/tasks.h"
#include "adapters/wire/multispeak/link/verdicts.h"

namespace ami::multispeak {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirst{5'000};  // the first question is put at a moment within

std::string name_of_pull(const Pull& pull, const std::string& cycle) {
  return pull.what == Pull::What::BillingCycle ? "billing_cycle " + cycle : "readings_by_date";
}

}  // namespace

std::string PullPosition::to_text() const {
  std::string text = until ? ami::to_text(*until) : "-";
  if (to) text += " " + ami::to_text(*to) + " " + last_received;
  return text;
}

std::optional<PullPosition> PullPosition::parse(std::string_view text) {
  PullPosition position;
  const auto instant = [&](std::optional<UtcInstant>& into) {
    const auto end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word == "-") return true;
    const auto at = parse_instant(word);
    if (at) into = *at;
    return at.ok();
  };
  if (text.empty() || !instant(position.until)) return std::nullopt;
  if (text.empty()) return position;
  if (!instant(position.to) || !position.to) return std::nullopt;
  position.last_received = text;
  return position;
}

Puller::Puller(Pull pull, std::string cycle, Contact& contact, sdk::Services services, Tally& tally)
    : pull_(std::move(pull)),
      cycle_(std::move(cycle)),
      key_(pull_.what == Pull::What::BillingCycle ? "pull:billing_cycle:" + cycle_ : "pull:readings_by_date"),
      name_(name_of_pull(pull_, cycle_)),
      contact_(contact),
      services_(services),
      tally_(tally),
      random_(std::random_device{}()) {
  shown_.what = name_;
}

PullShown Puller::shown() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

void Puller::show(const std::string& problem) {
  const std::string words = as_words(problem);
  const std::lock_guard lock(mutex_);
  if (!words.empty() && words != shown_.problem)
    services_.log.write(sdk::LogLevel::Warn, "PULL_TROUBLE",
                        "pull=\"" + name_ + "\" problem=\"" + words + "\"");
  shown_.problem = words;
  if (words.empty() && position_.until) shown_.until = to_text(*position_.until);
}

sdk::Awaitable<void> Puller::keep() {
  // Never rests longer after a failure than it would have anyway.
  http::Retry pace({.base = std::min<milliseconds>(std::chrono::seconds{5}, pull_.every),
                    .cap = std::min<milliseconds>(std::chrono::minutes{10}, pull_.every),
                    .first = std::min(kFirst, pull_.every)},
                   services_.clock, random_);
  for (int failures = 0;;) {
    auto pause = rest(services_.clock, pace.pause_before(failures));
    const bool goes_on = co_await std::move(pause);
    if (!goes_on) co_return;
    auto pulling = once();
    const std::string problem = co_await std::move(pulling);
    failures = problem.empty() ? 0 : std::min(failures + 1, 1'000);
    show(problem);
    if (!problem.empty()) continue;
    auto until_next = rest(services_.clock, pull_.every);
    const bool passed = co_await std::move(until_next);
    if (!passed) co_return;
  }
}

sdk::Awaitable<std::string> Puller::once() {
  auto loading = services_.state.load(key_);
  const auto loaded = co_await std::move(loading);
  if (!loaded) co_return "the position cannot be read: " + loaded.error().message;
  position_ = {};
  if (*loaded) {
    const auto position = PullPosition::parse(**loaded);
    // Anew is better than never: what is there already changes nothing.
    if (position) position_ = *position;
  }
  const bool by_date = pull_.what == Pull::What::ReadingsByDate;
  std::string problem =
      contact_.not_offered(by_date ? Operation::GetReadingsByDate : Operation::GetReadingsByBillingCycle);
  if (!problem.empty()) co_return problem;
  auto pulling = by_date ? readings_by_date() : billing_cycle();
  problem = co_await std::move(pulling);
  co_return problem;
}

sdk::Awaitable<std::string> Puller::readings_by_date() {
  using std::chrono::seconds;
  const UtcInstant now = std::chrono::floor<seconds>(services_.clock.now() - pull_.lag);
  if (!position_.until) position_.until = std::chrono::floor<seconds>(now - pull_.window);
  for (;;) {
    if (!position_.to) {
      if (*position_.until >= now) co_return "";
      position_.to = std::min<UtcInstant>(*position_.until + (pull_.window - pull_.overlap), now);
      position_.last_received.clear();
    }
    Request request;
    request.operation = Operation::GetReadingsByDate;
    request.start = to_text(UtcInstant(*position_.until - pull_.overlap));
    request.end = to_text(*position_.to);
    auto asking = period(std::move(request));
    std::string problem = co_await std::move(asking);
    if (!problem.empty()) co_return problem;
  }
}

sdk::Awaitable<std::string> Puller::billing_cycle() {
  if (!position_.to) {
    const UtcInstant today = std::chrono::floor<std::chrono::days>(services_.clock.now());
    if (position_.until && *position_.until >= today) co_return "";
    position_.to = today;
    position_.last_received.clear();
  }
  Request request;
  request.operation = Operation::GetReadingsByBillingCycle;
  request.billing_cycle = cycle_;
  request.billing_date = to_text(*position_.to);
  request.kwh_look_back_days = pull_.kwh_look_back_days;
  request.kw_look_back_days = pull_.kw_look_back_days;
  request.kw_look_forward_days = pull_.kw_look_forward_days;
  request.block_template = pull_.block_template;
  request.field_names = pull_.field_names;
  auto asking = period(std::move(request));
  std::string problem = co_await std::move(asking);
  co_return problem;
}

// One question to its last page; position_ has moved as far as was stored.
sdk::Awaitable<std::string> Puller::period(Request request) {
  request.last_received = position_.last_received;
  const bool resumed = !request.last_received.empty();
  const Position state = [this](const std::optional<std::string>& next) { return state_after(next); };
  auto fetching = fetch_pages(contact_.head_end(), services_, tally_, std::move(request), state, {});
  const PagesEnd end = co_await std::move(fetching);
  if (end.complete) {
    show("");
    co_return "";
  }
  const bool refused = resumed && end.first && end.first->is_fault();
  if (refused || end.endless) {
    // It may have forgotten where we were, or leads us in a circle: the next attempt begins the period anew.
    std::vector<sdk::StateChange> anew{
        {key_, position_.until ? std::optional<std::string>(PullPosition{position_.until, {}, {}}.to_text())
                               : std::nullopt}};
    auto saving = services_.state.save(std::move(anew));
    (void)co_await std::move(saving);
  }
  co_return end.problem;
}

std::vector<sdk::StateChange> Puller::state_after(const std::optional<std::string>& next) {
  if (next) {
    position_.last_received = *next;
  } else {
    position_.until = position_.to;
    position_.to.reset();
    position_.last_received.clear();
  }
  return {{key_, position_.to_text()}};
}

}  // namespace ami::multispeak
