#include "daemon/gateway/readiness.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace ami::daemon {

std::string ReadyReport::json() const {
  boost::json::array list;
  for (const auto& part : parts) {
    boost::json::object entry{{"name", part.name}, {"ok", part.ok}};
    if (!part.ok) entry["reason"] = part.reason;
    list.push_back(std::move(entry));
  }
  return boost::json::serialize(boost::json::object{{"ready", ready}, {"parts", std::move(list)}}) + "\n";
}

std::string ReadyReport::first_reason() const {
  const auto bad = std::find_if(parts.begin(), parts.end(), [](const ReadyPart& part) { return !part.ok; });
  return bad == parts.end() ? std::string() : bad->name + ": " + bad->reason;
}

void Readiness::database(const Outcome& outcome) {
  const std::lock_guard lock(mutex_);
  database_ = outcome;
  checked_ = now_();
}

void Readiness::feeds_applied() {
  const std::lock_guard lock(mutex_);
  applied_ = true;
}

void Readiness::stopping() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
}

ReadyReport Readiness::report(const std::vector<FeedStatus>& feeds) const {
  ReadyReport report;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) report.parts.push_back({"gateway", false, "is stopping"});
    ReadyPart database{"database", false, "was not asked yet"};
    if (database_) {
      database.ok = database_->ok() && now_() - checked_ <= stale_;
      if (!database_->ok()) {
        database.reason = database_->error().message;
      } else if (!database.ok) {
        database.reason = "does not answer";
      }
    }
    report.parts.push_back(std::move(database));
    if (!applied_) report.parts.push_back({"feeds", false, "wait for the database"});
  }
  for (const auto& feed : feeds) {
    ReadyPart part{"feed:" + feed.name, feed.phase == FeedPhase::Running, std::string(name_of(feed.phase))};
    if (!feed.error.empty()) part.reason += ": " + feed.error;
    if (part.ok && !feed.trouble.empty()) {
      part.ok = false;
      part.reason = "its batches cannot be stored and wait: " + feed.trouble;
    }
    report.parts.push_back(std::move(part));
  }
  report.ready =
      std::all_of(report.parts.begin(), report.parts.end(), [](const ReadyPart& part) { return part.ok; });
  return report;
}

}  // namespace ami::daemon
