// Reads quarantined records again, with the decoder, the mapping and the asset data of today.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/log/log.h"
#include "daemon/pipeline/directory.h"
#include "storage/ingest.h"
#include "storage/postgres/readers.h"

namespace ami::daemon {

struct ReplayRequest {
  storage::UtilityId utility = 0;  // rows of other utilities are left alone, whatever `ids` says
  std::vector<std::int64_t> ids;   // empty: every open row that the filters allow
  std::string feed, reason;        // empty = any
};

struct ReplayResult {
  std::uint64_t replayed = 0;           // rows that were read again
  std::uint64_t settled = 0;            // rows of them that are in quarantine no longer
  std::uint64_t still_quarantined = 0;  // the others: kept, or replaced by a row with the reason of today
};

// How to read the records of a feed; lives while the call does.
struct ReplayFeed {
  FeedRules rules;
  std::function<DecodedBatch(std::string_view raw, UtcInstant received_at)> decode;
};

struct ReplayParts {
  storage::IngestStore& store;
  DirectoryCache& directory;
  std::function<storage::Answer<storage::PageOf<storage::QuarantineRow>>(const storage::QuarantineQuery&)>
      list;
  std::function<storage::Answer<storage::QuarantineRow>(std::int64_t id)> get;  // with raw
  std::function<std::optional<ReplayFeed>(const std::string& feed)> feed;       // nullopt = not configured
  const Log& log;
};

// Blocking. Rows of one source are stored together. What fails stays in quarantine; what was settled before a
// failure stays settled, so the same call again goes on.
Result<ReplayResult> replay(const ReplayParts& parts, const ReplayRequest& request);

}  // namespace ami::daemon
