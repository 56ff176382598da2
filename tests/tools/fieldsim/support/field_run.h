// A whole simulated field in one thread, with somebody who takes its callbacks: what it posted, what it
// dropped, and its ledger.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/wire/http/message.h"
#include "tools/fieldsim/peer_services.h"
#include "tools/fieldsim/simulation.h"

namespace ami::fieldsim::testing {

// Runs `work` to its end; throws what it throws, or when it does not end within half a minute.
void drive(boost::asio::io_context& io, sdk::Awaitable<void> work);

// Until the clock shows it.
void wait_until(boost::asio::io_context& io, SimulatedClock& clock, UtcInstant at);

std::vector<std::string> lines_of(const std::filesystem::path& file);

class FieldRun {
 public:
  FieldRun();
  ~FieldRun();
  FieldRun(const FieldRun&) = delete;
  FieldRun& operator=(const FieldRun&) = delete;

  // Reads a scenario in which @CALLBACK@ is the URL of the listener, and runs it to its length. Gives the
  // problems, or what run() said; "" = good. Meanwhile `during` is awaited, if there is one, when the
  // networks are open.
  std::string run(std::string yaml);
  std::function<sdk::Awaitable<void>(Simulation&)> during;
  // Within `during`: gives others a moment, for who waits in a loop for a fact.
  sdk::Awaitable<void> moment();
  // Of the posted messages, the first so many are answered with 503, to be sent again.
  int busy_answers = 0;
  bool answers = true;  // false: every post fails for good (404)

  std::string url;                  // of the listener, while it runs
  std::filesystem::path folder;     // base_dir
  std::vector<std::string> bodies;  // taken
  std::vector<std::string> ledger;  // lines

 private:
  sdk::Awaitable<void> live(std::string yaml, std::string& said);

  boost::asio::io_context io_{1};
  SimulatedClock clock_;
  PeerServices peers_;
};

}  // namespace ami::fieldsim::testing
