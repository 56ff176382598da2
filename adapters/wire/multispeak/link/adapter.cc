#include "adapters/wire/multispeak/link/adapter.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "adapters/wire/multispeak/link/callback_server.h"
#include "adapters/wire/multispeak/link/commander.h"
#include "adapters/wire/multispeak/link/link_settings.h"
#include "adapters/wire/multispeak/link/puller.h"
#include "adapters/wire/multispeak/link/tasks.h"

namespace ami::multispeak {
namespace {

using sdk::AttemptAnswer;
using sdk::HealthState;

std::string joined(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (const std::uint16_t port : ports) text += (text.empty() ? "" : ", ") + std::to_string(port);
  return text;
}

class MultiSpeakAdapter final : public sdk::Adapter {
 public:
  MultiSpeakAdapter(sdk::AdapterInfo info, Profile profile, sdk::Settings settings, sdk::Services services)
      : info_(std::move(info)),
        profile_(std::move(profile)),
        settings_(std::move(settings)),
        services_(services),
        tasks_(std::make_shared<Tasks>(services.executor)) {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] sdk::Health health() const override;
  sdk::Awaitable<Outcome> start() override;
  sdk::Awaitable<void> stop() override;
  sdk::Awaitable<std::vector<AttemptAnswer>> attempt(sdk::Attempt attempt) override;

 private:
  // All that runs between start and stop. Readers on other threads hold on to it.
  struct Running {
    Tally tally;
    Contacts contacts;
    std::vector<std::unique_ptr<Puller>> pullers;
    std::unique_ptr<CallbackServer> callbacks;
    std::vector<std::uint16_t> ports;
    std::unique_ptr<Commander> commander;
  };

  sdk::Awaitable<Outcome> build(std::shared_ptr<Running> running);
  static sdk::Awaitable<void> close(std::shared_ptr<Running> running);
  void look_again(Contact& contact);
  [[nodiscard]] std::shared_ptr<Running> running() const {
    const std::lock_guard lock(mutex_);
    return running_;
  }
  void enter(HealthState state, std::shared_ptr<Running> running) {
    const std::lock_guard lock(mutex_);
    state_ = state;
    if (running) running_ = std::move(running);
  }
  [[nodiscard]] Vocabulary vocabulary() const {
    return {settings_.list("no_answer_words"), settings_.list("demand_reset_codes"),
            settings_.list("refusal_words")};
  }
  static void add_facts(const Running& running, sdk::Health& health);

  const sdk::AdapterInfo info_;
  const Profile profile_;
  const sdk::Settings settings_;
  sdk::Services services_;
  const std::shared_ptr<Tasks> tasks_;
  mutable std::mutex mutex_;
  HealthState state_ = HealthState::Starting;
  std::shared_ptr<Running> running_;
};

sdk::Awaitable<Outcome> MultiSpeakAdapter::build(std::shared_ptr<Running> running) {
  // Passwords are read anew with each start.
  const auto config = std::make_shared<Result<LinkConfig>>(permanent("not read"));
  const std::function<void()> read = [this, config] { *config = link_config(profile_, settings_); };
  co_await services_.offload.run(read);
  if (!*config) co_return config->error();
  const LinkConfig& link = config->value();
  for (const auto& [role, url] : link.roles) {
    auto contact = std::make_unique<Contact>(role, url, link, services_);
    auto loading = contact->load();
    co_await std::move(loading);
    contact->head_end().on_recovery([this, &of = *contact] { look_again(of); });
    running->contacts.emplace(role, std::move(contact));
  }
  for (const Pull& pull : link.pulls) {
    Contact& contact = *running->contacts.at(Role::Mr);
    std::vector<std::string> cycles = pull.cycles;
    if (pull.what == Pull::What::ReadingsByDate) cycles = {""};
    for (const std::string& cycle : cycles) {
      running->pullers.push_back(std::make_unique<Puller>(pull, cycle, contact, services_, running->tally));
    }
  }
  running->commander = std::make_unique<Commander>(link.rules, capabilities_of(profile_, settings_),
                                                   vocabulary(), link.options.meter_field, profile_.silence,
                                                   running->contacts, services_, running->tally);
  if (link.callback) {
    running->callbacks = std::make_unique<CallbackServer>(*link.callback, services_);
    auto starting = running->callbacks->start();
    const Outcome started = co_await std::move(starting);
    if (!started) co_return started.error();
    running->ports = running->callbacks->ports();
  }
  co_return Done{};
}

sdk::Awaitable<Outcome> MultiSpeakAdapter::start() {
  tasks_->resume();
  const auto fresh = std::make_shared<Running>();
  auto building = build(fresh);
  const Outcome built = co_await std::move(building);
  if (!built) {
    auto closing = close(fresh);
    co_await std::move(closing);
    co_return built.error();
  }
  enter(HealthState::Healthy, fresh);
  // The head-end may be away: looked for in the background.
  for (const auto& [role, contact] : fresh->contacts)
    tasks_->spawn([fresh, &of = *contact] { return of.keep(); });
  for (const auto& puller : fresh->pullers) tasks_->spawn([fresh, &of = *puller] { return of.keep(); });
  co_return Done{};
}

void MultiSpeakAdapter::look_again(Contact& contact) {
  if (contact.looking()) return;
  const auto held = running();
  tasks_->spawn([held, &contact]() -> sdk::Awaitable<void> {
    auto looking = contact.look();
    (void)co_await std::move(looking);
  });
}

sdk::Awaitable<void> MultiSpeakAdapter::close(std::shared_ptr<Running> running) {
  for (const auto& [role, contact] : running->contacts) {
    auto closing = contact->head_end().stop();
    co_await std::move(closing);
  }
}

sdk::Awaitable<void> MultiSpeakAdapter::stop() {
  const auto held = running();
  // What is under way on the server still goes into the journal; nothing of the rest is needed for that.
  if (held && held->callbacks) {
    auto stopping = held->callbacks->stop();
    co_await std::move(stopping);
  }
  auto ending = tasks_->stop();
  co_await std::move(ending);
  if (held) {
    auto closing = close(held);
    co_await std::move(closing);
  }
  enter(HealthState::Stopped, nullptr);
}

sdk::Awaitable<std::vector<AttemptAnswer>> MultiSpeakAdapter::attempt(sdk::Attempt attempt) {
  const auto held = running();
  const std::size_t count = attempt.meters.size();
  // Also a feed that does not run knows what it will never do.
  const sdk::Capabilities can = capabilities_of(profile_, settings_);
  if (const std::string words = why_not_stated(can, attempt.kind, profile_.silence); !words.empty())
    co_return std::vector<AttemptAnswer>(count, failed_answer("not_stated", words));
  if (!held || tasks_->stopping())
    co_return std::vector<AttemptAnswer>(count, failed_answer("not_sent", "the feed does not run"));
  // As a task, so that a stop cuts it off and waits for it.
  struct Work {
    std::vector<AttemptAnswer> answers;
    boost::asio::steady_timer ended;
    bool done = false;
    std::exception_ptr defect{};
  };
  const std::shared_ptr<Work> work(new Work{
      {}, boost::asio::steady_timer(services_.executor, boost::asio::steady_timer::time_point::max())});
  const auto order = std::make_shared<sdk::Attempt>(std::move(attempt));
  tasks_->spawn([held, work, order]() -> sdk::Awaitable<void> {
    try {
      auto carrying_out = held->commander->attempt(std::move(*order));
      work->answers = co_await std::move(carrying_out);
    } catch (...) {  // whoever asked waits for an end, and knows whether anything had left
      work->defect = std::current_exception();
    }
    work->done = true;
    work->ended.cancel();
  });
  while (!work->done) co_await work->ended.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  if (work->defect) std::rethrow_exception(work->defect);
  co_return std::move(work->answers);
}

void MultiSpeakAdapter::add_facts(const Running& running, sdk::Health& health) {
  for (const auto& [role, contact] : running.contacts) {
    const ContactStatus status = contact->status();
    const std::string name(name_of(role));
    std::string head_end = contact->head_end().peer();
    if (status.answered_in) head_end += ", MultiSpeak " + std::string(name_of(*status.answered_in));
    head_end += status.methods.empty() ? ", lists no methods"
                                       : ", " + std::to_string(status.methods.size()) + " methods";
    if (status.looked) head_end += ", reached " + to_text(*status.looked);
    health.facts.emplace_back("head-end " + name, std::move(head_end));
    health.facts.emplace_back("breaker " + name, std::string(http::name_of(contact->breaker().state)));
    if (!status.methods.empty()) {
      std::string methods;
      for (const std::string& method : status.methods) methods += (methods.empty() ? "" : " ") + method;
      health.facts.emplace_back("methods " + name, std::move(methods));
    }
    if (status.meters) {
      health.facts.emplace_back("meters in its books", std::to_string(*status.meters) + ", of them " +
                                                           std::to_string(*status.unknown_meters) +
                                                           " unknown here");
    }
    if (const auto at = contact->head_end().last_answer())
      health.last_success = std::max(health.last_success.value_or(*at), *at);
    if (status.problem.empty()) continue;
    health.state = HealthState::Degraded;
    health.reason += (health.reason.empty() ? "" : "; ") + name + ": " + status.problem;
  }
  for (const auto& puller : running.pullers) {
    const PullShown shown = puller->shown();
    health.facts.emplace_back("pulled until (" + shown.what + ")",
                              shown.until.empty() ? "nothing yet" : shown.until);
    if (shown.problem.empty()) continue;
    health.state = HealthState::Degraded;
    health.reason += (health.reason.empty() ? "" : "; ") + shown.what + ": " + shown.problem;
  }
  if (running.callbacks) {
    const CallbackCounters counters = running.callbacks->counters();
    health.facts.emplace_back(
        "callbacks", "port " + joined(running.ports) + ", " + std::to_string(counters.notifications) +
                         " taken, " + std::to_string(counters.unauthenticated) + " unauthenticated, " +
                         std::to_string(counters.unreadable) + " unreadable, " +
                         std::to_string(counters.pushed_back) + " pushed back");
  }
}

sdk::Health MultiSpeakAdapter::health() const {
  sdk::Health health;
  std::shared_ptr<Running> held;
  {
    const std::lock_guard lock(mutex_);
    health.state = state_;
    held = running_;
  }
  if (held && health.state != HealthState::Stopped) {
    add_facts(*held, health);
    health.records = held->tally.records;
    health.malformed = held->tally.malformed;
    // Running, and nobody has been spoken with yet.
    const bool waits = std::ranges::any_of(held->contacts, [](const auto& entry) {
      const ContactStatus status = entry.second->status();
      return !status.looked && status.problem.empty();
    });
    if (waits && health.state == HealthState::Healthy) {
      health.state = HealthState::Starting;
      health.reason = "the head-end has not been reached yet";
    }
  }
  if (const std::string& evidence = settings_.text("switch_evidence"); !evidence.empty()) {
    health.facts.emplace_back("switching", "by evidence of the site: " + evidence);
  } else if (!profile_.can.switch_open && !profile_.silence.empty()) {
    health.facts.emplace_back("switching", "refused: " + profile_.silence);
  }
  if (!profile_.assumed.empty()) health.facts.emplace_back("assumed", profile_.assumed);
  return health;
}

}  // namespace

std::unique_ptr<sdk::Adapter> make_adapter(sdk::AdapterInfo info, Profile profile, sdk::Settings settings,
                                           sdk::Services services) {
  return std::make_unique<MultiSpeakAdapter>(std::move(info), std::move(profile), std::move(settings),
                                             services);
}

}  // namespace ami::multispeak
