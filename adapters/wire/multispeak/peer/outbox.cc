#include "adapters/wire/multispeak/peer/outbox.h"

namespace ami::multispeak::peer {

sdk::Awaitable<http::Answer> Outbox::post(std::string url, Operation operation, Version version,
                                          std::string body) {
  const Result<http::Url> to = http::parse_url(url);
  http::Answer answer;
  if (!to) {
    answer.failure = http::Failure{http::FailureKind::BadCall, to.error(), false, {}};
    co_return answer;
  }
  http::Client& client = client_to(*to);
  const auto attempt = [&]() -> sdk::Awaitable<http::Answer> {
    http::Call call;
    call.target = to->target;
    call.body = body;
    call.headers.add("Content-Type", content_type(operation, version, soap_));
    if (soap_ == Soap::V11) call.headers.add("SOAPAction", soap_action(operation, version));
    co_return co_await client.send(std::move(call));
  };
  answer = co_await retry_.run(true, attempt);
  co_return answer;
}

sdk::Awaitable<void> Outbox::stop() {
  for (const auto& [where, client] : clients_) co_await client->stop();
  clients_.clear();
}

http::Client& Outbox::client_to(const http::Url& url) {
  auto& client = clients_[url.peer()];
  if (!client) {
    http::ClientSettings settings = like_;
    settings.url = url;
    client = std::make_unique<http::Client>(std::move(settings), services_);
  }
  return *client;
}

}  // namespace ami::multispeak::peer
