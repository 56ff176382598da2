// Credentials of HTTP, and passwords that stand in files of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/wire/secret/secret.h"
#include "meter_model/result.h"

namespace ami::http {

using wire::constant_time_equal;
using wire::Secret;
using BasicCredentials = wire::Credentials;  // RFC 7617

// Value of an Authorization header. nullopt: another scheme, not base64, no colon, or control characters.
std::optional<BasicCredentials> parse_basic(std::string_view authorization);
Secret to_authorization(const BasicCredentials& credentials);  // "Basic …"

// Why a file must not be used as a secret: missing, no regular file, empty, beyond 64 KiB, open to others
// than owner and group (mode & 0027). nullopt = good. Blocks.
std::optional<std::string> secret_file_problem(const std::string& path);

// What stands in the file, without the line end at its end. Permanent: secret_file_problem, or a control
// character in it (two lines are no password). Blocks.
Result<Secret> load_secret(const std::string& path);

}  // namespace ami::http
