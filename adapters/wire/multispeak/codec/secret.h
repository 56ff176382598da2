// A text that must not be shown: it has no way to print itself.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace ami::multispeak {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  // To send it. Not for a log, a message or an error.
  [[nodiscard]] std::string_view reveal() const noexcept { return text_; }

  // The time that this takes tells the length of `given` and nothing of the secret.
  [[nodiscard]] bool equals(std::string_view given) const noexcept {
    // A volatile sum keeps the loop from ending at the first difference.
    volatile unsigned difference = text_.size() == given.size() ? 0U : 1U;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const char own = text_.empty() ? '\0' : text_[i % text_.size()];
      difference = difference | (static_cast<unsigned char>(own) ^ static_cast<unsigned char>(given[i]));
    }
    return difference == 0;
  }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  std::string text_;
};

}  // namespace ami::multispeak
