#include "daemon/rpc/admin_service.h"

#include <charconv>

#include "daemon/rpc/convert.h"
#include "storage/postgres/maintenance.h"
#include "storage/postgres/retention.h"

namespace ami::rpc {
namespace {

storage::Retention retention_of(const Call& call) {
  return storage::Retention(call.backend().database, call.scoped());
}

std::string words_from(const std::string& field, const std::string& text, std::size_t longest) {
  if (text.size() < 3)
    throw StatusError{
        invalid_field(field, "must say something, in 3 to " + std::to_string(longest) + " characters")};
  return text_from(field, text, longest);
}

std::string hold_name(const std::string& utility, std::int64_t id) {
  return utility_name(utility) + "/legalHolds/" + std::to_string(id);
}

struct HoldName {
  std::string utility;
  std::int64_t id = 0;
};
HoldName hold_from(const std::string& name) {
  constexpr std::string_view kMiddle = "/legalHolds/";
  HoldName out;
  const auto middle = name.find(kMiddle);
  const auto utility = middle == std::string::npos ? std::nullopt : parse_utility(name.substr(0, middle));
  const char* const first = name.data() + (utility ? middle + kMiddle.size() : name.size());
  const char* const end = name.data() + name.size();
  const auto [last, problem] = std::from_chars(first, end, out.id);
  if (!utility || problem != std::errc{} || last != end || out.id <= 0)
    throw StatusError{invalid_field("name", "must be utilities/{u}/legalHolds/{number}")};
  out.utility = *utility;
  return out;
}

void set_period(const storage::Period& period, const std::function<google::protobuf::Timestamp*()>& start,
                const std::function<google::protobuf::Timestamp*()>& end) {
  if (period.from != UtcInstant::min()) *start() = to_proto(period.from);
  if (period.to != UtcInstant::max()) *end() = to_proto(period.to);
}

v1::LegalHold message_of(const storage::LegalHold& hold, const std::string& utility) {
  v1::LegalHold out;
  out.set_name(hold_name(utility, hold.id));
  if (!hold.meter.empty()) out.set_subject(meter_name(utility, hold.meter));
  if (!hold.usage_point.empty()) out.set_subject(usage_point_name(utility, hold.usage_point));
  set_period(
      hold.period, [&] { return out.mutable_start(); }, [&] { return out.mutable_end(); });
  out.set_holder(hold.holder);
  out.set_reason(hold.reason);
  out.set_set_by(hold.set_by);
  *out.mutable_set_time() = to_proto(hold.set_at);
  out.set_lifted_by(hold.lifted_by);
  if (hold.lifted_at) *out.mutable_lift_time() = to_proto(*hold.lifted_at);
  out.set_lift_reason(hold.lift_reason);
  return out;
}

void list_access(const Call& call, const v1::ListAccessRequest& request, v1::ListAccessResponse& response) {
  const Page page = call.page(request);
  storage::AccessQuery query;
  query.period = period_from(request);
  query.caller = text_from("caller", request.caller(), 256);
  query.page = page.store;
  const auto key_of = [&](const char* field, const std::string& name, ResourceName::Kind kind) {
    if (name.empty()) return std::string();
    const ResourceName parsed = call.resource(field, name, kind);
    if (utility_name(parsed.utility) != request.parent())
      throw StatusError{invalid_field(field, "must be of the parent utility")};
    return parsed.key;
  };
  query.usage_point = key_of("usage_point", request.usage_point(), ResourceName::Kind::UsagePoint);
  query.meter = key_of("meter", request.meter(), ResourceName::Kind::Meter);
  query.utility = call.parent(request.parent()).id;
  // Not scoped(): no role of callers' queries may read this log. The utility was checked just now.
  const auto found = call.take(storage::AccessLog(call.backend().database).list(query));
  for (const storage::AccessRow& row : found.items) {
    v1::Access& access = *response.add_access();
    *access.mutable_time() = to_proto(row.at);
    access.set_caller(row.caller);
    access.set_certificate(row.certificate);
    access.set_on_behalf_of(row.on_behalf_of);
    access.set_purpose(row.purpose);
    access.set_rpc(row.rpc);
    access.set_usage_point(row.subject.usage_point);
    access.set_meter(row.subject.meter);
    set_period(
        row.period, [&] { return access.mutable_start(); }, [&] { return access.mutable_end(); });
    access.set_rows_known(row.subject.rows.has_value());
    access.set_rows(row.subject.rows.value_or(0));
    access.set_call(row.call);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void set_hold(const Call& call, const v1::SetLegalHoldRequest& request, v1::LegalHold& response) {
  storage::LegalHold hold;
  hold.period = period_from(request);
  hold.holder = words_from("holder", request.holder(), 200);
  hold.reason = words_from("reason", request.reason(), 500);
  hold.set_by = call.caller().name;
  ResourceName subject;
  if (!request.subject().empty()) {
    subject = call.resource("subject", request.subject());
    if (utility_name(subject.utility) != request.parent())
      throw StatusError{invalid_field("subject", "must be of the parent utility")};
    (subject.kind == ResourceName::Kind::Meter ? hold.meter : hold.usage_point) = subject.key;
  }
  const storage::Utility utility = call.parent(request.parent());
  hold.utility = utility.id;
  response = message_of(call.take(retention_of(call).set_hold(hold), subject), utility.key);
}

void lift_hold(const Call& call, const v1::LiftLegalHoldRequest& request, v1::LegalHold& response) {
  const HoldName name = hold_from(request.name());
  const std::string reason = words_from("reason", request.reason(), 500);
  const storage::Utility utility = call.utility_of(name.utility);
  auto lifted = retention_of(call).lift_hold(utility.id, name.id, call.caller().name, reason);
  if (!lifted.ok() && lifted.refusal().kind == storage::Refusal::Kind::NotFound) {
    throw StatusError{
        refused(grpc::StatusCode::NOT_FOUND, "LEGAL_HOLD_NOT_FOUND", request.name() + " is not known")};
  }
  response = message_of(call.take(std::move(lifted)), utility.key);
}

void list_holds(const Call& call, const v1::ListLegalHoldsRequest& request,
                v1::ListLegalHoldsResponse& response) {
  const Page page = call.page(request);
  const storage::Utility utility = call.parent(request.parent());
  const auto found = call.take(retention_of(call).holds(utility.id, request.include_lifted(), page.store));
  for (const storage::LegalHold& hold : found.items) *response.add_holds() = message_of(hold, utility.key);
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void list_certificates(const Call& call, const v1::ListRetentionCertificatesRequest& request,
                       v1::ListRetentionCertificatesResponse& response) {
  const Page page = call.page(request);
  const std::string of_class = text_from("class", request.class_(), 32);
  const storage::Utility utility = call.parent(request.parent());
  const auto found = call.take(retention_of(call).certificates(utility.id, of_class, page.store));
  for (const storage::RetentionCertificate& row : found.items) {
    v1::RetentionCertificate& certificate = *response.add_certificates();
    certificate.set_id(row.id);
    *certificate.mutable_time() = to_proto(row.at);
    certificate.set_class_(row.of_class);
    certificate.set_table(row.relation);
    certificate.set_month(row.month);
    *certificate.mutable_first_time() = to_proto(row.first_at);
    *certificate.mutable_last_time() = to_proto(row.last_at);
    certificate.set_rows(row.rows);
    certificate.set_sha256(row.sha256);
    certificate.set_whole_month(row.whole_month);
    certificate.set_rule(row.rule);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

v1::MaintenanceEntry::Outcome outcome_of(storage::MaintenanceEntry::Outcome outcome) {
  switch (outcome) {
    case storage::MaintenanceEntry::Outcome::Done:
      return v1::MaintenanceEntry::DONE;
    case storage::MaintenanceEntry::Outcome::Postponed:
      return v1::MaintenanceEntry::POSTPONED;
    case storage::MaintenanceEntry::Outcome::Failed:
      return v1::MaintenanceEntry::FAILED;
  }
  return v1::MaintenanceEntry::OUTCOME_UNSPECIFIED;
}

void list_maintenance(const Call& call, const v1::ListMaintenanceRequest& request,
                      v1::ListMaintenanceResponse& response) {
  const Page page = call.page(request);
  // Partitions are shared and entries name utilities.
  if (!call.caller().every_utility) {
    throw StatusError{refused(grpc::StatusCode::PERMISSION_DENIED, "UTILITY_NOT_GRANTED",
                              "maintenance is of all utilities: the certificate must name ami://utility/*")};
  }
  const auto found = call.take(storage::Maintenance(call.backend().database).list(page.store));
  for (const storage::MaintenanceEntry& row : found.items) {
    v1::MaintenanceEntry& entry = *response.add_entries();
    *entry.mutable_time() = to_proto(row.at);
    entry.set_task(row.task);
    entry.set_subject(row.subject);
    entry.set_outcome(outcome_of(row.outcome));
    if (row.rows) entry.set_rows(*row.rows);
    if (row.bytes_before) entry.set_bytes_before(*row.bytes_before);
    if (row.bytes_after) entry.set_bytes_after(*row.bytes_after);
    entry.set_detail(row.detail);
  }
  response.set_next_page_token(call.next_token(page, found.next_token));
}

}  // namespace

AdminService::Unary* AdminService::ListAccess(Context* context, const v1::ListAccessRequest* request,
                                              v1::ListAccessResponse* response) {
  return gate_.unary(context, "/ami.v1.AdminService/ListAccess",
                     [request, response](const Call& call) { list_access(call, *request, *response); });
}

AdminService::Unary* AdminService::SetLegalHold(Context* context, const v1::SetLegalHoldRequest* request,
                                                v1::LegalHold* response) {
  return gate_.unary(context, "/ami.v1.AdminService/SetLegalHold",
                     [request, response](const Call& call) { set_hold(call, *request, *response); });
}

AdminService::Unary* AdminService::LiftLegalHold(Context* context, const v1::LiftLegalHoldRequest* request,
                                                 v1::LegalHold* response) {
  return gate_.unary(context, "/ami.v1.AdminService/LiftLegalHold",
                     [request, response](const Call& call) { lift_hold(call, *request, *response); });
}

AdminService::Unary* AdminService::ListLegalHolds(Context* context, const v1::ListLegalHoldsRequest* request,
                                                  v1::ListLegalHoldsResponse* response) {
  return gate_.unary(context, "/ami.v1.AdminService/ListLegalHolds",
                     [request, response](const Call& call) { list_holds(call, *request, *response); });
}

AdminService::Unary* AdminService::ListRetentionCertificates(
    Context* context, const v1::ListRetentionCertificatesRequest* request,
    v1::ListRetentionCertificatesResponse* response) {
  return gate_.unary(context, "/ami.v1.AdminService/ListRetentionCertificates",
                     [request, response](const Call& call) { list_certificates(call, *request, *response); });
}

AdminService::Unary* AdminService::ListMaintenance(Context* context,
                                                   const v1::ListMaintenanceRequest* request,
                                                   v1::ListMaintenanceResponse* response) {
  return gate_.unary(context, "/ami.v1.AdminService/ListMaintenance",
                     [request, response](const Call& call) { list_maintenance(call, *request, *response); });
}

}  // namespace ami::rpc
