#include "adapters/wire/uiq_job/link/job_book.h"

#include <algorithm>
#include <charconv>

namespace ami::uiq_job {
namespace {

constexpr const char* kPlacesKey = "jobs";
constexpr std::size_t kMostPlaces = 100'000;

std::string job_key(std::size_t place) {
  return "job:" + std::to_string(place);
}

std::string device_key(std::string_view meter) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a: the same in every build
  for (const char c : meter) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return "mac:" + std::to_string(hash % DeviceBook::kPlaces);
}

std::size_t number_of(const std::optional<std::string>& text) {
  std::size_t number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  return std::min(number, kMostPlaces);
}

sdk::Awaitable<Outcome> save_one(sdk::DurableState& state, std::string key,
                                 std::optional<std::string> value) {
  std::vector<sdk::StateChange> changes;
  changes.push_back({std::move(key), std::move(value)});
  auto saving = state.save(std::move(changes));
  const Outcome saved = co_await std::move(saving);
  co_return saved;
}

}  // namespace

sdk::Awaitable<Result<JobBook::Contents>> JobBook::load() {
  Contents contents;
  std::string key = kPlacesKey;
  auto counting = state_.load(key);
  const Result<std::optional<std::string>> counted = co_await std::move(counting);
  if (!counted) co_return counted.error();
  const std::size_t before = number_of(*counted);
  for (std::size_t place = 0; place < before; ++place) {
    key = job_key(place);
    auto loading = state_.load(key);
    const Result<std::optional<std::string>> loaded = co_await std::move(loading);
    if (!loaded) co_return loaded.error();
    if (!*loaded) continue;
    if (std::optional<Job> job = parse_job(**loaded)) {
      contents.jobs.push_back({place, std::move(*job)});
      continue;
    }
    contents.unreadable.push_back(key);
    auto forgetting = save_one(state_, key, std::nullopt);
    const Outcome forgotten = co_await std::move(forgetting);
    if (!forgotten) co_return forgotten.error();
  }
  if (!contents.jobs.empty()) places_ = std::max(places_, contents.jobs.back().place + 1);
  if (places_ != before) {
    auto saving = save_one(state_, kPlacesKey, std::to_string(places_));
    const Outcome saved = co_await std::move(saving);
    if (!saved) co_return saved.error();
  }
  free_.clear();
  for (std::size_t place = 0; place < places_; ++place) free_.insert(place);
  for (const Kept& kept : contents.jobs) free_.erase(kept.place);
  co_return contents;
}

std::optional<std::size_t> JobBook::take_place() {
  if (free_.empty()) return std::nullopt;
  return free_.extract(free_.begin()).value();
}

sdk::Awaitable<Outcome> JobBook::keep(std::size_t place, const Job& job) {
  return save_one(state_, job_key(place), to_text(job));
}

sdk::Awaitable<Outcome> JobBook::forget(std::size_t place) {
  auto saving = save_one(state_, job_key(place), std::nullopt);
  const Outcome saved = co_await std::move(saving);
  if (saved) free(place);
  co_return saved;
}

// "<meter>\n<mac>\n<when>"
sdk::Awaitable<std::optional<std::string>> DeviceBook::mac_of(const std::string& meter) {
  auto loading = state_.load(device_key(meter));
  const Result<std::optional<std::string>> loaded = co_await std::move(loading);
  if (!loaded || !*loaded) co_return std::nullopt;
  const std::string_view text = **loaded;
  const std::size_t first = text.find('\n');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\n', first + 1);
  if (second == std::string_view::npos || text.substr(0, first) != meter) co_return std::nullopt;
  const Result<UtcInstant> found_at = parse_instant(text.substr(second + 1));
  const auto age = found_at ? clock_.now() - *found_at : UtcInstant::duration::max();
  if (age < UtcInstant::duration::zero() || age > longest_) co_return std::nullopt;
  co_return std::string(text.substr(first + 1, second - first - 1));
}

sdk::Awaitable<void> DeviceBook::note(const std::string& meter, const std::string& mac) {
  auto saving = save_one(state_, device_key(meter), meter + '\n' + mac + '\n' + ami::to_text(clock_.now()));
  (void)co_await std::move(saving);
}

sdk::Awaitable<void> DeviceBook::forget(const std::string& meter) {
  auto saving = save_one(state_, device_key(meter), std::nullopt);
  (void)co_await std::move(saving);
}

}  // namespace ami::uiq_job
