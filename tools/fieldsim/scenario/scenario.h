// A field scenario: which networks, how many meters of which models, how fast, and what goes wrong. Every key
// with its meaning: docs/fieldsim.md, which is written from the same schema that reads it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/settings.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"
#include "meter_model/virtual_meter/fault.h"
#include "tools/fieldsim/courier.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

// Instants of what happens are spans since the start.
using SinceStart = std::chrono::seconds;

struct NetworkScenario {
  NetworkSetup setup;  // its seed follows from the scenario's and its name
  int line = 0;
  const NetworkKind* kind = nullptr;
  std::size_t meters = 0;
  std::vector<virtual_meter::Model> models;  // drawn evenly
  std::chrono::seconds report_every{900};
  Misfortune usual;
};

// A fault of some meters of one network: those that are named, or so many that are drawn among those that can
// have it.
struct FaultOrder {
  virtual_meter::FaultKind kind{};
  int line = 0;
  std::string network;  // empty = any
  std::size_t meters = 1;
  std::vector<std::string> names;
  SinceStart from{}, lasts{};
  Decimal amount{};
};

struct CrossedOrder {
  int line = 0;
  std::string network;
  std::size_t pairs = 1;
  SinceStart from{}, lasts{};
};

// Waves of outages: in each, a share of the meters goes dark within `spread`, each for about `lasts`.
struct OutageOrder {
  int line = 0;
  std::vector<std::string> networks;  // empty = all
  double share = 0;
  SinceStart at{}, spread{}, lasts{}, every{};
  std::size_t waves = 1;
};

// Meters that are taken down, each with another one put in its place at the same instant.
struct ExchangeOrder {
  int line = 0;
  std::string network;  // empty = any
  std::size_t meters = 1;
  std::vector<std::string> names;
  SinceStart at{};
};

// While it rages, messages fare worse.
struct StormOrder {
  int line = 0;
  std::vector<std::string> networks;  // empty = all
  SinceStart from{}, lasts{};
  Misfortune misfortune;
};

struct Programme {
  std::chrono::seconds interval{900};
  Decimal ke_wh{12, -1};
  std::int32_t digits = 6, decimals = 2;
  bool received = true, tiers = false;
};

struct Scenario {
  std::string file;  // for messages
  std::uint64_t seed = 1;
  UtcInstant start{};
  std::optional<std::chrono::seconds> length;  // absent: until it is stopped
  double time_factor = 60;
  std::string zone = "America/Toronto";  // where the meters stand
  std::chrono::seconds history{0};
  std::string ledger, books, ports, page;  // files below base_dir; page: host:port or empty
  Programme programme;
  double solar_share = 0, business_share = 0, drift_ppm = 0;
  std::vector<NetworkScenario> networks;
  std::vector<FaultOrder> faults;
  std::vector<CrossedOrder> crossed;
  std::vector<OutageOrder> outages;
  std::vector<ExchangeOrder> exchanges;
  std::vector<StormOrder> storms;
};

// What a command line may say instead of the file.
struct Overrides {
  std::filesystem::path base_dir = ".";
  std::optional<double> time_factor;
  std::optional<std::string> ledger;
};

struct ReadScenario {
  Scenario scenario;
  std::vector<sdk::Problem> problems;  // empty = good
};

// `now`: the machine's time, which no start may be after. The networks outlive what is read.
ReadScenario read_scenario(std::string_view yaml, const std::string& file,
                           std::span<const NetworkKind> networks, const Overrides& overrides, UtcInstant now);

// Keys of all networks together: those of one family only are checked by read_scenario.
sdk::SettingsSchema scenario_schema(std::span<const NetworkKind> networks);

}  // namespace ami::fieldsim
