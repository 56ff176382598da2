// One JSON object on one line, written key by key: a ledger has millions of them. The closing brace is the
// ledger's.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace ami::fieldsim {

class JsonLine {
 public:
  JsonLine() = default;  // goes on behind other keys
  explicit JsonLine(std::string_view kind) : text_("{\"kind\":\"") {
    text_ += kind;
    text_ += '"';
  }

  JsonLine& put(std::string_view key, std::string_view value) {
    begin(key);
    quote(value);
    return *this;
  }
  template <class Number>
  JsonLine& put_number(std::string_view key, Number value) {
    begin(key);
    char buffer[32];
    text_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
    return *this;
  }
  // Opens a value that the caller writes with append().
  JsonLine& begin(std::string_view key) {
    text_ += ",\"";
    text_ += key;
    text_ += "\":";
    return *this;
  }
  JsonLine& append(std::string_view raw) {
    text_ += raw;
    return *this;
  }
  void quote(std::string_view value) {
    constexpr char kHex[] = "0123456789abcdef";
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        text_ += "\\u00";
        text_ += kHex[static_cast<unsigned char>(c) >> 4U];
        text_ += kHex[static_cast<unsigned char>(c) & 15U];
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace ami::fieldsim
