#include "daemon/host/journal_link.h"

#include <algorithm>
#include <filesystem>

#include "daemon/log/messages.h"

namespace ami::daemon {

JournalLink::JournalLink(storage::JournalConfig config, const Log& log)
    : config_(std::move(config)), log_(log) {}

Result<storage::Journal*> JournalLink::open() {
  const std::lock_guard one(opening_);
  {
    const std::lock_guard lock(mutex_);
    if (journal_) return journal_.get();
  }
  auto opened = storage::Journal::open(config_, events());
  if (!opened) return opened.error();
  const std::lock_guard lock(mutex_);
  journal_ = std::move(opened).value();
  log_.write(messages::kJournalOpened,
             {{"path", config_.path}, {"messages", std::to_string(journal_->figures().messages)}});
  report_unclaimed();
  return journal_.get();
}

bool JournalLink::left_behind() const {
  std::error_code ignored;
  return std::filesystem::exists(config_.path + "/lock", ignored);
}

void JournalLink::claimed_by(std::set<std::string> feeds) {
  const std::lock_guard lock(mutex_);
  claimed_ = std::move(feeds);
  told_ = true;
  report_unclaimed();
}

storage::JournalFigures JournalLink::figures() const {
  const std::lock_guard lock(mutex_);
  if (!journal_) return {};
  auto figures = journal_->figures();
  for (const auto& name : claimed_) {
    const bool there =
        std::any_of(figures.feeds.begin(), figures.feeds.end(),
                    [&](const storage::JournalFeedFigures& feed) { return feed.feed == name; });
    if (!there) figures.feeds.push_back({name, 0, 0, std::nullopt});
  }
  return figures;
}

void JournalLink::report_unclaimed() const {
  if (!journal_ || !told_) return;
  for (const auto& feed : journal_->figures().feeds) {
    if (feed.messages == 0 || claimed_.contains(feed.feed)) continue;
    log_.write(messages::kJournalUnclaimed,
               {{"feed", feed.feed}, {"messages", std::to_string(feed.messages)}});
  }
}

storage::JournalEvents JournalLink::events() const {
  storage::JournalEvents events;
  events.damaged = [this](const storage::JournalDamage& damage) {
    log_.write(messages::kJournalDamaged,
               {{"error", damage.reason},
                {"set_aside", damage.set_aside},
                {"salvaged", std::to_string(damage.salvaged)},
                {"lost", damage.lost ? (damage.exact ? "" : "at least ") + std::to_string(*damage.lost)
                                     : std::string("unknown")}});
  };
  events.failing = [this](bool failing, const std::string& reason) {
    if (failing) {
      log_.write(messages::kJournalFailing, {{"error", reason}});
    } else {
      log_.write(messages::kJournalMended);
    }
  };
  events.full = [this](bool full) {
    if (full) {
      log_.write(messages::kJournalFull, {{"max_messages", std::to_string(config_.max_messages)},
                                          {"max_bytes", std::to_string(config_.max_bytes)}});
    } else {
      log_.write(messages::kJournalRoom);
    }
  };
  return events;
}

}  // namespace ami::daemon
