#include "daemon/rpc/explain.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "daemon/rpc/explain_messages.h"
#include "daemon/rpc/reading_target.h"
#include "meter_model/time/zone.h"
#include "storage/postgres/validation.h"

namespace ami::rpc {
namespace {

using Date = std::chrono::year_month_day;

// The meters that a name stands for on a civil day, by time.
std::vector<MeterId> meters_of_day(const ReadingTarget& target, ResourceName::Kind kind, const Date& date) {
  std::vector<MeterId> meters;
  for (const storage::MeterSpan& span : target.spans) {
    if (kind == ResourceName::Kind::UsagePoint) {
      const auto& placements = target.meters.at(span.meter).placements;
      const bool there = std::ranges::any_of(placements, [&](const Placement& placement) {
        const Result<Zone> zone = Zone::load(placement.zone);
        const Zone::Day day = (zone ? *zone : Zone::utc()).civil_day(date);
        return placement.period.from < day.end && day.start < placement.period.to;
      });
      if (!there) continue;
    }
    if (std::ranges::find(meters, span.meter) == meters.end()) meters.push_back(span.meter);
  }
  return meters;
}

void check_channel(const Call& call, const std::string& key, const std::vector<MeterId>& meters) {
  if (key.empty() || meters.empty()) return;
  std::set<std::string> known;
  for (const storage::ChannelInfo& channel : call.take(call.readers().channels(meters)))
    known.insert(channel.key);
  if (known.contains(key)) return;
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  throw StatusError{
      refused(grpc::StatusCode::NOT_FOUND, "CHANNEL_NOT_FOUND",
              "there is no channel " + key + "; known are: " + (names.empty() ? "none" : names))};
}

storage::ChannelFilter wanted_channels(storage::ChannelFilter quantities, const std::string& key) {
  if (key.empty()) return quantities;
  return [quantities = std::move(quantities), key](const storage::ChannelInfo& channel) {
    return channel.key == key && (!quantities || quantities(channel));
  };
}

// For a day that is not judged but laid out: which intervals it has, and which it lacks. No threshold of now
// takes part in that.
std::shared_ptr<const validation::Rules> rules_of_the_frame(const validation::Rules& now) {
  auto rules = std::make_shared<validation::Rules>();
  rules->grace = now.grace;
  return rules;
}

void log_access(const Call& call, const storage::Utility& utility, const v1::ExplainRequest& request,
                const storage::MeterDayFacts& facts, const UsagePointNames& points) {
  const auto log = [&](const std::string& usage_point) {
    call.log({.kind = CallRecord::Kind::Access,
              .utility = utility.key,
              .usage_point = usage_point.substr(usage_point.rfind('/') + 1),
              .meter = facts.meter_key,
              .purpose = request.purpose(),
              .on_behalf_of = request.on_behalf_of(),
              .period = facts.day});
  };
  bool logged = false;
  for (const storage::MeterStay& stay : facts.stays) {
    if (stay.period.from >= facts.day.to || stay.period.to <= facts.day.from) continue;
    log(points.name(stay.usage_point));
    logged = true;
  }
  if (!logged) log("");
}

void tell_sources(const Call& call, const storage::Utility& utility, const storage::MeterDayFacts& facts,
                  const SourceNumbers& numbers, v1::ExplainedDay& out) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, number] : numbers.all()) ids.push_back(id);
  const auto stories = call.take(storage::RawContents(call.scoped()).stories(utility.id, ids));
  std::map<int, storage::SourceId> ordered;
  for (const auto& [id, number] : numbers.all()) ordered.emplace(number, id);
  for (const auto& [number, id] : ordered) {
    const auto source = facts.dictionary.sources.find(id);
    if (source == facts.dictionary.sources.end()) continue;
    const auto found = stories.find(id);
    const storage::SourceStory story = found == stories.end() ? storage::SourceStory{} : found->second;
    const auto& holds = call.backend().kept.holds;
    const bool kept = story.claimed && holds && holds(source->second.content_sha256);
    tell_source(utility, source->second, story, kept, number, *out.add_sources());
  }
}

}  // namespace

void explain(const Call& call, const v1::ExplainRequest& request, v1::ExplainResponse& response) {
  const ResourceName name = call.resource("name", request.name());
  const Date date = date_from("day", request.day());
  static_cast<void>(purpose_from(request.purpose()));
  static_cast<void>(text_from("on_behalf_of", request.on_behalf_of()));
  const storage::ChannelFilter wanted =
      wanted_channels(filter_from(request.quantities()), text_from("channel", request.channel()));
  const storage::Utility utility = call.utility_of(name.utility);
  const std::optional<UtcInstant> as_of = as_of_from(call, request);

  // No zone's day begins or ends further from UTC's.
  const UtcInstant midnight{std::chrono::sys_days{date}};
  const storage::Period near{midnight - std::chrono::days{1}, midnight + std::chrono::days{2}};
  const ReadingTarget target = find_targets(call, utility, {name}, near).front();
  const std::vector<MeterId> meters = meters_of_day(target, name.kind, date);
  check_channel(call, request.channel(), meters);

  const auto rules = as_of ? rules_of_the_frame(*call.rules()) : call.rules();
  storage::Validation validation(call.scoped());
  for (const MeterId meter : meters) {
    const storage::MeterDate of{utility.id, meter, date};
    const storage::MeterDayFacts facts = call.take(validation.facts(of, as_of), name);
    std::optional<storage::DaySaid> past;
    if (as_of) past = call.take(validation.said(of, facts.day, *as_of), name);
    std::vector<storage::UsagePointId> places;
    for (const storage::MeterStay& stay : facts.stays) places.push_back(stay.usage_point);
    const UsagePointNames points(call, utility, places);
    log_access(call, utility, request, facts, points);
    const validation::JudgedDay judged =
        validation::judge(facts, *rules, as_of.value_or(call.now()),
                          as_of ? vee::Report::Detail::Findings : vee::Report::Detail::EveryJudgement);
    regime::Standings standings(call.regime_of(utility));
    standings.add({{meter, facts.assets}});
    SourceNumbers numbers;
    v1::ExplainedDay& day = *response.add_days();
    tell_day({utility, facts, judged, points, standings, wanted, past ? &*past : nullptr}, numbers, day);
    if (as_of) {
      *day.mutable_as_of() = to_proto(*as_of);
    } else {
      *day.mutable_judged_at() = to_proto(call.now());
    }
    tell_sources(call, utility, facts, numbers, day);
  }
}

}  // namespace ami::rpc
