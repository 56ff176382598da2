// Register readings nearest to given instants, of many meters at a time, and what was written down when
// meters were exchanged. Blocking, thread-safe. The number of statements does not depend on the number of
// meters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "storage/postgres/readers.h"

namespace ami::storage {

// An instant, and where readings count: within.from <= at <= within.to. Both ends count, because the last
// reading of a meter is often that of the moment when it was removed.
struct NearTarget {
  MeterId meter = 0;
  UtcInstant at{};
  Period within;
};
struct NearQuery {
  std::vector<NearTarget> targets;  // at most 10,000; a meter may stand there more than once
  ChannelFilter filter{};
  std::size_t before = 1,
              after = 1;  // so many readings a channel at or before the instant, and after it; at most 100
  std::optional<UtcInstant> as_of{};
  Layer layer = Layer::Validated;
};
struct NearRow {
  std::size_t target = 0;  // index into the targets
  RegisterRow row;
};
struct NearPage {
  std::vector<NearRow> rows;  // by target, channel, time
  Dictionary dictionary;      // every channel of the meters that passes the filter, with readings or without
};

// Dials as they were written down, by installation.
struct DialReads {
  std::vector<DialRead> start, end;
};

class RegisterSearch {
 public:
  explicit RegisterSearch(Database& database) : database_(database) {}

  // What was withdrawn does not count, and what is the next in rank does, as in Readers.
  Answer<NearPage> near(const NearQuery& query);

  Answer<std::map<std::int64_t, DialReads>> dials(const std::vector<std::int64_t>& installations);

 private:
  Database& database_;
};

}  // namespace ami::storage
