#include "daemon/commands/figures.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace ami::daemon::commands {

std::string known_reason(const std::string& reason) {
  static constexpr std::array<std::string_view, 19> kKnown{"",
                                                           "not_stated",
                                                           "not_sent",
                                                           "unreachable",
                                                           "rejected",
                                                           "no_such_meter",
                                                           "expired",
                                                           "failed",
                                                           "no_answer",
                                                           "unreadable_answer",
                                                           "cancelled",
                                                           "not_assigned",
                                                           "no_name",
                                                           "read_before_failed",
                                                           "sent_unmarked",
                                                           "wrong_answers",
                                                           "adapter_defect",
                                                           "not_running",
                                                           "timed_out"};
  return std::ranges::find(kKnown, reason) == kKnown.end() ? "other" : reason;
}

}  // namespace ami::daemon::commands
