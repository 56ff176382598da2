#include "adapters/wire/drop_folder/file_state.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace ami::wire {
namespace {

std::string date_text(std::chrono::sys_days day) {
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

template <class T>
bool take_number(std::string_view& text, T& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

bool take_date(std::string_view& text, std::chrono::sys_days& day) {
  int year = 0;
  unsigned month = 0, dom = 0;
  if (!take_number(text, year) || !take(text, "-") || !take_number(text, month) || !take(text, "-") ||
      !take_number(text, dom)) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(dom)};
  if (!date.ok()) return false;
  day = date;
  return true;
}

constexpr const char* kNext = "filelog:next";
constexpr const char* kOldest = "filelog:oldest";

std::string log_key(std::uint64_t n) {
  return "filelog:" + std::to_string(n);
}

}  // namespace

std::string FileState::to_text() const {
  return "offset=" + std::to_string(offset) + ";done=" + (done ? "1" : "0") + ";on=" + date_text(on) +
         (with.empty() ? "" : ";with=" + with) + (again == 0 ? "" : ";again=" + std::to_string(again));
}

std::optional<FileState> FileState::parse(std::string_view text) {
  FileState state;
  int done = 0;
  if (!take(text, "offset=") || !take_number(text, state.offset) || !take(text, ";done=") ||
      !take_number(text, done) || done < 0 || done > 1 || !take(text, ";on=") || !take_date(text, state.on)) {
    return std::nullopt;
  }
  if (take(text, ";with=")) {
    const std::size_t end = std::min(text.find(';'), text.size());
    state.with = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (take(text, ";again=") && !take_number(text, state.again)) return std::nullopt;
  if (!text.empty()) return std::nullopt;
  state.done = done == 1;
  return state;
}

sdk::Awaitable<Result<std::uint64_t>> FileLog::bound(std::string key) {
  const Result<std::optional<std::string>> text = co_await state_.load(key);
  if (!text) co_return text.error();
  std::uint64_t number = 0;
  if (*text) {
    std::string_view rest = **text;
    if (!take_number(rest, number) || !rest.empty()) {
      co_return permanent("durable state '" + key + "' is not a number: '" + **text + "'");
    }
  }
  co_return number;
}

sdk::Awaitable<Result<std::vector<sdk::StateChange>>> FileLog::finish(std::string sha256,
                                                                      std::chrono::sys_days today) {
  if (!loaded_) {
    const Result<std::uint64_t> next = co_await bound(kNext);
    if (!next) co_return next.error();
    const Result<std::uint64_t> oldest = co_await bound(kOldest);
    if (!oldest) co_return oldest.error();
    next_ = *next;
    oldest_ = std::min(*oldest, *next);
    loaded_ = true;
  }
  std::vector<sdk::StateChange> changes;
  changes.push_back({log_key(next_), sha256 + " " + date_text(today)});
  changes.push_back({kNext, std::to_string(next_ + 1)});
  oldest_after_ = oldest_;
  // Two for each one that is added: the log shrinks when `keep` is made shorter, at no cost worth naming.
  for (int i = 0; i < 2 && oldest_after_ < next_; ++i) {
    const Result<std::optional<std::string>> entry = co_await state_.load(log_key(oldest_after_));
    if (!entry) co_return entry.error();
    if (*entry) {
      const std::string_view text = **entry;
      const std::size_t blank = std::min(text.find(' '), text.size());
      std::string_view rest = text.substr(std::min(blank + 1, text.size()));
      std::chrono::sys_days on{};
      if (take_date(rest, on) && today - on <= keep_) break;
      // The same content finished again today (a rejected file dropped a second time) stays known.
      if (text.substr(0, blank) != sha256) {
        changes.push_back({FileState::key(text.substr(0, blank)), std::nullopt});
      }
      changes.push_back({log_key(oldest_after_), std::nullopt});
    }
    ++oldest_after_;
  }
  if (oldest_after_ != oldest_) changes.push_back({kOldest, std::to_string(oldest_after_)});
  loaded_ = false;
  co_return changes;
}

void FileLog::saved() {
  ++next_;
  oldest_ = oldest_after_;
  loaded_ = true;
}

}  // namespace ami::wire
