// Posts a simulated head-end's callbacks, to whatever URL a request names. Private to the peer.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>

#include "adapters/wire/http/client.h"
#include "adapters/wire/http/retry.h"
#include "adapters/wire/multispeak/codec/operation.h"

namespace ami::multispeak::peer {

// On one strand. One client for each host and port, with the settings given but their URL.
class Outbox {
 public:
  Outbox(http::ClientSettings like, http::RetrySettings retry, std::uint64_t seed, Soap soap,
         sdk::Services services)
      : like_(std::move(like)),
        soap_(soap),
        services_(services),
        random_(seed),
        retry_(retry, services_.clock, random_) {}

  // Tried again as the retry settings say: a callback may come twice without harm, and better twice than
  // never.
  sdk::Awaitable<http::Answer> post(std::string url, Operation operation, Version version, std::string body);
  sdk::Awaitable<void> stop();

 private:
  http::Client& client_to(const http::Url& url);
  const http::ClientSettings like_;
  const Soap soap_;
  const sdk::Services services_;
  std::mt19937_64 random_;
  http::Retry retry_;
  std::map<std::string, std::unique_ptr<http::Client>> clients_;
};

}  // namespace ami::multispeak::peer
