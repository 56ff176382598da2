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
// Clocks that are set right go by less; a position beyond is of a clock that was wrong.
constexpr std::chrono::minutes kAhead{5};
constexpr int kInVain = 3;
constexpr int kMostHalvings = 12;  // of 2 d: less than a minute
constexpr milliseconds kShortest{60'000};

// Midnight of the date, as that zone has it: whoever reads the date, and whoever reads the moment, finds the
// same day. `day`: the date at 00:00 UTC.
std::string billing_date(const Zone& zone, UtcInstant day) {
  const std::chrono::local_days date{std::chrono::floor<std::chrono::days>(day.time_since_epoch())};
  const UtcInstant start = zone.civil_day(std::chrono::year_month_day{date}).start;
  const auto offset = std::chrono::duration_cast<std::chrono::minutes>(zone.civil(start).time_since_epoch() -
                                                                       start.time_since_epoch())
                          .count();
  std::string text = to_text(day);
  if (offset == 0) return text;
  text.pop_back();  // Z
  const auto two = [](std::int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  const std::int64_t minutes = offset < 0 ? -offset : offset;
  return text + (offset < 0 ? '-' : '+') + two(minutes / 60) + ':' + two(minutes % 60);
}

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
  set_back(services_.clock.now() + kAhead, std::chrono::floor<seconds>(now - pull_.window));
  if (!position_.until) position_.until = std::chrono::floor<seconds>(now - pull_.window);
  const milliseconds whole = pull_.window - pull_.overlap;
  for (;;) {
    const seconds overlap = std::chrono::floor<seconds>(pull_.overlap / (1 << halvings_));
    const seconds stride =
        std::chrono::ceil<seconds>(std::max(whole / (1 << halvings_), std::min(whole, kShortest)));
    if (!position_.to) {
      if (*position_.until >= now) co_return "";
      position_.to = std::min<UtcInstant>(*position_.until + stride, now);
      position_.last_received.clear();
    }
    Request request;
    request.operation = Operation::GetReadingsByDate;
    request.start = to_text(UtcInstant(*position_.until - overlap));
    request.end = to_text(*position_.to);
    auto asking = period(std::move(request));
    std::string problem = co_await std::move(asking);
    if (!problem.empty()) co_return problem;
  }
}

sdk::Awaitable<std::string> Puller::billing_cycle() {
  // The date where the meters are, as its midnight in UTC.
  const UtcInstant today{
      std::chrono::floor<std::chrono::days>(pull_.zone.civil(services_.clock.now())).time_since_epoch()};
  set_back(today, std::nullopt);
  if (!position_.to) {
    if (position_.until && *position_.until >= today) co_return "";
    position_.to = today;
    position_.last_received.clear();
  }
  Request request;
  request.operation = Operation::GetReadingsByBillingCycle;
  request.billing_cycle = cycle_;
  request.billing_date = billing_date(pull_.zone, *position_.to);
  request.kwh_look_back_days = pull_.kwh_look_back_days;
  request.kw_look_back_days = pull_.kw_look_back_days;
  request.kw_look_forward_days = pull_.kw_look_forward_days;
  request.block_template = pull_.block_template;
  request.field_names = pull_.field_names;
  auto asking = period(std::move(request));
  std::string problem = co_await std::move(asking);
  co_return problem;
}

void Puller::set_back(UtcInstant not_after, std::optional<UtcInstant> to) {
  const bool begun_ahead = position_.to && *position_.to > not_after;
  const bool ahead = position_.until && *position_.until > not_after;
  if (!begun_ahead && !ahead) return;
  services_.log.write(sdk::LogLevel::Warn, "PULL_POSITION_AHEAD",
                      "pull=\"" + name_ + "\" position=\"" + as_words(position_.to_text()) +
                          "\" action=go_back_to_" + (ahead ? (to ? to_text(*to) : "nothing") : "until"));
  position_.to.reset();
  position_.last_received.clear();
  if (ahead) position_.until = to;
}

bool Puller::count(const PagesEnd& end, bool resumed) {
  if (end.pages > 0) in_vain_ = 0;
  // A head-end that is away, busy, or refuses the login has not said anything of the question.
  const http::Failure* failure = end.first && end.first->failure ? &*end.first->failure : nullptr;
  const bool said = failure == nullptr || (failure->sent && failure->kind != http::FailureKind::Busy &&
                                           failure->kind != http::FailureKind::Unauthorized);
  if (!said || end.unstored || ++in_vain_ < kInVain) return false;
  in_vain_ = 0;
  if (!resumed && pull_.what == Pull::What::ReadingsByDate && halvings_ < kMostHalvings) ++halvings_;
  return true;
}

// One question to its last page; position_ has moved as far as was stored.
sdk::Awaitable<std::string> Puller::period(Request request) {
  request.last_received = position_.last_received;
  const bool resumed = !request.last_received.empty();
  const Position state = [this](const std::optional<std::string>& next) { return state_after(next); };
  auto fetching = fetch_pages(contact_.head_end(), services_, tally_, std::move(request), state, {});
  const PagesEnd end = co_await std::move(fetching);
  if (end.complete) {
    in_vain_ = 0;
    halvings_ = std::max(halvings_ - 1, 0);
    show("");
    co_return "";
  }
  const bool refused = resumed && end.first && end.first->is_fault();
  const bool in_vain = count(end, resumed);
  if (refused || end.endless || in_vain) {
    // It may have forgotten where we were, leads us in a circle, or cannot tell so much at once: the next
    // attempt begins the period anew, in the last case a shorter one.
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
