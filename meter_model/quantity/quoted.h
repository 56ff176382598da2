// Text from outside, made fit for a message: in quotes, at most `longest` characters, nothing unprintable.
#pragma once

#include <string>
#include <string_view>

namespace ami {

inline std::string quoted(std::string_view text, std::size_t longest = 40) {
  std::string out = "\"";
  for (const char c : text.substr(0, longest)) out += c >= ' ' && c <= '~' ? c : '?';
  out += text.size() > longest ? "\" (cut)" : "\"";
  return out;
}

}  // namespace ami
