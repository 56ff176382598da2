// The services that a simulated far side runs on. Executor, clock and log are real; store, state, books and
// journal are an adapter's, not a peer's, and refuse.
#pragma once

#include <memory>
#include <string_view>

#include "adapters/sdk/adapter.h"

namespace ami::fieldsim {

class PeerServices {
 public:
  // Log lines go to standard error, those at debug level only when verbose.
  PeerServices(boost::asio::any_io_executor executor, sdk::Clock& clock, bool verbose);
  ~PeerServices();
  PeerServices(const PeerServices&) = delete;
  PeerServices& operator=(const PeerServices&) = delete;

  [[nodiscard]] sdk::Services services();
  [[nodiscard]] sdk::Log& log();

 private:
  struct Refusing;
  boost::asio::any_io_executor executor_;
  sdk::Clock& clock_;
  std::unique_ptr<Refusing> refusing_;
};

}  // namespace ami::fieldsim
