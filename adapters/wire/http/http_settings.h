// The settings behind server, client, breaker and retry, so that every family that speaks HTTP offers the
// same keys with the same words. A family puts them into its schema as a section each:
//   {.key = "server", .kind = sdk::SettingKind::Section, .doc = "…", .section = http::server_settings()}
#pragma once

#include <vector>

#include "adapters/sdk/settings.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/http/retry.h"
#include "adapters/wire/http/server.h"

namespace ami::http {

// listen, certificate, key, client_ca, client_certificates, user, password_file, plain_credentials, and a key
// for each bound of ServerLimits.
std::vector<sdk::SettingDef> server_settings();
// url, ca, certificate, key, server_name, user, password_file, plain_credentials, headers, a key for each
// bound of ClientLimits, breaker_failures, breaker_open_for.
std::vector<sdk::SettingDef> client_settings();
// attempts, base, cap, first.
std::vector<sdk::SettingDef> retry_settings();

// From a checked section; reads the password file (blocks) and checks all with check(). Permanent: what is
// wrong, as "file:line: key: …", without the password.
Result<ServerSettings> server_config(const sdk::Settings& section);
Result<ClientSettings> client_config(const sdk::Settings& section);
RetrySettings retry_config(const sdk::Settings& section);

}  // namespace ami::http
