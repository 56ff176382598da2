#include "adapters/wire/uiq_job/link/verdict.h"

#include "adapters/sdk/setback.h"
#include "adapters/wire/uiq_job/codec/uiq_job.h"
#include "adapters/wire/uiq_job/link/job.h"

namespace ami::uiq_job {
namespace {

using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;
using sdk::Effect;
using sdk::Setback;
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
  // Nor is a job that came to its end a switch that moved.
  if (!of_the_meter && effect_of(kind) == Effect::Change) return;
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

void set_back(CommandKind kind, Setback setback, AttemptAnswer& answer) {
  const AttemptAnswer said = after(effect_of(kind), setback, {});
  end(answer, said.state, said.reason);
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
    // Without a row of the meter: what it did before the job failed is not told.
    if (state == JobState::Failed) set_back(kind, Setback::NotDone, answer);
    return answer;
  }
  const Ending ending = site.ending_of(result.word);
  switch (ending) {
    case Ending::Succeeded:
      succeeded(kind, true, answer);
      break;
    case Ending::Failed:  // a word that the site's table takes for it
      set_back(kind, Setback::Declined, answer);
      break;
    case Ending::NoAnswer:
      set_back(kind, Setback::MeterSilent, answer);
      if (kind == CommandKind::Ping) answer.power = sdk::PowerState::NoAnswer;
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
  const bool job_failed = site.state_of(result.channel) == JobState::Failed;
  if (job_failed && answer.state == AttemptState::Succeeded && effect_of(kind) == Effect::Change) {
    set_back(kind, Setback::Contradicted, answer);
    answer.words = "the job says " + words(result.channel) + ", its row " + answer.words;
  }
  return answer;
}

}  // namespace ami::uiq_job
