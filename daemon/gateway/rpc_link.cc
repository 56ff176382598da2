#include "daemon/gateway/rpc_link.h"

#include "daemon/log/messages.h"
#include "daemon/pipeline/replay.h"

namespace ami::daemon {
namespace {

rpc::AdapterReport::State state_of(const FeedStatus& feed) {
  using State = rpc::AdapterReport::State;
  switch (feed.phase) {
    case FeedPhase::Waiting:
      return State::Starting;
    case FeedPhase::Failed:
    case FeedPhase::Refused:
      return State::Failed;
    case FeedPhase::Stopped:
      return State::Stopped;
    case FeedPhase::Running:
      break;
  }
  switch (feed.health.state) {
    case sdk::HealthState::Starting:
      return State::Starting;
    case sdk::HealthState::Healthy:
      return State::Healthy;
    case sdk::HealthState::Degraded:
      return State::Degraded;
    case sdk::HealthState::Failed:
      return State::Failed;
    case sdk::HealthState::Stopped:
      return State::Stopped;
  }
  return State::Failed;
}

// In words that a caller may compare.
std::vector<std::string> words_of(const sdk::Capabilities& can) {
  const std::pair<bool, const char*> known[] = {{can.files, "files"},
                                                {can.pushed_messages, "pushed_messages"},
                                                {can.registers, "registers"},
                                                {can.intervals, "intervals"},
                                                {can.events, "events"},
                                                {can.read_on_demand, "read_on_demand"},
                                                {can.ping, "ping"},
                                                {can.demand_reset, "demand_reset"},
                                                {can.backfill, "backfill"},
                                                {can.switch_open, "switch_open"},
                                                {can.switch_close, "switch_close"},
                                                {can.switch_arm, "switch_arm"},
                                                {can.switch_state, "switch_state"}};
  std::vector<std::string> words;
  for (const auto& [stated, word] : known) {
    if (stated) words.emplace_back(word);
  }
  return words;
}

}  // namespace

rpc::RpcServer::Config rpc_config(const GatewayConfig& config) {
  rpc::RpcServer::Config out;
  out.demo = config.demo;
  if (config.rpc.tls) {
    out.tls_address = config.rpc.tls->address;
    out.tls.certificate_chain = config.rpc.tls->certificate;
    out.tls.private_key = config.rpc.tls->key;
    out.tls.client_ca = config.rpc.tls->client_ca;
  }
  out.unix_socket = config.rpc.unix_path.value_or("");
  out.demo_address = config.rpc.plaintext_address.value_or("");
  const ChangesConfig& changes = config.rpc.changes;
  out.changes = {changes.poll, changes.heartbeat, changes.store_patience,
                 static_cast<std::size_t>(changes.streams_per_caller)};
  return out;
}

std::shared_ptr<const regime::Regimes> regimes_of(const GatewayConfig& config) {
  auto regimes = std::make_shared<regime::Regimes>();
  regimes->notices = config.notices;
  for (const UtilityConfig& utility : config.utilities)
    regimes->evidence[utility.key] = utility.switch_evidence;
  return regimes;
}

std::vector<rpc::AdapterReport> adapter_reports(const Host& host) {
  std::vector<rpc::AdapterReport> reports;
  for (auto& feed : host.status()) {
    rpc::AdapterReport report;
    report.state = state_of(feed);
    report.feed = std::move(feed.name);
    report.utility = std::move(feed.utility);
    report.family = std::move(feed.family);
    report.interface = std::move(feed.interface);
    report.reason = feed.error.empty() ? std::move(feed.health.reason) : std::move(feed.error);
    report.last_success = feed.health.last_success;
    report.records = feed.health.records;
    report.malformed = feed.health.malformed;
    report.pending_files = feed.health.pending_files;
    report.facts = std::move(feed.health.facts);
    if (const auto running = host.find(report.feed)) {
      const FeedConfig& config = running->config();
      report.capabilities = words_of(config.family->capabilities(config.settings));
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

rpc::Commands commands_of(std::shared_ptr<commands::Engine> engine) {
  rpc::Commands out;
  out.submit = [engine](commands::Request request, auto told) {
    engine->submit(std::move(request), std::move(told));
  };
  out.cancel = [engine](storage::UtilityId utility, storage::OperationId operation, std::string actor,
                        auto told) { engine->cancel(utility, operation, std::move(actor), std::move(told)); };
  out.place = [engine](storage::OperationId operation, auto told) {
    engine->place(operation, std::move(told));
  };
  out.follow = [engine](storage::OperationId operation, std::uint64_t seen,
                        std::chrono::milliseconds patience,
                        auto told) { engine->follow(operation, seen, patience, std::move(told)); };
  return out;
}

Result<rpc::ReplayReport> replay_order(DatabaseLink& database, const Host& host, const Log& log,
                                       const rpc::ReplayOrder& order) {
  const auto feed_of = [&](const std::string& name) -> std::optional<ReplayFeed> {
    const auto feed = host.find(name);
    if (!feed) return std::nullopt;
    return ReplayFeed{feed->config().plan.rules, [feed](std::string_view raw, UtcInstant received_at) {
                        return feed->config().family->decode(feed->config().settings, raw, received_at);
                      }};
  };
  const ReplayParts parts{
      database.ingest(),
      database.directory(),
      [&](const storage::QuarantineQuery& query) { return database.readers().quarantine(query); },
      [&](std::int64_t id) { return database.readers().quarantined(order.utility, id); },
      feed_of,
      log};
  const auto done = replay(parts, {order.utility, order.ids, order.feed, order.reason});
  if (!done) return done.error();
  return rpc::ReplayReport{done->replayed, done->settled, done->still_quarantined};
}

void log_call(const Log& log, const rpc::CallRecord& call) {
  switch (call.kind) {
    case rpc::CallRecord::Kind::Access:
      log.write(messages::kRpcAccess, {{"rpc", call.rpc},
                                       {"caller", call.caller},
                                       {"utility", call.utility},
                                       {"usage_point", call.usage_point},
                                       {"meter", call.meter},
                                       {"purpose", call.purpose}});
      return;
    case rpc::CallRecord::Kind::Refused:
      log.write(
          messages::kRpcRefused,
          {{"rpc", call.rpc}, {"caller", call.caller}, {"utility", call.utility}, {"reason", call.message}});
      return;
    case rpc::CallRecord::Kind::Defect:
      log.write(messages::kRpcDefect, {{"rpc", call.rpc}, {"caller", call.caller}, {"error", call.message}});
      return;
  }
}

}  // namespace ami::daemon
