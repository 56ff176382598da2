#include "adapters/wire/drop_folder/drop_folder.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "adapters/wire/drop_folder/event.h"
#include "adapters/wire/drop_folder/file_intake.h"
#include "adapters/wire/drop_folder/inbox.h"
#include "adapters/wire/drop_folder/inotify_watch.h"
#include "meter_model/failpoint.h"

namespace ami::wire {
namespace {

// How long a file must rest when neither the system tells who writes it nor anybody was seen to close it.
constexpr std::chrono::minutes kRestOfUnseenFile{5};

}  // namespace

namespace asio = boost::asio;
using Kind = IntakeResult::Kind;
using sdk::LogLevel;

// Finds files and moves them away; FileIntake does what is between. Its coroutines share its ownership.
class DropFolder::Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(DropFolderConfig config, sdk::Services services, MakeReader make_reader)
      : config_(std::move(config)),
        services_(services),
        inbox_(std::make_shared<Inbox>(config_.inbox, config_.ignored)),
        intake_(config_, services_, std::move(make_reader)),
        watch_(services_.executor),
        wake_(services_.executor),
        quiet_(services_.executor) {}

  sdk::Awaitable<Outcome> start() {
    if (running_ > 0) co_return permanent("the drop folder is running already");
    stopping_ = false;
    intake_.resume();
    seen_.clear();
    closed_.clear();
    set_state(sdk::HealthState::Starting, "");
    spawn(&Worker::run);
    co_return Done{};
  }

  sdk::Awaitable<void> stop() {
    stopping_ = true;
    intake_.stop();
    watch_.close();
    wake_.notify();
    while (running_ > 0) co_await quiet_.wait();
    set_state(sdk::HealthState::Stopped, "");
  }

  sdk::Health health() const {
    const std::lock_guard lock(mutex_);
    return health_;
  }
  DropFolderCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  struct Seen {
    FileStamp stamp;
    UtcInstant since;                    // unchanged since
    bool closed = false;                 // seen to be closed, and not changed after
    std::optional<IntakeResult> result;  // settled, but not moved away yet
  };

  void spawn(sdk::Awaitable<void> (Worker::*body)()) {
    ++running_;
    auto wrapped = [](std::shared_ptr<Worker> self,
                      sdk::Awaitable<void> (Worker::*inner)()) -> sdk::Awaitable<void> {
      co_await (self.get()->*inner)();
      --self->running_;
      self->quiet_.notify();
    };
    asio::co_spawn(services_.executor, wrapped(shared_from_this(), body), asio::detached);
  }

  sdk::Awaitable<void> run() {
    using namespace asio::experimental::awaitable_operators;
    while (!stopping_) {
      problem_.clear();
      soon_ = false;
      try {
        co_await look();
      } catch (const std::exception& error) {
        problem_ = std::string("the folder could not be worked on: ") + error.what();
      }
      if (stopping_) break;
      if (problem_ != logged_problem_ && !problem_.empty()) {
        services_.log.write(LogLevel::Warn, "DROP_FOLDER_TROUBLE",
                            "folder=\"" + config_.inbox.string() + "\" problem=\"" + problem_ + "\"");
      }
      logged_problem_ = problem_;
      const std::string& reason = problem_.empty() ? last_rejected_ : problem_;
      set_state(reason.empty() ? sdk::HealthState::Healthy : sdk::HealthState::Degraded, reason);
      const auto pause = soon_ ? std::min(config_.settle, config_.rescan) : config_.rescan;
      co_await (services_.clock.wait(pause) || wake_.wait());
    }
  }

  sdk::Awaitable<void> watch() {
    for (;;) {
      const InotifyWatch::Batch batch = co_await watch_.next();
      closed_.insert(batch.names.begin(), batch.names.end());
      wake_.notify();
      if (batch.ended) break;
    }
    watching_ = false;
  }

  sdk::Awaitable<void> look() {
    struct Listing {
      Outcome prepared = Done{};
      Result<std::vector<InboxEntry>> entries = std::vector<InboxEntry>{};
    };
    auto listing = std::make_shared<Listing>();
    std::function<void()> prepare = [inbox = inbox_, listing] { listing->prepared = inbox->prepare(); };
    co_await services_.offload.run(std::move(prepare));
    if (!listing->prepared) {
      problem_ = listing->prepared.error().message;
      co_return;
    }
    if (!watching_ && !stopping_) begin_watch();
    // Closings that were told before the listing hold for what the listing shows; later ones wake us again.
    const std::set<std::string> closed = std::exchange(closed_, {});
    std::function<void()> list = [inbox = inbox_, listing] { listing->entries = inbox->list(); };
    co_await services_.offload.run(std::move(list));
    if (!listing->entries) {
      problem_ = listing->entries.error().message;
      co_return;
    }
    const std::vector<InboxEntry>& entries = *listing->entries;
    note(entries, closed);
    std::size_t left = entries.size();
    set_pending(left);
    for (const InboxEntry& entry : entries) {
      if (stopping_) break;
      if (!is_settled(entry)) {
        soon_ = true;
        continue;
      }
      co_await take(entry);
      if (!seen_.contains(entry.name)) set_pending(--left);
    }
  }

  void begin_watch() {
    if (Outcome opened = watch_.open(config_.inbox.string()); !opened) {
      if (!watch_refused_) {
        services_.log.write(LogLevel::Warn, "DROP_WATCH_UNAVAILABLE",
                            "problem=\"" + opened.error().message + "\" action=rescan_only");
      }
      watch_refused_ = true;
      return;
    }
    watch_refused_ = false;
    watching_ = true;
    spawn(&Worker::watch);
  }

  void note(const std::vector<InboxEntry>& entries, const std::set<std::string>& closed) {
    std::map<std::string, Seen> seen;
    const UtcInstant now = services_.clock.now();
    for (const InboxEntry& entry : entries) {
      Seen& now_seen = seen[entry.name];
      const auto before = seen_.find(entry.name);
      if (before != seen_.end() && before->second.stamp == entry.stamp) {
        now_seen = std::move(before->second);
        now_seen.since = std::min(now_seen.since, now);  // a clock that was set back must not make it wait
      } else {
        now_seen.stamp = entry.stamp;
        now_seen.since = now;
      }
      if (closed.contains(entry.name)) now_seen.closed = true;
    }
    seen_ = std::move(seen);
  }

  bool is_settled(const InboxEntry& entry) const {
    const Seen& seen = seen_.at(entry.name);
    // Some senders create a file, close it, and open it again to fill it: an empty one has to settle.
    if (seen.result || (seen.closed && entry.plain_file && entry.stamp.size > 0)) return true;
    return services_.clock.now() - seen.since >= config_.settle;
  }

  sdk::Awaitable<void> take(const InboxEntry& entry) {
    Seen& seen = seen_.at(entry.name);
    if (!seen.result) {
      IntakeResult result;
      if (entry.plain_file) {
        auto writers = std::make_shared<Writers>(Writers::Unknown);
        std::function<void()> ask = [ask_writers = config_.ask_writers, file = config_.inbox / entry.name,
                                     writers] { *writers = ask_writers(file); };
        co_await services_.offload.run(std::move(ask));
        // Nobody saw it closed and the system will not say who writes it: only a long rest speaks for it.
        const bool at_rest = seen.closed || services_.clock.now() - seen.since >= kRestOfUnseenFile;
        if (*writers == Writers::Some || (*writers == Writers::Unknown && !at_rest)) {
          soon_ = true;
          co_return;
        }
        result = co_await intake_.take(inbox_, entry.name);
        add_counts(result);
      } else {
        result.kind = Kind::Rejected;
        result.reason = "is " + entry.what + "; only plain files are read";
      }
      if (result.kind == Kind::Later) {
        if (!result.reason.empty()) {
          problem_ = printable_name(entry.name) + " " + result.reason;
          soon_ = true;
        }
        co_return;
      }
      if (result.sha256.empty()) result.stamp = entry.stamp;
      seen.result = std::move(result);
    }
    co_await move_away(entry.name, *seen.result);
  }

  sdk::Awaitable<void> move_away(const std::string& name, const IntakeResult& result) {
    failpoint("drop_folder.after_commit_before_move");
    auto moved = std::make_shared<std::optional<Result<std::string>>>();
    const bool rejected = result.kind == Kind::Rejected;
    std::function<void()> work = [inbox = inbox_, name, stamp = result.stamp, rejected,
                                  text = rejected ? reason_file(name, result) : std::string(), moved] {
      moved->emplace(inbox->move(name, stamp, rejected ? Destination::Rejected : Destination::Done, text));
    };
    co_await services_.offload.run(std::move(work));
    const Result<std::string>& target = moved->value();
    if (!target) {
      problem_ = target.error().message;
      soon_ = true;
      // Content that is not what was read must be read: forget the result.
      if (target.error().fault == Fault::InDoubt) seen_.erase(name);
      co_return;
    }
    failpoint("drop_folder.after_move");
    report(name, *target, result);
    seen_.erase(name);
  }

  static std::string reason_file(const std::string& name, const IntakeResult& result) {
    return "file: " + printable_name(name) + "\nsha256: " + (result.sha256.empty() ? "-" : result.sha256) +
           "\nproblem: " + result.reason + "\nrecords stored in this run: " + std::to_string(result.records) +
           "\nrecords in quarantine for their form: " + std::to_string(result.malformed) +
           "\nnext: correct the file and drop it again, under any name. What is stored already stays stored "
           "once.\n";
  }

  void report(const std::string& name, const std::string& target, const IntakeResult& result) {
    std::string text = "file=\"" + printable_name(name) + "\" moved_to=\"" + printable_name(target) +
                       "\" records=" + std::to_string(result.records) +
                       " malformed=" + std::to_string(result.malformed) + " sha256=" + result.sha256;
    const std::lock_guard lock(mutex_);
    switch (result.kind) {
      case Kind::Done:
        ++counts_.done;
        last_rejected_.clear();
        services_.log.write(LogLevel::Info, "DROP_FILE_DONE", std::move(text));
        break;
      case Kind::Duplicate:
        ++counts_.duplicates;
        services_.log.write(LogLevel::Info, "DROP_FILE_DUPLICATE", std::move(text));
        break;
      default: {
        ++counts_.rejected;
        const std::string first_line = result.reason.substr(0, result.reason.find('\n'));
        last_rejected_ = printable_name(name) + " was moved to rejected/: it " + first_line;
        services_.log.write(LogLevel::Warn, "DROP_FILE_REJECTED", text + " reason=\"" + first_line + "\"");
      }
    }
  }

  void set_state(sdk::HealthState state, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    health_.state = state;
    health_.reason = reason;
  }
  void set_pending(std::size_t files) {
    const std::lock_guard lock(mutex_);
    health_.pending_files = files;
  }
  void add_counts(const IntakeResult& result) {
    const std::lock_guard lock(mutex_);
    health_.records += result.records;
    health_.malformed += result.malformed;
    if (result.kind == Kind::Done || result.records > 0) health_.last_success = services_.clock.now();
  }

  const DropFolderConfig config_;
  const sdk::Services services_;
  const std::shared_ptr<const Inbox> inbox_;
  FileIntake intake_;
  InotifyWatch watch_;
  Event wake_, quiet_;
  int running_ = 0;  // coroutines
  bool stopping_ = false, watching_ = false, watch_refused_ = false;
  bool soon_ = false;  // something waits for time to pass: look again after `settle`
  std::string problem_, logged_problem_, last_rejected_;
  std::map<std::string, Seen> seen_;
  std::set<std::string> closed_;

  mutable std::mutex mutex_;
  sdk::Health health_;
  DropFolderCounts counts_;
};

DropFolder::DropFolder(DropFolderConfig config, sdk::Services services, MakeReader make_reader)
    : worker_(std::make_shared<Worker>(std::move(config), services, std::move(make_reader))) {}

DropFolder::~DropFolder() = default;

sdk::Awaitable<Outcome> DropFolder::start() {
  return worker_->start();
}

sdk::Awaitable<void> DropFolder::stop() {
  return worker_->stop();
}

sdk::Health DropFolder::health() const {
  return worker_->health();
}

DropFolderCounts DropFolder::counts() const {
  return worker_->counts();
}

}  // namespace ami::wire
