// One day of one channel, built by a test. Owns what the views of ChannelDay and MeterDay point at.
#pragma once

#include <string>
#include <vector>

#include "meter_model/vee/checks.h"
#include "meter_model/vee/day_grid.h"

namespace ami::vee {

inline Decimal number(const std::string& text) {
  return Decimal::parse(text).value();
}
inline UtcInstant at(const std::string& text) {
  return parse_instant(text).value();
}

struct Case {
  // 15 January 2026 in Toronto: 05:00Z to 05:00Z; every quarter-hour `each` Wh (rising by one, so that
  // nothing is frozen), of an FM 2S CL200 with Ke 1 Wh.
  explicit Case(std::size_t slots = 96, std::int64_t each = 500) {
    day.day = {at("2026-01-15T05:00:00Z"), at("2026-01-16T05:00:00Z")};
    day.first_start = day.day.from;
    for (std::size_t i = 0; i < slots; ++i) values.push_back(each + static_cast<std::int64_t>(i % 2));
    day.programme.ke = number("1");
    day.programme.largest_count = 65535;
    day.programme.limit_per_hour = number("48000");
    day.programme.register_resolution = number("1000");
    day.programme.register_modulus = number("100000000");
    meter.as_of = day.day.to;
    meter.installed_from = at("2020-01-01T00:00:00Z");
  }

  // Views are taken here, so that a test may change the vectors until then.
  Report run(CheckSet checks, Report::Detail detail = Report::Detail::Findings) {
    day.values = values;
    day.marks = marks;
    day.registers = registers;
    day.odd = odd;
    day.other_values = others;
    meter.outages = outages;
    meter.test_modes = test_modes;
    meter.switch_open = open;
    meter.inactive = inactive;
    meter.clock_sets = clock_sets;
    meter.reverse_flags = reverse_flags;
    meter.interruptions = interruptions;
    meter.tou_tiers = tiers;
    meter.transport_faults = transport;
    meter.diagnostics = diagnostics;
    Report report(detail);
    check_meter_day(meter, config, checks, report);
    check_channel_day(day, meter, config, checks, report);
    return report;
  }
  // The codes of one check's findings, in order: "2.5.259 2.5.258".
  std::string codes(Check check) {
    std::string text;
    const Report report = run({check});
    for (const Finding& finding : report.findings())
      text += (text.empty() ? "" : " ") + finding.quality.to_string();
    return text;
  }
  // The one judgement of a check that does not fail: "PASSED" or why it was not judged.
  std::string verdict(Check check) {
    const Report report = run({check}, Report::Detail::EveryJudgement);
    if (report.judgements().empty()) return "SILENT";
    const Judgement& last = report.judgements().back();
    return last.verdict == Verdict::NotJudged ? last.words : std::string(name_of(last.verdict));
  }
  std::vector<SlotRange> slots(Check check) {
    std::vector<SlotRange> ranges;
    const Report report = run({check});
    for (const Finding& finding : report.findings()) ranges.push_back(finding.slots);
    return ranges;
  }
  void mark(std::size_t slot, Marks what) {
    marks.resize(values.size());
    marks[slot] |= what;
  }
  // The number of the first finding, "" when there is none.
  std::string figure_of(Check check, std::string_view name) {
    const Report report = run({check});
    if (report.findings().empty()) return "";
    const Decimal* found = figure(report.findings().front().figures, name);
    return found == nullptr ? "" : found->normalised().to_string();
  }

  ChannelDay day;
  MeterDay meter;
  VeeConfig config = default_vee_config();
  std::vector<std::int64_t> values;
  std::vector<Marks> marks;
  std::vector<RegisterRead> registers;
  std::vector<OddInterval> odd;
  std::vector<OtherValue> others;
  std::vector<Span> outages, test_modes, open, inactive;
  std::vector<ClockSet> clock_sets;
  std::vector<UtcInstant> reverse_flags, interruptions;
  std::vector<RegisterSpan> tiers;
  std::vector<TransportFault> transport;
  std::vector<Diagnostic> diagnostics;
};

}  // namespace ami::vee
