#include "daemon/switching/log_watcher.h"

#include "daemon/log/messages.h"

namespace ami::daemon::switching {
namespace {

const Message& message_of(Watcher::What what) {
  using What = Watcher::What;
  switch (what) {
    case What::Unresolved:
      return messages::kSwitchUnresolved;
    case What::Incident:
      return messages::kSwitchIncident;
    case What::Contradicted:
      return messages::kSwitchContradicted;
    case What::SafetyEnergy:
      return messages::kSwitchEnergyWhileOpen;
    case What::LatentClose:
      return messages::kSwitchLatentClose;
    case What::ArmNotEnded:
      return messages::kSwitchArmNotEnded;
    case What::Defect:
      break;
  }
  return messages::kSwitchDefect;
}

}  // namespace

std::string_view name_of(Watcher::What what) {
  using What = Watcher::What;
  switch (what) {
    case What::Unresolved:
      return "UNRESOLVED";
    case What::Incident:
      return "INCIDENT";
    case What::Contradicted:
      return "CONTRADICTED";
    case What::SafetyEnergy:
      return "ENERGY_WHILE_OPEN";
    case What::LatentClose:
      return "LATENT_CLOSE";
    case What::ArmNotEnded:
      return "ARM_NOT_ENDED";
    case What::Defect:
      break;
  }
  return "DEFECT";
}

void LogWatcher::tell(What what, const SwitchOperation& operation, const std::string& words) {
  // Words of an energy contradiction hold readings: those stand in the audit, not in the log.
  const bool readings = what == What::SafetyEnergy || what == What::Contradicted;
  log_.write(message_of(what), {{"operation", std::to_string(operation.id)},
                                {"meter", operation.asked.meter},
                                {"action", std::string(storage::name_of(operation.asked.action))},
                                {"state", std::string(storage::name_of(operation.state))},
                                {"rule", operation.rule},
                                {"words", readings ? std::string("see its audit") : words}});
  const std::lock_guard lock(mutex_);
  ++told_[std::string(name_of(what))];
}

void LogWatcher::not_kept(const std::string& why) {
  log_.write(messages::kSwitchRefusalNotKept, {{"error", why}});
}

std::map<std::string, std::uint64_t> LogWatcher::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

}  // namespace ami::daemon::switching
