#include "daemon/rpc/backfill_order.h"

#include "daemon/rpc/convert.h"
#include "storage/postgres/backfills.h"

namespace ami::rpc {
namespace {

std::vector<std::string> keys_from(const Call& call, const storage::Utility& utility,
                                   const google::protobuf::RepeatedPtrField<std::string>& names) {
  const auto count = static_cast<std::size_t>(names.size());
  if (count > cmd::kMostMeters) throw StatusError{invalid_field("meters", "must hold 10,000 meters at most")};
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string field = "meters[" + std::to_string(i) + "]";
    ResourceName meter = call.resource(field, names[static_cast<int>(i)], ResourceName::Kind::Meter);
    if (meter.utility != utility.key)
      throw StatusError{invalid_field(field, "must be of the parent's utility")};
    keys.push_back(std::move(meter.key));
  }
  return keys;
}

// What was chosen, which is the request: the meters that it finds change with every gap that is filled.
std::string text_of(const storage::MeterChoice& choice) {
  std::string out = choice.open_gaps_only ? "open gaps" : "all";
  out += " of feed " + std::to_string(choice.feed.size()) + ":" + choice.feed;
  for (const std::string& key : choice.keys) out += " " + std::to_string(key.size()) + ":" + key;
  return out;
}

// Meters of the operation that was made of this request when it came first; empty: it is the first time.
std::vector<std::string> found_before(const Call& call, const cmd::Request& asked) {
  storage::Operations store(call.scoped());
  storage::OperationQuery query;
  query.utility = asked.utility;
  query.caller = asked.caller;
  query.request_id = asked.request_id;
  const auto known = call.take(store.list(query));
  std::vector<std::string> meters;
  if (known.items.empty()) return meters;
  storage::PageRequest page;
  page.size = 1000;
  do {
    auto targets = call.take(store.targets(asked.utility, known.items.front().id, page));
    for (storage::OperationTarget& target : targets.items) meters.push_back(std::move(target.meter));
    page.token = targets.next_token;
  } while (!page.token.empty());
  return meters;
}

}  // namespace

OperationOrder backfill_order(const Call& call, const v1::RequestBackfillRequest& request) {
  OperationOrder order;
  cmd::Request& asked = order.submit.emplace();
  asked.kind = storage::OperationKind::Backfill;
  asked.caller = name_of_caller(call);
  asked.request_id = request_id_from(request.request_id());
  asked.order_id = text_from("order_id", request.order_id());
  asked.on_behalf_of = text_from("on_behalf_of", request.on_behalf_of());
  if (!request.purpose().empty()) asked.purpose = purpose_from(request.purpose());
  if (!request.has_start()) throw StatusError{invalid_field("start", "is required")};
  if (!request.has_end()) throw StatusError{invalid_field("end", "is required")};
  asked.period = period_from(request);
  if (asked.period->to - cmd::kLongestBackfill > asked.period->from)
    throw StatusError{invalid_field("end", "must be 400 days after start at most")};

  order.utility = call.parent(request.parent());
  asked.utility = order.utility.id;
  storage::MeterChoice choice;
  choice.utility = order.utility.id;
  choice.keys = keys_from(call, order.utility, request.meters());
  choice.feed = text_from("feed", request.feed());
  choice.open_gaps_only = request.open_gaps_only();
  choice.period = *asked.period;
  if (choice.feed.empty() && !choice.open_gaps_only) {
    if (choice.keys.empty())
      throw StatusError{invalid_field("meters", "say which: meters, a feed, or open_gaps_only")};
    asked.meters = std::move(choice.keys);  // one that is not known is told as of any command
    return order;
  }
  asked.choice = text_of(choice);
  asked.meters = found_before(call, asked);
  if (!asked.meters.empty()) return order;
  asked.meters = call.take(storage::Backfills(call.scoped()).meters(choice, cmd::kMostMeters + 1));
  if (asked.meters.empty()) {
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, "NO_METERS",
                              "no meter of the utility is what was asked for")};
  }
  if (asked.meters.size() > cmd::kMostMeters) {
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, "TOO_MANY_METERS",
                              "more than 10,000 meters: ask for fewer at once")};
  }
  return order;
}

}  // namespace ami::rpc
