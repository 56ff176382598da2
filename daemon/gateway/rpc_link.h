// Gives the gRPC server what it asks for, in its own plain types.
#pragma once

#include "daemon/commands/engine.h"
#include "daemon/config/gateway_config.h"
#include "daemon/gateway/database_link.h"
#include "daemon/host/host.h"
#include "daemon/rpc/server.h"

namespace ami::daemon {

rpc::RpcServer::Config rpc_config(const GatewayConfig& config);
std::shared_ptr<const regime::Regimes> regimes_of(const GatewayConfig& config);
std::vector<rpc::AdapterReport> adapter_reports(const Host& host);
rpc::Commands commands_of(std::shared_ptr<commands::Engine> engine);
Result<rpc::ReplayReport> replay_order(DatabaseLink& database, const Host& host, const Log& log,
                                       const rpc::ReplayOrder& order);  // blocking
void log_call(const Log& log, const rpc::CallRecord& call);

}  // namespace ami::daemon
