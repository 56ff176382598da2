// One feed of CIM messages: requests to the head-end, and the server for what it posts.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/cim/link/link_settings.h"
#include "adapters/wire/cim/link/reply_server.h"
#include "adapters/wire/drop_folder/event.h"
#include "adapters/wire/http/client.h"

namespace ami::cim {

class LinkAdapter : public sdk::Adapter {
 public:
  // An error in `config`: start() returns it.
  LinkAdapter(sdk::AdapterInfo info, Profile profile, Result<LinkConfig> config, sdk::Services services);

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] sdk::Health health() const override;
  sdk::Awaitable<Outcome> start() override;
  sdk::Awaitable<void> stop() override;
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) override;

  // Of the server, in the order of `listen`; empty without one.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;

 private:
  [[nodiscard]] bool states(sdk::CommandKind kind) const;
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> ask(const sdk::Attempt& attempt);
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> heed(const sdk::Attempt& attempt, std::string body,
                                                       std::optional<http::Failure> failure);
  // Readings that came with an answer. Permanent or Transient: they are not in the store.
  sdk::Awaitable<Outcome> store(std::string name, std::string content, DecodedBatch batch);
  void note(const std::vector<sdk::AttemptAnswer>& answers);

  const sdk::AdapterInfo info_;
  const Profile profile_;
  const Result<LinkConfig> config_;
  const sdk::Services services_;
  std::set<boost::asio::cancellation_signal*> committing_;
  wire::Event ended_;  // an attempt
  std::size_t under_way_ = 0;
  bool stopping_ = false;

  mutable std::mutex mutex_;  // what follows
  // Set on the strand only, so that it reads them without the lock. Readers on other threads hold on to them.
  std::shared_ptr<http::Client> client_;
  std::shared_ptr<ReplyServer> server_;
  sdk::HealthState state_ = sdk::HealthState::Starting;
  std::optional<UtcInstant> last_success_;
  std::string trouble_;  // why the last attempt did not get through; empty = it did
  std::uint64_t records_ = 0, malformed_ = 0, never_set_ = 0;
};

}  // namespace ami::cim
