// Opaque page tokens: a store's cursor, when it was given out and which request it belongs to, signed with a
// key that lives as long as the process. A caller can neither read meaning into one nor make one.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::rpc {

class PageTokens {
 public:
  static constexpr std::chrono::hours kLifetime{24};

  PageTokens();  // random key

  // `request` is any text that two requests share only when they ask for the same list.
  [[nodiscard]] std::string seal(std::string_view cursor, std::string_view request, UtcInstant now) const;

  struct Opened {
    enum class State { Valid, Invalid, Expired };
    State state = State::Invalid;
    std::string cursor;
  };
  [[nodiscard]] Opened open(std::string_view token, std::string_view request, UtcInstant now) const;

 private:
  [[nodiscard]] std::string sign(std::string_view payload, std::string_view request) const;
  std::array<unsigned char, 32> key_{};
};

}  // namespace ami::rpc
