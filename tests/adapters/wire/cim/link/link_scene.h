// A feed of CIM messages and its simulated head-end, over real sockets in one thread, on a virtual clock.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/cim/link/link_adapter.h"
#include "adapters/wire/cim/link/profile.h"
#include "adapters/wire/cim/peer/head_end.h"
#include "tests/adapters/wire/http/http_scene.h"

namespace ami::cim {

// Meters in a table: each register and interval shows a number of its own.
class TableField : public peer::Field {
 public:
  std::optional<MeterReading> read(const std::string& meter) override;
  std::optional<MeterReading> recorded(const std::string& meter, UtcInstant from, UtcInstant to) override;
  peer::Switched act(const std::string& meter, const std::string& control) override;

  std::map<std::string, std::string> kwh{{"M1", "100.5"}, {"M2", "200"}};  // who is not here does not answer
  bool connect_arms = false;                                               // a connect only arms the switch
  bool stuck = false;
};

Profile test_profile();

class LinkScene : public http::HttpScene {
 public:
  LinkScene();
  ~LinkScene() override;

  // The feed file: `sections` beside name, utility, family and zone. {peer} stands for the head-end's port.
  // Fails the test where it has problems.
  void configure(std::string sections, Profile profile = test_profile());
  // What plan() says of such a file; empty = good.
  std::string problem_of(const std::string& sections, Profile profile = test_profile());
  void start_peer(peer::HeadEndSettings settings = {});
  void start_feed();
  // Head-end, and a feed with head_end and callback.
  void open(const std::string& more = {}, Profile profile = test_profile());
  static std::string both();  // head_end and callback

  sdk::Attempt attempt(sdk::CommandKind kind, std::vector<std::string> meters);
  std::vector<sdk::AttemptAnswer> ask(sdk::Attempt attempt);
  // Lets the head-end's latency pass and waits until it has told all there is to tell.
  void settle();
  // What the gateway does with the journal, and the verdicts on all results stored since the last call.
  std::vector<sdk::AttemptAnswer> verdicts(sdk::CommandKind kind);
  // Posts bytes to the feed's server; all that comes back.
  std::string post(const std::string& body, const std::string& type = "application/xml");
  std::string talk_to_feed(std::string bytes);  // on a connection of its own
  [[nodiscard]] std::size_t count(peer::Entry::What what) const;
  // Everything that outlives a message: log, journal, store, raw.
  std::string everything_kept();
  [[nodiscard]] std::string fact(std::string_view name) const;

  std::unique_ptr<sdk::AdapterFamily> family;
  sdk::Settings settings;
  std::unique_ptr<LinkAdapter> adapter;
  TableField field;
  std::unique_ptr<peer::HeadEnd> head_end;
  std::uint16_t peer_port = 1;  // where nobody is
  int sends = 0;                // how often before_send was asked
  Outcome send_answer = Done{};

 private:
  std::string write(const std::string& sections);
  std::size_t judged_ = 0;
};

// A message as a head-end posts it: readings of one register of one meter.
std::string readings_message(const std::string& correlation, const std::string& meter = "M1",
                             const std::string& header = {});

}  // namespace ami::cim
