// A meter-day as the store would give it, made by hand.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/validation/judge.h"
#include "meter_model/quantity/reading_type.h"
#include "meter_model/time/zone.h"
#include "meter_model/vee/day_grid.h"

namespace ami::validation {

inline UtcInstant at(const std::string& text) {
  return parse_instant(text).value();
}
inline Decimal number(const std::string& text) {
  return Decimal::parse(text).value();
}
inline QualityCode code(const std::string& text) {
  return QualityCode::parse(text).value();
}

// By default 15 January 2026 in Toronto (05:00Z to 05:00Z) of a meter that has been there since 2020, FOCUS
// AXR of form 2S CL200, read by the feed "f". Channel ids count from 1.
struct Facts {
  explicit Facts(const std::string& zone = "America/Toronto", const std::string& date = "2026-01-15") {
    using namespace std::chrono;
    facts.of = {1, 7, year_month_day{floor<days>(at(date + "T00:00:00Z"))}};
    facts.meter_key = "M1";
    facts.zone = zone;
    const vee::Span day = vee::civil_day(Zone::load(zone).value(), facts.of.date);
    facts.day = {day.from, day.to};
    facts.window = {day.from - hours{26}, day.to + hours{26}};
    storage::MeterDetail detail;
    detail.model = "FOCUS AXR";
    detail.form = "2S";
    detail.class_a = "200";
    facts.assets.details.push_back(detail);
    facts.stays.push_back({7, 1, 11, {at("2020-01-01T00:00:00Z"), UtcInstant::max()}, {1, 0}});
    facts.dictionary.qualities[0] = {};
    source(1, "f", "2026-01-16T06:00:00Z");
    // What the site knows: the meter's pulse and its dial of 00000 to 99999 kWh in steps of a watt-hour.
    vee::ProgrammeRule programme;
    programme.ke_wh = Decimal{1, 0};
    programme.register_digits = 8;
    programme.register_decimals = 3;
    programme.largest_count = 65535;
    rules.fallback.programmes.insert(rules.fallback.programmes.begin(), programme);
    now = facts.day.to + rules.grace;
  }

  void source(storage::SourceId id, const std::string& feed, const std::string& received) {
    storage::SourceInfo info;
    info.id = id;
    info.feed = feed;
    info.received_at = at(received);
    facts.dictionary.sources[id] = info;
  }
  storage::ChannelId channel(const std::string& key, const std::string& reading_type,
                             const std::string& unit) {
    const auto id = static_cast<storage::ChannelId>(facts.dictionary.channels.size() + 1);
    facts.dictionary.channels[id] = {id, 1, 7, key, reading_type, unit};
    return id;
  }
  // Energy of each interval. flow 1 delivered, 19 received, 4 net.
  storage::ChannelId intervals(const std::string& key, int seconds = 900, int flow = 1) {
    return channel(key,
                   "0.0." + std::to_string(*measuring_period_code(seconds)) + ".4." + std::to_string(flow) +
                       ".1.12.0.0.0.0.0.0.0.0.0.72.0",
                   "Wh");
  }
  storage::ChannelId dial(const std::string& key, int flow = 1, int tou = 0) {
    return channel(key,
                   std::string(tou == 0 ? "0.0.0.1." : "0.0.0.9.") + std::to_string(flow) + ".1.12.0.0.0.0." +
                       std::to_string(tou) + ".0.0.0.0.72.0",
                   "Wh");
  }
  using Value = std::function<std::optional<std::int64_t>(UtcInstant start)>;
  // Consecutive intervals from `from` on; nullopt = a hole.
  void fill(storage::ChannelId channel, UtcInstant from, UtcInstant to, const Value& value, int seconds = 900,
            std::int32_t exponent = 0, storage::QualityId quality = 0) {
    storage::IntervalBlock block;
    block.channel = channel;
    block.meter = 7;
    block.first_start = from;
    block.length = std::chrono::seconds{seconds};
    block.exponent = exponent;
    for (UtcInstant start = from; start < to; start += block.length)
      block.mantissas.push_back(value(start).value_or(storage::IntervalBlock::kMissing));
    const auto count = static_cast<std::uint32_t>(block.mantissas.size());
    block.sources = {{count, 1}};
    block.qualities = {{count, quality}};
    block.grid = from.time_since_epoch() % block.length == std::chrono::microseconds{0};
    facts.intervals.push_back(std::move(block));
  }
  // 500 Wh and 0, 1, … 6 more over each seven slots from the day's first on. 96 slots hold 48283 Wh: 13 times
  // 21 and 0 + 1 + 2 + 3 + 4 above 48000.
  [[nodiscard]] Value load() const {
    return [from = facts.day.from](UtcInstant start) -> std::optional<std::int64_t> {
      const auto slot = std::chrono::floor<std::chrono::minutes>(start - from).count() / 15;
      return 500 + ((slot % 7) + 7) % 7;
    };
  }
  void fill_window(storage::ChannelId channel) { fill(channel, facts.window.from, facts.window.to, load()); }
  void fill_day(storage::ChannelId channel, const Value& value) {
    fill(channel, facts.day.from, facts.day.to, value);
  }
  void read(storage::ChannelId channel, const std::string& when, const std::string& value) {
    storage::RegisterRow row;
    row.channel = channel;
    row.meter = 7;
    row.at = at(when);
    row.value = number(value);
    row.source = 1;
    facts.registers.push_back(row);
  }
  void event(const std::string& kind, const std::string& when) {
    storage::EventRow row;
    row.id = static_cast<std::int64_t>(facts.events.size() + 1);
    row.meter = 7;
    row.at = at(when);
    row.kind = kind;
    row.source = 1;
    facts.events.push_back(row);
  }
  storage::QualityId quality(const std::string& codes, const std::string& flag = "") {
    const auto id = static_cast<storage::QualityId>(facts.dictionary.qualities.size());
    facts.dictionary.qualities[id] = {{code(codes)}, flag};
    return id;
  }
  void profile(const std::string& name) { rules.fallback.profile = name; }

  [[nodiscard]] JudgedDay judged() const {
    return judge(facts, rules, now, vee::Report::Detail::EveryJudgement);
  }
  // "V07 2.5.259 1 [2026-01-15T05:00:00Z 2026-01-15T05:30:00Z)": check, code, channel and period, in order.
  [[nodiscard]] std::vector<std::string> findings(const std::string& of_check = "") const {
    std::vector<std::string> lines;
    for (const storage::DayFinding& f : judge(facts, rules, now).verdict.findings) {
      const std::string id(vee::all_checks()[static_cast<std::size_t>(f.check - 1)].id);
      if (!of_check.empty() && id != of_check) continue;
      lines.push_back(id + " " + f.quality.to_string() + " " + std::to_string(f.channel) + " [" +
                      to_text(f.period.from) + " " + to_text(f.period.to) + ")");
    }
    return lines;
  }
  // The last word of a check on a channel (0: the meter): "PASSED", "FAILED", or why it was not judged.
  [[nodiscard]] std::string verdict(vee::Check check, storage::ChannelId channel) const {
    const JudgedDay day = judged();
    const vee::Report* report = channel == 0 ? &day.meter_report : nullptr;
    for (const JudgedChannel& one : day.channels) {
      if (one.channel.id == channel) report = &one.report;
    }
    if (report == nullptr) return "no such channel";
    std::string last = "silent";
    for (const vee::Judgement& judgement : report->judgements()) {
      if (judgement.check != check) continue;
      last = judgement.verdict == vee::Verdict::NotJudged ? judgement.words
                                                          : std::string(name_of(judgement.verdict));
    }
    return last;
  }

  storage::MeterDayFacts facts;
  Rules rules;
  UtcInstant now{};
};

}  // namespace ami::validation
