// Inside the store only: what a portion of comparisons found, written in a few statements.
#pragma once

#include <string>
#include <vector>

#include "storage/postgres/gaps_load.h"

namespace ami::storage {

class GapWrites {
 public:
  void series(const SeriesItem& item, const Judgement& judged);
  void gap(const SeriesItem& item, const GapWrite& write);
  void close(const GapClose& close);
  void apply(Session& session, UtcInstant now) const;

 private:
  void apply_series(Session& session) const;
  void apply_programmes(Session& session) const;
  void apply_gaps(Session& session, UtcInstant now) const;
  void apply_closed(Session& session, UtcInstant now) const;

  std::vector<std::int64_t> series_;
  std::vector<UtcInstant> judged_to_;
  std::vector<std::string> feeds_;

  std::vector<std::int64_t> replaced_, programme_series_, programme_channels_;
  std::vector<UtcInstant> programme_from_;
  std::vector<std::int32_t> programme_intervals_;

  std::vector<std::int64_t> gap_ids_, copies_, gap_series_, gap_meters_, gap_channels_;
  std::vector<std::int32_t> utilities_, intervals_, slots_;
  std::vector<UtcInstant> from_, to_;
  std::vector<std::string> reasons_;

  std::vector<std::int64_t> closed_;
  std::vector<std::string> notes_;
};

}  // namespace ami::storage
