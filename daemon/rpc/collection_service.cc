#include "daemon/rpc/collection_service.h"

#include <optional>

#include "daemon/rpc/backfill_order.h"
#include "daemon/rpc/clock_health.h"
#include "daemon/rpc/command_call.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/findings.h"
#include "storage/postgres/gaps.h"

namespace ami::rpc {
namespace {

constexpr int kMaxDays = 62;
constexpr int kMaxIds = 1000;

v1::Gap::State proto_of(storage::GapState state) {
  switch (state) {
    case storage::GapState::Open:
      return v1::Gap::OPEN;
    case storage::GapState::Requested:
      return v1::Gap::REQUESTED;
    case storage::GapState::Closed:
      return v1::Gap::CLOSED;
    case storage::GapState::GivenUp:
      return v1::Gap::GIVEN_UP;
  }
  return v1::Gap::STATE_UNSPECIFIED;
}

storage::GapState state_from(int state) {
  switch (state) {
    case v1::Gap::OPEN:
      return storage::GapState::Open;
    case v1::Gap::REQUESTED:
      return storage::GapState::Requested;
    case v1::Gap::CLOSED:
      return storage::GapState::Closed;
    case v1::Gap::GIVEN_UP:
      return storage::GapState::GivenUp;
    default:
      throw StatusError{invalid_field("states", "must be OPEN, REQUESTED, CLOSED or GIVEN_UP")};
  }
}

v1::Gap::Reason proto_of(storage::GapReason reason) {
  switch (reason) {
    case storage::GapReason::NotReceived:
      return v1::Gap::NOT_RECEIVED;
    case storage::GapReason::VendorFlag:
      return v1::Gap::VENDOR_FLAG;
    case storage::GapReason::Withdrawn:
      return v1::Gap::WITHDRAWN;
  }
  return v1::Gap::REASON_UNSPECIFIED;
}

void fill(const storage::Utility& utility, const storage::GapRow& row, v1::Gap& gap) {
  gap.set_id(row.id);
  gap.set_meter(meter_name(utility.key, row.meter));
  if (!row.usage_point.empty()) gap.set_usage_point(usage_point_name(utility.key, row.usage_point));
  gap.set_channel(row.channel);
  gap.set_reading_type(row.reading_type);
  gap.set_unit(row.unit);
  gap.set_feed(row.feed);
  *gap.mutable_start() = to_proto(row.from);
  *gap.mutable_end() = to_proto(row.to);
  gap.set_interval_s(static_cast<std::int32_t>(row.interval.count()));
  gap.set_missing(row.slots);
  gap.set_reason(proto_of(row.reason));
  gap.set_state(proto_of(row.state));
  *gap.mutable_found_time() = to_proto(row.found_at);
  if (row.settled_at) *gap.mutable_settled_time() = to_proto(*row.settled_at);
  gap.set_note(row.note);
  gap.set_tries(row.tries);
  gap.set_given_up_by(row.given_up_by);
  gap.set_given_up_reason(row.given_up_reason);
  if (row.given_up_at) *gap.mutable_given_up_time() = to_proto(*row.given_up_at);
}

// What `name` stands for. NOT_FOUND with the nearest when there is no such thing.
struct Subject {
  std::optional<MeterId> meter;
  std::optional<storage::UsagePointId> usage_point;
};
Subject subject_of(const Call& call, const storage::Utility& utility, const std::string& text) {
  Subject subject;
  if (text.empty()) return subject;
  const ResourceName name = call.resource("name", text);
  if (name.utility != utility.key)
    throw StatusError{invalid_field("name", "must be of the parent's utility")};
  if (name.kind == ResourceName::Kind::Meter) {
    subject.meter = call.take(call.assets().get_meter(utility.id, name.key), name).id;
  } else {
    subject.usage_point = call.take(call.assets().get_usage_point(utility.id, name.key), name).id;
  }
  return subject;
}

// The feeds that the request leaves; nullopt = all.
std::optional<std::vector<std::string>> feeds_of(const Call& call, const storage::Utility& utility,
                                                 const std::string& feed, const std::string& family) {
  const std::string wanted = text_from("feed", feed), kind = text_from("family", family);
  if (kind.empty()) return wanted.empty() ? std::nullopt : std::optional(std::vector{wanted});
  std::vector<std::string> feeds;
  for (const AdapterReport& report : call.backend().adapter_status()) {
    if (report.family == kind && report.utility == utility.key && (wanted.empty() || report.feed == wanted))
      feeds.push_back(report.feed);
  }
  return feeds;
}

void list_gaps(const Call& call, const v1::ListGapsRequest& request, v1::ListGapsResponse& response) {
  const Page page = call.page(request);
  storage::GapQuery query;
  query.period = period_from(request);
  for (const int state : request.states()) query.states.push_back(state_from(state));
  if (query.states.empty()) query.states = {storage::GapState::Open, storage::GapState::Requested};
  const storage::Utility utility = call.parent(request.parent());
  const Subject subject = subject_of(call, utility, request.name());
  query.utility = utility.id;
  query.meter = subject.meter;
  query.usage_point = subject.usage_point;
  query.page = page.store;
  const auto feeds = feeds_of(call, utility, request.feed(), request.family());
  if (feeds && feeds->empty()) return;
  query.feeds = feeds.value_or(std::vector<std::string>{});
  const auto found = call.take(storage::Gaps(call.scoped()).list(query));
  for (const storage::GapRow& row : found.items) fill(utility, row, *response.add_gaps());
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void get_completeness(const Call& call, const v1::GetCompletenessRequest& request,
                      v1::GetCompletenessResponse& response) {
  using By = storage::CompletenessQuery::By;
  storage::CompletenessQuery query;
  const std::chrono::sys_days first = date_from("day", request.day());
  if (request.days() < 0 || request.days() > kMaxDays) {
    throw StatusError{invalid_field("days", "must be 0 (that is 1) to 62")};
  }
  for (int i = 0; i < std::max(1, request.days()); ++i) query.days.emplace_back(first + std::chrono::days{i});
  const storage::Utility utility = call.parent(request.parent());
  const Subject subject = subject_of(call, utility, request.name());
  query.utility = utility.id;
  query.meter = subject.meter;
  query.usage_point = subject.usage_point;
  switch (request.group_by()) {
    case v1::GetCompletenessRequest::GROUP_BY_UNSPECIFIED:
      query.by = request.name().empty() ? By::Feed : By::Channel;
      break;
    case v1::GetCompletenessRequest::FEED:
      query.by = By::Feed;
      break;
    case v1::GetCompletenessRequest::FEEDER:
      query.by = By::Feeder;
      break;
    default:
      throw StatusError{invalid_field("group_by", "must be FEED or FEEDER")};
  }
  if (!request.name().empty() && query.by != By::Channel) {
    throw StatusError{invalid_field("group_by", "does not go with name: its rows are channels")};
  }
  if (!request.feeder().empty()) query.feeder = text_from("feeder", request.feeder());
  const auto feeds = feeds_of(call, utility, request.feed(), request.family());
  if (feeds && feeds->empty()) return;
  query.feeds = feeds.value_or(std::vector<std::string>{});
  for (const auto& row : call.take(storage::Gaps(call.scoped()).completeness(query))) {
    v1::Completeness& out = *response.add_rows();
    out.set_day(text_of(row.day));
    out.set_feed(row.feed);
    out.set_feeder(row.feeder);
    if (!row.meter.empty()) out.set_meter(meter_name(utility.key, row.meter));
    out.set_channel(row.channel);
    out.set_reading_type(row.reading_type);
    out.set_channels(row.channels);
    out.set_waiting(row.waiting);
    out.set_expected(row.expected);
    out.set_received(row.received());
    out.set_missing(row.missing);
    out.set_given_up(row.given_up);
  }
}

template <class Request>
std::vector<std::int64_t> ids_from(const Request& request) {
  if (request.ids().empty() || request.ids_size() > kMaxIds) {
    throw StatusError{invalid_field("ids", "must hold 1 to 1000 ids")};
  }
  return {request.ids().begin(), request.ids().end()};
}

template <class Response>
void answer(const Call& call, const storage::Utility& utility,
            storage::Answer<std::vector<storage::GapRow>> done, Response& response) {
  using Kind = storage::Refusal::Kind;
  if (!done.ok() && done.refusal().kind == Kind::NotFound) {
    throw StatusError{refused(grpc::StatusCode::NOT_FOUND, "GAP_NOT_FOUND", done.refusal().message)};
  }
  if (!done.ok() && done.refusal().kind == Kind::Collision) {
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, "GAP_SETTLED", done.refusal().message)};
  }
  for (const storage::GapRow& row : call.take(std::move(done))) fill(utility, row, *response.add_gaps());
}

void give_up(const Call& call, const v1::GiveUpRequest& request, v1::GiveUpResponse& response) {
  const auto ids = ids_from(request);
  const std::string reason = text_from("reason", request.reason(), 200);
  if (reason.size() < 3) throw StatusError{invalid_field("reason", "say why, in 3 to 200 characters")};
  const storage::Utility utility = call.parent(request.parent());
  answer(
      call, utility,
      storage::Gaps(call.backend().database).give_up(utility.id, ids, reason, call.caller().name, call.now()),
      response);
}

void undo_give_up(const Call& call, const v1::UndoGiveUpRequest& request, v1::UndoGiveUpResponse& response) {
  const auto ids = ids_from(request);
  const storage::Utility utility = call.parent(request.parent());
  answer(call, utility,
         storage::Gaps(call.backend().database).undo_give_up(utility.id, ids, call.caller().name), response);
}

}  // namespace

CollectionService::Unary* CollectionService::ListGaps(Context* context, const v1::ListGapsRequest* request,
                                                      v1::ListGapsResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/ListGaps",
                     [request, response](const Call& call) { list_gaps(call, *request, *response); });
}

CollectionService::Unary* CollectionService::GetCompleteness(Context* context,
                                                             const v1::GetCompletenessRequest* request,
                                                             v1::GetCompletenessResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/GetCompleteness",
                     [request, response](const Call& call) { get_completeness(call, *request, *response); });
}

CollectionService::Unary* CollectionService::GiveUp(Context* context, const v1::GiveUpRequest* request,
                                                    v1::GiveUpResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/GiveUp",
                     [request, response](const Call& call) { give_up(call, *request, *response); });
}

CollectionService::Unary* CollectionService::UndoGiveUp(Context* context,
                                                        const v1::UndoGiveUpRequest* request,
                                                        v1::UndoGiveUpResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/UndoGiveUp",
                     [request, response](const Call& call) { undo_give_up(call, *request, *response); });
}

CollectionService::Unary* CollectionService::RequestBackfill(Context* context,
                                                             const v1::RequestBackfillRequest* request,
                                                             v1::Operation* response) {
  return start_command_call(
      gate_, waits_, *context, "/ami.v1.CollectionService/RequestBackfill",
      [request](const Call& call) { return backfill_order(call, *request); }, *response);
}

CollectionService::Unary* CollectionService::GetClockHealth(Context* context,
                                                            const v1::GetClockHealthRequest* request,
                                                            v1::GetClockHealthResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/GetClockHealth",
                     [request, response](const Call& call) { get_clock_health(call, *request, *response); });
}

CollectionService::Unary* CollectionService::ListFindings(Context* context,
                                                          const v1::ListFindingsRequest* request,
                                                          v1::ListFindingsResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/ListFindings",
                     [request, response](const Call& call) { list_findings(call, *request, *response); });
}

CollectionService::Unary* CollectionService::Revalidate(Context* context,
                                                        const v1::RevalidateRequest* request,
                                                        v1::RevalidateResponse* response) {
  return gate_.unary(context, "/ami.v1.CollectionService/Revalidate",
                     [request, response](const Call& call) { revalidate(call, *request, *response); });
}

}  // namespace ami::rpc
