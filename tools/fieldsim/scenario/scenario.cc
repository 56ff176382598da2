#include "tools/fieldsim/scenario/scenario.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"
#include "meter_model/time/zone.h"

namespace ami::fieldsim {
namespace {

using sdk::Settings;
using std::chrono::seconds;

constexpr double kMostFactor = 100'000;
constexpr seconds kDay{86'400};

// Independent of the order of the networks, and the same everywhere (FNV-1a).
std::uint64_t seed_of(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ seed;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

class Reader {
 public:
  Reader(std::string file, std::span<const NetworkKind> kinds, ReadScenario& out)
      : file_(std::move(file)), kinds_(kinds), out_(out) {}

  void read(const Settings& all, const Overrides& overrides, UtcInstant now);

 private:
  void problem(int line, std::string message) { out_.problems.push_back({file_, line, std::move(message)}); }
  // At the key's line, or where its section begins when the key is absent.
  void problem(const Settings& at, std::string_view key, std::string message) {
    problem(at.line(key) > 0 ? at.line(key) : section_line_, std::string(key) + ": " + std::move(message));
  }
  double number(const Settings& at, std::string_view key, double least, double most);
  Decimal decimal(const Settings& at, std::string_view key);
  seconds whole_seconds(const Settings& at, std::string_view key);
  seconds above_zero(const Settings& at, std::string_view key);
  Misfortune misfortune(const Settings& at);
  void read_start(const Settings& all, UtcInstant now);
  void read_programme(const Settings& programme);
  void read_network(const Settings& at, const Overrides& overrides);
  void read_own_keys(const Settings& at, NetworkScenario& network);
  void read_faults(const Settings& all);
  void read_exchanges(const Settings& all);
  void read_weather(const Settings& all);
  void known_network(const Settings& at, std::string_view key, const std::string& name);
  std::vector<std::string> networks_of(const Settings& at);

  const std::string file_;
  const std::span<const NetworkKind> kinds_;
  ReadScenario& out_;
  Scenario& scenario_ = out_.scenario;
  int section_line_ = 1;
};

double Reader::number(const Settings& at, std::string_view key, double least, double most) {
  const std::string& text = at.text(key);
  const auto parsed = Decimal::parse(text);
  if (parsed) {
    // Only shares and factors: nothing that is energy.
    const double value = std::stod(parsed->to_string());
    if (value >= least && value <= most) return value;
  }
  const auto shown = [](double bound) {
    return Decimal{static_cast<std::int64_t>(bound * 1000), -3}.normalised();
  };
  problem(at, key,
          ami::quoted(text) + " is not a number from " + shown(least).to_string() + " to " +
              shown(most).to_string());
  return least;
}

Decimal Reader::decimal(const Settings& at, std::string_view key) {
  const auto parsed = Decimal::parse(at.text(key));
  if (parsed) return *parsed;
  problem(at, key, ami::quoted(at.text(key)) + " is not a decimal number");
  return {};
}

seconds Reader::whole_seconds(const Settings& at, std::string_view key) {
  if (!at.has(key)) return {};
  const auto span = at.duration(key);
  if (span % seconds{1} != std::chrono::milliseconds{0}) problem(at, key, "whole seconds are possible");
  return std::chrono::duration_cast<seconds>(span);
}

seconds Reader::above_zero(const Settings& at, std::string_view key) {
  const seconds span = whole_seconds(at, key);
  if (at.has(key) && span <= seconds{0}) problem(at, key, "must be above zero");
  return std::max(span, seconds{1});
}

Misfortune Reader::misfortune(const Settings& at) {
  return {number(at, "lost", 0, 1), number(at, "duplicated", 0, 1), number(at, "late", 0, 1),
          at.duration("late_by")};
}

void Reader::read_start(const Settings& all, UtcInstant now) {
  if (all.has("start") == all.has("start_ago")) {
    problem(all, "start", "either start or start_ago says when simulated time begins");
    return;
  }
  if (all.has("start_ago")) {
    scenario_.start = std::chrono::floor<std::chrono::hours>(now - all.duration("start_ago"));
  } else {
    const auto start = parse_instant(all.text("start"));
    if (!start) {
      problem(all, "start", start.error().message);
      return;
    }
    scenario_.start = *start;
    if (*start != std::chrono::floor<std::chrono::minutes>(*start))
      problem(all, "start", "a whole minute is possible");
  }
  if (scenario_.start > now)
    problem(all, "start", to_text(scenario_.start) + " is still to come; meters have nothing to say of it");
  if (scenario_.start < virtual_meter::kFirstInstant + std::chrono::days{2})
    problem(all, "start", to_text(scenario_.start) + " is before virtual meters were born, in January 2000");
}

void Reader::read_programme(const Settings& programme) {
  Programme& to = scenario_.programme;
  to.interval = above_zero(programme, "interval");
  if (kDay % to.interval != seconds{0} || to.interval % seconds{60} != seconds{0})
    problem(programme, "interval", "it must be whole minutes and divide a day");
  to.ke_wh = decimal(programme, "ke_wh");
  if (to.ke_wh <= Decimal{}) problem(programme, "ke_wh", "must be above zero");
  to.digits = static_cast<std::int32_t>(programme.integer("digits"));
  to.decimals = static_cast<std::int32_t>(programme.integer("decimals"));
  if (to.decimals >= to.digits) problem(programme, "decimals", "must be fewer than the digits in all");
  to.received = programme.boolean("received");
  to.tiers = programme.boolean("tiers");
}

void Reader::read_own_keys(const Settings& at, NetworkScenario& network) {
  std::vector<std::string> known;
  for (const OwnKey& own : network.kind->own_keys) {
    const std::string key(own.name);
    known.push_back(key);
    network.setup.own[key] = at.has(key) ? at.text(key) : std::string(own.default_value);
  }
  std::set<std::string> told;
  for (const NetworkKind& kind : kinds_) {
    for (const OwnKey& own : kind.own_keys) {
      const std::string key(own.name);
      if (!at.has(key) || std::ranges::find(known, key) != known.end() || !told.insert(key).second) continue;
      const auto nearest = std::ranges::min_element(
          known, {}, [&](const std::string& candidate) { return edit_distance(key, candidate); });
      problem(at, key,
              "a " + network.setup.family + " network has no such key" +
                  (nearest == known.end() ? "" : "; nearest is " + *nearest));
    }
  }
}

void Reader::read_network(const Settings& at, const Overrides& overrides) {
  NetworkScenario network;
  network.line = section_line_ = at.line("family");
  network.setup.family = at.text("family");
  const auto kind = std::ranges::find(kinds_, network.setup.family, &NetworkKind::family);
  if (kind == kinds_.end()) return;  // the schema has said so
  network.kind = &*kind;
  network.setup.name = at.text("name").empty() ? network.setup.family : at.text("name");
  network.setup.base_dir = overrides.base_dir;
  network.setup.batch = static_cast<std::size_t>(at.integer("batch"));
  network.setup.seed = seed_of(scenario_.seed, network.setup.name);
  if (auto zone = Zone::load(at.text("zone"))) network.setup.zone = *std::move(zone);
  network.meters = static_cast<std::size_t>(at.integer("meters"));
  network.report_every = above_zero(at, "report_every");
  if (network.report_every < seconds{60} || network.report_every % seconds{60} != seconds{0})
    problem(at, "report_every", "whole minutes are possible");
  for (const std::string& name : at.list("models")) {
    const auto model = virtual_meter::Model::parse(name);
    if (model) {
      network.models.push_back(*model);
    } else {
      problem(at, "models", model.error().message);
    }
  }
  if (network.models.empty()) network.models.push_back({true, true});
  if (at.has("latency")) {
    const Settings& latency = at.section("latency");
    Latency to{latency.duration("least"), latency.duration("most"), number(latency, "tail_share", 0, 1),
               latency.duration("tail_most")};
    if (to.most < to.least) problem(latency, "most", "is less than least");
    if (to.tail_share > 0 && to.tail_most < to.most) problem(latency, "tail_most", "is less than most");
    network.setup.latency = to;
  }
  network.usual = misfortune(at);
  read_own_keys(at, network);
  const auto same = std::ranges::find(scenario_.networks, network.setup.name,
                                      [](const NetworkScenario& other) { return other.setup.name; });
  if (same != scenario_.networks.end())
    problem(at, "name", "two networks are called " + ami::quoted(network.setup.name));
  scenario_.networks.push_back(std::move(network));
}

void Reader::known_network(const Settings& at, std::string_view key, const std::string& name) {
  const auto called = [](const NetworkScenario& network) -> const std::string& { return network.setup.name; };
  if (scenario_.networks.empty() ||
      std::ranges::find(scenario_.networks, name, called) != scenario_.networks.end())
    return;
  const auto nearest = std::ranges::min_element(scenario_.networks, {}, [&](const NetworkScenario& network) {
    return edit_distance(name, network.setup.name);
  });
  problem(at, key,
          "no network is called " + ami::quoted(name) + ", nearest is " + ami::quoted(nearest->setup.name));
}

std::vector<std::string> Reader::networks_of(const Settings& at) {
  for (const std::string& name : at.list("networks")) known_network(at, "networks", name);
  return at.list("networks");
}

void Reader::read_faults(const Settings& all) {
  for (const Settings& at : all.sections("faults")) {
    const auto kind = virtual_meter::fault_named(at.text("fault"));
    if (!kind) continue;  // the schema has said so
    FaultOrder order;
    order.kind = *kind;
    order.line = section_line_ = at.line("fault");
    order.network = at.text("network");
    if (!order.network.empty()) known_network(at, "network", order.network);
    order.meters = static_cast<std::size_t>(at.integer("meters"));
    order.names = at.list("names");
    order.from = whole_seconds(at, "from");
    order.lasts = above_zero(at, "lasts");
    order.amount = decimal(at, "amount");
    scenario_.faults.push_back(std::move(order));
  }
  for (const Settings& at : all.sections("crossed")) {
    CrossedOrder order;
    order.line = section_line_ = at.line("network");
    order.network = at.text("network");
    known_network(at, "network", order.network);
    order.pairs = static_cast<std::size_t>(at.integer("pairs"));
    order.from = whole_seconds(at, "from");
    order.lasts = above_zero(at, "lasts");
    scenario_.crossed.push_back(std::move(order));
  }
}

void Reader::read_exchanges(const Settings& all) {
  for (const Settings& at : all.sections("exchanges")) {
    ExchangeOrder order;
    order.line = section_line_ = at.line("at");
    order.network = at.text("network");
    if (!order.network.empty()) known_network(at, "network", order.network);
    order.meters = static_cast<std::size_t>(at.integer("meters"));
    order.names = at.list("names");
    order.at = above_zero(at, "at");
    scenario_.exchanges.push_back(std::move(order));
  }
}

void Reader::read_weather(const Settings& all) {
  for (const Settings& at : all.sections("outages")) {
    OutageOrder order;
    order.line = section_line_ = at.line("lasts");
    order.networks = networks_of(at);
    order.share = number(at, "share", 0, 1);
    order.at = whole_seconds(at, "at");
    order.spread = whole_seconds(at, "spread");
    order.lasts = above_zero(at, "lasts");
    order.waves = static_cast<std::size_t>(at.integer("waves"));
    order.every = above_zero(at, "every");
    scenario_.outages.push_back(std::move(order));
  }
  for (const Settings& at : all.sections("storms")) {
    StormOrder order;
    order.line = section_line_ = at.line("lasts");
    order.networks = networks_of(at);
    order.from = whole_seconds(at, "from");
    order.lasts = above_zero(at, "lasts");
    order.misfortune = misfortune(at);
    scenario_.storms.push_back(std::move(order));
  }
}

void Reader::read(const Settings& all, const Overrides& overrides, UtcInstant now) {
  scenario_.seed = static_cast<std::uint64_t>(all.integer("seed"));
  read_start(all, now);
  if (all.has("length")) scenario_.length = above_zero(all, "length");
  scenario_.time_factor = number(all, "time_factor", 0.001, kMostFactor);
  if (overrides.time_factor) {
    scenario_.time_factor = *overrides.time_factor;
    if (!(scenario_.time_factor >= 0.001 && scenario_.time_factor <= kMostFactor))
      problem(0, "--time-factor: a number from 0.001 to 100000 is possible");
  }
  scenario_.zone = all.text("zone");
  scenario_.history = whole_seconds(all, "history");
  scenario_.ledger = overrides.ledger.value_or(all.text("ledger"));
  scenario_.books = all.text("books");
  scenario_.ports = all.text("ports");
  scenario_.page = all.text("page");
  read_programme(all.section("programme"));
  const Settings& fleet = all.section("fleet");
  scenario_.solar_share = number(fleet, "solar_share", 0, 1);
  scenario_.business_share = number(fleet, "business_share", 0, 1);
  scenario_.drift_ppm = number(fleet, "drift_ppm", 0, 1000);
  if (scenario_.solar_share > 0 && !scenario_.programme.received)
    problem(fleet, "solar_share", "panels need a programme with a received channel");
  for (const Settings& network : all.sections("networks")) read_network(network, overrides);
  if (all.sections("networks").empty()) problem(all, "networks", "a field has at least one network");
  read_faults(all);
  read_exchanges(all);
  read_weather(all);
}

}  // namespace

ReadScenario read_scenario(std::string_view yaml, const std::string& file,
                           std::span<const NetworkKind> networks, const Overrides& overrides,
                           UtcInstant now) {
  ReadScenario out;
  out.scenario.file = file;
  sdk::LoadedSettings loaded = sdk::load_settings_text(yaml, file, scenario_schema(networks));
  out.problems = std::move(loaded.problems);
  if (!out.problems.empty()) return out;  // what is wrong in shape cannot be judged in sense
  Reader(file, networks, out).read(loaded.settings, overrides, now);
  std::ranges::stable_sort(out.problems, {}, &sdk::Problem::line);
  return out;
}

}  // namespace ami::fieldsim
