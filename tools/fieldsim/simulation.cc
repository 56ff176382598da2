#include "tools/fieldsim/simulation.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "adapters/wire/http/url.h"
#include "tools/fieldsim/books.h"
#include "tools/fieldsim/page/page.h"
#include "tools/fieldsim/peer_services.h"
#include "tools/fieldsim/scenario/fleet.h"

namespace ami::fieldsim {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSettle{200};      // of the machine's time
constexpr milliseconds kLongestNap{100};  // so that a change of the machine's clock is seen

struct Running {
  const NetworkScenario* of = nullptr;
  std::unique_ptr<World> world;
  std::unique_ptr<Courier> courier;
  std::unique_ptr<FarSide> far_side;
  UtcInstant next{};  // report
};

UtcInstant first_after(UtcInstant start, seconds every) {
  const auto since = std::chrono::floor<seconds>(start.time_since_epoch());
  return UtcInstant{(since / every + 1) * every};
}

// Written beside and moved in: nobody reads half a file.
Outcome write_file(const fs::path& path, const std::string& text) {
  const fs::path beside = path.string() + ".part";
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) return permanent(beside.string() + " cannot be written");
  }
  std::error_code error;
  fs::rename(beside, path, error);
  if (error) return permanent(path.string() + ": " + error.message());
  return ami::Done{};
}

}  // namespace

class Simulation::Core {
 public:
  Core(const Scenario& scenario, SimulationSettings settings, asio::any_io_executor executor)
      : scenario_(scenario),
        settings_(std::move(settings)),
        executor_(executor),
        clock_(scenario.start, scenario.time_factor),
        peers_(executor, clock_, settings_.verbose),
        nap_(executor) {
    if (!settings_.wall) {
      settings_.wall = [] {
        return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
      };
    }
  }

  std::vector<sdk::Problem> make();
  sdk::Awaitable<Outcome> run();
  void stop() {
    stopping_ = true;
    nap_.cancel();
    // A report may be waiting for a listener that is away.
    for (const Running& one : running_) asio::co_spawn(executor_, one.courier->stop(), asio::detached);
  }

  std::vector<Shown> shown() {
    std::vector<Shown> all;
    for (Running& one : running_) {
      all.push_back({one.of->setup.name, one.of->setup.family, *one.world, *one.far_side, *one.courier});
    }
    return all;
  }
  SimulatedClock& clock() { return clock_; }
  sdk::Services services() { return peers_.services(); }
  [[nodiscard]] bool open() const { return open_; }

 private:
  [[nodiscard]] fs::path path(const std::string& file) const { return settings_.base_dir / file; }
  CourierSetup courier_of(const NetworkScenario& network) const;
  sdk::Awaitable<Outcome> open_all();
  Outcome write_down();
  sdk::Awaitable<void> let_time_run();
  sdk::Awaitable<void> bring_what_is_on_its_way();
  sdk::Awaitable<void> close_all();
  sdk::Awaitable<void> nap(milliseconds span);
  static sdk::Awaitable<void> keep_settling(std::shared_ptr<bool> until, Core& core);
  void settle();

  const Scenario scenario_;
  SimulationSettings settings_;
  const asio::any_io_executor executor_;
  SimulatedClock clock_;
  PeerServices peers_;
  std::optional<Ledger> ledger_;
  std::vector<Running> running_;
  std::unique_ptr<Page> page_;
  asio::steady_timer nap_;
  std::size_t opened_ = 0;  // networks, in their order
  bool stopping_ = false, open_ = false;
};

CourierSetup Simulation::Core::courier_of(const NetworkScenario& network) const {
  CourierSetup setup;
  setup.network = network.setup.name;
  setup.latency = network.setup.latency.value_or(Latency{});
  setup.usual = network.usual;
  setup.seed = network.setup.seed;
  for (const StormOrder& storm : scenario_.storms) {
    const bool hits =
        storm.networks.empty() || std::ranges::find(storm.networks, setup.network) != storm.networks.end();
    const UtcInstant from = scenario_.start + storm.from;
    if (hits) setup.spells.push_back({from, from + storm.lasts, storm.misfortune});
  }
  return setup;
}

std::vector<sdk::Problem> Simulation::Core::make() {
  Fleet fleet = make_fleet(scenario_);
  std::vector<sdk::Problem> problems = std::move(fleet.problems);
  if (!problems.empty()) return problems;
  if (!scenario_.page.empty()) {
    if (const auto endpoint = http::parse_endpoint(scenario_.page); !endpoint)
      problems.push_back({scenario_.file, 0, "page: " + endpoint.error().message});
  }
  auto ledger = Ledger::open(
      settings_.check_only || scenario_.ledger.empty() ? std::string() : path(scenario_.ledger).string(),
      settings_.wall);
  if (!ledger) {
    problems.push_back({scenario_.file, 0, ledger.error().message});
    return problems;
  }
  ledger_ = std::move(ledger).value();
  running_.reserve(fleet.worlds.size());
  for (std::size_t i = 0; i < fleet.worlds.size(); ++i) {
    const NetworkScenario& network = scenario_.networks[i];
    auto world = World::create(std::move(fleet.worlds[i]), clock_, *ledger_);
    if (!world) {
      problems.push_back({scenario_.file, network.line, world.error().message});
      continue;
    }
    Running one;
    one.of = &network;
    one.world = std::move(world).value();
    one.courier = std::make_unique<Courier>(courier_of(network), peers_.services(), clock_, *ledger_);
    const Surroundings around{peers_.services(), clock_, *one.world, *ledger_, *one.courier};
    auto far_side = network.kind->make(network.setup, around);
    if (!far_side) {
      problems.push_back(
          {scenario_.file, network.line, "network " + network.setup.name + ": " + far_side.error().message});
      continue;
    }
    one.far_side = std::move(far_side).value();
    one.next = first_after(scenario_.start, network.report_every);
    running_.push_back(std::move(one));
  }
  return problems;
}

Outcome Simulation::Core::write_down() {
  ledger_->run(scenario_.file, scenario_.seed, scenario_.start, scenario_.time_factor);
  std::vector<BooksOf> books;
  std::string ports = "{";
  for (const Running& one : running_) {
    ledger_->network(one.of->setup.name, one.of->setup.family, one.world->size());
    books.push_back({*one.world, one.of->kind->module_type, one.far_side->books()});
    ports += (ports.size() > 1 ? ",\n \"" : "\"") + one.of->setup.name + "\": {";
    bool first = true;
    for (const auto& [role, port] : one.far_side->ports()) {
      ports += (first ? "\"" : ", \"") + role + "\": " + std::to_string(port);
      first = false;
    }
    ports += "}";
  }
  if (page_) ports += (ports.size() > 1 ? ",\n \"page\": " : "\"page\": ") + std::to_string(page_->port());
  if (!scenario_.books.empty()) {
    const Outcome written =
        write_file(path(scenario_.books), books_csv(books, scenario_.zone, scenario_.start));
    if (!written) return written;
  }
  // The last one: who waits for it finds everything open and written.
  ledger_->flush();
  if (scenario_.ports.empty()) return ami::Done{};
  return write_file(path(scenario_.ports), ports + "}\n");
}

sdk::Awaitable<Outcome> Simulation::Core::open_all() {
  for (Running& one : running_) {
    Outcome open = co_await one.far_side->start();
    if (!open) co_return permanent("network " + one.of->setup.name + ": " + open.error().message);
    ++opened_;
  }
  if (!scenario_.page.empty()) {
    http::ServerSettings settings;
    settings.listen = {http::parse_endpoint(scenario_.page).value()};
    page_ = std::make_unique<Page>(shown(), clock_, std::move(settings), peers_.services());
    Outcome open = co_await page_->start();
    if (!open) {
      page_.reset();
      co_return permanent("page: " + open.error().message);
    }
  }
  Outcome written = write_down();
  co_return written;
}

sdk::Awaitable<void> Simulation::Core::nap(milliseconds span) {
  nap_.expires_after(span);
  boost::system::error_code woken;
  co_await nap_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

void Simulation::Core::settle() {
  for (std::size_t i = 0; i < opened_; ++i) running_[i].far_side->settle();
  ledger_->flush();
}

sdk::Awaitable<void> Simulation::Core::keep_settling(std::shared_ptr<bool> until, Core& core) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (!*until) {
    core.settle();
    timer.expires_after(kSettle);
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

sdk::Awaitable<void> Simulation::Core::let_time_run() {
  const UtcInstant end = scenario_.length ? scenario_.start + *scenario_.length : UtcInstant::max();
  while (!stopping_) {
    UtcInstant next = UtcInstant::max();
    for (const Running& one : running_) next = std::min(next, one.next);
    if (next > end) break;
    clock_.hold_at(next);
    clock_.run();
    for (;;) {
      const auto left = next - clock_.now();
      if (left.count() <= 0 || stopping_) break;
      const std::chrono::duration<double, std::micro> real =
          std::chrono::duration<double, std::micro>(left) / scenario_.time_factor;
      co_await nap(std::clamp(std::chrono::ceil<milliseconds>(real), milliseconds{1}, kLongestNap));
    }
    if (stopping_) break;
    for (Running& one : running_) {
      if (one.next != next) continue;
      co_await one.world->advance(next);
      co_await one.far_side->report(next);
      one.next = next + one.of->report_every;
    }
  }
}

sdk::Awaitable<void> Simulation::Core::bring_what_is_on_its_way() {
  clock_.hold_at(UtcInstant::max());
  const auto busy = [this] {
    return std::ranges::any_of(running_, [](const Running& one) {
      const Courier::Counts counts = one.courier->counts();
      return counts.waiting > 0 || counts.on_the_wire > 0;
    });
  };
  while (!stopping_ && busy()) co_await nap(milliseconds{20});
}

sdk::Awaitable<void> Simulation::Core::close_all() {
  if (page_) co_await page_->stop();
  clock_.hold_at(UtcInstant::max());
  for (std::size_t i = 0; i < opened_; ++i) {
    co_await running_[i].courier->stop();
    co_await running_[i].far_side->stop();
  }
  settle();
}

sdk::Awaitable<Outcome> Simulation::Core::run() {
  Outcome opened = co_await open_all();
  if (!opened) {
    co_await close_all();
    co_return opened;
  }
  open_ = true;
  const auto until = std::make_shared<bool>(false);
  asio::steady_timer settled(executor_, asio::steady_timer::time_point::max());
  bool settling = true;
  asio::co_spawn(executor_, keep_settling(until, *this), [&](std::exception_ptr thrown) {
    settling = false;
    settled.cancel();
    if (thrown) std::rethrow_exception(thrown);
  });
  co_await let_time_run();
  co_await bring_what_is_on_its_way();
  *until = true;
  while (settling) {
    boost::system::error_code woken;
    co_await settled.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  co_await close_all();
  Outcome ended = ledger_->end();
  co_return ended;
}

Simulation::Simulation(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Simulation::~Simulation() = default;

std::vector<sdk::Problem> Simulation::create(const Scenario& scenario, SimulationSettings settings,
                                             asio::any_io_executor executor,
                                             std::unique_ptr<Simulation>& out) {
  auto core = std::make_unique<Core>(scenario, std::move(settings), std::move(executor));
  std::vector<sdk::Problem> problems = core->make();
  if (problems.empty()) out.reset(new Simulation(std::move(core)));
  return problems;
}

sdk::Awaitable<Outcome> Simulation::run() {
  return core_->run();
}
void Simulation::stop() {
  core_->stop();
}
std::vector<Shown> Simulation::shown() {
  return core_->shown();
}
SimulatedClock& Simulation::clock() {
  return core_->clock();
}
sdk::Services Simulation::services() {
  return core_->services();
}
bool Simulation::running() const {
  return core_->open();
}

}  // namespace ami::fieldsim
