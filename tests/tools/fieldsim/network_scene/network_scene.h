// One simulated network with a small fleet: a day of it runs in a second or two, and what it sent is compared with its
// ledger on the way that the daemon takes: the family's own decoder and the normaliser.
#pragma once

#include <gmock/gmock.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/wire/http/client.h"
#include "adapters/wire/http/server.h"
#include "meter_model/virtual_meter/plan.h"
#include "tests/adapters/support/family_scene.h"
#include "tools/amictl/demo_check_compare.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::testing {

inline UtcInstant at(std::string_view text) {
  return parse_instant(text).value();
}

class NetworkScene : public ami::testing::FamilyScene {
 public:
  NetworkScene(std::vector<std::unique_ptr<sdk::AdapterFamily>> families, NetworkKind kind);
  ~NetworkScene() override;

  // Before field(); the fleet has these many meters, named as the family names its own, the books know them.
  std::size_t fleet = 3;
  std::map<std::size_t, std::vector<virtual_meter::Fault>> faults;  // by meter
  Misfortune misfortune;
  Latency latency;
  std::chrono::seconds history{86'400};
  Zone zone = Zone::utc();

  // What make() gives for these own keys (the others as by default); a folder "drop" is there.
  Result<std::unique_ptr<FarSide>> made(const std::map<std::string, std::string>& own);
  // Makes and starts it; throws where that fails.
  void field(const std::map<std::string, std::string>& own);
  // Reports every 15 minutes up to here; before each report `hands` may be laid on the world. Waits until all is sent.
  void run_to(UtcInstant end, const std::function<void(UtcInstant)>& hands = {});
  void run(sdk::Awaitable<void> work);
  void run_until(const std::function<bool()>& reached);
  void stop();  // the courier, then the far side

  // Takes what is posted to /in, as the daemon's callback does.
  std::string listen();
  std::vector<std::string> posted;
  int answer_with = 200;
  http::Answer post(std::uint16_t port, const std::string& path, std::string body);

  // Files that end so, in order of name.
  [[nodiscard]] std::vector<std::string> dropped(const std::string& suffix) const;
  // The ledger up to now. Lines that contain `text`, or all.
  std::vector<std::string> ledger_lines(const std::string& text = "");
  amictl::Truth truth();
  amictl::LedgerSummary summary();  // of the same
  // Lines of FamilyScene, as a store would hold them: the same once. Gives what differs, "" = nothing.
  std::string compared(const std::vector<Lines>& said);
  amictl::Totals totals;  // of the last comparison
  std::vector<std::string> quarantined;

  const UtcInstant start = at("2024-01-15T05:00:00Z");
  SimulatedClock clock{start, 100'000};
  std::unique_ptr<World> world;
  std::unique_ptr<FarSide> side;
  std::unique_ptr<Courier> courier;

 private:
  amictl::LedgerSummary read_ledger(amictl::Truth& truth);
  void make_surroundings();
  sdk::Awaitable<void> report_until(UtcInstant end, std::function<void(UtcInstant)> hands);
  [[nodiscard]] sdk::Services services();

  const NetworkKind kind_;
  sdk::Services real_;
  std::optional<Ledger> ledger_;
  std::unique_ptr<http::Server> server_;
  UtcInstant reached_ = start;
  bool stopped_ = false;
};

}  // namespace ami::fieldsim::testing
