#include "adapters/wire/uiq_job/link/jobs_adapter.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "adapters/wire/uiq_job/link/poller.h"
#include "adapters/wire/uiq_job/link/request.h"

namespace ami::uiq_job {
namespace {

namespace asio = boost::asio;
using sdk::Attempt;
using sdk::AttemptAnswer;
using sdk::AttemptState;
using std::chrono::milliseconds;
using Kind = Told::Kind;

constexpr milliseconds kStateAway{1000};

// Does what it is for also when an exception passes.
template <class Work>
class AtEnd {
 public:
  explicit AtEnd(Work work) : work_(std::move(work)) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { work_(); }

 private:
  Work work_;
};

// A fault of a receiver says nothing definite of a switch. Of what changes nothing it is a refusal: many
// servers blame themselves for a device that they do not know.
sdk::Setback setback_of(const Told& told, sdk::Effect effect) {
  const bool asks = effect != sdk::Effect::Change;
  return told.setback == sdk::Setback::BrokeOff && asks ? sdk::Setback::Refused : told.setback;
}

}  // namespace

class JobsAdapter::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(JobSettings settings, sdk::Services services)
      : link_(std::make_shared<Link>(std::move(settings), services)),
        poller_(std::make_shared<Poller>(link_)),
        can_(capabilities_of(*link_->settings.site, link_->settings.names)),
        stopped_(services.executor, asio::steady_timer::time_point::max()),
        quiet_(services.executor) {}

  sdk::Awaitable<Outcome> start() {
    auto loading = link_->jobs.load();
    const Result<JobBook::Contents> loaded = co_await std::move(loading);
    if (!loaded)
      co_return transient("the jobs that are waited for cannot be looked up: " + loaded.error().message);
    for (const std::string& key : loaded->unreadable) {
      link_->services.log.write(sdk::LogLevel::Warn, "UIQ_JOB_UNREADABLE",
                                "key=" + key + " action=forgotten");
    }
    poller_->start();
    for (const JobBook::Kept& kept : loaded->jobs) poller_->add(kept);
    if (!loaded->jobs.empty()) {
      link_->services.log.write(sdk::LogLevel::Info, "UIQ_JOBS_TAKEN_UP",
                                "jobs=" + std::to_string(loaded->jobs.size()));
    }
    link_->standing.set(sdk::HealthState::Healthy, "");
    running_ = true;
    co_return Done{};
  }

  sdk::Awaitable<void> stop() {
    running_ = false;
    stopped_.cancel();
    auto cutting = link_->far.stop();
    co_await std::move(cutting);
    while (under_way_ > 0) co_await quiet_.wait();
    auto ending = poller_->stop();
    co_await std::move(ending);
    link_->standing.set(sdk::HealthState::Stopped, "");
  }

  sdk::Awaitable<std::vector<AttemptAnswer>> attempt(Attempt attempt) {
    ++under_way_;
    const AtEnd over([this] {
      --under_way_;
      quiet_.notify();
    });
    auto asking = answer_to(attempt);
    const AttemptAnswer answer = co_await std::move(asking);
    co_return std::vector<AttemptAnswer>(attempt.meters.size(), answer);
  }

  [[nodiscard]] sdk::Health health() const {
    sdk::Health health = link_->standing.health();
    const http::BreakerMetrics breaker = link_->far.metrics().breaker;
    const SiteTemplate& site = *link_->settings.site;
    health.facts.emplace_back("head-end", link_->settings.head_end.url.peer());
    health.facts.emplace_back("breaker", std::string(http::name_of(breaker.state)));
    health.facts.emplace_back("template", site.name());
    if (!site.assumed().empty()) health.facts.emplace_back("assumed", site.assumed());
    return health;
  }

 private:
  // Until stop() at the latest.
  sdk::Awaitable<void> rest(milliseconds span) {
    using namespace asio::experimental::awaitable_operators;
    if (span <= milliseconds{0} || !running_) co_return;
    co_await (link_->services.clock.wait(span) || stopped_.async_wait(asio::as_tuple(asio::use_awaitable)));
  }

  sdk::Awaitable<AttemptAnswer> answer_to(const Attempt& attempt) {
    if (!running_) co_return failed("not_sent", "the feed does not run");
    if (!states(can_, attempt.kind)) {
      const bool assumed = is_switch(attempt.kind) && !link_->settings.site->assumed().empty();
      co_return failed("not_stated", assumed ? "the site template is only assumed: it switches nothing"
                                             : "the site template does not have what this needs");
    }
    if (attempt.meters.size() != 1) co_return failed("rejected", "a job is for one meter");
    if (!is_plain(attempt.meters.front()))
      co_return failed("no_such_meter", "no device can be of that name: empty, too long, or controls in it");
    const std::optional<std::size_t> place = link_->jobs.take_place();
    if (!place) co_return failed("not_sent", "as many jobs are waited for as there may be");
    bool kept = false;
    const AtEnd giving_back([&] {
      if (!kept) link_->jobs.free(*place);
    });
    auto trying = find_and_add(attempt, *place, kept);
    const AttemptAnswer answer = co_await std::move(trying);
    co_return answer;
  }

  sdk::Awaitable<AttemptAnswer> find_and_add(const Attempt& attempt, std::size_t place, bool& kept) {
    auto finding = find(attempt);
    const Found found = co_await std::move(finding);
    if (found.problem) co_return *found.problem;
    if (link_->services.clock.now() >= attempt.expires_at)
      co_return failed("expired", "it took too long to find the device");

    Values values = values_of(*link_->settings.site, attempt, found.mac, link_->services.clock.now());
    values["retries"] = link_->settings.retries;
    values["priority"] = link_->settings.priority;
    Sending how;
    how.before_send = attempt.before_send;
    how.fresh_connection = is_switch(attempt.kind);
    auto asking = link_->far.ask(adding(attempt.kind), std::move(values), std::move(how));
    const Told told = co_await std::move(asking);
    note(told);
    const std::string& meter = attempt.meters.front();
    if (told.kind == Kind::Faulted) {  // perhaps since the module is in another meter now
      auto forgetting = link_->devices.forget(meter);
      co_await std::move(forgetting);
    }
    if (!told.answered()) {
      const sdk::Effect effect = sdk::effect_of(attempt.kind);
      co_return sdk::after(effect, setback_of(told, effect), told.words);
    }
    const std::string& id = told.rows.front().at("job");
    if (!is_plain(id)) co_return unknown("unreadable_answer", "the job's id cannot be noted: " + words(id));
    JobBook::Kept taken;
    taken.place = place;
    taken.job = {id, attempt.transaction, attempt.kind, meter, found.mac, attempt.expires_at};
    auto keeping = keep(taken);
    kept = co_await std::move(keeping);
    if (!kept) co_return unknown("no_answer", "job " + words(id) + " was added and could not be noted");
    poller_->add(std::move(taken));
    AttemptAnswer waiting;
    waiting.state = AttemptState::Waiting;
    waiting.words = "job " + words(id);
    co_return waiting;
  }

  // Tries until it is noted, or until we stop.
  sdk::Awaitable<bool> keep(const JobBook::Kept& taken) {
    for (bool told = false;; told = true) {
      auto keeping = link_->jobs.keep(taken.place, taken.job);
      const Outcome kept = co_await std::move(keeping);
      if (kept) co_return true;
      if (!told) {
        link_->services.log.write(sdk::LogLevel::Warn, "UIQ_JOB_NOT_NOTED",
                                  "job=" + taken.job.id + " transaction=" + taken.job.transaction +
                                      " error=\"" + kept.error().message + "\"");
      }
      if (!running_) co_return false;
      co_await rest(kStateAway);
    }
  }

  sdk::Awaitable<Found> find(const Attempt& attempt) {
    const std::string& meter = attempt.meters.front();
    Found found;
    if (link_->settings.names == AliasKind::Mac) {
      found.mac = meter;
      co_return found;
    }
    // A module may have moved to another meter since: nothing is switched on yesterday's word.
    if (!is_switch(attempt.kind)) {
      auto looking = link_->devices.mac_of(meter);
      const std::optional<std::string> known = co_await std::move(looking);
      if (known && is_plain(*known)) {
        found.mac = *known;
        co_return found;
      }
    }
    auto searching = search(meter, attempt.expires_at);
    const Told told = co_await std::move(searching);
    note(told);
    switch (told.kind) {
      case Kind::Unsent:
        found.problem = failed("not_sent", told.words);
        break;
      case Kind::NotTaken:
      case Kind::Lost:
        found.problem = failed("unreachable", told.words);
        break;
      case Kind::Refused:
      case Kind::Faulted:
        found.problem = failed("rejected", told.words);
        break;
      case Kind::Unreadable:
        found.problem = failed("unreadable_answer", told.words);
        break;
      case Kind::Answered: {
        found = found_by(told.rows, meter, is_switch(attempt.kind));
        if (found.problem) {
          if (found.problem->reason == "unreadable_answer") link_->standing.trouble(found.problem->words);
          break;
        }
        auto noting = link_->devices.note(meter, found.mac);
        co_await std::move(noting);
      }
    }
    co_return found;
  }

  // Changes nothing, so it may be sent again.
  sdk::Awaitable<Told> search(const std::string& meter, UtcInstant until) {
    http::Retry retry(link_->settings.retry, link_->services.clock, link_->random);
    Told told;
    told.words = "the feed stops";
    for (int made = 0; made < std::max(1, link_->settings.retry.attempts); ++made) {
      milliseconds pause = retry.pause_before(made);
      if (told.retry_after) pause = std::max(pause, std::min(*told.retry_after, link_->settings.retry.cap));
      if (link_->services.clock.now() + pause >= until && made > 0) break;
      co_await rest(pause);
      if (!running_) break;
      Values values;
      values["meter"] = meter;
      values["rows"] = "2";  // enough to notice that a name is not unique
      Sending how;
      how.safe_to_repeat = true;
      auto asking = link_->far.ask(Operation::FindDevice, std::move(values), std::move(how));
      told = co_await std::move(asking);
      if (told.kind != Kind::NotTaken && told.kind != Kind::Lost) break;
    }
    co_return told;
  }

  void note(const Told& told) {
    if (told.answered()) {
      link_->standing.answered(link_->services.clock.now());
    } else if (told.kind != Kind::Unsent && told.kind != Kind::Faulted) {
      link_->standing.trouble(told.words);
    }
  }

  const std::shared_ptr<Link> link_;
  const std::shared_ptr<Poller> poller_;
  const sdk::Capabilities can_;
  asio::steady_timer stopped_;  // never expires: only ever cancelled
  wire::Event quiet_;
  std::size_t under_way_ = 0;  // attempts
  bool running_ = false;
};

JobsAdapter::JobsAdapter(sdk::AdapterInfo info, Result<JobSettings> settings, sdk::Services services)
    : info_(std::move(info)) {
  if (settings) {
    core_ = std::make_shared<Core>(std::move(settings.value()), services);
  } else {
    error_ = settings.error();
  }
}

JobsAdapter::~JobsAdapter() = default;

sdk::Health JobsAdapter::health() const {
  if (core_) return core_->health();
  sdk::Health health;
  health.state = sdk::HealthState::Failed;
  health.reason = error_->message;
  return health;
}

sdk::Awaitable<Outcome> JobsAdapter::start() {
  if (!core_) co_return *error_;
  auto starting = core_->start();
  const Outcome started = co_await std::move(starting);
  co_return started;
}

sdk::Awaitable<void> JobsAdapter::stop() {
  if (!core_) co_return;
  auto stopping = core_->stop();
  co_await std::move(stopping);
}

sdk::Awaitable<std::vector<AttemptAnswer>> JobsAdapter::attempt(Attempt attempt) {
  if (!core_)
    co_return std::vector<AttemptAnswer>(attempt.meters.size(), failed("not_sent", error_->message));
  const std::shared_ptr<Core> core = core_;
  auto asking = core->attempt(std::move(attempt));
  std::vector<AttemptAnswer> answers = co_await std::move(asking);
  co_return answers;
}

}  // namespace ami::uiq_job
