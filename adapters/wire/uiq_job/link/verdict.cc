#include "adapters/wire/uiq_job/link/verdict.h"

#include "adapters/wire/uiq_job/codec/uiq_job.h"
#include "adapters/wire/uiq_job/link/job.h"

namespace ami::uiq_job {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::SwitchPosition;

constexpr const char* kByExport = "done; values come with the next export (assumed)";

bool is_read(CommandKind kind) {
  return kind == CommandKind::Read || kind == CommandKind::Backfill;
}

std::string told(const ResultObservation& result) {
  if (result.fault.empty() || result.word.empty())
    return std::string(result.word.empty() ? result.fault : result.word);
  return std::string(result.word) + ": " + std::string(result.fault);
}

AttemptAnswer& end(AttemptAnswer& answer, AttemptState state, std::string reason) {
  answer.state = state;
  answer.reason = std::move(reason);
  return answer;
}

void succeeded(CommandKind kind, bool of_the_meter, AttemptAnswer& answer) {
  if (kind == CommandKind::Ping) {
    if (!of_the_meter) return;  // the job ended, whatever the meter did
    answer.power = sdk::PowerState::Powered;
  }
  // To have asked is not to know: the position is what was asked for.
  if (kind == CommandKind::SwitchState || kind == CommandKind::SwitchArm) return;
  end(answer, AttemptState::Succeeded, "");
  if (is_read(kind)) answer.words = kByExport;
}

void stands(CommandKind kind, SwitchPosition position, AttemptAnswer& answer) {
  if (!is_switch(kind)) return;
  answer.position = position;
  const bool as_asked = kind == CommandKind::SwitchState ||
                        (kind == CommandKind::SwitchOpen && position == SwitchPosition::Open) ||
                        (kind == CommandKind::SwitchClose && position == SwitchPosition::Closed);
  if (as_asked) {
    end(answer, AttemptState::Succeeded, "");
  } else {
    answer.reason = "failed";  // but Unknown: nothing says that it will not be carried out yet
  }
}

std::optional<UtcInstant> instant_of(const StatedTime& time, const Zone& zone) {
  if (!time.present()) return std::nullopt;
  return resolve_series({time}, zone, std::chrono::seconds{0}).front().instant;
}

}  // namespace

AttemptAnswer verdict_of(const SiteTemplate& site, const Zone& zone, CommandKind kind,
                         const ResultObservation& result) {
  AttemptAnswer answer;
  answer.reason = "unreadable_answer";
  answer.words = told(result);
  answer.at = instant_of(result.time, zone);
  if (result.measure == name_of(Operation::JobStatus)) {
    const JobState state = site.state_of(result.word);
    if (state == JobState::Completed) succeeded(kind, false, answer);
    if (state == JobState::Failed) end(answer, AttemptState::Failed, "failed");
    return answer;
  }
  switch (site.ending_of(result.word)) {
    case Ending::Succeeded:
      succeeded(kind, true, answer);
      break;
    case Ending::Failed:
      end(answer, AttemptState::Failed, "failed");
      break;
    case Ending::NoAnswer:
      answer.reason = "no_answer";
      if (kind == CommandKind::Ping) answer.power = sdk::PowerState::NoAnswer;
      if (!is_switch(kind)) answer.state = AttemptState::Failed;
      break;
    case Ending::Open:
      stands(kind, SwitchPosition::Open, answer);
      break;
    case Ending::Armed:
      stands(kind, SwitchPosition::Armed, answer);
      break;
    case Ending::Closed:
      stands(kind, SwitchPosition::Closed, answer);
      break;
    case Ending::Unknown:
      break;
  }
  return answer;
}

}  // namespace ami::uiq_job
