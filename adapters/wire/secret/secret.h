// Texts that must not be shown: passwords in headers, messages and settings of every wire.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace ami::wire {

// Does not print itself, and is wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  // Only for what writes it to the peer, or compares it.
  [[nodiscard]] const std::string& reveal() const noexcept { return text_; }
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept;
  std::string text_;
};

struct Credentials {
  std::string user;
  Secret password;
  friend std::ostream& operator<<(std::ostream&, const Credentials&) = delete;
};

// Equal? The time taken depends on the lengths only, not on where the texts differ.
bool constant_time_equal(std::string_view a, std::string_view b);
// User and password, both compared whatever the first says.
bool constant_time_equal(const Credentials& a, const Credentials& b);

}  // namespace ami::wire
