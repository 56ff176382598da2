// Posts what a head-end publishes to one URL.
#pragma once

#include <memory>
#include <string>

#include "adapters/wire/http/client.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::securemesh {

// Threads: services.executor.
class Poster {
 public:
  Poster(const http::Url& url, const Surroundings& around);
  // True: it was taken, at once or after a while. Otherwise trouble() says why not.
  sdk::Awaitable<bool> post(std::string body);
  sdk::Awaitable<void> stop();
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  const Surroundings around_;
  http::Client client_;
  std::string trouble_;
};

}  // namespace ami::fieldsim::securemesh
