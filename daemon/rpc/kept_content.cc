#include "daemon/rpc/kept_content.h"

#include <algorithm>
#include <memory>
#include <set>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/page_stream.h"
#include "storage/postgres/raw_contents.h"
#include "storage/postgres/reprocess_runs.h"

namespace ami::rpc {
namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr int kMostSources = 1000;
constexpr int kMostMeters = 10'000;
constexpr std::int64_t kUsualRate = 200'000;

NumberedName numbered(const std::string& field, const std::string& name, std::string_view collection) {
  std::optional<NumberedName> parsed = parse_numbered(name, collection);
  if (!parsed)
    throw StatusError{invalid_field(field, "must be utilities/{u}/" + std::string(collection) + "/{number}")};
  return *std::move(parsed);
}

[[noreturn]] void not_kept(grpc::StatusCode code, std::string_view reason, const std::string& message) {
  throw StatusError{refused(code, reason, message)};
}

storage::ReprocessRuns runs(const Call& call) {
  return storage::ReprocessRuns(call.scoped());
}

template <class T>
T take_run(const Call& call, storage::Answer<T> answer, const std::string& name) {
  if (!answer.ok() && answer.refusal().kind == storage::Refusal::Kind::NotFound)
    not_kept(grpc::StatusCode::NOT_FOUND, "REPROCESS_NOT_FOUND", name + " is not known");
  return call.take(std::move(answer));
}

// One source's content, from the first byte on.
class RawPages {
 public:
  explicit RawPages(v1::GetRawRequest request) : request_(std::move(request)) {}

  bool operator()(const Call& call, std::vector<v1::GetRawResponse>& page) {
    if (!stream_) open(call);
    v1::GetRawResponse& response = page.emplace_back();
    std::string& data = *response.mutable_data();
    data.resize(kChunk);
    const Result<std::size_t> got = stream_(data.data(), data.size());
    if (!got) {
      page.pop_back();
      if (got.error().fault == Fault::Permanent)
        not_kept(grpc::StatusCode::DATA_LOSS, "RAW_CORRUPT", got.error().message);
      not_kept(grpc::StatusCode::UNAVAILABLE, "RAW_UNREADABLE", got.error().message);
    }
    data.resize(*got);
    if (*got == 0) page.pop_back();
    return *got == kChunk;
  }

 private:
  void open(const Call& call) {
    const std::string purpose = purpose_from(request_.purpose());
    const NumberedName name = numbered("name", request_.name(), "sources");
    const storage::Utility utility = call.utility_of(name.utility);
    const auto source = call.readers().source(utility.id, name.number);
    if (!source.ok() && source.refusal().kind == storage::Refusal::Kind::NotFound)
      not_kept(grpc::StatusCode::NOT_FOUND, "SOURCE_NOT_FOUND", request_.name() + " is not known");
    const storage::SourceInfo info = call.take(source);
    const auto stories = call.take(storage::RawContents(call.scoped()).stories(utility.id, {info.id}));
    const auto story = stories.find(info.id);
    if (!call.backend().kept.open || story == stories.end() || !story->second.claimed)
      not_kept(grpc::StatusCode::NOT_FOUND, "RAW_NOT_KEPT", "its content is not kept (any more)");
    call.log({.kind = CallRecord::Kind::Access,
              .utility = utility.key,
              .purpose = purpose,
              .message = "raw content " + info.content_sha256});
    Result<RawStream> opened = call.backend().kept.open(info.content_sha256);
    if (!opened) {
      if (opened.error().fault == Fault::Permanent)
        not_kept(grpc::StatusCode::NOT_FOUND, "RAW_NOT_KEPT", opened.error().message);
      not_kept(grpc::StatusCode::UNAVAILABLE, "RAW_UNREADABLE", opened.error().message);
    }
    stream_ = std::move(opened).value();
  }

  const v1::GetRawRequest request_;
  RawStream stream_;
};

storage::Period period_of(const std::string& field, bool has_start, const google::protobuf::Timestamp& start,
                          bool has_end, const google::protobuf::Timestamp& end) {
  storage::Period period;
  if (has_start) period.from = instant_from(field + "start", start);
  if (has_end) period.to = instant_from(field + "end", end);
  if (period.from >= period.to)
    throw StatusError{invalid_field(field + "end", "must be after " + field + "start")};
  return period;
}

// Ids of the meters that the request names; of one utility.
std::vector<MeterId> meters_of(const Call& call, const storage::Utility& utility,
                               const v1::ReprocessRequest& request) {
  if (request.meters_size() > kMostMeters)
    throw StatusError{invalid_field("meters", "must not hold more than 10,000 meters")};
  std::set<std::string> keys;
  for (const std::string& name : request.meters()) {
    const ResourceName meter = call.resource("meters", name, ResourceName::Kind::Meter);
    if (meter.utility != utility.key)
      throw StatusError{invalid_field("meters", "must be meters of the parent")};
    keys.insert(meter.key);
  }
  if (keys.empty()) return {};
  const auto found = call.take(call.assets().meters_by_key(utility.id, {keys.begin(), keys.end()}));
  std::vector<MeterId> ids;
  for (const storage::Meter& meter : found) {
    ids.push_back(meter.id);
    keys.erase(meter.key);
  }
  if (!keys.empty()) {
    // Asked for alone, the refusal names the nearest key.
    const ResourceName missing{ResourceName::Kind::Meter, utility.key, *keys.begin()};
    static_cast<void>(call.take(call.assets().get_meter(utility.id, missing.key), missing));
  }
  return ids;
}

v1::ReprocessRun::State to_proto(storage::RunState state) {
  switch (state) {
    case storage::RunState::Checking:
      return v1::ReprocessRun::CHECKING;
    case storage::RunState::Writing:
      return v1::ReprocessRun::WRITING;
    case storage::RunState::Done:
      return v1::ReprocessRun::DONE;
    case storage::RunState::Refused:
      return v1::ReprocessRun::REFUSED;
    case storage::RunState::Failed:
      return v1::ReprocessRun::FAILED;
    case storage::RunState::Cancelled:
      return v1::ReprocessRun::CANCELLED;
  }
  return v1::ReprocessRun::STATE_UNSPECIFIED;
}

void put(const storage::RunCounts& counts, v1::ReprocessCounts& out) {
  out.set_intervals_added(counts.intervals_added);
  out.set_intervals_corrected(counts.intervals_corrected);
  out.set_intervals_retracted(counts.intervals_retracted);
  out.set_intervals_requalified(counts.intervals_requalified);
  out.set_registers_added(counts.registers_added);
  out.set_registers_corrected(counts.registers_corrected);
  out.set_registers_retracted(counts.registers_retracted);
  out.set_registers_requalified(counts.registers_requalified);
}

void put(const storage::Utility& utility, const storage::Run& run, v1::ReprocessRun& out) {
  out.set_name(reprocess_name(utility.key, run.id));
  out.set_state(to_proto(run.state));
  out.set_message(run.message);
  out.set_dry_run(run.order.dry_run);
  out.set_cause(run.order.cause);
  out.set_ordered_by(run.order.ordered_by);
  *out.mutable_ordered_at() = rpc::to_proto(run.ordered_at);
  if (run.finished_at) *out.mutable_finished_at() = rpc::to_proto(*run.finished_at);
  out.set_feed(run.order.feed);
  out.set_meters_chosen(static_cast<std::int32_t>(run.order.meters.size()));
  if (run.order.period.from != UtcInstant::min()) *out.mutable_start() = rpc::to_proto(run.order.period.from);
  if (run.order.period.to != UtcInstant::max()) *out.mutable_end() = rpc::to_proto(run.order.period.to);
  out.set_rate(run.order.rate);
  out.set_contents(run.contents);
  out.set_contents_checked(run.contents_checked);
  out.set_contents_to_write(run.contents_to_write);
  out.set_contents_written(run.contents_written);
  out.set_contents_unread(run.contents_unread);
  out.set_bytes(run.bytes);
  out.set_bytes_checked(run.bytes_checked);
  out.set_bytes_to_write(run.bytes_to_write);
  out.set_bytes_written(run.bytes_written);
  out.set_meters(run.meters);
  out.set_channels(run.channels);
  put(run.counts, *out.mutable_counts());
  out.set_events(run.events);
  out.set_quarantined(run.quarantined);
  out.set_settled(run.settled);
  out.set_conflicts(run.conflicts);
  for (const storage::UnitDelta& delta : run.units) {
    v1::UnitDelta& unit = *out.add_deltas();
    unit.set_unit(delta.unit);
    unit.set_before(delta.before);
    unit.set_after(delta.after);
    unit.set_delta(delta.delta);
  }
  for (const storage::ChannelDiff& diff : run.top) {
    v1::ChannelDifference& channel = *out.add_top();
    channel.set_meter(meter_name(utility.key, diff.meter_key));
    channel.set_channel(diff.key);
    channel.set_reading_type(diff.reading_type);
    channel.set_unit(diff.unit);
    put(diff.counts, *channel.mutable_counts());
    channel.set_before(diff.before);
    channel.set_after(diff.after);
    channel.set_delta(diff.delta);
    channel.set_register_delta(diff.register_delta);
    *channel.mutable_first() = rpc::to_proto(diff.first_at);
    *channel.mutable_last() = rpc::to_proto(diff.last_at);
  }
  for (const storage::RunProblem& problem : run.problems) {
    v1::ReprocessProblem& left_out = *out.add_problems();
    left_out.set_feed(problem.feed);
    left_out.set_file(problem.name);
    left_out.set_content_sha256(problem.sha256);
    left_out.set_problem(problem.what);
  }
}

}  // namespace

grpc::ServerWriteReactor<v1::GetRawResponse>* start_raw_stream(Gate& gate,
                                                               grpc::CallbackServerContext& context,
                                                               const v1::GetRawRequest& request) {
  const auto pages = std::make_shared<RawPages>(request);
  return PageStream<v1::GetRawResponse>::start(
      gate, context, "/ami.v1.IngestService/GetRaw",
      [pages](const Call& call, std::vector<v1::GetRawResponse>& page) { return (*pages)(call, page); });
}

void reprocess(const Call& call, const v1::ReprocessRequest& request, v1::ReprocessRun& response) {
  storage::RunOrder order;
  order.cause = text_from("cause", request.cause(), 200);
  if (order.cause.size() < 3) throw StatusError{invalid_field("cause", "say why, in 3 to 200 characters")};
  order.feed = text_from("feed", request.feed());
  if (request.sources_size() == 0 && request.meters_size() == 0 && order.feed.empty())
    throw StatusError{invalid_field("feed", "choose sources, a feed or meters")};
  if (request.sources_size() > kMostSources)
    throw StatusError{invalid_field("sources", "must not hold more than 1000 sources")};
  if (request.rate() < -1)
    throw StatusError{invalid_field("rate", "must be -1 (no bound), 0 (200,000) or more")};
  order.rate = request.rate() == 0 ? kUsualRate : std::max<std::int64_t>(request.rate(), 0);
  order.period = period_of("", request.has_start(), request.start(), request.has_end(), request.end());
  order.received = period_of("received_", request.has_received_start(), request.received_start(),
                             request.has_received_end(), request.received_end());
  order.dry_run = request.dry_run();
  const storage::Utility utility = call.parent(request.parent());
  order.utility = utility.id;
  order.ordered_by = call.caller().name;
  for (const std::string& name : request.sources()) {
    const NumberedName source = numbered("sources", name, "sources");
    if (source.utility != utility.key)
      throw StatusError{invalid_field("sources", "must be sources of the parent")};
    order.sources.push_back(source.number);
  }
  order.meters = meters_of(call, utility, request);
  if (!call.backend().kept.reprocess)
    not_kept(grpc::StatusCode::FAILED_PRECONDITION, "RAW_NOT_KEPT",
             "this gateway keeps nothing of what arrives");
  auto id = call.backend().kept.reprocess(order);
  if (!id.ok() && id.refusal().kind == storage::Refusal::Kind::NotFound)
    not_kept(grpc::StatusCode::NOT_FOUND, "SOURCE_NOT_FOUND", id.refusal().message);
  const std::int64_t number = call.take(std::move(id));
  put(utility, call.take(runs(call).get(utility.id, number)), response);
}

void get_reprocess(const Call& call, const v1::GetReprocessRequest& request, v1::ReprocessRun& response) {
  const NumberedName name = numbered("name", request.name(), "reprocesses");
  const storage::Utility utility = call.utility_of(name.utility);
  const storage::Run run = take_run(call, runs(call).get(utility.id, name.number), request.name());
  // The sums of a channel are as good as its values where few differ.
  for (const storage::ChannelDiff& diff : run.top) {
    call.log({.kind = CallRecord::Kind::Access,
              .utility = utility.key,
              .meter = diff.meter_key,
              .purpose = run.order.cause,
              .message = "reprocess diff"});
  }
  put(utility, run, response);
}

void list_reprocess(const Call& call, const v1::ListReprocessRequest& request,
                    v1::ListReprocessResponse& response) {
  const Page page = call.page(request);
  const storage::Utility utility = call.parent(request.parent());
  const auto found = call.take(runs(call).list(utility.id, page.store));
  for (const storage::Run& run : found.items) put(utility, run, *response.add_runs());
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void cancel_reprocess(const Call& call, const v1::CancelReprocessRequest& request,
                      v1::ReprocessRun& response) {
  const NumberedName name = numbered("name", request.name(), "reprocesses");
  const storage::Utility utility = call.utility_of(name.utility);
  put(utility,
      take_run(call, storage::ReprocessRuns(call.backend().database).cancel(utility.id, name.number),
               request.name()),
      response);
}

}  // namespace ami::rpc
