// Secrets: read from files of their own, compared in constant time, never printed.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/result.h"

namespace ami::http {

// A text that does not print itself and is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  // Only for what writes it to the peer, or compares it.
  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept;
  std::string text_;
};

// HTTP Basic (RFC 7617).
struct BasicCredentials {
  std::string user;
  Secret password;
  friend std::ostream& operator<<(std::ostream&, const BasicCredentials&) = delete;
};

// Equal? The time taken depends on the lengths only, not on where the texts differ.
bool constant_time_equal(std::string_view a, std::string_view b);
// User and password, both compared whatever the first says.
bool constant_time_equal(const BasicCredentials& a, const BasicCredentials& b);

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
