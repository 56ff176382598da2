#include "storage/journal/journal.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <variant>

#include "storage/journal/index.h"
#include "storage/journal/journal_file.h"
#include "storage/journal/paths.h"
#include "storage/journal/salvage.h"

namespace ami::storage {
namespace {

// What shares one transaction, and what may wait for the next.
constexpr std::size_t kMessagesACommit = 2000;
constexpr std::uint64_t kBytesACommit = 8 << 20;
constexpr std::uint64_t kMostWaiting = 20'000;
constexpr std::uint64_t kMostBytesWaiting = 32 << 20;

struct Appending {
  StoredMessage message;
  Journal::Appended done;
};
struct Trimming {
  std::string feed;
  std::vector<std::uint64_t> ids;
  Journal::Trimmed done;
};
struct Reading {
  std::string feed;
  std::uint64_t after, bytes;
  std::size_t count;
  Journal::Messages done;
};

// What came together and shares a transaction.
struct Batch {
  std::vector<std::variant<Appending, Trimming>> writes;
  std::vector<Reading> reads;
  std::uint64_t messages = 0, bytes = 0;
};

// What a batch changes.
struct Plan {
  std::vector<StoredMessage*> inserts;
  std::vector<std::pair<const std::string*, std::uint64_t>> erases;  // feed, id
  std::vector<std::uint64_t> ids;                                    // answers to the appends, in order
  std::uint64_t repeated = 0;
};

std::uint64_t bytes_of(const Plan& plan) {
  std::uint64_t bytes = 0;
  for (const auto* message : plan.inserts) bytes += weight_of(*message);
  return bytes;
}

std::uint64_t nine_tenths(std::uint64_t bound) {
  return bound - std::max<std::uint64_t>(bound / 10, 1);
}

}  // namespace

class Journal::Impl {
 public:
  Impl(JournalConfig config, JournalEvents events) : config_(std::move(config)), events_(std::move(events)) {
    config_.path = std::filesystem::absolute(config_.path).lexically_normal().string();
    while (config_.path.size() > 1 && config_.path.back() == '/') config_.path.pop_back();
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    asked_.notify_one();
    if (writer_.joinable()) writer_.join();
    file_.close();
  }

  Outcome start() {
    try {
      make_folder(config_.path);
      lock_ = std::make_unique<OpenFile>(config_.path + "/lock", O_RDWR | O_CREAT);
      if (!lock_->ok()) return transient(config_.path + "/lock cannot be made");
      if (flock(lock_->descriptor(), LOCK_EX | LOCK_NB) != 0) {
        return transient(config_.path + " is in use by another process");
      }
      settle_folders(config_.path);
      load();
    } catch (const FileFault& fault) {
      return transient(fault.what());
    }
    writer_ = std::thread([this] { write(); });
    return Done{};
  }

  void append(StoredMessage message, Appended done) {
    const auto weight = weight_of(message);
    if (message.body.size() > std::min(kLargestMessage, config_.max_bytes) ||
        message.key.size() > kLongestKey || message.feed.size() > kLongestKey) {
      done(permanent("a message of " + std::to_string(message.body.size()) +
                     " bytes, or its key, is larger than the journal takes"));
      return;
    }
    message.content = digest_of(message.body);
    std::optional<std::string> refusal;
    bool became_full = false;
    {
      const std::lock_guard lock(mutex_);
      if (figures_.messages + waiting_messages_ >= config_.max_messages ||
          figures_.bytes + waiting_bytes_ + weight > config_.max_bytes) {
        refusal = "inbox full: " + std::to_string(figures_.messages) + " messages of " +
                  std::to_string(figures_.bytes) + " bytes wait to be stored";
        became_full = !std::exchange(full_, true);
      } else if (waiting_messages_ >= kMostWaiting || waiting_bytes_ + weight > kMostBytesWaiting) {
        refusal = "inbox busy: the disk does not keep up";
      }
      if (refusal) {
        ++figures_.refused;
      } else {
        ++waiting_messages_;
        waiting_bytes_ += weight;
        queue_.emplace_back(Appending{std::move(message), std::move(done)});
      }
    }
    if (refusal) {
      if (became_full) events_.full(true);
      done(transient(*refusal));
      return;
    }
    asked_.notify_one();
  }

  template <class Request>
  void ask(Request request) {
    {
      const std::lock_guard lock(mutex_);
      queue_.emplace_back(std::move(request));
    }
    asked_.notify_one();
  }

  JournalFigures figures() const {
    const std::lock_guard lock(mutex_);
    auto figures = figures_;
    figures.waiting = waiting_messages_;
    return figures;
  }

 private:
  void write() {
    while (true) {
      auto batch = next();
      if (!batch) return;
      write(*batch);
      for (auto& reading : batch->reads) read(reading);
    }
  }

  // nullopt: asked to stop, and nothing is left.
  std::optional<Batch> next() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return std::nullopt;
    Batch batch;
    while (!queue_.empty() && batch.messages < kMessagesACommit && batch.bytes < kBytesACommit) {
      auto& front = queue_.front();
      if (auto* appending = std::get_if<Appending>(&front)) {
        ++batch.messages;
        batch.bytes += weight_of(appending->message);
        batch.writes.emplace_back(std::move(*appending));
      } else if (auto* trimming = std::get_if<Trimming>(&front)) {
        batch.writes.emplace_back(std::move(*trimming));
      } else {
        batch.reads.push_back(std::move(std::get<Reading>(front)));
      }
      queue_.pop_front();
    }
    return batch;
  }

  // Opens the file, once salvaged when it is damaged, and makes the index anew.
  void load() {
    for (bool again = false;; again = true) {
      JournalIndex index;
      try {
        if (damage_) repair();
        tally_ = file_.open(inbox_of(config_.path), config_.vfs,
                            [&](StoredMessage&& message) { index.add(message); });
        witness_.emplace(inbox_of(config_.path));
        witness_->write(tally_);
        index_ = std::move(index);
        known_ = true;
        publish({});
        return;
      } catch (const FileFault& fault) {
        if (fault.kind() != FileFault::Kind::Damaged || again) throw;
        damage_ = fault.what();
      }
    }
  }

  void repair() {
    file_.abandon();
    witness_.reset();
    const auto live = known_ ? std::optional(index_.ids()) : std::nullopt;
    salvage(config_.path, config_.vfs, *damage_, live ? &*live : nullptr,
            [this](const JournalDamage& damage) {
              {
                const std::lock_guard lock(mutex_);
                ++figures_.damages;
                figures_.salvaged += damage.salvaged;
                figures_.lost += damage.lost.value_or(0);
              }
              events_.damaged(damage);
            });
    damage_.reset();
  }

  // Runs `work` on the open file; a damaged one is repaired and `work` done once more.
  template <class Work>
  std::optional<std::string> with_file(const Work& work) {
    for (bool again = false;; again = true) {
      try {
        if (!file_.is_open()) load();
        work();
        return std::nullopt;
      } catch (const FileFault& fault) {
        file_.rollback();
        if (fault.kind() == FileFault::Kind::Damaged) {
          damage_ = fault.what();
          file_.abandon();
          if (!again) continue;
        }
        return fault.what();
      }
    }
  }

  Plan plan_of(Batch& batch) {
    Plan plan;
    auto next = tally_.next;
    std::set<std::uint64_t> erased;
    std::map<std::pair<std::string, Digest>, std::uint64_t> fresh;
    for (auto& write : batch.writes) {
      if (const auto* trimming = std::get_if<Trimming>(&write)) {
        const auto* feed = index_.find(trimming->feed);
        for (const auto id : trimming->ids) {
          if (feed != nullptr && feed->entries.contains(id) && erased.insert(id).second)
            plan.erases.emplace_back(&trimming->feed, id);
        }
        continue;
      }
      auto& message = std::get<Appending>(write).message;
      const auto identity = JournalIndex::identity_of(message);
      const auto* feed = index_.find(message.feed);
      if (feed != nullptr) {
        const auto same = feed->by_identity.find(identity);
        if (same != feed->by_identity.end() && !erased.contains(same->second)) {
          plan.ids.push_back(same->second);
          ++plan.repeated;
          continue;
        }
      }
      const auto [entry, is_new] = fresh.emplace(std::pair(message.feed, identity), next);
      plan.ids.push_back(entry->second);
      if (!is_new) {
        ++plan.repeated;
        continue;
      }
      message.id = next++;
      plan.inserts.push_back(&message);
    }
    return plan;
  }

  void commit(const Plan& plan) {
    if (plan.inserts.empty() && plan.erases.empty()) return;
    auto tally = tally_;
    ++tally.generation;
    tally.lowest = index_.lowest().value_or(tally_.next);
    tally.messages = index_.messages() + plan.inserts.size() - plan.erases.size();
    tally.bytes = index_.bytes() + bytes_of(plan);
    for (const auto& [feed, id] : plan.erases) tally.bytes -= index_.find(*feed)->entries.at(id).bytes;
    if (!plan.inserts.empty()) tally.next = plan.inserts.back()->id + 1;
    file_.begin();
    for (const auto& [feed, id] : plan.erases) file_.erase(id);
    for (const auto* message : plan.inserts) file_.insert(*message);
    file_.commit(tally);
    tally_ = tally;
    witness_->write(tally_);
    for (const auto& [feed, id] : plan.erases) index_.erase(*feed, id);
    for (const auto* message : plan.inserts) index_.add(*message);
    const std::lock_guard lock(mutex_);
    ++figures_.commits;
  }

  void write(Batch& batch) {
    if (batch.writes.empty()) return;
    Plan plan;
    const auto failed = with_file([&] {
      plan = plan_of(batch);
      commit(plan);
    });
    if (failed) {
      publish({batch.messages, batch.bytes, 0, 0, batch.messages});
    } else {
      publish({batch.messages, batch.bytes, plan.inserts.size(), plan.repeated, 0});
    }
    if (failed.has_value() != failing_) {
      failing_ = failed.has_value();
      events_.failing(failing_, failed.value_or(""));
    }
    auto id = plan.ids.begin();
    for (auto& write : batch.writes) {
      if (auto* trimming = std::get_if<Trimming>(&write)) {
        trimming->done(failed ? Outcome(transient(*failed)) : Outcome(Done{}));
      } else {
        std::get<Appending>(write).done(failed ? Result<std::uint64_t>(transient(*failed))
                                               : Result<std::uint64_t>(*id++));
      }
    }
  }

  void read(Reading& reading) {
    std::vector<StoredMessage> messages;
    const auto failed = with_file([&] {
      messages.clear();
      const auto* feed = index_.find(reading.feed);
      if (feed == nullptr) return;
      std::uint64_t bytes = 0;
      for (auto entry = feed->entries.upper_bound(reading.after);
           entry != feed->entries.end() && messages.size() < reading.count; ++entry) {
        bytes += entry->second.bytes;
        if (bytes > reading.bytes && !messages.empty()) break;
        messages.push_back(file_.read(entry->first));
      }
    });
    if (failed) {
      reading.done(transient(*failed));
    } else {
      reading.done(std::move(messages));
    }
  }

  struct Ended {
    std::uint64_t waited = 0, waited_bytes = 0, appended = 0, repeated = 0, refused = 0;
  };

  void publish(const Ended& ended) {
    std::vector<JournalFeedFigures> feeds;
    for (const auto& [name, feed] : index_.feeds()) {
      feeds.push_back({name, feed.entries.size(), feed.bytes, std::nullopt});
      if (!feed.entries.empty()) feeds.back().oldest = feed.entries.begin()->second.received_at;
    }
    bool room = false;
    {
      const std::lock_guard lock(mutex_);
      waiting_messages_ -= ended.waited;
      waiting_bytes_ -= ended.waited_bytes;
      figures_.appended += ended.appended;
      figures_.repeated += ended.repeated;
      figures_.refused += ended.refused;
      figures_.feeds = std::move(feeds);
      figures_.messages = index_.messages();
      figures_.bytes = index_.bytes();
      // A tenth free, so that a sender at the bound does not fill the log with changes of mind.
      room = full_ && figures_.messages <= nine_tenths(config_.max_messages) &&
             figures_.bytes <= nine_tenths(config_.max_bytes);
      if (room) full_ = false;
    }
    if (room) events_.full(false);
  }

  JournalConfig config_;
  JournalEvents events_;
  std::unique_ptr<OpenFile> lock_;

  // Of the writing thread.
  JournalFile file_;
  std::optional<Witness> witness_;
  JournalTally tally_;
  JournalIndex index_;
  bool known_ = false;                 // index_ says what the file should hold
  std::optional<std::string> damage_;  // found, and not repaired yet
  bool failing_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable asked_;
  std::deque<std::variant<Appending, Trimming, Reading>> queue_;
  std::uint64_t waiting_messages_ = 0, waiting_bytes_ = 0;
  JournalFigures figures_;
  bool full_ = false;
  bool stopping_ = false;
  std::thread writer_;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(JournalConfig config, JournalEvents events) {
  auto impl = std::make_unique<Impl>(std::move(config), std::move(events));
  if (auto started = impl->start(); !started) return started.error();
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

void Journal::append(std::string feed, std::string key, std::string body, UtcInstant received_at,
                     Appended done) {
  StoredMessage message;
  message.feed = std::move(feed);
  message.key = std::move(key);
  message.body = std::move(body);
  message.received_at = received_at;
  impl_->append(std::move(message), std::move(done));
}

void Journal::read(std::string feed, std::uint64_t after, std::size_t count, std::uint64_t bytes,
                   Messages done) {
  impl_->ask(Reading{std::move(feed), after, bytes, count, std::move(done)});
}

void Journal::trim(std::string feed, std::vector<std::uint64_t> ids, Trimmed done) {
  impl_->ask(Trimming{std::move(feed), std::move(ids), std::move(done)});
}

JournalFigures Journal::figures() const {
  return impl_->figures();
}

}  // namespace ami::storage
