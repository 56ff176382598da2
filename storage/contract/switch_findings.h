// What the daily comparison of service switches found: where a switch is meant to be against where it was told
// or seen to be. Findings are raised, never corrected. Two implementations: storage/memory/switch_findings.h,
// storage/postgres/switch_findings.h; one suite of tests for both. docs/switching.md
//
// What a store promises: of a meter and a kind one finding at most is open.
// Calls block: use them from the database pool. Refusals: storage/postgres/refusal.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/contract/switching.h"

namespace ami::storage {

enum class SwitchFindingKind : std::uint8_t {
  Position,         // it is not where the last operation that counts wanted it
  EnergyWhileOpen,  // energy flowed while it was meant to be open: a safety event
  NotAsked,         // it is open or armed, and no operation of ours asked for that
};
std::string_view name_of(SwitchFindingKind kind);  // "ENERGY_WHILE_OPEN"
std::optional<SwitchFindingKind> switch_finding_kind_from(std::string_view name);

struct SwitchFinding {
  std::int64_t id = 0;  // given by the store; grows
  std::int32_t utility = 0;
  MeterId meter_id = 0;
  std::string meter, usage_point;  // keys; usage_point empty = installed nowhere
  SwitchFindingKind kind = SwitchFindingKind::Position;
  std::string intended;      // "OPEN", "CLOSED", "ARMED"; empty = nothing was asked for
  SwitchId intended_by = 0;  // the operation that wanted it; 0 = none
  std::string actual;        // "OPEN", "CLOSED", "ARMED"; of EnergyWhileOpen "ENERGY"
  std::string actual_source;            // "EVENT", "OPERATION" (its audit), "INTERVALS", "REGISTER"
  std::optional<UtcInstant> actual_at;  // by the device's clock where it has one
  std::string words;                    // for a person; may hold readings
  UtcInstant first_seen{}, last_seen{};  // by comparisons
  std::optional<UtcInstant> ended_at;
  bool operator==(const SwitchFinding&) const = default;
};

// A run over all meters of a utility that have a service switch.
struct SwitchComparison {
  std::int32_t utility = 0;
  UtcInstant compared_at{};      // when it was done
  std::int64_t compared = 0;     // meters with a switch that were looked at
  std::int64_t unknown = 0;      // of them: nothing tells where the switch is since it was last operated
  std::int64_t differences = 0;  // findings that are open
  bool operator==(const SwitchComparison&) const = default;
};

struct SwitchFindingQuery {
  std::int32_t utility = 0;
  bool open_only = true;
  std::int64_t before = 0;  // of a smaller id: the last one of the page before; 0 = the first page
  std::size_t limit = 100;
};

class SwitchFindings {
 public:
  virtual ~SwitchFindings() = default;

  using Agreed = std::pair<MeterId, SwitchFindingKind>;
  // In one transaction: a finding of `differ` that is open is seen again (last_seen, actual and words are
  // brought up to date, first_seen stays), else it begins; one of `agree` that is open ends. Returns those
  // that began. A meter in neither keeps what it has.
  virtual Answer<std::vector<SwitchFinding>> record(std::int32_t utility, UtcInstant at,
                                                    const std::vector<SwitchFinding>& differ,
                                                    const std::vector<Agreed>& agree) = 0;
  // `differences` is counted by the store.
  virtual Answer<SwitchComparison> finished(const SwitchComparison& comparison) = 0;
  virtual Answer<std::optional<SwitchComparison>> last(std::int32_t utility) = 0;
  // Newest first, by id.
  virtual Answer<std::vector<SwitchFinding>> list(const SwitchFindingQuery& query) = 0;
};

}  // namespace ami::storage
