#include "daemon/rpc/audit_service.h"

#include <charconv>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/page_stream.h"

namespace ami::rpc {
namespace {

constexpr std::size_t kLinesAMessage = 1000;   // some 700 kB
constexpr std::size_t kMessagesAPage = 4;      // that are read at once

storage::SealStore& store_of(storage::SealStore* seals) {
  if (seals == nullptr) {
    throw StatusError{
        refused(grpc::StatusCode::FAILED_PRECONDITION, "NO_SWITCHING", "this gateway switches nothing")};
  }
  return *seals;
}

void needs_every_utility(const Call& call) {
  if (call.caller().every_utility) return;
  throw StatusError{refused(grpc::StatusCode::PERMISSION_DENIED, "UTILITY_NOT_GRANTED",
                            "the chain is over all utilities: the certificate must name ami://utility/*")};
}

void fill(storage::SealedLine& line, v1::AuditLine& out) {
  out.set_position(line.position);
  out.set_audit_id(line.audit_id);
  out.set_canonical(std::move(line.canonical));
  if (line.position == 0) return;
  out.set_format(line.format);
  const std::string_view row = audit::bytes_of(line.row), chain = audit::bytes_of(line.chain);
  out.set_row_sha256(row.data(), row.size());
  out.set_chain_sha256(chain.data(), chain.size());
  *out.mutable_seal_time() = to_proto(line.sealed_at);
}

void fill_status(const Call& call, storage::SealStore& store, v1::AuditStatus& out) {
  const storage::SealPlace place = call.take(store.place());
  const storage::SealHead head = call.take(store.head());
  const storage::SealTail tail = call.take(store.tail(true));
  const std::string_view chain = audit::bytes_of(head.chain);
  out.set_position(head.position);
  out.set_chain_sha256(chain.data(), chain.size());
  out.set_unsealed(tail.unsealed);
  if (tail.oldest) *out.mutable_oldest_unsealed_time() = to_proto(*tail.oldest);
  *out.mutable_time() = to_proto(tail.now);
  out.set_cluster(std::to_string(place.cluster));
  out.set_database(place.database);
}

// First the seals, then what is not sealed, then the end.
class Walk {
 public:
  explicit Walk(std::int64_t after) : sealed_after_(after) {}

  bool page(const Call& call, storage::SealStore& store, std::vector<v1::StreamAuditResponse>& messages) {
    constexpr std::size_t kPage = kLinesAMessage * kMessagesAPage;
    auto lines = call.take(in_seals_ ? store.sealed(sealed_after_, kPage) : store.unsealed(unsealed_after_, kPage));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i % kLinesAMessage == 0) messages.emplace_back();
      fill(lines[i], *messages.back().add_lines());
    }
    if (!lines.empty()) (in_seals_ ? sealed_after_ : unsealed_after_) = in_seals_ ? lines.back().position : lines.back().audit_id;
    if (lines.size() == kPage) return true;
    if (in_seals_) {
      in_seals_ = false;
      return true;
    }
    fill_status(call, store, *messages.emplace_back().mutable_end());
    return false;
  }

 private:
  bool in_seals_ = true;
  std::int64_t sealed_after_, unsealed_after_ = 0;
};

void list_audit(const Call& call, storage::SealStore& store, const v1::ListAuditRequest& request,
                v1::ListAuditResponse& response) {
  const Page page = call.page(request);
  if (request.switch_operation() < 0) throw StatusError{invalid_field("switch_operation", "must not be negative")};
  storage::SealQuery query;
  if (!request.meter().empty()) {
    const ResourceName meter = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
    if (utility_name(meter.utility) != request.parent())
      throw StatusError{invalid_field("meter", "must be of the parent utility")};
    query.meter = meter.key;
  }
  query.utility = call.parent(request.parent()).id;
  query.switch_id = request.switch_operation();
  const std::string& token = page.store.token;
  if (!token.empty()) {
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), query.before);
    if (error != std::errc{} || end != token.data() + token.size())
      throw StatusError{invalid_field("page_token", "is not one of this list")};
  }
  query.limit = page.store.size;
  auto lines = call.take(store.list(query));
  for (storage::SealedLine& line : lines) fill(line, *response.add_lines());
  response.set_next_page_token(
      call.next_token(page, lines.size() < query.limit ? "" : std::to_string(lines.back().audit_id)));
}

}  // namespace

grpc::ServerWriteReactor<v1::StreamAuditResponse>* AuditService::StreamAudit(
    Context* context, const v1::StreamAuditRequest* request) {
  return PageStream<v1::StreamAuditResponse>::start(
      gate_, *context, "/ami.v1.AuditService/StreamAudit",
      [seals = seals_, walk = std::make_shared<Walk>(request->after_position()), after = request->after_position()](
          const Call& call, std::vector<v1::StreamAuditResponse>& messages) {
        needs_every_utility(call);
        storage::SealStore& store = store_of(seals);
        if (after < 0) throw StatusError{invalid_field("after_position", "must not be negative")};
        return walk->page(call, store, messages);
      });
}

AuditService::Unary* AuditService::ListAudit(Context* context, const v1::ListAuditRequest* request,
                                             v1::ListAuditResponse* response) {
  return gate_.unary(context, "/ami.v1.AuditService/ListAudit", [this, request, response](const Call& call) {
    list_audit(call, store_of(seals_), *request, *response);
  });
}

AuditService::Unary* AuditService::GetAuditStatus(Context* context, const v1::GetAuditStatusRequest*,
                                                  v1::AuditStatus* response) {
  return gate_.unary(context, "/ami.v1.AuditService/GetAuditStatus", [this, response](const Call& call) {
    needs_every_utility(call);
    fill_status(call, store_of(seals_), *response);
  });
}

}  // namespace ami::rpc
