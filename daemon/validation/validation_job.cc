#include "daemon/validation/validation_job.h"

#include <algorithm>
#include <set>

#include "daemon/log/messages.h"
#include "daemon/pipeline/give_way.h"
#include "meter_model/vee/check.h"

namespace ami::daemon {
namespace {

constexpr std::chrono::milliseconds kTick{100};   // how soon a stop is noticed
constexpr std::chrono::minutes kPublishEvery{1};  // the figures look at the whole queue, so at most so often
constexpr std::chrono::hours kFirstLook{48};      // how far back the first look at the shares goes
constexpr std::chrono::minutes kOverlap{10};      // a step that began before the last look may end after it

std::string check_id(std::int16_t check) {
  const auto all = vee::all_checks();
  const auto index = static_cast<std::size_t>(check - 1);
  return check >= 1 && index < all.size() ? std::string(all[index].id) : std::to_string(check);
}

std::string text(std::chrono::year_month_day date) {
  return to_text(UtcInstant{std::chrono::sys_days{date}}).substr(0, 10);
}

struct SuspectThreshold {
  Decimal above_percent;
  std::uint64_t from_meters = 0;
};

// Of each profile that a meter-day may be judged by now.
std::map<std::string, SuspectThreshold> thresholds_of(const validation::Rules& judging) {
  std::map<std::string, SuspectThreshold> out;
  const auto add = [&](const vee::VeeConfig& config) {
    out.try_emplace(validation::profile_text(config),
                    SuspectThreshold{config.suspect_above_percent,
                                     static_cast<std::uint64_t>(config.suspect_from_meters)});
  };
  add(judging.fallback);
  for (const auto& [feed, config] : judging.by_feed) add(config);
  return out;
}

std::string feeds_of(const std::string& profile, const validation::Rules& judging) {
  std::string out;
  for (const auto& [feed, config] : judging.by_feed) {
    if (validation::profile_text(config) == profile) out += (out.empty() ? "" : ",") + feed;
  }
  return out;
}

}  // namespace

sdk::Awaitable<void> ValidationJob::keep(std::function<Situation()> situation) {
  UtcInstant next = parts_.clock.now();
  while (true) {
    const Situation now = situation();
    if (now.stopping) co_return;
    if (now.ready && parts_.clock.now() >= next) {
      co_await round(situation);
      next = parts_.clock.now() + now.every;
    }
    co_await parts_.clock.wait(kTick);
  }
}

sdk::Awaitable<void> ValidationJob::round(const std::function<Situation()>& situation) {
  storage::Validation store(parts_.database);
  storage::ValidationStep sum;
  Situation current = situation();
  while (!current.stopping) {
    Result<storage::ValidationStep> step = transient("not asked yet");
    const UtcInstant began = parts_.clock.now();
    std::map<std::string, std::size_t> findings;
    const std::function<void()> work = [&] {
      const UtcInstant now = parts_.clock.now();
      std::shared_ptr<const validation::Rules> judging;
      step = store.step(current.rules, now, [&](const storage::MeterDayFacts& facts) {
        if (judging == nullptr) judging = current.judging();
        storage::DayVerdict verdict = validation::judge(facts, *judging, now).verdict;
        for (const storage::DayFinding& finding : verdict.findings) ++findings[check_id(finding.check)];
        return verdict;
      });
    };
    co_await parts_.pool.run(work);
    if (!step) {
      failed(step.error().message);
      co_return;
    }
    parts_.metrics.validated(step->judged,
                             step->judged > 0 ? findings : std::map<std::string, std::size_t>{});
    sum.judged += step->judged;
    sum.changes += step->changes;
    sum.found += step->found;
    sum.gone += step->gone;
    sum.estimated += step->estimated;
    if (!step->more) break;
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(parts_.clock.now() - began);
    const std::function<Way()> way = [&] {
      const Situation now = situation();
      return Way{now.storing, now.stopping};
    };
    co_await give_way(parts_.clock, took, way);
    current = situation();
  }
  if (sum.judged > 0 || failing_) {
    parts_.log.write(messages::kValidationDone, {{"meter_days", std::to_string(sum.judged)},
                                                 {"changes", std::to_string(sum.changes)},
                                                 {"found", std::to_string(sum.found)},
                                                 {"gone", std::to_string(sum.gone)},
                                                 {"estimated", std::to_string(sum.estimated)}});
  }
  failing_ = false;
  if (current.stopping || parts_.clock.now() - kPublishEvery < published_) co_return;
  const std::function<void()> look = [&] { publish(*current.judging()); };
  co_await parts_.pool.run(look);
}

void ValidationJob::publish(const validation::Rules& judging) {
  const UtcInstant now = parts_.clock.now();
  storage::Validation store(parts_.database);
  const auto waiting = store.waiting();
  const auto shares = store.shares(looked_at_.value_or(now - kFirstLook));
  if (!waiting.ok() || !shares.ok()) {
    failed(waiting.ok() ? shares.refusal().message : waiting.refusal().message);
    return;
  }
  parts_.metrics.validation_waiting(*waiting);
  // Kept before it is told, so that it is told once: by one of several gateways, and not again after a
  // restart.
  const auto fresh = store.keep_suspects(suspects_among(*shares, judging));
  if (!fresh.ok()) {
    watches_.clear();  // found again next time
    failed(fresh.refusal().message);
    return;
  }
  for (const storage::CheckShare& share : *fresh) {
    parts_.log.write(messages::kThresholdSuspect, {{"utility_id", std::to_string(share.utility)},
                                                   {"day", text(share.date)},
                                                   {"check", check_id(share.check)},
                                                   {"meters_hit", std::to_string(share.hit)},
                                                   {"meters", std::to_string(share.judged)},
                                                   {"profile", share.profile},
                                                   {"feeds", feeds_of(share.profile, judging)}});
  }
  looked_at_ = now - kOverlap;
  published_ = now;
}

// Those of which it was not found before, in this process. Shares of a profile that no feed has any more are
// nobody's to look at.
std::vector<storage::CheckShare> ValidationJob::suspects_among(const std::vector<storage::CheckShare>& shares,
                                                               const validation::Rules& judging) {
  const auto thresholds = thresholds_of(judging);
  std::erase_if(watches_, [&](const auto& entry) { return !thresholds.contains(entry.first.second); });
  std::vector<storage::CheckShare> out;
  std::optional<std::chrono::year_month_day> newest;
  for (const storage::CheckShare& share : shares) {
    const auto threshold = thresholds.find(share.profile);
    if (threshold == thresholds.end()) continue;
    const auto& [above_percent, from_meters] = threshold->second;
    const auto meters = static_cast<std::uint64_t>(std::max<std::int64_t>(share.judged, 0));
    if (meters >= from_meters && (!newest || share.date > *newest)) newest = share.date;
    const auto check = vee::check_from(check_id(share.check));
    if (!check) continue;
    auto& watch =
        watches_.try_emplace({share.utility, share.profile}, vee::ThresholdWatch(above_percent, from_meters))
            .first->second;
    const auto hit = static_cast<std::uint64_t>(std::max<std::int64_t>(share.hit, 0));
    if (!watch.count(std::chrono::sys_days{share.date}, *check, hit, meters)) continue;
    out.push_back(share);
    suspects_.try_emplace(check_id(share.check), false);
  }
  if (!newest) return out;
  for (auto& [id, shown] : suspects_) {
    shown = std::ranges::any_of(watches_, [&](const auto& watch) {
      return watch.second.is_suspect(std::chrono::sys_days{*newest}, *vee::check_from(id));
    });
    parts_.metrics.threshold_suspect(id, shown);
  }
  return out;
}

void ValidationJob::failed(const std::string& error) {
  if (!failing_) parts_.log.write(messages::kValidationFailed, {{"error", error}});
  failing_ = true;
}

}  // namespace ami::daemon
