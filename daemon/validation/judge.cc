#include "daemon/validation/judge.h"

#include <algorithm>
#include <tuple>

#include "daemon/validation/channel_judge.h"
#include "daemon/validation/interval_lines.h"
#include "daemon/validation/meter_facts.h"
#include "daemon/validation/register_lines.h"
#include "daemon/validation/stored_findings.h"
#include "meter_model/vee/checks.h"
#include "meter_model/vee/exact.h"
#include "meter_model/vee/findings.h"
#include "meter_model/vee/register_advance.h"

namespace ami::validation {
namespace {

using vee::Check;

std::map<storage::QualityId, vee::Marks> marks_of(const storage::Dictionary& dictionary) {
  std::map<storage::QualityId, vee::Marks> marks;
  for (const auto& [id, quality] : dictionary.qualities) {
    QualitySet codes = quality.codes;
    std::erase_if(codes, is_finding);
    marks[id] = vee::marks_of(codes);
  }
  return marks;
}

std::map<ChannelId, TypedChannel> channels_of(const storage::Dictionary& dictionary) {
  std::map<ChannelId, TypedChannel> channels;
  for (const auto& [id, info] : dictionary.channels) {
    if (const auto type = ReadingType::parse(info.reading_type))
      channels[id] = {info, *type, quantity_of(*type)};
  }
  return channels;
}

std::set<ChannelId> recorded_in(const MeterDayFacts& facts) {
  std::set<ChannelId> recorded;
  for (const storage::IntervalBlock& block : facts.intervals) {
    if (std::ranges::any_of(block.mantissas, [](std::int64_t value) { return value != vee::kHole; }))
      recorded.insert(block.channel);
  }
  for (const storage::LastInterval& last : facts.last_intervals) recorded.insert(last.channel);
  return recorded;
}

// Whose thresholds hold: of the values of the day the feed of the one received last; without any, of those
// next to it or last before it, however long it has been silent; else of later readings, else of events.
std::string newest_feed(const MeterDayFacts& facts) {
  enum class Of : std::uint8_t { Event, Later, Before, Day };
  struct Best {
    Of of = Of::Event;
    UtcInstant received{};
    storage::SourceId id = 0;
    auto operator<=>(const Best&) const = default;
  };
  std::optional<Best> best;
  const auto look = [&](storage::SourceId id, Of of) {
    const auto source = facts.dictionary.sources.find(id);
    if (source == facts.dictionary.sources.end()) return;
    const Best seen{of, source->second.received_at, id};
    if (!best || *best < seen) best = seen;
  };
  for (const storage::IntervalBlock& block : facts.intervals) {
    UtcInstant at = block.first_start;
    for (const auto& run : block.sources) {
      const UtcInstant end = at + block.length * static_cast<std::int64_t>(run.count);
      look(run.source, at < facts.day.to && end > facts.day.from ? Of::Day : Of::Before);
      at = end;
    }
  }
  for (const storage::LastInterval& last : facts.last_intervals) look(last.source, Of::Before);
  for (const storage::RegisterRow& row : facts.registers) {
    const bool of_day = row.at > facts.day.from && row.at <= facts.day.to;
    look(row.source, of_day ? Of::Day : row.at < facts.window.to ? Of::Before : Of::Later);
  }
  for (const storage::EventRow& event : facts.events) look(event.source, Of::Event);
  return best ? facts.dictionary.sources.at(best->id).feed : std::string();
}

vee::RegisterSpan span_of(const DayScene& scene, const RegisterLine& line,
                          const std::pair<vee::RegisterRead, vee::RegisterRead>& reads) {
  std::vector<std::string> ignored;
  const auto programme = programme_of(scene, *line.channel, std::chrono::seconds{900}, ignored);
  return {reads.first.value, reads.second.value,
          vee::step_of(programme.register_resolution, reads.first.value, reads.second.value),
          programme.register_modulus};
}

// V15 and V16, each for every pair of instants; they are about readings, so a finding names the later one's.
void check_identities(const DayScene& scene, const std::vector<Identity>& identities, Identity::Kind kind,
                      JudgedDay& day) {
  const Check check = kind == Identity::Kind::TouSum ? Check::TouSum : Check::NetIdentity;
  bool any = false;
  for (const Identity& identity : identities) {
    if (identity.kind != kind) continue;
    any = true;
    const UtcInstant from = identity.spans.front().first.at, to = identity.spans.front().second.at;
    if (vee::interrupted_between(day.meter, from, to)) {
      day.meter_report.not_judged(check, "an exchange, a reset or a reprogramming lies between the readings");
      continue;
    }
    vee::MeterDay meter = day.meter;
    std::vector<vee::RegisterSpan> spans;
    for (std::size_t i = 0; i < identity.lines.size(); ++i)
      spans.push_back(span_of(scene, *identity.lines[i], identity.spans[i]));
    if (kind == Identity::Kind::TouSum) {
      meter.tou_bulk = spans.front();
      meter.tou_tiers = std::span(spans).subspan(1);
    } else {
      meter.net = spans[0];
      meter.delivered = spans[1];
      meter.received = spans[2];
    }
    vee::Report report(day.meter_report.explains() ? vee::Report::Detail::EveryJudgement
                                                   : vee::Report::Detail::Findings);
    vee::check_meter_day(meter, scene.config, {check}, report);
    take(report, day.meter_report, [&](vee::Finding& finding) {
      finding.from = from;
      finding.to = to;
      day.verdict.findings.push_back(register_finding(identity.lines.front()->channel->info.id, finding));
    });
  }
  if (!any) vee::check_meter_day(day.meter, scene.config, {check}, day.meter_report);
}

void check_meter(const DayScene& scene, const std::vector<RegisterLine>& registers, JudgedDay& day) {
  const vee::CheckSet& wanted = scene.config.active().checks;
  const auto look = [&](std::initializer_list<Check> checks) {
    vee::Report report(day.meter_report.explains() ? vee::Report::Detail::EveryJudgement
                                                   : vee::Report::Detail::Findings);
    vee::check_meter_day(day.meter, scene.config, those_of(wanted, checks), report);
    take(report, day.meter_report, [&](vee::Finding& finding) {
      day.verdict.findings.push_back(meter_finding(scene.facts.day, finding));
    });
  };
  look({Check::Identity, Check::SystemTime, Check::MeterTime, Check::Transport, Check::Diagnostics,
        Check::Sign});
  const auto identities = identities_of(scene, registers);
  if (wanted.has(Check::TouSum)) check_identities(scene, identities, Identity::Kind::TouSum, day);
  if (wanted.has(Check::NetIdentity)) check_identities(scene, identities, Identity::Kind::Net, day);
  look({Check::Configuration});
  if (!day.meter_report.explains()) return;
  for (const vee::Finding& finding : day.meter_report.findings())
    day.meter_diagnoses.push_back(vee::diagnose(finding, nullptr, day.meter, scene.config));
}

}  // namespace

const vee::VeeConfig& Rules::of_feed(std::string_view feed) const {
  const auto found = by_feed.find(feed);
  return found == by_feed.end() ? fallback : found->second;
}

std::string profile_text(const vee::VeeConfig& config) {
  return config.profile + "/" + digest(config);
}

JudgedDay judge(const MeterDayFacts& facts, const Rules& rules, UtcInstant now, vee::Report::Detail detail) {
  JudgedDay day;
  day.meter_report = vee::Report(detail);
  day.feed = newest_feed(facts);
  const vee::VeeConfig& config = rules.of_feed(day.feed);
  day.profile = profile_text(config);
  day.verdict.profile = day.profile;
  const auto zone = Zone::load(facts.zone);
  const vee::Profile& profile = config.active();
  if (!zone || (profile.checks.none() && !profile.estimates)) {
    day.verdict.judged = false;
    return day;
  }
  const DayScene scene{facts,
                       rules,
                       config,
                       *zone,
                       now,
                       facts.day.to + rules.grace,
                       marks_of(facts.dictionary),
                       channels_of(facts.dictionary),
                       recorded_in(facts)};
  auto intervals = interval_lines(scene);
  const auto registers = register_lines(scene);
  auto [meter, kept] = meter_facts(scene, intervals);
  day.meter = meter;
  day.kept = std::move(kept);
  check_meter(scene, registers, day);

  ChannelJudge channels(scene, registers, day, detail);
  auto interval = intervals.begin();
  for (auto dial = registers.begin(); interval != intervals.end() || dial != registers.end();) {
    const bool next_is_dial = interval == intervals.end() ||
                              (dial != registers.end() && dial->channel->info.id < interval->channel);
    if (next_is_dial) {
      channels.judge_register(*dial++);
    } else {
      channels.judge_intervals(*interval++);
    }
  }
  channels.diagnose_registers();
  settle(day.verdict);
  return day;
}

}  // namespace ami::validation
