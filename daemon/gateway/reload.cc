#include "daemon/gateway/reload.h"

#include <tuple>

namespace ami::daemon {
namespace {

auto tie(const DatabaseConfig& d) {
  return std::tie(d.conninfo, d.migrator_conninfo, d.reader_conninfo, d.allow_owner, d.migrate_on_start, d.connections, d.lanes, d.check_every,
                  d.retry_first, d.retry_longest, d.answer_timeout);
}

auto tie(const HttpConfig& h) {
  return std::tie(h.address, h.port_file, h.connections, h.request_timeout);
}

bool same(const RpcConfig& a, const RpcConfig& b) {
  if (a.tls.has_value() != b.tls.has_value()) return false;
  if (a.tls && std::tie(a.tls->address, a.tls->certificate, a.tls->key, a.tls->client_ca) !=
                   std::tie(b.tls->address, b.tls->certificate, b.tls->key, b.tls->client_ca)) {
    return false;
  }
  const auto changes = [](const ChangesConfig& c) {
    return std::tie(c.poll, c.heartbeat, c.store_patience, c.streams_per_caller);
  };
  return a.unix_path == b.unix_path && a.plaintext_address == b.plaintext_address &&
         changes(a.changes) == changes(b.changes);
}

}  // namespace

std::vector<std::string> take_over(GatewayConfig& running, GatewayConfig fresh) {
  std::vector<std::string> waiting;
  if (running.demo != fresh.demo) waiting.push_back("demo");
  if (running.state_dir != fresh.state_dir) waiting.push_back("state_dir");
  if (running.threads != fresh.threads) waiting.push_back("threads");
  if (running.work_threads != fresh.work_threads) waiting.push_back("work_threads");
  if (tie(running.database) != tie(fresh.database)) waiting.push_back("database");
  if (!same(running.rpc, fresh.rpc)) waiting.push_back("rpc");
  if (running.raw.keep != fresh.raw.keep || running.raw.keep_months != fresh.raw.keep_months)
    waiting.push_back("raw");
  if (tie(running.http) != tie(fresh.http)) waiting.push_back("http");

  if (running.commands != fresh.commands) waiting.push_back("commands");

  // What utilities know of their meters is taken over; all else of switching is begun with.
  if (running.switching && fresh.switching) running.switching->utilities = fresh.switching->utilities;
  if (running.switching != fresh.switching) waiting.push_back("switching");

  const auto& kept = running.journal;
  if (std::tie(kept.path, kept.max_bytes, kept.max_messages) !=
      std::tie(fresh.journal.path, fresh.journal.max_bytes, fresh.journal.max_messages)) {
    waiting.push_back("journal");
  }

  running.data_dir = std::move(fresh.data_dir);
  running.approvals_dir = std::move(fresh.approvals_dir);
  running.notices = std::move(fresh.notices);
  running.drain_timeout = fresh.drain_timeout;
  running.log_level = fresh.log_level;
  running.log_format = fresh.log_format;
  running.collection = fresh.collection;
  running.validation = std::move(fresh.validation);
  running.vee = std::move(fresh.vee);
  running.utilities = std::move(fresh.utilities);
  running.retention = std::move(fresh.retention);
  running.maintenance = fresh.maintenance;
  running.feeds = std::move(fresh.feeds);
  return waiting;
}

}  // namespace ami::daemon
