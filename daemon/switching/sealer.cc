#include "daemon/switching/sealer.h"

#include <algorithm>
#include <utility>

#include "daemon/switching/head_folder.h"

namespace ami::daemon::switching {
namespace {

constexpr std::chrono::seconds kLate{60};
constexpr std::chrono::minutes kTryHeadAgain{10};

auto day_of(UtcInstant at) {
  return std::chrono::floor<std::chrono::days>(at);
}

}  // namespace

void Sealer::tick() {
  if (stopped_) return;
  seal_all();
  keep_daily_head(false);
}

void Sealer::stop() {
  if (std::exchange(stopped_, true)) return;
  try_head_at_.reset();
  seal_all();
  keep_daily_head(true);
}

SealFigures Sealer::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

void Sealer::seal_all() {
  store_failed_ = false;
  if (!look_into_folder() || figures().contradicted) {
    look_at_tail();
    return;
  }
  for (std::size_t i = 0; i < settings_.batches && still_there(); ++i) {
    const auto step = parts_.store.seal(settings_.batch);
    if (!step.ok()) {
      store_failed_ = true;
      const std::lock_guard lock(mutex_);
      figures_.trouble = step.refusal().message;
      break;
    }
    if (step->busy) break;
    known_ = Known{step->head.position, step->head.chain, "this gateway"};
    if (!step->more) break;
  }
  look_at_tail();
}

// What was seen sealed must still be there: a tail that was cut off would else be sealed anew, and nobody would know.
bool Sealer::still_there() {
  if (!known_ || known_->position == 0) return true;
  const auto chain = parts_.store.chain_at(known_->position);
  if (!chain.ok()) {
    store_failed_ = true;
    const std::lock_guard lock(mutex_);
    figures_.trouble = chain.refusal().message;
    return false;
  }
  if (*chain == known_->chain) return true;
  contradict("position " + std::to_string(known_->position) + ", which " + known_->where +
             (chain->has_value() ? " knows with another chain hash" : " knows as sealed, is gone"));
  return false;
}

// What the newest head says was there before this run.
bool Sealer::look_into_folder() {
  if (looked_into_folder_ || settings_.head_dir.empty()) return true;
  const auto newest = newest_head(settings_.head_dir);
  if (!newest) {
    no_head(newest.error().message);
    return true;  // sealing does not need it
  }
  looked_into_folder_ = true;
  if (!*newest) return true;
  last_file_ = (*newest)->file;
  last_text_ = (*newest)->text;
  if (!known_) known_ = Known{(*newest)->head.position, (*newest)->head.chain, "head file " + last_file_};
  const std::lock_guard lock(mutex_);
  figures_.head_at = (*newest)->head.at;
  figures_.head_position = (*newest)->head.position;
  return true;
}

void Sealer::look_at_tail() {
  const auto tail = parts_.store.tail(false);
  if (!tail.ok()) {
    const std::lock_guard lock(mutex_);
    figures_.trouble = tail.refusal().message;
    return;
  }
  const auto age = tail->oldest ? std::max(tail->now - *tail->oldest, std::chrono::microseconds{0})
                                : std::chrono::microseconds{0};
  {
    const std::lock_guard lock(mutex_);
    figures_.unsealed = tail->unsealed;
    figures_.oldest_unsealed = age;
    figures_.checked_at = parts_.now();
    if (known_) figures_.position = known_->position;
    if (!store_failed_ && !figures_.contradicted && !told_no_head_) figures_.trouble.clear();
  }
  const bool late = age > kLate;
  if (late && !late_) {
    parts_.alert(SealAlert::Late,
                 std::to_string(tail->unsealed) + " lines, the oldest for " +
                     std::to_string(std::chrono::floor<std::chrono::seconds>(age).count()) + " s");
  }
  late_ = late;
}

void Sealer::keep_daily_head(bool at_stop) {
  const SealFigures now = figures();
  // Whoever seals knows where the chain ends; a gateway that never got its turn signs nothing.
  if (now.contradicted || store_failed_ || !known_) return;
  if (settings_.head_dir.empty()) {
    no_head("switching.audit.head_dir is not set");
    return;
  }
  const UtcInstant at = parts_.now();
  const bool due = !now.head_at || day_of(at) > day_of(*now.head_at) ||
                   (at_stop && known_->position != now.head_position);
  if (!due || (try_head_at_ && at < *try_head_at_) || !looked_into_folder_) return;
  const Outcome kept = keep_head_now();
  if (!kept) no_head(kept.error().message);
}

Outcome Sealer::keep_head_now() {
  const auto place = parts_.store.place();
  if (!place.ok()) return transient(place.refusal().message);
  const auto key = read_private_key(settings_.key_file);
  if (!key) return key.error();
  audit::Head head;
  head.position = known_->position;
  head.chain = known_->chain;
  head.at = place->now;
  head.gateway_at = parts_.now();
  head.cluster = place->cluster;
  head.database = place->database;
  head.gateway = settings_.gateway;
  head.unsealed = figures().unsealed;
  head.previous = last_file_;
  if (!last_text_.empty()) head.previous_sha256 = audit::Sha256().of(last_text_);
  const auto text = audit::sign_head(head, *key);
  if (!text) return permanent("key_file " + settings_.key_file + " " + text.error().message);
  const std::string file = head_file_name(head);
  if (auto kept = keep_head(settings_.head_dir, file, *text); !kept) return kept;
  last_file_ = file;
  last_text_ = *text;
  told_no_head_.reset();
  try_head_at_.reset();
  {
    const std::lock_guard lock(mutex_);
    figures_.head_at = head.at;
    figures_.head_position = head.position;
    figures_.trouble.clear();
  }
  parts_.alert(SealAlert::Kept, file);
  return Done{};
}

void Sealer::contradict(const std::string& words) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(figures_.contradicted, true)) return;
    figures_.trouble = words;
  }
  parts_.alert(SealAlert::Contradicted, words);
}

void Sealer::no_head(const std::string& words) {
  const UtcInstant now = parts_.now();
  try_head_at_ = now + kTryHeadAgain;
  {
    const std::lock_guard lock(mutex_);
    figures_.trouble = words;
  }
  if (told_no_head_ && now - *told_no_head_ < std::chrono::days{1}) return;
  told_no_head_ = now;
  parts_.alert(SealAlert::NoHead, words);
}

}  // namespace ami::daemon::switching
