#include "daemon/pipeline/reprocess.h"

#include <algorithm>

#include "daemon/log/messages.h"
#include "daemon/pipeline/commit_attempt.h"
#include "meter_model/failpoint.h"

namespace ami::daemon {
namespace {

using storage::ContentStretch;
using storage::Run;
using storage::RunContent;
using storage::RunState;

constexpr int kMostChangesInARow = 5;  // of asset data, while one stretch is compared and written
// A corrected zone moves values by a day at most; nobody's clock is further off.
constexpr std::chrono::days kAround{2};
// Where today's reading says nothing at all, what was said before is looked for so long before the receipt.
constexpr std::chrono::days kBeforeReceipt{40};

std::uint64_t position(const Run& run, const RunContent& content) {
  return run.state == RunState::Checking ? content.checked_to : content.written_to;
}

std::pair<std::chrono::sys_days, std::chrono::sys_days> days_of(const NormalisedBatch& batch,
                                                                UtcInstant received_at) {
  UtcInstant first = UtcInstant::max(), last = UtcInstant::min();
  for (const RegisterReading& read : batch.registers) {
    first = std::min(first, read.at);
    last = std::max(last, read.at);
  }
  for (const IntervalRun& run : batch.intervals) {
    first = std::min(first, run.first_start);
    last = std::max(last, run.first_start + static_cast<std::int64_t>(run.mantissas.size()) * run.length);
  }
  if (first > last) {
    first = received_at - kBeforeReceipt;
    last = received_at;
  }
  return {std::chrono::floor<std::chrono::days>(first) - kAround,
          std::chrono::floor<std::chrono::days>(last) + kAround};
}

}  // namespace

struct Reprocessor::Open {
  storage::RunId run = 0;
  std::int32_t n = 0;
  RunState phase = RunState::Checking;
  std::uint64_t at = 0;  // where the reader stands
  ReprocessFeed feed;
  std::vector<ContentStretch> stretches;
  std::optional<ContentReader> reader;
};

struct Reprocessor::Plan {
  StretchPlan stretch;
  std::vector<std::int64_t> settled;  // quarantine rows
  std::int64_t directory_version = 0;
};

Reprocessor::Reprocessor(ReprocessParts parts) : parts_(std::move(parts)) {}
Reprocessor::~Reprocessor() = default;

Result<Reprocessor::Step> Reprocessor::step() {
  auto run = parts_.runs.next();
  if (!run) return run.error();
  if (!*run) {
    open_.reset();
    return Step{};
  }
  auto content = parts_.runs.next_content(**run);
  if (!content) return content.error();
  if (*content) return work(**run, **content);
  open_.reset();
  if (Outcome ended = end_phase(**run); !ended) return ended.error();
  return Step{false, 0, (*run)->order.rate};
}

Outcome Reprocessor::enter(const Run& run, RunState to, const std::string& message) {
  open_.reset();
  if (to != RunState::Writing) {
    parts_.log.write(
        to == RunState::Failed ? messages::kReprocessFailed : messages::kReprocessEnded,
        {{"run", std::to_string(run.id)}, {"state", std::string(name_of(to))}, {"reason", message}});
  }
  return parts_.runs.enter(run.id, run.state, to, message);
}

Outcome Reprocessor::end_phase(const Run& run) {
  if (run.state == RunState::Writing) return enter(run, RunState::Done, {});
  if (run.conflicts > 0) return enter(run, RunState::Refused, {});
  return enter(run, run.order.dry_run || run.contents_to_write == 0 ? RunState::Done : RunState::Writing, {});
}

Outcome Reprocessor::leave_out(const Run& run, const RunContent& content, const std::string& problem) {
  open_.reset();
  parts_.log.write(messages::kReprocessLeftOut, {{"run", std::to_string(run.id)},
                                                 {"feed", content.feed},
                                                 {"sha256", content.sha256.substr(0, 16)},
                                                 {"error", problem}});
  return parts_.runs.skip(run.id, content, problem);
}

Outcome Reprocessor::refresh_directory(const Run& run) {
  const std::pair wanted{run.id, run.state};
  if (refreshed_ == wanted) return Done{};
  const auto known = parts_.directory.current();
  const auto fresh = parts_.directory.refresh(known ? std::optional(known->version()) : std::nullopt);
  if (!fresh) return fresh.error();
  refreshed_ = wanted;
  return Done{};
}

Result<Reprocessor::Open*> Reprocessor::open(const Run& run, const RunContent& content) {
  const std::uint64_t from = position(run, content);
  if (open_ && open_->run == run.id && open_->n == content.n && open_->phase == run.state &&
      open_->at == from) {
    return open_.get();
  }
  open_.reset();
  if (Outcome fresh = refresh_directory(run); !fresh) return fresh.error();
  const auto give_up = [](const Outcome& told) -> Result<Open*> {
    return told ? Result<Open*>(nullptr) : Result<Open*>(told.error());
  };
  auto feed = parts_.feed(run.order.utility, content.feed);
  if (!feed) return give_up(leave_out(run, content, "its feed is not configured"));
  if (feed->fingerprint != content.fingerprint) {
    return give_up(
        enter(run, RunState::Failed,
              "the settings of feed " + content.feed +
                  " changed since the run was ordered: order it again, what was written stays written"));
  }
  auto stretches = parts_.statements.stretches(run.order.utility, content.feed, content.sha256);
  if (!stretches) return stretches.error();
  // All of it, before anything of it counts: what is corrupt is noticed at its end only.
  if (const Outcome sound = parts_.files.verify(content.sha256); !sound) {
    if (sound.error().fault != Fault::Permanent) return sound.error();
    return give_up(leave_out(run, content, sound.error().message));
  }
  auto raw = parts_.files.open(content.sha256);
  if (!raw) return raw.error();
  auto opened = std::make_unique<Open>();
  opened->run = run.id;
  opened->n = content.n;
  opened->phase = run.state;
  opened->at = from;
  opened->feed = std::move(*feed);
  opened->stretches = std::move(*stretches);
  open_ = std::move(opened);
  open_->reader.emplace(std::move(raw).value(), open_->feed.decoder, from, content.received_at);
  return open_.get();
}

Result<Reprocessor::Step> Reprocessor::work(const Run& run, const RunContent& content) {
  const Step nothing{false, 0, run.order.rate};
  const Result<Open*> opened = open(run, content);
  if (!opened) return opened.error();
  if (*opened == nullptr) return nothing;
  Open& at = **opened;
  const auto done = [&](std::uint64_t to, const storage::StretchDiff& diff) {
    return run.state == RunState::Checking ? parts_.runs.checked(run.id, content, to, diff)
                                           : parts_.runs.written(run.id, content, to);
  };
  const auto stretch = std::find_if(at.stretches.begin(), at.stretches.end(), [&](const ContentStretch& s) {
    return s.end > at.at && s.begin < content.end;
  });
  if (stretch == at.stretches.end()) {
    if (Outcome noted = done(content.end, {}); !noted) return noted.error();
    return nothing;
  }
  auto part = at.reader->up_to(stretch->end);
  if (!part) {
    open_.reset();
    if (part.error().fault != Fault::Permanent) return part.error();
    if (Outcome told = leave_out(run, content, part.error().message); !told) return told.error();
    return nothing;
  }
  // A failure below leaves the reader behind what it has given: it is opened anew.
  const auto failed = [&](const Error& error) -> Result<Step> {
    open_.reset();
    if (error.fault != Fault::Permanent) return error;
    if (Outcome told = enter(run, RunState::Failed, error.message); !told) return told.error();
    return nothing;
  };
  for (int change = 0; change < kMostChangesInARow; ++change) {
    auto planned = plan(run, content, *stretch, part->decoded);
    if (!planned) return failed(planned.error());
    const Step step{false, planned->stretch.values, run.order.rate};
    if (run.state == RunState::Writing) {
      if (planned->stretch.diff.conflicts > 0) {
        return failed(
            permanent("other values came in since the run was checked: " + planned->stretch.diff.conflict));
      }
      auto written = write(run, content, *stretch, *planned);
      if (!written) return failed(written.error());
      if (!*written) continue;
    }
    failpoint("reprocess.before_progress");
    if (Outcome noted = done(stretch->end, planned->stretch.diff); !noted) return failed(noted.error());
    if (open_) open_->at = stretch->end;
    return step;
  }
  return failed(transient("asset data keeps changing"));
}

Result<Reprocessor::Plan> Reprocessor::plan(const Run& run, const RunContent& content,
                                            const ContentStretch& stretch, const DecodedBatch& decoded) {
  auto picture = parts_.directory.current();
  if (!picture) {
    auto loaded = parts_.directory.refresh(std::nullopt);
    if (!loaded) return loaded.error();
    picture = *loaded;
  }
  const FeedRules& rules = open_->feed.rules;
  NormalisedBatch today;
  normalise(decoded, rules, resolver_of(*picture, run.order.utility, content.feed), content.received_at,
            today);

  ReprocessScope scope;
  scope.meters.insert(run.order.meters.begin(), run.order.meters.end());
  scope.period = run.order.period;
  std::set<MeterId> meters = scope.meters;
  if (meters.empty()) {
    for (const ChannelKey& channel : today.channels) meters.insert(channel.meter);
  }
  const auto [first, last] = days_of(today, content.received_at);
  const auto said = parts_.statements.said(stretch, {meters.begin(), meters.end()}, first, last);
  if (!said) return said.error();
  Plan out;
  out.directory_version = picture->version();
  out.stretch = plan_stretch(today, rules.mapping.version, *said, scope);

  if (auto told = tell_at_each_receipt(run, content, today); !told) return told.error();

  // Events: the newest mapping's reading of one counts.
  std::vector<EventReading> events;
  for (EventReading& event : today.events) {
    if (scope.covers(event.meter) && scope.period.contains(event.at)) events.push_back(std::move(event));
  }
  const auto known = parts_.statements.events(events);
  if (!known) return known.error();
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& was = (*known)[i];
    if (was && was->kind == events[i].kind && was->code == events[i].code) continue;
    if (was && was->mapping_version >= rules.mapping.version) {
      if (out.stretch.diff.conflicts++ == 0) {
        out.stretch.diff.conflict_meter = events[i].meter;
        out.stretch.diff.conflict = "event at " + to_text(events[i].at) +
                                    " would be read differently: raise the" +
                                    " version of the feed's map or assume_version, then order the run again";
      }
    }
    out.stretch.news.events.push_back(std::move(events[i]));
    ++out.stretch.diff.events;
  }

  // What cannot be read is told by the vendor's ids, not by meters: a run of some meters leaves it alone.
  if (scope.meters.empty() && scope.period == storage::Period{}) {
    const auto quarantine = parts_.statements.quarantine(stretch, today.quarantined);
    if (!quarantine) return quarantine.error();
    for (std::size_t i = 0; i < today.quarantined.size(); ++i) {
      if (quarantine->known[i]) continue;
      out.stretch.news.quarantined.push_back(std::move(today.quarantined[i]));
      ++out.stretch.diff.quarantined;
    }
    out.settled = quarantine->settled;
    out.stretch.diff.settled = static_cast<std::int64_t>(out.settled.size());
  }
  return out;
}

// What is dated by its receipt was told as often as the content was received as a new fact.
Outcome Reprocessor::tell_at_each_receipt(const Run& run, const RunContent& content, NormalisedBatch& today) {
  std::vector<EventReading> dated;
  for (const EventReading& event : today.events) {
    if (event.time_source == TimeSource::Receipt) dated.push_back(event);
  }
  if (dated.empty()) return Done{};
  const auto receipts = parts_.store.receipts(run.order.utility, content.feed, content.sha256);
  if (!receipts) return receipts.error();
  for (const UtcInstant receipt : *receipts) {
    if (receipt == content.received_at) continue;
    for (EventReading& event : dated) {
      event.at = receipt;
      today.events.push_back(event);
    }
  }
  return Done{};
}

Result<bool> Reprocessor::write(const Run& run, const RunContent& content, const ContentStretch& stretch,
                                Plan& plan) {
  const std::string cause =
      "reprocess " + std::to_string(run.id) + " by " + run.order.ordered_by + ": " + run.order.cause;
  NormalisedBatch& news = plan.stretch.news;
  if (!news.registers.empty() || !news.intervals.empty() || !news.events.empty() ||
      !news.quarantined.empty() || !plan.settled.empty()) {
    storage::CommitUnit unit;
    unit.utility = run.order.utility;
    unit.source = {content.feed,
                   content.name,
                   content.sha256,
                   stretch.begin,
                   stretch.end - stretch.begin,
                   open_->feed.rules.mapping.version,
                   content.received_at};
    unit.batch = std::move(news);
    unit.directory_version = plan.directory_version;
    unit.replayed = plan.settled;
    unit.replay_of = -run.id;
    unit.cause = cause;
    const auto counts = parts_.store.commit(unit);
    if (!counts) return counts.error();
    if (counts->directory_changed) {
      auto fresh = parts_.directory.refresh(plan.directory_version);
      if (!fresh) return fresh.error();
      return false;
    }
    failpoint("reprocess.after_commit");
  }
  if (!plan.stretch.withdrawals.empty()) {
    const Outcome withdrawn = parts_.statements.withdraw(run.order.utility, plan.stretch.withdrawals,
                                                         plan.stretch.retractions, cause);
    if (!withdrawn) return withdrawn.error();
  }
  return true;
}

}  // namespace ami::daemon
