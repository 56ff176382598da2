#include "tools/fieldsim/networks/securemesh/poster.h"

#include <utility>

#include "tools/fieldsim/drop_box/insist.h"

namespace ami::fieldsim::securemesh {
namespace {

http::ClientSettings settings_of(const http::Url& url) {
  http::ClientSettings settings;
  settings.url = url;
  settings.breaker.failures = 0;  // a listener that was away is asked again at once
  return settings;
}

}  // namespace

Poster::Poster(const http::Url& url, const Surroundings& around)
    : around_(around), client_(settings_of(url), around.services) {}

sdk::Awaitable<bool> Poster::post(std::string body) {
  const auto attempt = [this, &body]() -> sdk::Awaitable<http::Answer> {
    http::Call call;
    call.headers.add("Content-Type", "text/xml; charset=utf-8");
    call.headers.add("SOAPAction", "\"\"");
    call.body = body;
    auto sending = client_.send(std::move(call));
    co_return co_await std::move(sending);
  };
  auto insisting = insist(attempt, around_.courier, trouble_);
  co_return co_await std::move(insisting);
}

sdk::Awaitable<void> Poster::stop() {
  return client_.stop();
}

}  // namespace ami::fieldsim::securemesh
