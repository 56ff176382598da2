#include "daemon/rpc/ingest_service.h"

#include <algorithm>
#include <map>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/kept_content.h"
#include "storage/postgres/raw_contents.h"

namespace ami::rpc {
namespace {

constexpr int kMaxReplayIds = 10'000;

v1::Adapter::State state_of(AdapterReport::State state) {
  switch (state) {
    case AdapterReport::State::Starting:
      return v1::Adapter::STARTING;
    case AdapterReport::State::Healthy:
      return v1::Adapter::HEALTHY;
    case AdapterReport::State::Degraded:
      return v1::Adapter::DEGRADED;
    case AdapterReport::State::Failed:
      return v1::Adapter::FAILED;
    case AdapterReport::State::Stopped:
      return v1::Adapter::STOPPED;
  }
  return v1::Adapter::STATE_UNSPECIFIED;
}

v1::QuarantineItem::State state_of(storage::QuarantineState state) {
  switch (state) {
    case storage::QuarantineState::Open:
      return v1::QuarantineItem::OPEN;
    case storage::QuarantineState::Replayed:
      return v1::QuarantineItem::REPLAYED;
    case storage::QuarantineState::Rejected:
      return v1::QuarantineItem::REJECTED;
  }
  return v1::QuarantineItem::STATE_UNSPECIFIED;
}

storage::QuarantineState state_from(v1::QuarantineItem::State state) {
  switch (state) {
    case v1::QuarantineItem::STATE_UNSPECIFIED:
    case v1::QuarantineItem::OPEN:
      return storage::QuarantineState::Open;
    case v1::QuarantineItem::REPLAYED:
      return storage::QuarantineState::Replayed;
    case v1::QuarantineItem::REJECTED:
      return storage::QuarantineState::Rejected;
    default:
      throw StatusError{invalid_field("state", "must be OPEN, REPLAYED or REJECTED")};
  }
}

void add_counts(const storage::FeedCounts& counts, v1::Adapter& adapter) {
  adapter.set_counts_known(true);
  adapter.set_stored_sources(counts.sources);
  adapter.set_stored_registers(counts.registers);
  adapter.set_stored_interval_values(counts.interval_values);
  adapter.set_stored_events(counts.events);
  adapter.set_quarantine_open(counts.quarantine_open);
  if (counts.last_received) *adapter.mutable_last_received() = to_proto(*counts.last_received);
}

void adapter_status(const Call& call, v1::AdapterStatusResponse& response) {
  std::vector<AdapterReport> reports = call.backend().adapter_status();
  std::erase_if(reports, [&](const AdapterReport& r) { return !call.caller().may_see(r.utility); });
  std::ranges::sort(reports, {}, &AdapterReport::feed);
  // How an adapter fares must be seen while PostgreSQL is away, too: then the stored counts are left out.
  const storage::Answer<std::vector<storage::FeedCounts>> stored = call.readers().feed_counts();
  std::map<std::string, storage::FeedCounts> counts;
  if (stored.ok()) {
    for (const storage::FeedCounts& feed : *stored) counts.emplace(feed.feed, feed);
  }
  for (const AdapterReport& report : reports) {
    v1::Adapter& adapter = *response.add_adapters();
    adapter.set_feed(report.feed);
    adapter.set_utility(utility_name(report.utility));
    adapter.set_family(report.family);
    adapter.set_interface(report.interface);
    adapter.set_state(state_of(report.state));
    adapter.set_reason(report.reason);
    if (report.last_success) *adapter.mutable_last_success() = to_proto(*report.last_success);
    adapter.set_records(report.records);
    adapter.set_malformed(report.malformed);
    adapter.set_pending_files(report.pending_files);
    for (const auto& [name, value] : report.facts) {
      v1::AdapterFact& fact = *adapter.add_facts();
      fact.set_name(name);
      fact.set_value(value);
    }
    adapter.mutable_capabilities()->Assign(report.capabilities.begin(), report.capabilities.end());
    if (stored.ok()) add_counts(counts[report.feed], adapter);
  }
}

void list_sources(const Call& call, const v1::ListSourcesRequest& request,
                  v1::ListSourcesResponse& response) {
  const Page page = call.page(request);
  const std::string feed = text_from("feed", request.feed());
  const storage::Utility utility = call.parent(request.parent());
  const auto found = call.take(call.readers().sources(utility.id, feed, page.store));
  std::vector<std::int64_t> ids;
  for (const storage::SourceInfo& info : found.items) ids.push_back(info.id);
  const auto stories = call.take(storage::RawContents(call.scoped()).stories(utility.id, ids));
  for (const storage::SourceInfo& info : found.items) {
    v1::Source& source = *response.add_sources();
    source.set_name(source_name(utility.key, info.id));
    source.set_feed(info.feed);
    source.set_file(info.name);
    source.set_content_sha256(info.content_sha256);
    source.set_mapping_version(info.mapping_version);
    *source.mutable_received_at() = to_proto(info.received_at);
    source.set_offset(info.offset);
    source.set_length(info.length);
    const auto found_story = stories.find(info.id);
    if (found_story == stories.end()) continue;
    const storage::SourceStory& story = found_story->second;
    source.set_cause(story.cause);
    if (story.stored_at) *source.mutable_stored_at() = to_proto(*story.stored_at);
    source.set_raw_kept(story.claimed && call.backend().kept.holds &&
                        call.backend().kept.holds(info.content_sha256));
    source.set_raw_bytes(story.bytes);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

// What was sent may be any bytes; a protobuf string may not.
std::string printable(const std::string& text) {
  std::string result;
  for (const char c : text) result.push_back(c >= 0x20 && c < 0x7F ? c : '?');
  return result;
}

void list_quarantine(const Call& call, const v1::ListQuarantineRequest& request,
                     v1::ListQuarantineResponse& response) {
  const Page page = call.page(request);
  storage::QuarantineQuery query;
  query.feed = text_from("feed", request.feed());
  query.reason = text_from("reason", request.reason());
  query.state = state_from(request.state());
  query.with_raw = request.include_raw();
  query.page = page.store;
  const std::string purpose = request.include_raw() ? purpose_from(request.purpose()) : std::string();
  const storage::Utility utility = call.parent(request.parent());
  query.utility = utility.id;
  const auto found = call.take(call.readers().quarantine(query));
  for (const storage::QuarantineRow& row : found.items) {
    if (request.include_raw()) {
      call.log({.kind = CallRecord::Kind::Access,
                .utility = utility.key,
                .meter = printable(row.meter),
                .purpose = purpose,
                .message = "quarantine",
                .rows = 1});
    }
    v1::QuarantineItem& item = *response.add_items();
    item.set_id(row.id);
    item.set_feed(row.feed);
    item.set_source(source_name(utility.key, row.source));
    item.set_file(row.source_info.name);
    item.set_reason(row.reason);
    item.set_detail(row.detail);
    item.set_meter(row.meter);
    item.set_raw(row.raw);
    item.set_offset(row.offset);
    item.set_state(state_of(row.state));
    item.set_times_seen(row.times_seen);
    *item.mutable_first_seen() = to_proto(row.first_seen);
    *item.mutable_last_seen() = to_proto(row.last_seen);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void replay(const Call& call, const v1::ReplayRequest& request, v1::ReplayResponse& response) {
  if (request.ids_size() > kMaxReplayIds)
    throw StatusError{invalid_field("ids", "must not hold more than 10,000 ids")};
  ReplayOrder order;
  order.ids.assign(request.ids().begin(), request.ids().end());
  order.feed = text_from("feed", request.feed());
  order.reason = text_from("reason", request.reason());
  order.utility = call.parent(request.parent()).id;
  const Result<ReplayReport> report = call.backend().replay(order);
  if (!report.ok()) {
    using Kind = storage::Refusal::Kind;
    const Fault fault = report.error().fault;
    call.fail({fault == Fault::Transient ? Kind::Unavailable
               : fault == Fault::InDoubt ? Kind::InDoubt
                                         : Kind::Internal,
               report.error().message,
               {},
               {}},
              {});
  }
  response.set_replayed(report->replayed);
  response.set_settled(report->settled);
  response.set_still_quarantined(report->still_quarantined);
}

}  // namespace

IngestService::Unary* IngestService::AdapterStatus(Context* context, const v1::AdapterStatusRequest*,
                                                   v1::AdapterStatusResponse* response) {
  return gate_.unary(context, "/ami.v1.IngestService/AdapterStatus",
                     [response](const Call& call) { adapter_status(call, *response); });
}

IngestService::Unary* IngestService::ListSources(Context* context, const v1::ListSourcesRequest* request,
                                                 v1::ListSourcesResponse* response) {
  return gate_.unary(context, "/ami.v1.IngestService/ListSources",
                     [request, response](const Call& call) { list_sources(call, *request, *response); });
}

IngestService::Unary* IngestService::ListQuarantine(Context* context,
                                                    const v1::ListQuarantineRequest* request,
                                                    v1::ListQuarantineResponse* response) {
  return gate_.unary(context, "/ami.v1.IngestService/ListQuarantine",
                     [request, response](const Call& call) { list_quarantine(call, *request, *response); });
}

IngestService::Unary* IngestService::Replay(Context* context, const v1::ReplayRequest* request,
                                            v1::ReplayResponse* response) {
  return gate_.unary(context, "/ami.v1.IngestService/Replay",
                     [request, response](const Call& call) { replay(call, *request, *response); });
}

grpc::ServerWriteReactor<v1::GetRawResponse>* IngestService::GetRaw(Context* context,
                                                                    const v1::GetRawRequest* request) {
  return start_raw_stream(gate_, *context, *request);
}

IngestService::Unary* IngestService::Reprocess(Context* context, const v1::ReprocessRequest* request,
                                               v1::ReprocessRun* response) {
  return gate_.unary(context, "/ami.v1.IngestService/Reprocess",
                     [request, response](const Call& call) { reprocess(call, *request, *response); });
}

IngestService::Unary* IngestService::GetReprocess(Context* context, const v1::GetReprocessRequest* request,
                                                  v1::ReprocessRun* response) {
  return gate_.unary(context, "/ami.v1.IngestService/GetReprocess",
                     [request, response](const Call& call) { get_reprocess(call, *request, *response); });
}

IngestService::Unary* IngestService::ListReprocess(Context* context, const v1::ListReprocessRequest* request,
                                                   v1::ListReprocessResponse* response) {
  return gate_.unary(context, "/ami.v1.IngestService/ListReprocess",
                     [request, response](const Call& call) { list_reprocess(call, *request, *response); });
}

IngestService::Unary* IngestService::CancelReprocess(Context* context,
                                                     const v1::CancelReprocessRequest* request,
                                                     v1::ReprocessRun* response) {
  return gate_.unary(context, "/ami.v1.IngestService/CancelReprocess",
                     [request, response](const Call& call) { cancel_reprocess(call, *request, *response); });
}

}  // namespace ami::rpc
