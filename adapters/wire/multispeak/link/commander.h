// Carries out one attempt: puts the order to the head-end, and says what its answer means for each meter.
// Threads: the adapter's strand.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/multispeak/link/at_once.h"
#include "adapters/wire/multispeak/link/contact.h"
#include "adapters/wire/multispeak/link/pages.h"

namespace ami::multispeak {

using Contacts = std::map<Role, std::unique_ptr<Contact>>;

// Why a feed that can do no more than this is not asked; empty = it states the command. `silence`: why the
// family does not switch.
std::string why_not_stated(const sdk::Capabilities& can, sdk::CommandKind kind, const std::string& silence);

class Commander {
 public:
  // Contacts and tally outlive it.
  Commander(CommandRules rules, sdk::Capabilities can, Vocabulary vocabulary, MeterField meter_field,
            std::string silence, Contacts& contacts, sdk::Services services, Tally& tally);

  // Contract of sdk::Adapter::attempt.
  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt);

 private:
  using Answers = std::vector<sdk::AttemptAnswer>;
  // Empty = it may be asked.
  [[nodiscard]] std::string refusal(const sdk::Attempt& attempt, const Order& order) const;
  sdk::Awaitable<Answers> at_once(sdk::Attempt attempt, Order order, Contact& contact);
  sdk::Awaitable<Answers> one_by_one(sdk::Attempt attempt, Order order, Contact& contact);
  sdk::Awaitable<sdk::AttemptAnswer> latest(Heard heard, std::string meter);
  sdk::Awaitable<Answers> backfill(sdk::Attempt attempt, Order order, Contact& contact);

  const CommandRules rules_;
  const sdk::Capabilities can_;
  const Vocabulary vocabulary_;
  const MeterField meter_field_;
  const std::string silence_;
  Contacts& contacts_;
  sdk::Services services_;
  Tally& tally_;
};

}  // namespace ami::multispeak
