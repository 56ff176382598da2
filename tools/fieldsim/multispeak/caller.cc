#include "tools/fieldsim/multispeak/caller.h"

#include <utility>

#include "adapters/wire/http/url.h"
#include "tools/fieldsim/drop_box/insist.h"

namespace ami::fieldsim {

using multispeak::Soap;

struct Caller::Message {
  multispeak::Operation operation{};
  multispeak::NotificationContent content;  // until it is written
  std::string body;
};

Caller::Caller(const std::string& url, multispeak::Version version, const Surroundings& around)
    : version_(version), around_(around) {
  if (url.empty()) return;
  http::ClientSettings settings;
  settings.url = http::parse_url(url).value();
  settings.breaker.failures = 0;  // a listener that was away is asked again at once
  client_ = std::make_unique<http::Client>(std::move(settings), around.services);
}

Parcel Caller::parcel(std::string name, multispeak::NotificationContent message, Content content) {
  const auto one = std::make_shared<Message>();
  one->operation = message.operation;
  one->content = std::move(message);
  return {std::move(name), "callback", [this, one] { return post(one); }, std::move(content)};
}

sdk::Awaitable<bool> Caller::post(std::shared_ptr<Message> message) {
  if (message->body.empty()) {
    multispeak::Sender sender;
    sender.version = version_;
    sender.header.time_stamp = to_text(std::chrono::floor<std::chrono::seconds>(around_.clock.now()));
    message->body = encode_notification(std::exchange(message->content, {}), sender);
  }
  const std::function<sdk::Awaitable<http::Answer>()> attempt = [this, message] { return once(message); };
  auto insisting = insist(attempt, around_.courier, trouble_);
  co_return co_await std::move(insisting);
}

sdk::Awaitable<http::Answer> Caller::once(std::shared_ptr<const Message> message) {
  http::Call call;
  call.headers.add("Content-Type", content_type(message->operation, version_, Soap::V11));
  call.headers.add("SOAPAction", soap_action(message->operation, version_));
  call.body = message->body;
  call.safe_to_repeat = true;
  auto sending = client_->send(std::move(call));
  co_return co_await std::move(sending);
}

sdk::Awaitable<void> Caller::stop() {
  if (client_) co_await client_->stop();
}

}  // namespace ami::fieldsim
