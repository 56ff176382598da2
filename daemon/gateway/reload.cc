#include "daemon/gateway/reload.h"

#include <tuple>

namespace ami::daemon {
namespace {

auto tie(const DatabaseConfig& d) {
  return std::tie(d.conninfo, d.migrator_conninfo, d.migrate_on_start, d.connections, d.check_every,
                  d.retry_first, d.retry_longest);
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
  return a.unix_path == b.unix_path && a.plaintext_address == b.plaintext_address;
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
  if (tie(running.http) != tie(fresh.http)) waiting.push_back("http");

  running.data_dir = std::move(fresh.data_dir);
  running.drain_timeout = fresh.drain_timeout;
  running.log_level = fresh.log_level;
  running.log_format = fresh.log_format;
  running.utilities = std::move(fresh.utilities);
  running.feeds = std::move(fresh.feeds);
  return waiting;
}

}  // namespace ami::daemon
