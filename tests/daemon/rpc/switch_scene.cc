#include "tests/daemon/rpc/switch_scene.h"

#include <stdexcept>

namespace ami::rpc::testing {
namespace {

constexpr const char* kMeter = "utilities/maui/meters/M7";

template <class T>
T value_of(storage::Answer<T> answer) {
  if (!answer.ok()) throw std::runtime_error(answer.refusal().message);
  return std::move(answer).value();
}

}  // namespace

SwitchScene::SwitchScene() : conninfo(create_empty_database()) {
  storage::Database database(storage::DatabaseOptions{.conninfo = conninfo});
  storage::Assets assets(database);
  maui = value_of(assets.get_utility("maui")).id;
  storage::MeterDetail detail;
  detail.form = "2S";
  detail.valid.from = UtcInstant{std::chrono::sys_days{std::chrono::year{2020} / 1 / 1}};
  site.now_is.house.meter_id = value_of(assets.create_meter(maui, "M7", detail, {})).id;
  serve();
}

SwitchScene::~SwitchScene() {
  local.reset();
  fixture.reset();  // the server first: its calls still ask the engine
}

storage::Answer<std::optional<storage::SwitchComparison>> FakeFindings::last(std::int32_t utility) {
  if (!comparison || comparison->utility != utility) return std::optional<storage::SwitchComparison>{};
  return comparison;
}

storage::Answer<std::vector<storage::SwitchFinding>> FakeFindings::list(
    const storage::SwitchFindingQuery& query) {
  std::vector<Finding> out;
  for (const Finding& one : findings) {
    if (one.utility != query.utility || (query.open_only && one.ended_at) ||
        (query.before != 0 && one.id >= query.before) || out.size() >= query.limit)
      continue;
    out.push_back(one);
  }
  return out;
}

void SwitchScene::serve(bool switching, bool compares) {
  local.reset();
  fixture = std::make_unique<RpcFixture>(conninfo);
  fixture->now = wall;
  switching_ = std::make_unique<Switching>(Switching{
      *engine, site, store, [this](std::function<void()> work) { switching_threads.post(std::move(work)); }});
  if (compares) switching_->findings = &found;
  switching_->watch = &events;
  switching_->holds = holds;
  switching_->stops = stops;
  switching_->limits = limits;
  switching_->reviews = reviews;
  if (switching) fixture->switching = switching_.get();
  RpcServer::Config config = fixture->tls_config();
  config.unix_socket = fixture->folder.path() / "rpc.sock";
  config.max_calls = max_calls;
  const Outcome started = fixture->start(config);
  if (!started.ok()) throw std::runtime_error(started.error().message);
  local = caller({});
}

std::unique_ptr<SwitchScene::Stub> SwitchScene::caller(const std::vector<std::string>& roles,
                                                       const std::string& name,
                                                       const std::string& utility) const {
  if (roles.empty()) {
    const std::string socket = fixture->folder.path() / "rpc.sock";
    return v1::SwitchService::NewStub(
        grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials()));
  }
  std::vector<std::string> sans{"URI:ami://utility/" + utility};
  for (const std::string& role : roles) sans.push_back("URI:ami://role/" + role);
  return v1::SwitchService::NewStub(fixture->channel(fixture->ca.issue({.name = name, .sans = sans})));
}

v1::SubmitSwitchRequest SwitchScene::asks(const std::string& id, v1::SwitchOperation::Action action) {
  v1::SubmitSwitchRequest out;
  out.set_meter(kMeter);
  out.set_usage_point("utilities/maui/usagePoints/UP-7");
  out.set_serial_last4("4711");
  out.set_action(action);
  out.set_reason(v1::SwitchOperation::TEST);
  out.set_order_id("WO-1");
  out.set_request_id(id);
  if (action == v1::SwitchOperation::CLOSE) out.add_attestations(v1::SwitchOperation::CUSTOMER_PRESENT);
  return out;
}

v1::SwitchOperation SwitchScene::shown(const std::string& name) {
  v1::GetSwitchRequest request;
  request.set_name(name);
  return must(&Stub::Get, request);
}

daemon::switching::SwitchId SwitchScene::id_of(const std::string& name) {
  return std::stoll(name.substr(name.rfind('/') + 1));
}

std::string SwitchScene::field_of(const grpc::Status& status) {
  const auto bad = detail<google::rpc::BadRequest>(status);
  return bad && bad->field_violations_size() > 0 ? bad->field_violations(0).field() : std::string();
}

std::map<std::string, std::string> SwitchScene::facts_of(const grpc::Status& status) {
  const auto info = detail<google::rpc::ErrorInfo>(status);
  if (!info) return {};
  return {info->metadata().begin(), info->metadata().end()};
}

grpc::Status SwitchScene::watch(const v1::WatchSwitchRequest& request,
                                const std::function<void(const v1::SwitchUpdate&)>& seen) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{60});
  const auto stream = local->Watch(&context, request);
  v1::SwitchUpdate message;
  while (stream->Read(&message)) seen(message);
  return stream->Finish();
}

}  // namespace ami::rpc::testing
