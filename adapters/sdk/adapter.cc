#include "adapters/sdk/adapter.h"

namespace ami::sdk {

std::string_view name_of(HealthState state) {
  switch (state) {
    case HealthState::Starting:
      return "STARTING";
    case HealthState::Healthy:
      return "HEALTHY";
    case HealthState::Degraded:
      return "DEGRADED";
    case HealthState::Failed:
      return "FAILED";
    case HealthState::Stopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
  }
  return "unknown";
}

}  // namespace ami::sdk
