// Energy of meters as it is stored, as evidence of their switches. Blocking, one thread at a time.
#pragma once

#include <map>
#include <vector>

#include "daemon/switching/energy_series.h"
#include "storage/contract/switching.h"
#include "storage/postgres/changes.h"
#include "storage/postgres/readers.h"

namespace ami::daemon::switching {

using storage::Answer;
using storage::MeterSpan;

// What became different in the store since the call before.
struct News {
  bool all = false;                         // not known: look at everything
  std::map<MeterId, UtcInstant> since;      // by meter: the earliest time that is concerned
};

class EvidenceSource {
 public:
  virtual ~EvidenceSource() = default;
  // The first call for a utility says `all`. What it says is said once: who cannot use it now keeps it.
  virtual Answer<News> news(std::int32_t utility, const std::vector<MeterId>& meters) = 0;
  // Intervals from `from` on (and those of kChannelEnds before) and registers of [since, until).
  virtual Answer<StoredEnergy> energy(MeterId meter, UtcInstant since, UtcInstant from, UtcInstant until) = 0;
};

// In PostgreSQL, by a login that may read values and the change feed. Nothing is kept there: another run begins
// with `all`.
class StoredEvidence final : public EvidenceSource {
 public:
  explicit StoredEvidence(storage::Database& readings) : readers_(readings), changes_(readings) {}
  Answer<News> news(std::int32_t utility, const std::vector<MeterId>& meters) override;
  Answer<StoredEnergy> energy(MeterId meter, UtcInstant since, UtcInstant from, UtcInstant until) override;

 private:
  storage::Readers readers_;
  storage::Changes changes_;
  std::map<std::int32_t, storage::ChangeCursor> after_;  // by utility
};

}  // namespace ami::daemon::switching
