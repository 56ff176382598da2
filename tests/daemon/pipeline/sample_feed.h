// A small feed: one kWh dial a record, written "METER VALUE TIME"; and asset data to resolve it with.
#pragma once

#include <string>
#include <string_view>

#include "meter_model/normaliser/normaliser.h"
#include "storage/postgres/assets.h"

namespace ami::daemon::testing {

FeedRules sample_rules(int version = 7);

// Adds a record to `batch`; what has not three words is malformed.
void add_record(DecodedBatch& batch, std::string_view record, std::uint64_t offset);
DecodedBatch decode_sample(std::string_view record);  // as replay does it: one record, offset 0

UtcInstant at(const char* rfc3339);

// A badge of utility 1 that is always that meter.
storage::DirectoryEntry badge(const std::string& value, MeterId meter);

}  // namespace ami::daemon::testing
