#include "daemon/gateway/gateway.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#include "daemon/collection/backfill_job.h"
#include "daemon/collection/gap_job.h"
#include "daemon/commands/transaction.h"
#include "daemon/gateway/commands_link.h"
#include "daemon/gateway/database_link.h"
#include "daemon/gateway/kept_content.h"
#include "daemon/gateway/port_file.h"
#include "daemon/gateway/readiness.h"
#include "daemon/gateway/reload.h"
#include "daemon/gateway/rpc_link.h"
#include "daemon/gateway/switching_link.h"
#include "daemon/gateway/validation_rules.h"
#include "daemon/host/host.h"
#include "daemon/host/steady_clock.h"
#include "daemon/http/http_server.h"
#include "daemon/log/messages.h"
#include "daemon/maintenance/job.h"
#include "daemon/notify/notify.h"
#include "daemon/rpc/server.h"
#include "daemon/validation/validation_job.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kTick{100};  // how soon a loop notices a stop or a reload
constexpr std::size_t kQueryThreads = 4;         // for gRPC calls
// Health check, reload, gRPC's drain, gaps, asking for them, validation and maintenance may block one each.
constexpr std::size_t kControlThreads = 7;
constexpr std::size_t kKeptThreads = 2;          // reading kept content again and dropping it
constexpr int kMostProblemsLogged = 20;

std::size_t query_connections(const GatewayConfig& config) {
  const int switching = config.switching ? 2 * config.switching->threads + 4 : 0;
  return kQueryThreads + kControlThreads + kKeptThreads + CommandsLink::kThreads +
         static_cast<std::size_t>(config.work_threads + switching);
}

// A coroutine of the gateway lets nothing out; if one does, the process ends and systemd starts it again.
void end_on_defect(std::exception_ptr defect) {
  if (defect) std::rethrow_exception(defect);
}

}  // namespace

// Coroutines below run on strand_, which guards all plain members that change.
class Gateway::Impl {
 public:
  Impl(GatewayConfig config, const Families& families, Log& log, std::string version,
       std::optional<SimulatedTime> simulated)
      : config_(std::move(config)),
        families_(families),
        log_(log),
        clock_(simulated),
        metrics_(version),
        io_(config_.threads),
        strand_(asio::make_strand(io_)),
        signals_(strand_),
        work_(static_cast<std::size_t>(config_.work_threads)),
        storing_(static_cast<std::size_t>(config_.database.connections)),
        queries_(kQueryThreads),
        control_(kControlThreads),
        database_(config_.database, config_.event_facts,
                  query_connections(config_),
                  metrics_, log_),
        kept_(config_, database_, log_),
        readiness_(config_.database.check_every * 3 + std::chrono::seconds{10},
                   std::chrono::steady_clock::now),
        pipeline_(database_.ingest(), database_.directory(), storing_, clock_,
                  {config_.database.retry_first, config_.database.retry_longest}, log_),
        commands_(config_.commands, io_.get_executor(), clock_, database_.queries(), database_.directory(), log_),
        journal_({config_.journal.path, config_.journal.max_bytes, config_.journal.max_messages, {}}, log_),
        maintenance_(
            clock_, control_,
            [this] {
              storage::MaintenancePlan plan;
              plan.rewrite_after_days = config_.maintenance.rewrite_after_days;
              plan.budget = config_.maintenance.budget;
              plan.retention = config_.retention;
              return MaintenanceJob::Settings{config_.maintenance.hour, plan};
            },
            [this](const storage::MaintenancePlan& plan, UtcInstant now, const std::function<bool()>& go_on) {
              return database_.maintenance().run(plan, now, go_on);
            },
            log_),
        host_({io_.get_executor(), clock_, work_, storing_, database_.ingest(), database_.directory(),
               pipeline_, metrics_, log_, kept_.keeper(), &journal_}) {
    metrics_.journal([this] { return journal_.figures(); }, config_.journal.max_messages,
                     config_.journal.max_bytes);
    metrics_.queue("work", [this] { return work_.under_way(); });
    metrics_.queue("storing", [this] { return storing_.under_way(); });
    metrics_.queue("query", [this] { return queries_.under_way(); });
    metrics_.commands([this] { return commands_.counts(); });
    const Pipeline::TakeResults take = [this](std::shared_ptr<FeedRoute> feed,
                                              std::span<const ResultObservation> results) {
      return commands_.take(std::move(feed), results);
    };
    if (config_.switching) {
      switching_ = std::make_unique<SwitchingLink>(
          *config_.switching, config_.database,
          SwitchingLink::Parts{io_.get_executor(), clock_, database_.queries(), database_.directory(),
                               commands_.engine().shared_from_this(), log_,
                               std::chrono::seconds{simulated ? 1 : 30}, kQueryThreads});
      metrics_.switching([this] { return switching_->counts(); });
      pipeline_.on_results([this, take](std::shared_ptr<FeedRoute> feed, std::span<const ResultObservation> results) {
        return switching_->take(std::move(feed), results, take);
      });
    } else {
      pipeline_.on_results(take);
    }
    pipeline_.on_answers(commands::asked_at);
    log_.write(messages::kGatewayStarting, {{"version", version}, {"config", config_.file}});
  }

  int run() {
    if (const auto listening = listen(); !listening) {
      log_.write(messages::kGatewayCannotStart, {{"error", listening.error().message}});
      return 1;
    }
    boost::system::error_code ignored;
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) signals_.add(signal, ignored);
    asio::co_spawn(strand_, take_signals(), end_on_defect);
    asio::co_spawn(strand_, keep_database(), end_on_defect);
    asio::co_spawn(strand_, keep_readiness(), end_on_defect);
    asio::co_spawn(strand_, feed_watchdog(), end_on_defect);
    asio::co_spawn(strand_, maintenance_.keep(), end_on_defect);
    asio::co_spawn(strand_, look_into_journal(), end_on_defect);
    asio::co_spawn(strand_, keep_gaps(), end_on_defect);
    asio::co_spawn(strand_, keep_backfills(), end_on_defect);
    asio::co_spawn(strand_, keep_validation(), end_on_defect);
    kept_.start(strand_, host_, clock_);
    notifier_.ready("waiting for the database");
    std::vector<std::jthread> threads;
    for (int i = 1; i < config_.threads; ++i) threads.emplace_back([this] { io_.run(); });
    io_.run();
    threads.clear();
    rpc_.reset();
    log_.write(messages::kGatewayStopped);
    return 0;
  }

 private:
  Outcome listen() {
    HttpServer::Handlers handlers;
    handlers["/metrics"] = [this] {
      return HttpAnswer{200, "text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
    };
    handlers["/healthz"] = [] { return HttpAnswer{200, "text/plain; charset=utf-8", "ok\n"}; };
    handlers["/readyz"] = [this] {
      const auto report = readiness_.report(host_.status());
      return HttpAnswer{report.ready ? 200u : 503u, "application/json", report.json()};
    };
    HttpLimits limits;
    limits.connections = static_cast<std::size_t>(config_.http.connections);
    limits.request = config_.http.request_timeout;
    auto http =
        HttpServer::listen(io_.get_executor(), config_.http.address, std::move(handlers), limits, log_);
    if (!http) return http.error();
    http_ = std::move(http).value();
    if (auto written = write_port_file(config_.http.port_file, http_->port()); !written) return written;
    log_.write(messages::kHttpListening, {{"port", std::to_string(http_->port())}});

    rpc_ = std::make_unique<rpc::RpcServer>(
        rpc_config(config_),
        rpc::RpcServer::Dependencies{
            database_.queries(),
            [this] { return adapter_reports(host_); },
            [this](const rpc::ReplayOrder& order) { return replay_order(database_, host_, log_, order); },
            [this](const rpc::CallRecord& call) { log_call(log_, call); },
            [this] { return clock_.now(); },
            [this](std::function<void()> work) { queries_.post(std::move(work)); },
            {[this](const storage::RunOrder& order) { return kept_.order(order, host_); },
             [this](const std::string& sha256) { return kept_.open(sha256); },
             [this](const std::string& sha256) { return kept_.holds(sha256); }},
            &database_.reader(),
            [this] { return regimes(); },
            [this] { return rules(); },
            commands_of(commands_.engine().shared_from_this()),
            switching_ ? switching_->served() : nullptr,
            switching_ ? &switching_->seals() : nullptr});
    if (auto started = rpc_->start(); !started) return started;
    rpc_->set_serving(false);
    log_.write(messages::kRpcListening, {{"tls_port", std::to_string(rpc_->port())},
                                         {"demo_port", std::to_string(rpc_->demo_port())},
                                         {"unix", config_.rpc.unix_path.value_or("")}});
    if (config_.rpc.plaintext_address) log_.write(messages::kRpcDemo);
    return Done{};
  }

  // Asks the database at intervals; as soon as it can be used, starts the feeds, and again after each reload.
  sdk::Awaitable<void> keep_database() {
    checking_ = true;
    std::optional<Fault> fault;
    bool known = false;
    while (!stopping_) {
      const bool reloading = std::exchange(reload_to_finish_, false);
      const bool apply = reloading || !applied_;
      const auto utilities = config_.utilities;
      Outcome outcome = transient("not asked yet");
      std::map<std::string, storage::UtilityId> ids;
      const std::function<void()> ask = [&] { outcome = ask_database(apply, utilities, ids); };
      co_await control_.run(ask);
      if (stopping_) break;

      readiness_.database(outcome);
      metrics_.database_up(outcome.ok());
      rpc_->set_serving(outcome.ok());
      const auto now = outcome.ok() ? std::nullopt : std::optional<Fault>{outcome.error().fault};
      if (!known || now != fault) report_database(outcome);
      known = true;
      fault = now;
      applied_ = apply ? outcome.ok() : applied_;
      if (apply && outcome.ok()) {
        host_.apply(config_.feeds, ids);
        commands_.attach(host_, config_.feeds, ids);
        if (switching_) switching_->attach(host_, config_, ids, regimes());
        readiness_.feeds_applied();
      }
      if (reloading) {
        log_.write(messages::kReloadDone, {{"feeds", std::to_string(config_.feeds.size())}});
        notifier_.ready(status_);
      }
      for (auto left = config_.database.check_every; left.count() > 0 && !stopping_ && !reload_to_finish_;
           left -= kTick) {
        co_await clock_.wait(std::min(left, kTick));
      }
    }
    checking_ = false;
  }

  Outcome ask_database(bool apply, const std::vector<UtilityConfig>& utilities,
                       std::map<std::string, storage::UtilityId>& ids) {
    auto answer = database_.check();
    if (answer && switching_) answer = switching_->check();
    if (answer) {
      if (const auto health = database_.changes().health(); health.ok())
        metrics_.change_feed(*health, rpc_->change_streams());
    }
    if (!answer || !apply) return answer;
    auto stored = database_.put_utilities(utilities);
    if (!stored) return stored.error();
    ids = std::move(stored).value();
    const auto directory = database_.directory().refresh(std::nullopt);
    if (!directory) return directory.error();
    return Done{};
  }

  void report_database(const Outcome& outcome) {
    if (outcome) {
      log_.write(messages::kDatabaseReady);
    } else if (outcome.error().fault == Fault::Permanent) {
      log_.write(messages::kDatabaseUnfit, {{"error", outcome.error().message}});
    } else {
      log_.write(messages::kDatabaseAway, {{"error", outcome.error().message}});
    }
  }

  sdk::Awaitable<void> keep_gaps() {
    comparing_ = true;
    GapJob job({database_.queries(), control_, clock_, metrics_, log_});
    co_await job.keep([this] {
      const auto& c = config_.collection;
      GapJob::Situation situation;
      situation.stopping = stopping_;
      situation.ready = applied_;
      situation.storing = pipeline_.under_way() > 0;
      situation.rules.grace = std::chrono::floor<std::chrono::seconds>(c.grace);
      situation.rules.registers_daily = c.registers_daily;
      situation.every = c.every;
      return situation;
    });
    comparing_ = false;
  }

  sdk::Awaitable<void> keep_backfills() {
    asking_ = true;
    BackfillJob job({database_.queries(), control_, clock_, metrics_, log_, commands_.engine()});
    co_await job.keep([this] {
      using std::chrono::ceil, std::chrono::seconds;
      const auto& c = config_.collection;
      BackfillJob::Situation situation;
      situation.stopping = stopping_;
      situation.ready = applied_;
      situation.on = c.backfill;
      situation.rules.after = ceil<seconds>(c.backfill_after);
      situation.rules.pause = ceil<seconds>(c.backfill_pause);
      situation.rules.longest = ceil<seconds>(c.backfill_longest_pause);
      situation.rules.tries = c.backfill_tries;
      situation.rules.per_hour = static_cast<std::size_t>(c.backfill_per_hour);
      situation.every = std::min(c.every, std::chrono::milliseconds{60'000});
      return situation;
    });
    asking_ = false;
  }

  sdk::Awaitable<void> keep_validation() {
    validating_ = true;
    ValidationJob job({database_.queries(), control_, clock_, metrics_, log_});
    co_await job.keep([this] {
      ValidationJob::Situation situation;
      situation.stopping = stopping_;
      situation.ready = applied_;
      situation.storing = pipeline_.under_way() > 0;
      situation.rules.settle = std::chrono::ceil<std::chrono::seconds>(config_.validation.settle);
      situation.judging = [this] { return rules(); };
      situation.every = config_.validation.every;
      return situation;
    });
    validating_ = false;
  }

  sdk::Awaitable<void> keep_readiness() {
    std::optional<std::string> last;
    while (!stopping_) {
      const auto report = readiness_.report(host_.status());
      const auto reason = report.first_reason();
      metrics_.ready(report.ready);
      if (last != reason) {
        status_ = report.ready ? "ready" : "not ready: " + reason;
        notifier_.status(status_);
        if (report.ready) {
          log_.write(messages::kGatewayReady);
        } else {
          log_.write(messages::kGatewayNotReady, {{"reason", reason}});
        }
        last = reason;
      }
      co_await clock_.wait(kTick);
    }
  }

  // From a coroutine, so that an io_context that answers nobody is not kept alive.
  sdk::Awaitable<void> feed_watchdog() {
    const auto period = notifier_.watchdog_period();
    if (!period) co_return;
    while (true) {
      notifier_.watchdog();
      co_await clock_.wait(std::chrono::floor<std::chrono::milliseconds>(*period));
    }
  }

  // What an earlier run left is opened even when no feed is pushed to any more, so that it is seen.
  sdk::Awaitable<void> look_into_journal() {
    if (!journal_.left_behind()) co_return;
    Outcome opened = Done{};
    const std::function<void()> open = [&] {
      if (const auto journal = journal_.open(); !journal) opened = journal.error();
    };
    co_await control_.run(open);
    if (!opened) log_.write(messages::kJournalFailing, {{"error", opened.error().message}});
  }

  sdk::Awaitable<void> take_signals() {
    while (true) {
      boost::system::error_code error;
      const int signal = co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      if (signal == SIGHUP) {
        if (!stopping_) co_await reload();
      } else if (stopping_) {
        log_.write(messages::kGatewayKilled);
        std::_Exit(1);
      } else {
        stopping_ = true;
        asio::co_spawn(strand_, drain(), end_on_defect);
      }
    }
  }

  sdk::Awaitable<void> reload() {
    notifier_.reloading();
    LoadedConfig loaded;
    const std::function<void()> load = [&] { loaded = load_gateway_config(config_.file, families_); };
    co_await control_.run(load);
    if (stopping_) co_return;
    if (!loaded.problems.empty()) {
      int left = kMostProblemsLogged;
      for (const auto& problem : loaded.problems) {
        if (left-- == 0) break;
        log_.write(messages::kReloadRefused, {{"problems", std::to_string(loaded.problems.size())},
                                              {"file", problem.file},
                                              {"line", std::to_string(problem.line)},
                                              {"problem", problem.message}});
      }
      notifier_.ready(status_);
      co_return;
    }
    for (const auto& key : take_over(config_, std::move(loaded.config))) {
      log_.write(messages::kReloadNeedsRestart, {{"key", key}});
    }
    put_regimes(regimes_of(config_));
    put_rules(validation_rules_of(config_));
    log_.configure(config_.log_level, config_.log_format);
    reload_to_finish_ = true;  // keep_database() applies it and says when that is done
  }

  std::shared_ptr<const regime::Regimes> regimes() {
    const std::lock_guard lock(regimes_mutex_);
    return regimes_;
  }
  std::shared_ptr<const validation::Rules> rules() {
    const std::lock_guard lock(regimes_mutex_);
    return rules_;
  }
  void put_rules(std::shared_ptr<const validation::Rules> fresh) {
    const std::lock_guard lock(regimes_mutex_);
    rules_ = std::move(fresh);
  }
  void put_regimes(std::shared_ptr<const regime::Regimes> fresh) {
    const std::lock_guard lock(regimes_mutex_);
    regimes_ = std::move(fresh);
  }

  // In order: no new callers, no new reads, what is under way ends, then the last listener goes.
  sdk::Awaitable<void> drain() {
    notifier_.stopping();
    log_.write(messages::kGatewayDraining);
    readiness_.stopping();
    asio::steady_timer limit(io_, config_.drain_timeout);
    limit.async_wait([this](const boost::system::error_code& cancelled) {
      if (cancelled) return;
      log_.write(messages::kGatewayDrainTimedOut);
      std::_Exit(1);
    });
    rpc_->set_serving(false);
    const auto patience = config_.drain_timeout / 2;
    const std::function<void()> end_calls = [this, patience] { rpc_->drain(patience); };
    co_await control_.run(end_calls);
    kept_.stop();
    maintenance_.stop();
    if (switching_) switching_->stop();
    commands_.stop();
    co_await host_.stop();
    while (!kept_.quiet() || !commands_.quiet()) co_await clock_.wait(kTick);
    if (switching_) co_await switching_->finish();
    while (checking_ || comparing_ || asking_ || validating_ || maintenance_.working()) co_await clock_.wait(kTick);
    http_->stop();
    limit.cancel();
    signals_.cancel();
    io_.stop();
  }

  GatewayConfig config_;
  std::mutex regimes_mutex_;  // guards the next two, which threads of gRPC calls read
  std::shared_ptr<const regime::Regimes> regimes_ = regimes_of(config_);
  std::shared_ptr<const validation::Rules> rules_ = validation_rules_of(config_);
  const Families& families_;
  Log& log_;
  Notifier notifier_;
  SteadyClock clock_;
  Metrics metrics_;
  asio::io_context io_;
  asio::strand<asio::io_context::executor_type> strand_;
  asio::signal_set signals_;
  WorkerPool work_, storing_, queries_, control_;
  DatabaseLink database_;
  KeptContent kept_;
  Readiness readiness_;
  Pipeline pipeline_;
  CommandsLink commands_;
  JournalLink journal_;
  MaintenanceJob maintenance_;
  Host host_;
  std::unique_ptr<SwitchingLink> switching_;  // null: not configured
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<rpc::RpcServer> rpc_;
  std::string status_ = "waiting for the database";
  bool applied_ = false;  // the configured feeds were handed to the host
  bool reload_to_finish_ = false;
  bool checking_ = false;
  bool comparing_ = false;
  bool asking_ = false;  // for gaps
  bool validating_ = false;
  bool stopping_ = false;
};

Gateway::Gateway(GatewayConfig config, const Families& families, Log& log, std::string version,
                 std::optional<SimulatedTime> simulated)
    : impl_(std::make_unique<Impl>(std::move(config), families, log, std::move(version), simulated)) {}
Gateway::~Gateway() = default;
int Gateway::run() {
  return impl_->run();
}

}  // namespace ami::daemon
