// A judged meter-day as the message of Explain. Pure: what is read from the store is handed in.
#pragma once

#include <map>
#include <string>

#include "ami/v1/explain.pb.h"
#include "daemon/regime/standings.h"
#include "daemon/rpc/convert.h"
#include "daemon/validation/judge.h"
#include "storage/postgres/meter_day.h"
#include "storage/postgres/raw_contents.h"
#include "storage/postgres/validation.h"

namespace ami::rpc {

// Sources of one answer and the numbers that it uses for them, from 1.
class SourceNumbers {
 public:
  int of(storage::SourceId id);  // 0 for 0
  [[nodiscard]] const std::map<storage::SourceId, int>& all() const { return numbers_; }

 private:
  std::map<storage::SourceId, int> numbers_;
};

struct ExplainContext {
  const storage::Utility& utility;
  const storage::MeterDayFacts& facts;
  const validation::JudgedDay& judged;
  const UsagePointNames& points;
  regime::Standings& standings;   // knows the meter
  storage::ChannelFilter wanted;  // channels to tell; empty = all
  // Given: what stood at an earlier moment, of which `facts` are. Of `judged` only the frame is told then.
  const storage::DaySaid* past = nullptr;
};

// All but as_of, judged_at and sources; the sources that it speaks of are in `sources` afterwards.
void tell_day(const ExplainContext& context, SourceNumbers& sources, v1::ExplainedDay& out);

void tell_source(const storage::Utility& utility, const storage::SourceInfo& source,
                 const storage::SourceStory& story, bool kept, int number, v1::RawReference& out);

}  // namespace ami::rpc
