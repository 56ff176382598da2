// How far a file was stored, as durable text; and which contents may be forgotten.
//
//   file:<sha256>     "offset=1234;done=0;on=2026-11-22;with=<mark of the settings that it was read
//   with>;again=-5" filelog:<n>       "<sha256> 2026-11-22": the n-th content that was finished filelog:next,
//   filelog:oldest    bounds of n
// The log exists because durable state cannot be listed: it gives the oldest content in one look-up.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/adapter.h"

namespace ami::wire {

struct FileState {
  std::uint64_t offset = 0;
  bool done = false;
  std::chrono::sys_days on{};  // when it was last saved
  std::string with{};          // mark of the settings that it was read with; empty = not told
  std::int64_t again = 0;      // SourceSpan::read_again of this reading

  static std::string key(std::string_view sha256) { return "file:" + std::string(sha256); }
  [[nodiscard]] std::string to_text() const;
  static std::optional<FileState> parse(std::string_view text);
};

// The log of finished contents. Lives on the strand; bounds are read once, at first use.
class FileLog {
 public:
  FileLog(sdk::DurableState& state, std::chrono::days keep) : state_(state), keep_(keep) {}

  // State changes that log `sha256` as finished today, and forget up to two contents that are older than
  // `keep`. Unless saved() follows, the bounds are read anew: whether the changes were saved is not known.
  sdk::Awaitable<Result<std::vector<sdk::StateChange>>> finish(std::string sha256,
                                                               std::chrono::sys_days today);
  // To be called once the changes were saved.
  void saved();

 private:
  sdk::Awaitable<Result<std::uint64_t>> bound(std::string key);

  sdk::DurableState& state_;
  std::chrono::days keep_;
  bool loaded_ = false;
  std::uint64_t next_ = 0, oldest_ = 0;
  std::uint64_t oldest_after_ = 0;
};

}  // namespace ami::wire
