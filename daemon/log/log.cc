#include "daemon/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "meter_model/time/instant.h"

namespace ami::daemon {
namespace {

constexpr std::size_t kLongestValue = 500;

std::string_view name_of(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      return "error";
  }
  return "error";
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warn:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// syslog priorities, as sd-daemon(3) writes them.
std::string_view journal_prefix(Level level) {
  switch (level) {
    case Level::Debug:
      return "<7>";
    case Level::Info:
      return "<6>";
    case Level::Warn:
      return "<4>";
    case Level::Error:
      return "<3>";
  }
  return "<3>";
}

// JOURNAL_STREAM names the device and inode of the journal's socket; a redirected stderr is another file.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  if (stream == nullptr) return false;
  unsigned long long device = 0;
  unsigned long long inode = 0;
  struct stat status {};
  return std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &status) == 0 &&
         status.st_dev == device && status.st_ino == inode;
}

void append_escaped(std::string& out, std::string_view text) {
  const bool cut = text.size() > kLongestValue;
  if (cut) text = text.substr(0, kLongestValue);
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          char code[8];
          std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
          out += code;
        } else {
          out += c;
        }
    }
  }
  if (cut) out += "...";
  out += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty() || text.size() > kLongestValue) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

void append_pair(std::string& out, LogFormat format, std::string_view key, std::string_view value) {
  if (format == LogFormat::Json) {
    out += out.empty() ? "{" : ",";
    append_escaped(out, key);
    out += ':';
    append_escaped(out, value);
    return;
  }
  if (!out.empty()) out += ' ';
  out += key;
  out += '=';
  if (needs_quotes(value)) {
    append_escaped(out, value);
  } else {
    out += value;
  }
}

}  // namespace

std::optional<Level> level_from(std::string_view name) {
  for (const auto level : {Level::Debug, Level::Info, Level::Warn, Level::Error}) {
    if (name == name_of(level)) return level;
  }
  return std::nullopt;
}

std::string format_line(LogFormat format, std::string_view time, const Message& message,
                        std::initializer_list<Field> fields) {
  std::string line;
  append_pair(line, format, "time", time);
  append_pair(line, format, "level", name_of(message.level));
  append_pair(line, format, "id", message.id);
  for (const auto& field : fields) append_pair(line, format, field.key, field.value);
  append_pair(line, format, "msg", message.advice);
  if (format == LogFormat::Json) line += '}';
  return line;
}

struct Log::Impl {
  Writer writer;
  std::unique_ptr<spdlog::logger> logger;
  mutable std::mutex mutex;  // guards calls of `writer`
  std::atomic<Level> lowest{Level::Info};
  std::atomic<LogFormat> format{LogFormat::Text};
};

Log::Log() : impl_(std::make_unique<Impl>()) {
  auto logger = std::make_unique<spdlog::logger>("ami", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  impl_->logger = std::move(logger);
  const bool journal = stderr_is_journal();
  impl_->writer = [this, journal](Level level, const std::string& line) {
    impl_->logger->log(spdlog_level(level), "{}{}", journal ? journal_prefix(level) : "", line);
  };
}

Log::Log(Writer writer) : impl_(std::make_unique<Impl>()) {
  impl_->writer = std::move(writer);
}
Log::~Log() = default;

void Log::configure(Level lowest, LogFormat format) {
  impl_->lowest = lowest;
  impl_->format = format;
}

void Log::write(const Message& message, std::initializer_list<Field> fields) const {
  if (message.level < impl_->lowest.load()) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto line = format_line(impl_->format, to_text(UtcInstant{now}), message, fields);
  const std::lock_guard lock(impl_->mutex);
  impl_->writer(message.level, line);
}

}  // namespace ami::daemon
