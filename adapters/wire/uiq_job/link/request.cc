#include "adapters/wire/uiq_job/link/request.h"

#include <utility>

#include "adapters/wire/uiq_job/link/job.h"

namespace ami::uiq_job {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;

constexpr std::chrono::hours kDayBefore{24};

// Key of the site's table of actions.
const char* action_of(CommandKind kind) {
  switch (kind) {
    case CommandKind::Read:
      return "read_now";
    case CommandKind::Backfill:
      return "read_lp";
    case CommandKind::SwitchOpen:
      return "disconnect";
    case CommandKind::SwitchClose:
      return "connect";
    case CommandKind::SwitchState:
      return "switch_state";
    default:
      return "";
  }
}

}  // namespace

AttemptAnswer failed(const char* reason, std::string why) {
  AttemptAnswer answer;
  answer.state = AttemptState::Failed;
  answer.reason = reason;
  answer.words = std::move(why);
  return answer;
}
AttemptAnswer unknown(const char* reason, std::string why) {
  AttemptAnswer answer = failed(reason, std::move(why));
  answer.state = AttemptState::Unknown;
  return answer;
}

bool states(const sdk::Capabilities& can, CommandKind kind) {
  switch (kind) {
    case CommandKind::Read:
      return can.read_on_demand;
    case CommandKind::Ping:
      return can.ping;
    case CommandKind::Backfill:
      return can.backfill;
    case CommandKind::SwitchState:
      return can.switch_state;
    case CommandKind::SwitchOpen:
      return can.switch_open;
    case CommandKind::SwitchClose:
      return can.switch_close;
    case CommandKind::DemandReset:
    case CommandKind::SwitchArm:
      return false;
  }
  return false;
}

Operation adding(CommandKind kind) {
  if (is_switch(kind)) return Operation::AddProvisioningJob;
  return kind == CommandKind::Ping ? Operation::AddPingJob : Operation::AddReadJob;
}

Values values_of(const SiteTemplate& site, const sdk::Attempt& attempt, const std::string& mac,
                 UtcInstant now) {
  const bool period = attempt.kind == CommandKind::Backfill;
  Values values;
  values["mac"] = mac;
  values["job_name"] = attempt.transaction;
  values["action"] = values["read_type"] = site.action_word(action_of(attempt.kind)).value_or("");
  values["from"] = ami::to_text(period ? attempt.from : now - kDayBefore);
  values["to"] = ami::to_text(period ? attempt.to : now);
  return values;
}

Found found_by(const std::vector<Row>& rows, const std::string& meter, bool named) {
  Found found;
  const auto field = [](const Row& row, const char* name) {
    const auto at = row.find(name);
    return at == row.end() ? std::string() : at->second;
  };
  bool other = false;
  for (const Row& row : rows) {
    const std::string name = field(row, "meter"), mac = field(row, "mac");
    if (!name.empty() && name != meter) {
      other = true;
    } else if (named && name.empty()) {
      found.problem = failed("unreadable_answer", "the search gave a device without its name");
      return found;
    } else if (!is_plain(mac)) {
      found.problem = failed("unreadable_answer", "the search gave a device without its MAC id");
      return found;
    } else if (!found.mac.empty() && !same_mac(found.mac, mac)) {
      found.problem = failed("no_such_meter", "several devices bear that name");
      return found;
    } else {
      found.mac = mac;
    }
  }
  if (found.mac.empty()) {
    found.problem = failed("no_such_meter", other ? "the search gave a device of another name"
                                                  : "the head-end finds no device of that name");
  }
  return found;
}

}  // namespace ami::uiq_job
