// A user's name and password, of a kind that does not get into logs by accident: printed it says only that it
// is there.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace ami::cim {

class Credentials {
 public:
  Credentials(std::string user, std::string password)
      : user_(std::move(user)), password_(std::move(password)) {}

  // For whoever sends them. Never for a message, a log or an exception.
  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  [[nodiscard]] const std::string& password() const noexcept { return password_; }

  // The time that it takes depends on the lengths only.
  [[nodiscard]] bool matches(const Credentials& other) const noexcept {
    const bool user = same(user_, other.user_);
    const bool password = same(password_, other.password_);
    return user && password;
  }

 private:
  static bool same(std::string_view a, std::string_view b) noexcept {
    unsigned char difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto other = static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]);
      difference = static_cast<unsigned char>(difference | (static_cast<unsigned char>(a[i]) ^ other));
    }
    return difference == 0;
  }

  std::string user_, password_;
};

inline std::ostream& operator<<(std::ostream& out, const Credentials&) {
  return out << "(credentials, not shown)";
}

}  // namespace ami::cim
