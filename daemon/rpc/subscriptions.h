// The calls that stay open: a bound for each caller, and an end for all of them when the gateway stops.
#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace ami::rpc {

struct ChangeFeedOptions {
  std::chrono::milliseconds poll{1'000};             // how often a stream that waits looks for changes
  std::chrono::milliseconds heartbeat{15'000};       // the longest silence
  std::chrono::milliseconds store_patience{60'000};  // how long a stream waits for a database that is away
  std::size_t streams_per_caller = 8;
};

class Subscriptions {
 public:
  // A stream; told from any thread that it should look whether it goes on.
  class Member {
   public:
    virtual ~Member() = default;
    virtual void wake() = 0;
  };

  explicit Subscriptions(ChangeFeedOptions options,
                         std::size_t most = std::numeric_limits<std::size_t>::max())  // of all callers
      : options_(options), most_(most) {}

  [[nodiscard]] const ChangeFeedOptions& options() const { return options_; }
  [[nodiscard]] bool join(Member& member, const std::string& caller);  // false: it has too many, or all have
  void leave(Member& member, const std::string& caller);               // a member that joined
  [[nodiscard]] std::size_t size() const;

  void stop();  // wakes all; who joins later finds it stopping
  [[nodiscard]] bool stopping() const;

 private:
  const ChangeFeedOptions options_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::set<Member*> members_;
  std::map<std::string, std::size_t> of_caller_;
  bool stopping_ = false;
};

}  // namespace ami::rpc
