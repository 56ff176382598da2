// The settings behind server, client, breaker and retry, so that every family that speaks HTTP offers the
// same keys with the same words. A family puts them into its schema as a section each:
//   {.key = "server", .kind = sdk::SettingKind::Section, .doc = "…", .section = http::server_settings()}
#pragma once

#include <optional>
#include <vector>

#include "adapters/sdk/settings.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/http/retry.h"
#include "adapters/wire/http/server.h"

namespace ami::http {

// listen, certificate, key, client_ca, client_certificates, user, password_file, header_user,
// header_password_file, plain_credentials, anonymous_senders, and a key for each bound of ServerLimits.
std::vector<sdk::SettingDef> server_settings();
// url, ca, certificate, key, server_name, user, password_file, plain_credentials, headers, a key for each
// bound of ClientLimits, breaker_failures, breaker_open_for.
std::vector<sdk::SettingDef> client_settings();
// attempts, base, cap, first.
std::vector<sdk::SettingDef> retry_settings();

// From a checked section; reads the password file (blocks) and checks all with check(). Permanent: what is
// wrong, as "file:line: key: …", without the password.
Result<ServerSettings> server_config(const sdk::Settings& section);
// `message_credentials`: the family's messages to this peer have a user and a password in them.
Result<ClientSettings> client_config(const sdk::Settings& section, bool message_credentials = false);
// header_user and header_password_file of a section, where both are there; one alone is an error. Blocks.
Result<std::optional<BasicCredentials>> header_credentials(const sdk::Settings& section);
RetrySettings retry_config(const sdk::Settings& section);

}  // namespace ami::http
