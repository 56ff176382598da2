#include "tools/fieldsim/networks/twacs/ports.h"

#include <cstdio>

#include "adapters/sdk/settings.h"
#include "adapters/twacs/peer/port_export.h"
#include "meter_model/quantity/decimal.h"

namespace ami::fieldsim::twacs {
namespace {

using std::chrono::seconds;
using virtual_meter::Commodity;
using virtual_meter::VolumeDevice;
using virtual_meter::VolumeSetup;

constexpr std::int64_t kMostDevices = 1'000'000;
constexpr std::uint32_t kFirstNumber = 2'000'000'000;  // apart from the electric meters of the site
constexpr std::uint32_t kFirstGas = kFirstNumber + 1'000'000;

struct Kind {
  Commodity commodity;
  const char *key, *prefix, *port, *meter_type, *word;
  double daily_m3;
  std::uint32_t first_number;
};
constexpr Kind kKinds[] = {{Commodity::Water, "water", "WT", "1", "3001", "water", 0.7, kFirstNumber},
                           {Commodity::Gas, "gas", "GT", "2", "4001", "gas", 6.0, kFirstGas}};

const Kind& kind_of(Commodity commodity) {
  return commodity == Commodity::Water ? kKinds[0] : kKinds[1];
}

std::string numbered(const char* prefix, std::int64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%s%08lld", prefix, static_cast<long long>(number));
  return text;
}

}  // namespace

Result<std::unique_ptr<PortBoards>> PortBoards::create(const NetworkSetup& setup, Surroundings around) {
  const auto every = sdk::parse_duration(setup.own.at("ports_every"));
  if (!every || *every < seconds{900} || *every % seconds{900} != std::chrono::milliseconds{0})
    return permanent("ports_every \"" + setup.own.at("ports_every") +
                     "\" is no number of quarters of an hour");
  std::unique_ptr<PortBoards> boards(
      new PortBoards(setup, around, std::chrono::duration_cast<seconds>(*every)));
  const auto site = std::make_shared<const virtual_meter::Site>(around.world.plan().site);
  for (const Kind& kind : kKinds) {
    const std::string& text = setup.own.at(kind.key);
    const auto parsed = Decimal::parse(text);
    const auto count = parsed ? parsed->mantissa_at(0) : std::nullopt;
    if (!count || *count < 0 || *count > kMostDevices)
      return permanent(std::string(kind.key) + " \"" + text + "\" is no number of meters");
    for (std::int64_t i = 0; i < *count; ++i) {
      VolumeSetup device;
      device.device_id = numbered(kind.prefix, i);
      device.number = kind.first_number + static_cast<std::uint32_t>(i);
      device.commodity = kind.commodity;
      device.daily_m3 = kind.daily_m3;
      device.initial_pulses = static_cast<std::uint32_t>(1000 + 37 * i);
      device.start = around.clock.now();
      auto made = VolumeDevice::create(site, device);
      if (!made) return permanent(made.error().message);
      boards->ports_.push_back({*std::move(made), device.device_id, numbered("MTU", i), kind.commodity});
    }
  }
  if (!boards->ports_.empty() && setup.own.at("ports_folder").empty())
    return permanent("water and gas meters need ports_folder, where the files about them go");
  return boards;
}

Outcome PortBoards::ready() const {
  if (ports_.empty()) return ami::Done{};
  return box_.ready();
}

const std::string& PortBoards::trouble() const {
  return trouble_.empty() ? box_.trouble() : trouble_;
}

std::vector<BookRow> PortBoards::books() const {
  std::vector<BookRow> rows;
  for (const Port& port : ports_) {
    rows.push_back({{"meter", port.id},
                    {"manufacturer_serial", port.id},
                    {"commodity", kind_of(port.commodity).word},
                    {"usage_point", "UP-" + port.id}});
  }
  return rows;
}

void PortBoards::report(UtcInstant now) {
  if (ports_.empty() || std::chrono::floor<seconds>(now.time_since_epoch()) % every_ != seconds{0}) return;
  (void)box_.catch_up();
  std::vector<ami::twacs::peer::PortRead> reads;
  Content content(setup_.name);
  for (Port& port : ports_) {
    port.device.advance(now);
    const Kind& kind = kind_of(port.commodity);
    ami::twacs::peer::PortRead read{port.module, kind.port, kind.meter_type, port.device.read()};
    read.read.as_of = std::chrono::floor<seconds>(read.read.as_of);
    if (read.read.as_of <= begun_) continue;  // not heard yet
    const std::string raw = read.read.volume.to_string();
    content.add(Content::Register{port.id,
                                  read.read.reading_type,
                                  "m3",
                                  read.read.as_of,
                                  read.read.volume.normalised(),
                                  std::string("emtr:") + kind.port,
                                  raw,
                                  {}});
    reads.push_back(std::move(read));
  }
  if (reads.empty()) return;
  auto text = ami::twacs::peer::export_ports(reads, {.zone = setup_.zone});
  if (!text) {
    trouble_ = text.error().message;
    return;
  }
  char name[40];
  std::snprintf(name, sizeof name, "-ports-%06llu.csv", static_cast<unsigned long long>(++files_));
  box_.drop(setup_.name + name, *std::move(text), std::move(content));
}

}  // namespace ami::fieldsim::twacs
