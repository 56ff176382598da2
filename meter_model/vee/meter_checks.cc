// V01 to V05, V13, V15, V16 and V26: what is said once a meter and day.
#include <array>
#include <utility>

#include "meter_model/quantity/quoted.h"
#include "meter_model/vee/checks.h"
#include "meter_model/vee/codes.h"
#include "meter_model/vee/exact.h"

namespace ami::vee {
namespace {

using std::chrono::microseconds;

Decimal seconds_of(microseconds time) {
  return Decimal{time.count(), -6}.normalised();
}

void identity(const MeterDay& meter, const VeeConfig&, Report& report) {
  bool compared = false, any = false;
  const auto differs = [&](std::string words, Figures figures = {}) {
    any = true;
    report.found({.check = Check::Identity,
                  .quality = code::kErrorCode,
                  .figures = std::move(figures),
                  .words = std::move(words)});
  };
  for (const auto& [what, field] :
       {std::pair{"serial number", &MeterIdentity::serial}, std::pair{"module", &MeterIdentity::module},
        std::pair{"form", &MeterIdentity::form}, std::pair{"programme", &MeterIdentity::programme}}) {
    const std::string_view expected = meter.expected.*field, reported = meter.reported.*field;
    if (expected.empty() || reported.empty()) continue;
    compared = true;
    if (expected != reported)
      differs(std::string(what) + ": " + quoted(expected) + " is configured, the meter says " +
              quoted(reported));
  }
  if (meter.expected.multiplier && meter.reported.multiplier) {
    compared = true;
    if (*meter.expected.multiplier != *meter.reported.multiplier)
      differs("multiplier: another than is configured",
              {{"multiplier", *meter.reported.multiplier, ""}, {"bound", *meter.expected.multiplier, ""}});
  }
  if (any) return;
  if (compared) return report.passed(Check::Identity);
  report.not_judged(Check::Identity, "nothing of the meter's identity is known from both sides");
}

void system_time(const MeterDay& meter, const VeeConfig& config, Report& report) {
  if (!meter.collector_error)
    return report.not_judged(Check::SystemTime, "the collector's clock was not compared before collection");
  const microseconds error = std::chrono::abs(*meter.collector_error);
  const microseconds bound = config.collector_clock_fails_above;
  const bool fails = error > bound;
  if (!fails && !report.explains()) return;
  Figures figures{{"collector less reference", seconds_of(*meter.collector_error), "s"},
                  {"bound", seconds_of(bound), "s"}};
  if (!fails) return report.passed(Check::SystemTime, std::move(figures));
  figures.push_back({"by", seconds_of(error - bound), "s"});
  const bool refuse = error > config.collector_clock_refuses_above;
  report.found({.check = Check::SystemTime,
                .quality = code::kClockError,
                .advice = refuse ? Advice::RefuseToStamp : Advice::Keep,
                .figures = std::move(figures),
                .words = refuse ? "the collector's clock is too far off to stamp anything"
                                : "the collector's clock is off"});
}

void meter_time(const MeterDay& meter, const VeeConfig& config, Report& report) {
  if (!meter.meter_error) return report.not_judged(Check::MeterTime, "the meter's clock was not compared");
  const microseconds error = std::chrono::abs(*meter.meter_error);
  const bool unusable = error >= meter.interval;
  const microseconds bound = config.meter_clock_warns_above;
  if (!unusable && error <= bound && !report.explains()) return;
  Figures figures{{"meter less collector", seconds_of(*meter.meter_error), "s"},
                  {"bound", seconds_of(bound), "s"}};
  if (!unusable && error <= bound) return report.passed(Check::MeterTime, std::move(figures));
  if (error > bound) figures.push_back({"by", seconds_of(error - bound), "s"});
  figures.push_back({"interval", seconds_of(meter.interval), "s"});
  report.found(
      {.check = Check::MeterTime,
       .quality = unusable ? code::kClockChanged : code::kClockError,
       .advice = unusable ? Advice::Unusable : Advice::Keep,
       .figures = std::move(figures),
       .words = unusable ? "the meter's clock is off by an interval or more" : "the meter's clock is off"});
}

void transport(const MeterDay& meter, const VeeConfig&, Report& report) {
  constexpr std::array kWords{"a checksum is wrong", "a length is wrong", "a table signature is wrong"};
  for (const TransportFault fault : meter.transport_faults) {
    report.found({.check = Check::Transport,
                  .quality = code::kCrc,
                  .advice = Advice::Discard,
                  .words = kWords[static_cast<std::size_t>(fault)]});
  }
  if (meter.transport_faults.empty()) report.passed(Check::Transport);
}

void diagnostics(const MeterDay& meter, const VeeConfig&, Report& report) {
  constexpr std::array kRows{std::pair{code::kRam, "RAM error"},
                             std::pair{code::kRom, "ROM error"},
                             std::pair{code::kDiagnostic, "error of the non-volatile memory"},
                             std::pair{code::kDiagnostic, "configuration error"},
                             std::pair{code::kDiagnostic, "self-check error"},
                             std::pair{code::kDiagnostic, "measurement error"}};
  for (const Diagnostic bit : meter.diagnostics) {
    const auto& [quality, words] = kRows[static_cast<std::size_t>(bit)];
    report.found({.check = Check::Diagnostics, .quality = quality, .words = words});
  }
  if (meter.diagnostics.empty()) report.passed(Check::Diagnostics);
}

void reverse_flow(const MeterDay& meter, const VeeConfig&, Report& report) {
  if (meter.has_received_channel) return;
  for (const UtcInstant at : meter.reverse_flags) {
    report.found({.check = Check::Sign,
                  .quality = code::kReverse,
                  .from = at,
                  .to = at,
                  .words = "energy flows backwards, and the meter has no received channel"});
  }
}

std::optional<Decimal> change_of(const RegisterSpan& span) {
  auto change = span.second.minus(span.first);
  if (change && *change < Decimal{} && span.modulus) change = sum(change, span.modulus);
  return change;
}

// Each of the n + 1 registers is cut at both ends.
void tou_sum(const MeterDay& meter, const VeeConfig&, Report& report) {
  if (!meter.tou_bulk || meter.tou_tiers.empty())
    return report.not_judged(Check::TouSum, "no TOU registers with their bulk register");
  auto bulk = change_of(*meter.tou_bulk);
  std::optional<Decimal> tiers = Decimal{}, bound = meter.tou_bulk->resolution;
  for (const RegisterSpan& tier : meter.tou_tiers) {
    tiers = sum(tiers, change_of(tier));
    bound = sum(bound, tier.resolution);
  }
  const auto gap = difference(tiers, bulk);
  const auto size = magnitude(gap);
  if (!size || !bound) return report.not_judged(Check::TouSum, "the numbers do not fit 64 bits");
  const bool fails = *size >= *bound;
  if (!fails && !report.explains()) return;
  Figures figures{{"sum of tiers", *tiers, ""},
                  {"register difference", *bulk, ""},
                  {"difference", *gap, ""},
                  {"bound", *bound, ""}};
  if (!fails) return report.passed(Check::TouSum, std::move(figures));
  figures.push_back({"by", size->minus(*bound).value_or(Decimal{}), ""});
  report.found({.check = Check::TouSum,
                .quality = code::kTouSum,
                .figures = std::move(figures),
                .words = "the TOU registers do not add up to the bulk register"});
}

void net_identity(const MeterDay& meter, const VeeConfig&, Report& report) {
  if (!meter.net || !meter.delivered || !meter.received)
    return report.not_judged(Check::NetIdentity, "no net register with both of its parts");
  const auto delivered = change_of(*meter.delivered), received = change_of(*meter.received);
  const auto net = meter.net->second.minus(meter.net->first);
  const auto parts = difference(delivered, received);
  auto gap = difference(net, parts);
  const auto bound = sum(sum(meter.net->resolution, meter.delivered->resolution), meter.received->resolution);
  // A net register that rolls over, or under, is a whole turn away.
  if (gap && meter.net->modulus) {
    for (const auto& turned : {sum(gap, meter.net->modulus), difference(gap, meter.net->modulus)}) {
      if (turned && magnitude(turned) < magnitude(gap)) gap = turned;
    }
  }
  const auto size = magnitude(gap);
  if (!size || !bound) return report.not_judged(Check::NetIdentity, "the numbers do not fit 64 bits");
  const bool fails = *size >= *bound;
  if (!fails && !report.explains()) return;
  Figures figures{{"net", *net, ""},
                  {"delivered", *delivered, ""},
                  {"received", *received, ""},
                  {"difference", *gap, ""},
                  {"bound", *bound, ""}};
  if (!fails) return report.passed(Check::NetIdentity, std::move(figures));
  figures.push_back({"by", size->minus(*bound).value_or(Decimal{}), ""});
  report.found({.check = Check::NetIdentity,
                .quality = code::kFailed,
                .figures = std::move(figures),
                .words = "net is not delivered less received"});
}

void configuration(const MeterDay& meter, const VeeConfig&, Report& report) {
  if (!meter.programme_before || !meter.programme_now)
    return report.not_judged(Check::Configuration, "the programme is not known at both times");
  const ProgrammeState& before = *meter.programme_before;
  const ProgrammeState& now = *meter.programme_now;
  bool any = false;
  const auto changed = [&](const char* words, Figures figures = {}) {
    if (meter.work_order) return;
    any = true;
    report.found({.check = Check::Configuration,
                  .quality = code::kConfigurationChanged,
                  .figures = std::move(figures),
                  .words = words});
  };
  if (!before.seal.empty() && !now.seal.empty() && before.seal != now.seal)
    changed("the programme's seal changed without a work order");
  if (before.ke && now.ke && *before.ke != *now.ke)
    changed("Ke changed without a work order", {{"Ke", *now.ke, ""}, {"Ke before", *before.ke, ""}});
  if (before.interval && now.interval && *before.interval != *now.interval)
    changed("the interval changed without a work order",
            {{"interval", seconds_of(*now.interval), "s"},
             {"interval before", seconds_of(*before.interval), "s"}});
  if (!any) report.passed(Check::Configuration);
}

using MeterCheck = void (*)(const MeterDay&, const VeeConfig&, Report&);
constexpr std::array<std::pair<Check, MeterCheck>, 9> kMeterChecks{{
    {Check::Identity, identity},
    {Check::SystemTime, system_time},
    {Check::MeterTime, meter_time},
    {Check::Transport, transport},
    {Check::Diagnostics, diagnostics},
    {Check::Sign, reverse_flow},
    {Check::TouSum, tou_sum},
    {Check::NetIdentity, net_identity},
    {Check::Configuration, configuration},
}};

}  // namespace

void check_meter_day(const MeterDay& meter, const VeeConfig& config, const CheckSet& checks, Report& report) {
  for (const auto& [check, run] : kMeterChecks) {
    if (checks.has(check)) run(meter, config, report);
  }
}

}  // namespace ami::vee
