// Inside the store only: the rows of interval_day and interval_odd that a page of intervals is made of.
#pragma once

#include <vector>

#include "storage/postgres/block_writer.h"
#include "storage/postgres/day_cache.h"
#include "storage/postgres/reader_rows.h"

namespace ami::storage {

// Days of one target of a query.
struct Stretch {
  std::size_t target = 0;
  Day first{}, last{};  // inclusive
};

// All rows of the stretches, by (stretch, start, length). Days that were read before come from the cache
// where the server says that they are as they were.
std::vector<IntervalRow> load_rows(Session& session, DayCache& cache, const std::vector<Target>& targets,
                                   const std::vector<Stretch>& stretches);

}  // namespace ami::storage
