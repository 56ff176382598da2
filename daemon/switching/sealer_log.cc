#include "daemon/switching/sealer_log.h"

#include "daemon/log/messages.h"

namespace ami::daemon::switching {

std::function<void(SealAlert, const std::string& words)> seal_alerts_to(const Log& log) {
  return [&log](SealAlert alert, const std::string& words) {
    switch (alert) {
      case SealAlert::Contradicted:
        log.write(messages::kSwitchAuditContradicted, {{"error", words}});
        return;
      case SealAlert::NoHead:
        log.write(messages::kSwitchAuditNoHead, {{"error", words}});
        return;
      case SealAlert::Late:
        log.write(messages::kSwitchAuditLate, {{"unsealed", words}});
        return;
      case SealAlert::Kept:
        log.write(messages::kSwitchAuditHeadKept, {{"file", words}});
        return;
    }
  };
}

}  // namespace ami::daemon::switching
