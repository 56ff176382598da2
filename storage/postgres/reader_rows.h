// Inside the store only: what the readers share.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/readers.h"
#include "storage/postgres/session.h"

namespace ami::storage {

struct LoadedChannel {
  ChannelInfo info;
  bool withdrawals = false;  // some statement was taken back, at some time
};
// A channel during a part of time: what a query over spans comes down to. In span order, then by channel id.
struct Target {
  std::size_t span = 0;
  ChannelInfo channel;
  Period period;  // clamped to what timestamps can hold
  bool withdrawals = false;
};
std::vector<Target> targets_of(Session& session, const std::vector<MeterSpan>& spans,
                               const ChannelFilter& filter);
std::vector<LoadedChannel> load_channels(Session& session, const std::vector<MeterId>& meters,
                                         const ChannelFilter& filter);

// A query of a reader that is asked again and again, planned once per connection. `sql` states the types of
// its parameters where the server cannot infer them.
Rows ask(Session& session, const char* name, const char* sql, const Params& params);

// Explains the ids of sources and qualities that were put into the dictionary as keys; `known` need not be
// asked for.
void explain(Session& session, Dictionary& dictionary, const std::map<QualityId, ValueQuality>& known = {});
SourceInfo source_of(const Rows& rows, int row, int first_column);
std::string source_columns();  // of "source s", in the order that source_of reads
std::map<QualityId, ValueQuality> load_qualities(Session& session, const std::vector<QualityId>& ids);

// Tokens are numbers joined by dots; a foreign one is refused.
std::vector<std::int64_t> parse_token(const std::string& token, std::size_t parts);  // empty token: empty
std::string make_token(const std::vector<std::int64_t>& parts);

}  // namespace ami::storage
