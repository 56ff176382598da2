#include "daemon/rpc/call.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <tuple>

#include "daemon/rpc/switching.h"
#include "daemon/validation/judge.h"

namespace ami::rpc {
namespace {

std::string first_property(const grpc::AuthContext& auth, const char* name) {
  const std::vector<grpc::string_ref> values = auth.FindPropertyValues(name);
  return values.empty() ? std::string() : std::string(values.front().data(), values.front().size());
}

// Only URI names count: a DNS name that spells a role is not one.
Caller caller_from_certificate(const grpc::AuthContext& auth) {
  std::vector<std::string> uris;
  for (const grpc::string_ref& uri : auth.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
    uris.emplace_back(uri.data(), uri.size());
  }
  return caller_from_uris(first_property(auth, GRPC_X509_CN_PROPERTY_NAME), uris);
}

storage::Scope scope_of(const Caller& caller) {
  if (caller.every_utility) return {"*"};
  std::string keys;
  for (const std::string& key : caller.utilities) keys += (keys.empty() ? "" : ",") + key;
  return {keys};
}

bool from_loopback(std::string_view peer) {
  return peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:[::1]") ||
         peer.starts_with("ipv6:%5B::1%5D");
}

std::optional<Caller> identify(const grpc::ServerContextBase& context, const Gate::Plaintext& plaintext) {
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) return caller_from_certificate(*auth);
  const std::string security =
      auth == nullptr ? std::string() : first_property(*auth, GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  if (security == "ssl" || security == "tls") return std::nullopt;
  const std::string peer = context.peer();
  if (peer.starts_with("unix:") && plaintext.unix_socket) return full_caller(std::string(kLocalOperator));
  if (from_loopback(peer) && plaintext.demo) return full_caller(std::string(kDemoCaller));
  return std::nullopt;
}

}  // namespace

Call::Call(Gate& gate, Backend& backend, Caller caller, std::string_view method)
    : gate_(gate),
      backend_(backend),
      caller_(std::move(caller)),
      method_(method),
      scoped_(backend.reader, scope_of(caller_)) {}

Call::~Call() {
  gate_.leave();
}

storage::Assets Call::assets() const {
  return storage::Assets(backend_.database, scoped_).acting_as(caller_.name);
}

storage::Readers Call::readers() const {
  return storage::Readers(scoped_);
}

void Call::log(CallRecord record) const {
  record.rpc = method_;
  record.caller = caller_.name;
  if (record.kind == CallRecord::Kind::Access) {
    accesses_.push_back(std::move(record));
  } else {
    backend_.log(record);
  }
}

void Call::store_accesses() const {
  const auto key = [](const CallRecord& r) { return std::tie(r.utility, r.purpose, r.on_behalf_of); };
  const auto told = std::exchange(accesses_, {});
  for (auto first = told.begin(); first != told.end();) {
    storage::AccessCall access{first->utility, caller_.name, caller_.uris,  first->on_behalf_of,
                               first->purpose, method_,      first->period, {}};
    const auto same = [&](const CallRecord& r) { return key(r) == key(*first) && r.period == first->period; };
    const auto end = std::find_if_not(first, told.end(), same);
    for (auto record = first; record != end; ++record)
      access.subjects.push_back(
          {record->usage_point, record->meter.empty() ? record->message : record->meter, record->rows});
    const auto stored = storage::AccessLog(backend_.database).record(access, access_id_);
    if (!stored.ok()) fail(stored.refusal(), {});
    access_id_ = *stored;
    last_access_ = std::move(access);
    for (; first != end; ++first) backend_.log(*first);
  }
}

void Call::close_accesses(std::vector<storage::AccessSubject> subjects) const {
  if (!access_id_ || subjects.empty()) return;
  last_access_->subjects = std::move(subjects);
  const auto closed = storage::AccessLog(backend_.database).close(*access_id_, *last_access_);
  if (!closed.ok()) {
    log({.kind = CallRecord::Kind::Defect,
         .utility = last_access_->utility,
         .message = "the row count of a recorded access is missing: " + closed.refusal().message});
  }
}

void Call::fail(const storage::Refusal& refusal, const ResourceName& subject) const {
  if (refusal.kind == storage::Refusal::Kind::Internal) {
    log({.kind = CallRecord::Kind::Defect, .utility = subject.utility, .message = refusal.message});
  }
  throw StatusError{from_refusal(refusal, subject)};
}

storage::Utility Call::utility_of(const std::string& key) const {
  if (!caller_.may_see(key)) {
    log({.kind = CallRecord::Kind::Refused, .utility = key, .message = "utility not granted"});
    throw StatusError{refused(grpc::StatusCode::PERMISSION_DENIED, "UTILITY_NOT_GRANTED",
                              "the certificate does not name ami://utility/" + key)};
  }
  storage::Answer<storage::Utility> utility = assets().get_utility(key);
  if (!utility.ok() && utility.refusal().kind == storage::Refusal::Kind::NotFound) {
    throw StatusError{
        refused(grpc::StatusCode::NOT_FOUND, "UTILITY_NOT_FOUND", utility_name(key) + " is not known")};
  }
  return take(std::move(utility));
}

storage::Utility Call::known_utility(const std::string& key) const {
  if (caller_.may_see(key)) {
    const std::lock_guard lock(backend_.mutex);
    const auto found = backend_.utilities.find(key);
    if (found != backend_.utilities.end()) return found->second;
  }
  storage::Utility utility = utility_of(key);
  const std::lock_guard lock(backend_.mutex);
  backend_.utilities.emplace(key, utility);
  return utility;
}

storage::Utility Call::parent(const std::string& name) const {
  const std::optional<std::string> key = parse_utility(name);
  if (!key) throw StatusError{invalid_field("parent", "must be utilities/{u}, e.g. \"utilities/maui\"")};
  return utility_of(*key);
}

regime::Regime Call::regime_of(const storage::Utility& utility) const {
  return {backend_.regimes ? backend_.regimes() : std::make_shared<const regime::Regimes>(), utility};
}

std::shared_ptr<const validation::Rules> Call::rules() const {
  return backend_.rules ? backend_.rules() : std::make_shared<const validation::Rules>();
}

ResourceName Call::resource(const std::string& field, const std::string& name) const {
  std::optional<ResourceName> parsed = parse_resource(name);
  if (!parsed) {
    throw StatusError{
        invalid_field(field, "must be utilities/{u}/meters/{m} or utilities/{u}/usagePoints/{p}")};
  }
  return *std::move(parsed);
}

ResourceName Call::resource(const std::string& field, const std::string& name,
                            ResourceName::Kind kind) const {
  std::optional<ResourceName> parsed = parse_resource(name);
  if (!parsed || parsed->kind != kind) {
    throw StatusError{invalid_field(field, kind == ResourceName::Kind::Meter
                                               ? "must be utilities/{u}/meters/{m}"
                                               : "must be utilities/{u}/usagePoints/{p}")};
  }
  return *std::move(parsed);
}

Page Call::page(std::int32_t size, const std::string& token, std::string request) const {
  if (size < 0 || size > 1000)
    throw StatusError{invalid_field("page_size", "must be 0 (that is 100) to 1000")};
  Page page;
  page.store.size = size == 0 ? 100 : static_cast<std::size_t>(size);
  page.request = method_ + "\n" + std::move(request);
  if (token.empty()) return page;
  PageTokens::Opened opened = backend_.tokens.open(token, page.request, now());
  if (opened.state == PageTokens::Opened::State::Expired) {
    throw StatusError{
        invalid_field("page_token", "is older than 24 hours: begin again", "PAGE_TOKEN_EXPIRED")};
  }
  if (opened.state == PageTokens::Opened::State::Invalid) {
    throw StatusError{invalid_field(
        "page_token", "is not a token of this request, or the gateway was restarted: begin again",
        "PAGE_TOKEN_INVALID")};
  }
  page.store.token = std::move(opened.cursor);
  return page;
}

std::string Call::next_token(const Page& page, const std::string& store_token) const {
  return store_token.empty() ? std::string() : backend_.tokens.seal(store_token, page.request, now());
}

Gate::Gate(Backend& backend, Plaintext plaintext, std::size_t max_calls)
    : backend_(backend), plaintext_(plaintext), max_calls_(max_calls) {}

Gate::Admission Gate::admit(const grpc::ServerContextBase& context, std::string_view method) {
  std::optional<Caller> caller = identify(context, plaintext_);
  if (!caller || (caller->roles == 0 && !caller->every_utility && caller->utilities.empty())) {
    backend_.log({.kind = CallRecord::Kind::Refused,
                  .rpc = std::string(method),
                  .caller = caller ? caller->name : std::string(),
                  .message = "no client certificate with an ami:// URI"});
    return {nullptr, refused(grpc::StatusCode::UNAUTHENTICATED, "NO_CLIENT_CERTIFICATE",
                             "a client certificate with ami://role/ and ami://utility/ URIs is needed")};
  }
  if (!caller->uris.empty() && reserved_name(caller->name)) {
    backend_.log({.kind = CallRecord::Kind::Refused,
                  .rpc = std::string(method),
                  .caller = caller->name,
                  .message = "the certificate bears a name of the gateway's own"});
    return {nullptr, refused(grpc::StatusCode::UNAUTHENTICATED, "RESERVED_NAME",
                             "the common name \"" + caller->name +
                                 "\" is one of the gateway's own: take a certificate with another")};
  }
  if (!caller->may_call(method)) {
    backend_.log({.kind = CallRecord::Kind::Refused,
                  .rpc = std::string(method),
                  .caller = caller->name,
                  .message = "role not granted"});
    return {nullptr, refused(grpc::StatusCode::PERMISSION_DENIED, "ROLE_NOT_GRANTED",
                             "the certificate has no role that may call " + std::string(method))};
  }
  {
    const std::lock_guard lock(mutex_);
    // However many readings are asked for, there is room for who opens or closes a switch.
    const bool switches = method.starts_with("/ami.v1.SwitchService/");
    if (calls_ >= max_calls_ + (switches ? max_calls_ / 4 : 0)) {
      return {nullptr, refused(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_CALLS",
                               "the gateway is at its bound of calls under way", 1)};
    }
    ++calls_;
  }
  return {std::make_shared<Call>(*this, backend_, *std::move(caller), method), grpc::Status::OK};
}

void Gate::leave() {
  const std::lock_guard lock(mutex_);
  if (--calls_ == 0) idle_.notify_all();
}

const Executor* Gate::switching_threads() const {
  return backend_.switching == nullptr ? nullptr : &backend_.switching->executor;
}

void Gate::wait_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return calls_ == 0; });
}

grpc::Status Gate::run(const Call& call, const std::function<void(const Call&)>& work) {
  try {
    work(call);
    call.store_accesses();
    return grpc::Status::OK;
  } catch (const StatusError& error) {
    return error.status;
  } catch (const std::exception& error) {
    call.log({.kind = CallRecord::Kind::Defect, .message = error.what()});
    return refused(grpc::StatusCode::INTERNAL, "INTERNAL_ERROR",
                   "a defect of the gateway; its log says more");
  }
}

grpc::ServerUnaryReactor* Gate::unary(grpc::CallbackServerContext* context, std::string_view method,
                                      std::function<void(const Call&)> work, const Executor* executor) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Admission admission = admit(*context, method);
  if (admission.call == nullptr) {
    reactor->Finish(admission.refusal);
    return reactor;
  }
  const Executor& threads = executor != nullptr ? *executor : backend_.executor;
  threads([context, reactor, call = std::move(admission.call), work = std::move(work)] {
    // A caller who has given up is not worth a query.
    reactor->Finish(context->IsCancelled() ? grpc::Status::CANCELLED : run(*call, work));
  });
  return reactor;
}

}  // namespace ami::rpc
