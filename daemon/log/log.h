// Structured log: one line an event on standard error, every line with a message id of messages.h.
// Never put readings, names, addresses, passwords or keys in a field.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ami::daemon {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };
enum class LogFormat : std::uint8_t { Text, Json };  // Text = logfmt

// An entry of the catalogue. `advice` says what happened and what an operator should do about it.
struct Message {
  std::string_view id;
  Level level;
  std::string_view advice;
};

struct Field {
  std::string_view key;
  std::string value;
};

// Thread-safe. Writes are synchronous: a line that was written survives a crash of the process.
class Log {
 public:
  using Writer = std::function<void(Level, const std::string& line)>;

  Log();                        // to standard error; "<N>" priorities when systemd's journal reads it
  explicit Log(Writer writer);  // for tests; called under a lock
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void configure(Level lowest, LogFormat format);
  void write(const Message& message, std::initializer_list<Field> fields = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::optional<Level> level_from(std::string_view name);  // "debug", "info", "warn", "error"

// One line without its end. Values are quoted when needed; control characters are escaped, so that text from
// outside cannot forge a line. A value is cut at 500 bytes.
std::string format_line(LogFormat format, std::string_view time, const Message& message,
                        std::initializer_list<Field> fields);

}  // namespace ami::daemon
