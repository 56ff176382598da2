#include "tests/storage/journal/scene.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>

namespace ami::storage::testing {

JournalEvents Told::events() {
  JournalEvents events;
  events.damaged = [this](const JournalDamage& damage) {
    const std::lock_guard lock(mutex_);
    damages.push_back(damage);
  };
  events.failing = [this](bool failing_now, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    failing.emplace_back(failing_now, reason);
  };
  events.full = [this](bool full_now) {
    const std::lock_guard lock(mutex_);
    full.push_back(full_now);
  };
  return events;
}

std::unique_ptr<Journal> open(const std::string& path, Told& told, const JournalConfig& config) {
  auto with_path = config;
  with_path.path = path;
  auto opened = Journal::open(std::move(with_path), told.events());
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  return opened.ok() ? std::move(opened).value() : nullptr;
}

UtcInstant second(int n) {
  return UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15} + std::chrono::seconds{n}};
}

namespace {

template <class Answer, class Begin>
Answer await(Begin begin) {
  std::promise<Answer> promise;
  auto future = promise.get_future();
  begin([&promise](Answer answer) { promise.set_value(std::move(answer)); });
  return future.get();
}

}  // namespace

Result<std::uint64_t> append(Journal& journal, const std::string& key, const std::string& text, int time,
                             const std::string& feed) {
  return await<Result<std::uint64_t>>(
      [&](auto done) { journal.append(feed, key, text, second(time), std::move(done)); });
}

Outcome trim(Journal& journal, std::vector<std::uint64_t> ids, const std::string& feed) {
  return await<Outcome>([&](auto done) { journal.trim(feed, std::move(ids), std::move(done)); });
}

Result<std::vector<StoredMessage>> read(Journal& journal, std::uint64_t after, std::size_t count,
                                        std::uint64_t bytes, const std::string& feed) {
  return await<Result<std::vector<StoredMessage>>>(
      [&](auto done) { journal.read(feed, after, count, bytes, std::move(done)); });
}

std::vector<std::string> bodies(Journal& journal) {
  const auto messages = read(journal);
  if (!messages) return {"?"};
  std::vector<std::string> all;
  for (const auto& message : *messages) all.push_back(message.body);
  return all;
}

std::string body(int n) {
  const auto size = static_cast<std::size_t>(10 + (static_cast<unsigned>(n) * 2654435761U) % 8990);
  std::string text = std::to_string(n) + ":";
  std::uint32_t state = static_cast<std::uint32_t>(n) + 1;
  while (text.size() < size) {
    state = state * 1664525U + 1013904223U;
    text.push_back(static_cast<char>(state >> 24));
  }
  return text;
}

std::string key_of(int n) {
  return "meter-" + std::to_string(n % 7);
}

std::optional<int> number_of(const StoredMessage& message) {
  const auto colon = message.body.find(':');
  if (colon == std::string::npos || colon == 0 || colon > 6 ||
      message.body.substr(0, colon).find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const int n = std::stoi(message.body.substr(0, colon));
  const bool same = message.body == body(n) && message.key == key_of(n) && message.feed == "feed" &&
                    message.received_at == second(n);
  return same ? std::optional(n) : std::nullopt;
}

int in_child(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace ami::storage::testing
