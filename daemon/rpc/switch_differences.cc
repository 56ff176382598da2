#include "daemon/rpc/switch_differences.h"

#include <charconv>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/switch_messages.h"
#include "daemon/rpc/switch_orders.h"

namespace ami::rpc {
namespace {

void fill(const storage::Utility& utility, const storage::SwitchFinding& finding,
          v1::SwitchDifference& message) {
  message.set_id(finding.id);
  v1::SwitchDifference::Kind kind = v1::SwitchDifference::KIND_UNSPECIFIED;
  v1::SwitchDifference::Kind_Parse(std::string(storage::name_of(finding.kind)), &kind);
  message.set_kind(kind);
  message.set_meter(meter_name(utility.key, finding.meter));
  if (!finding.usage_point.empty())
    message.set_usage_point(usage_point_name(utility.key, finding.usage_point));
  message.set_intended(position_from_book(finding.intended));
  if (finding.intended_by != 0)
    message.set_intended_operation(switch_name(utility.key, finding.intended_by));
  message.set_actual(position_from_book(finding.actual));
  message.set_actual_source(finding.actual_source);
  if (finding.actual_at) *message.mutable_actual_time() = to_proto(*finding.actual_at);
  *message.mutable_first_time() = to_proto(finding.first_seen);
  *message.mutable_last_time() = to_proto(finding.last_seen);
  if (finding.ended_at) *message.mutable_end_time() = to_proto(*finding.ended_at);
}

}  // namespace

void reconcile(const Call& call, const v1::ReconcileSwitchesRequest& request,
               v1::ReconcileSwitchesResponse& response) {
  storage::SwitchFindings* findings = switching_of(call).findings;
  if (findings == nullptr) {
    throw StatusError{refused(grpc::StatusCode::FAILED_PRECONDITION, "NO_COMPARISON",
                              "this gateway compares no switches with what is meant")};
  }
  const Page page = call.page(request);
  const std::string purpose = request.purpose().empty() ? std::string() : purpose_from(request.purpose());
  const storage::Utility utility = call.parent(request.parent());

  if (const auto last = call.take(findings->last(utility.id))) {
    *response.mutable_compare_time() = to_proto(last->compared_at);
    response.set_compared(last->compared);
    response.set_unknown(last->unknown);
    response.set_differences(last->differences);
  }
  storage::SwitchFindingQuery query;
  query.utility = utility.id;
  query.open_only = !request.ended_too();
  const std::string& token = page.store.token;
  std::from_chars(token.data(), token.data() + token.size(), query.before);  // our own, and signed
  query.limit = page.store.size + 1;
  auto found = call.take(findings->list(query));
  const bool more = found.size() > page.store.size;
  if (more) found.resize(page.store.size);
  AccessNotes notes(utility.key, purpose, "");
  for (const storage::SwitchFinding& finding : found) {
    v1::SwitchDifference& message = *response.add_findings();
    fill(utility, finding, message);
    if (purpose.empty()) continue;
    notes.note(call, finding.usage_point, finding.meter);
    message.set_words(finding.words);
  }
  response.set_next_page_token(
      call.next_token(page, more ? std::to_string(found.back().id) : std::string()));
}

}  // namespace ami::rpc
