#include "tools/fieldsim/scenario/fleet.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <utility>

#include "meter_model/quantity/quoted.h"

namespace ami::fieldsim {
namespace {

using std::chrono::seconds;
using virtual_meter::Fault;
using virtual_meter::FaultKind;
using virtual_meter::FaultNeeds;

constexpr std::uint64_t kOfFaults = 0x6661756c7473ULL, kOfHomes = 0x686f6d6573ULL,
                        kOfExchanges = 0x65786368616e6765ULL;

double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11U) * 0x1p-53;
}
std::size_t below(std::size_t bound, std::mt19937_64& random) {
  return static_cast<std::size_t>(uniform(random) * static_cast<double>(bound));
}

struct Place {
  std::size_t world, meter;
};

class Maker {
 public:
  explicit Maker(const Scenario& scenario) : scenario_(scenario), random_(scenario.seed ^ kOfFaults) {}

  Fleet make() {
    if (make_plan()) {
      for (const NetworkScenario& network : scenario_.networks) fleet_.worlds.push_back(world_of(network));
      for (const FaultOrder& order : scenario_.faults) place(order);
      for (const CrossedOrder& order : scenario_.crossed) place(order);
      for (const OutageOrder& order : scenario_.outages) place(order);
      std::mt19937_64 random(scenario_.seed ^ kOfExchanges);
      for (const ExchangeOrder& order : scenario_.exchanges) place(order, random);
    }
    return std::move(fleet_);
  }

 private:
  void problem(int line, std::string message) {
    fleet_.problems.push_back({scenario_.file, line, std::move(message)});
  }

  bool make_plan() {
    virtual_meter::SiteSetup site;
    site.zone = scenario_.zone;
    site.seed = scenario_.seed;
    auto made = virtual_meter::Site::create(site);
    if (!made) {
      problem(0, made.error().message);
      return false;
    }
    const Programme& with = scenario_.programme;
    virtual_meter::Plan plan{*std::move(made)};
    plan.program.interval = with.interval;
    plan.program.ke_wh = with.ke_wh;
    plan.program.digits = with.digits;
    plan.program.decimals = with.decimals;
    plan.received_channel = with.received;
    plan.module_reports = true;
    if (with.tiers) plan.tou = virtual_meter::TouSchedule::three_tiers();
    auto shared = virtual_meter::Plan::create(std::move(plan));
    if (!shared) {
      problem(0, "programme: " + shared.error().message);
      return false;
    }
    plan_ = *std::move(shared);
    return true;
  }

  WorldPlan world_of(const NetworkScenario& network) {
    WorldPlan world;
    world.network = network.setup.name;
    world.plan = plan_;
    world.history = scenario_.history;
    std::mt19937_64 random(network.setup.seed ^ kOfHomes);
    world.meters.reserve(network.meters);
    for (std::size_t i = 0; i < network.meters; ++i) {
      // As many draws for each meter whatever it is: a changed share changes no neighbour.
      const double model = uniform(random), kind = uniform(random), use = uniform(random),
                   heating = uniform(random), solar = uniform(random), panels = uniform(random),
                   dial = uniform(random), drift = uniform(random);
      MeterPlan meter;
      meter.name = name_of(network, first_of_family_[network.setup.family] + i);
      meter.usage_point = "UP-" + meter.name;
      meter.setup.number = next_number_++;
      meter.setup.model =
          network
              .models[std::min(network.models.size() - 1,
                               static_cast<std::size_t>(model * static_cast<double>(network.models.size())))];
      auto& premises = meter.setup.premises;
      const bool business = kind < scenario_.business_share;
      if (business) premises.kind = virtual_meter::PremisesKind::SmallBusiness;
      premises.annual_kwh =
          static_cast<float>((business ? 9'000 : 3'000) + (business ? 30'000 : 9'000) * use);
      if (heating < 0.2) premises.heating_w_per_k = static_cast<float>(100 + 100 * heating);
      if (solar < scenario_.solar_share) {
        premises.solar_kw = static_cast<float>(2 + 8 * panels);
        premises.generates_alone = panels < 0.2;
      }
      meter.setup.start = scenario_.start;
      meter.setup.initial_delivered_kwh = static_cast<std::int32_t>(1'000 + 80'000 * dial);
      meter.setup.initial_received_kwh = premises.solar_kw > 0 ? static_cast<std::int32_t>(5'000 * dial) : 0;
      meter.setup.drift_ppb = static_cast<std::int32_t>((2 * drift - 1) * scenario_.drift_ppm * 1'000);
      meter.feeder = "F" + std::to_string(i / 500 + 1);
      meter.transformer = "T" + std::to_string(i / 8 + 1);
      world.meters.push_back(std::move(meter));
    }
    first_of_family_[network.setup.family] += network.meters;
    return world;
  }

  static std::string name_of(const NetworkScenario& network, std::size_t number) {
    char name[32];
    std::snprintf(name, sizeof name, "%.*s%08zu", static_cast<int>(network.kind->prefix.size()),
                  network.kind->prefix.data(), number);
    return name;
  }

  [[nodiscard]] bool can_have(const MeterPlan& meter, const Fault& fault) const {
    const auto& faults = meter.setup.faults;
    const bool has = std::ranges::any_of(faults, [&](const Fault& other) {
      return other.kind == fault.kind && other.from < fault.to && fault.from < other.to;
    });
    if (has) return false;
    switch (virtual_meter::info(fault.kind).needs) {
      case FaultNeeds::Recorder:
        return meter.setup.model.recorder;
      case FaultNeeds::Switch:
        return meter.setup.model.disconnect;
      case FaultNeeds::Tiers:
        return !plan_->tou.none();
      case FaultNeeds::Nothing:
        break;
    }
    return true;
  }

  MeterPlan& at(const Place& place) { return fleet_.worlds[place.world].meters[place.meter]; }

  void place(const FaultOrder& order) {
    Fault fault{order.kind, scenario_.start + order.from, scenario_.start + order.from + order.lasts,
                order.amount, 0};
    std::vector<Place> could;
    for (std::size_t w = 0; w < fleet_.worlds.size(); ++w) {
      if (!order.network.empty() && fleet_.worlds[w].network != order.network) continue;
      for (std::size_t m = 0; m < fleet_.worlds[w].meters.size(); ++m) {
        const std::string& name = fleet_.worlds[w].meters[m].name;
        if (order.names.empty() ? can_have(at({w, m}), fault)
                                : std::ranges::find(order.names, name) != order.names.end())
          could.push_back({w, m});
      }
    }
    const std::size_t wanted = order.names.empty() ? order.meters : order.names.size();
    const std::string_view name = virtual_meter::info(order.kind).name;
    if (could.size() < wanted) {
      problem(order.line, "fault " + std::string(name) + ": " + std::to_string(wanted) +
                              " meters are wanted, and " + std::to_string(could.size()) +
                              (order.names.empty() ? " can have it" : " of these names are there"));
      return;
    }
    for (std::size_t i = 0; i < wanted; ++i) {
      if (order.names.empty()) std::swap(could[i], could[i + below(could.size() - i, random_)]);
      MeterPlan& meter = at(could[i]);
      meter.setup.faults.push_back(fault);
      if (const Outcome sound = meter.setup.check(*plan_); !sound) {
        meter.setup.faults.pop_back();
        problem(order.line, "meter " + meter.name + ": " + sound.error().message);
        return;
      }
    }
  }

  void place(const CrossedOrder& order) {
    const auto world = std::ranges::find(fleet_.worlds, order.network, &WorldPlan::network);
    if (world == fleet_.worlds.end()) return;  // was said when it was read
    Fault fault{
        FaultKind::Crossed, scenario_.start + order.from, scenario_.start + order.from + order.lasts, {}, 0};
    std::vector<MeterPlan*> could;
    for (MeterPlan& meter : world->meters) {
      if (can_have(meter, fault)) could.push_back(&meter);
    }
    if (could.size() < 2 * order.pairs) {
      problem(order.line, "crossed: " + std::to_string(order.pairs) + " pairs are wanted, and " +
                              std::to_string(could.size()) + " meters can be crossed");
      return;
    }
    for (std::size_t i = 0; i < 2 * order.pairs; ++i)
      std::swap(could[i], could[i + below(could.size() - i, random_)]);
    for (std::size_t i = 0; i < order.pairs; ++i) {
      MeterPlan &one = *could[2 * i], &other = *could[2 * i + 1];
      fault.other = other.setup.number;
      one.setup.faults.push_back(fault);
      fault.other = one.setup.number;
      other.setup.faults.push_back(fault);
    }
  }

  void place(const OutageOrder& order) {
    for (std::size_t wave = 0; wave < order.waves; ++wave) {
      const UtcInstant begins = scenario_.start + order.at + order.every * static_cast<std::int64_t>(wave);
      for (WorldPlan& world : fleet_.worlds) {
        if (!order.networks.empty() &&
            std::ranges::find(order.networks, world.network) == order.networks.end())
          continue;
        for (MeterPlan& meter : world.meters) {
          const double hit = uniform(random_), when = uniform(random_), how_long = uniform(random_);
          if (hit >= order.share) continue;
          const auto part = [](seconds whole, double share) {
            return seconds{static_cast<std::int64_t>(share * static_cast<double>(whole.count()))};
          };
          const UtcInstant from = begins + part(order.spread, when);
          const Fault dark{
              FaultKind::Outage, from, from + std::max(part(order.lasts, 0.5 + how_long), seconds{1}), {}, 0};
          if (can_have(meter, dark)) meter.setup.faults.push_back(dark);
        }
      }
    }
  }

  // A crossed meter's readings stand under another's name: whose last ones those were nobody could tell.
  static bool can_be_exchanged(const MeterPlan& meter) {
    return !meter.installed && !meter.removed &&
           std::ranges::none_of(meter.setup.faults,
                                [](const Fault& fault) { return fault.kind == FaultKind::Crossed; });
  }

  void place(const ExchangeOrder& order, std::mt19937_64& random) {
    std::vector<Place> could;
    for (std::size_t w = 0; w < fleet_.worlds.size(); ++w) {
      if (!order.network.empty() && fleet_.worlds[w].network != order.network) continue;
      for (std::size_t m = 0; m < fleet_.worlds[w].meters.size(); ++m) {
        const MeterPlan& meter = at({w, m});
        const bool meant =
            order.names.empty() || std::ranges::find(order.names, meter.name) != order.names.end();
        if (meant && can_be_exchanged(meter)) could.push_back({w, m});
      }
    }
    const std::size_t wanted = order.names.empty() ? order.meters : order.names.size();
    if (could.size() < wanted) {
      problem(order.line, "exchanges: " + std::to_string(wanted) + " meters are wanted, and " +
                              std::to_string(could.size()) + " of them can be exchanged, once and uncrossed");
      return;
    }
    for (std::size_t i = 0; i < wanted; ++i) {
      if (order.names.empty()) std::swap(could[i], could[i + below(could.size() - i, random)]);
      exchange(could[i], scenario_.start + order.at);
    }
  }

  // The same premises and model behind a new dial; of the old one's troubles only the outages are the place's.
  void exchange(const Place& place, UtcInstant when) {
    const NetworkScenario& network = scenario_.networks[place.world];
    MeterPlan fresh = at(place);
    fresh.name = name_of(network, first_of_family_[network.setup.family]++);
    fresh.setup.number = next_number_++;
    fresh.setup.start = when;
    fresh.setup.initial_delivered_kwh = fresh.setup.initial_received_kwh = 0;
    fresh.setup.drift_ppb = 0;
    std::erase_if(fresh.setup.faults, [](const Fault& fault) { return fault.kind != FaultKind::Outage; });
    fresh.installed = when;
    MeterPlan& old = at(place);
    old.removed = when;
    old.follower = fresh.name;
    fleet_.worlds[place.world].meters.push_back(std::move(fresh));
  }

  const Scenario& scenario_;
  std::mt19937_64 random_;
  Fleet fleet_;
  virtual_meter::SharedPlan plan_;
  std::map<std::string, std::size_t> first_of_family_;
  std::uint32_t next_number_ = 1;
};

}  // namespace

Fleet make_fleet(const Scenario& scenario) {
  return Maker(scenario).make();
}

}  // namespace ami::fieldsim
