#include "daemon/gateway/validation_rules.h"

namespace ami::daemon {

std::shared_ptr<const validation::Rules> validation_rules_of(const GatewayConfig& config) {
  auto rules = std::make_shared<validation::Rules>();
  rules->fallback = config.vee;
  for (const FeedConfig& feed : config.feeds) rules->by_feed.emplace(feed.name, feed.vee);
  rules->holidays = config.validation.holidays;
  rules->grace = std::chrono::floor<std::chrono::seconds>(config.collection.grace);
  return rules;
}

}  // namespace ami::daemon
