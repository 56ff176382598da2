// What stood at an earlier moment about a meter-day: findings and estimates are dated, so they can be told;
// what else a judgement is made of was not kept, and is named instead. Pure.
#pragma once

#include <functional>

#include "ami/v1/explain.pb.h"
#include "storage/postgres/meter_day.h"
#include "storage/postgres/readers.h"
#include "storage/postgres/validation.h"

namespace ami::rpc {

struct PastDay {
  const storage::DaySaid& said;
  const storage::MeterDayFacts& facts;   // as of then
  const storage::ChannelFilter& wanted;  // empty = all
  // Adds the channel to the day, for a finding or an estimate of one of which nothing else is told.
  std::function<v1::ExplainedChannel&(const storage::ChannelInfo&, bool of_intervals)> add_channel;
};

// Into a day of which values and events of then are told already.
void tell_past(const PastDay& past, v1::ExplainedDay& out);

}  // namespace ami::rpc
