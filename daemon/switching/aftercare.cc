#include "daemon/switching/aftercare.h"

#include "daemon/log/messages.h"
#include "daemon/switching/switch_meters.h"

namespace ami::daemon::switching {

Aftercare::Aftercare(Parts parts, Settings settings)
    : parts_(std::move(parts)),
      assets_(parts_.readings),
      watch_(parts_.book),
      findings_(parts_.book),
      source_(parts_.readings),
      compare_source_(parts_.readings),
      late_(late_parts(), {.every = settings.look_every}),
      reconciliation_(reconcile_parts(), {.every = settings.compare_every}) {}

LateEvidence::Parts Aftercare::late_parts() {
  return {parts_.engine, watch_, source_, parts_.now, parts_.steady, [this](const std::string& why) { trouble(why); }};
}

Reconciliation::Parts Aftercare::reconcile_parts() {
  return {watch_,
          findings_,
          compare_source_,
          parts_.site,
          [this] { return parts_.engine.sends(); },
          [this] { return utilities(); },
          [this](std::int32_t utility, const std::vector<MeterId>& meters) {
            return meters_with_switch(assets_, parts_.site.facts()->regimes, utility, meters, parts_.now());
          },
          parts_.now,
          [this](const storage::SwitchFinding& finding) { raise(finding); },
          [this](const storage::SwitchComparison& comparison) { compared(comparison); },
          [this](const std::string& why) { trouble(why); }};
}

void Aftercare::tick() {
  late_.tick();
  reconciliation_.tick();
  const std::lock_guard lock(mutex_);
  figures_.looks = late_.looks();
}

Answer<std::vector<std::int32_t>> Aftercare::utilities() {
  const auto known = assets_.list_utilities();
  if (!known.ok()) return known.refusal();
  std::vector<std::int32_t> out;
  for (const storage::Utility& utility : *known) out.push_back(utility.id);
  return out;
}

// Words may hold readings: those stand in the finding, not in the log.
void Aftercare::raise(const storage::SwitchFinding& finding) {
  const bool energy = finding.kind == storage::SwitchFindingKind::EnergyWhileOpen;
  parts_.log.write(energy ? messages::kSwitchFindingEnergy : messages::kSwitchFinding,
                   {{"finding", std::to_string(finding.id)},
                    {"meter", finding.meter},
                    {"kind", std::string(storage::name_of(finding.kind))},
                    {"intended", finding.intended},
                    {"operation", std::to_string(finding.intended_by)},
                    {"actual", finding.actual},
                    {"source", finding.actual_source}});
  const std::lock_guard lock(mutex_);
  ++figures_.raised[std::string(storage::name_of(finding.kind))];
}

void Aftercare::compared(const storage::SwitchComparison& comparison) {
  parts_.log.write(messages::kSwitchCompared, {{"utility", std::to_string(comparison.utility)},
                                               {"compared", std::to_string(comparison.compared)},
                                               {"unknown", std::to_string(comparison.unknown)},
                                               {"differences", std::to_string(comparison.differences)}});
  const std::lock_guard lock(mutex_);
  figures_.differences = comparison.differences;
}

void Aftercare::trouble(const std::string& words) {
  parts_.log.write(messages::kSwitchAftercareFailed, {{"error", words}});
}

AftercareFigures Aftercare::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace ami::daemon::switching
