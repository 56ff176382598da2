// Posts what a MultiSpeak head-end reports without being asked.
//
// Not by way of the simulated head-end: its pauses before it tries again are on the simulated clock, which
// waits until what was reported has left.
#pragma once

#include <memory>
#include <string>

#include "adapters/wire/http/client.h"
#include "adapters/wire/multispeak/codec/notification.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

// Threads: services.executor. Outlives what the courier carries for it.
class Caller {
 public:
  // url: one that http::parse_url() takes; empty = nobody listens, and nothing may be posted.
  Caller(const std::string& url, multispeak::Version version, const Surroundings& around);

  // A copy is the same byte for byte: the time in its header is that of the first sending.
  Parcel parcel(std::string name, multispeak::NotificationContent message, Content content);
  sdk::Awaitable<void> stop();
  [[nodiscard]] bool has_listener() const { return client_ != nullptr; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // the last one; empty = none

 private:
  struct Message;
  sdk::Awaitable<bool> post(std::shared_ptr<Message> message);
  sdk::Awaitable<http::Answer> once(std::shared_ptr<const Message> message);

  const multispeak::Version version_;
  const Surroundings around_;
  std::unique_ptr<http::Client> client_;
  std::string trouble_;
};

}  // namespace ami::fieldsim
