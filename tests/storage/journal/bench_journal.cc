// Appends a second with 1, 16 and 256 writers that each wait for their message to be durable; and how long it
// takes to open a journal that is full of what a long absence of the database left. Real fsyncs, on the disk
// of TMPDIR.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

#include "storage/journal/journal.h"

namespace ami::storage {
namespace {

using Clock = std::chrono::steady_clock;

class Folder {
 public:
  Folder() {
    path_ = (std::filesystem::temp_directory_path() / "ami-journal-bench.XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary folder");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<Journal> open(const std::string& path) {
  JournalConfig config;
  config.path = path;
  config.max_bytes = std::uint64_t{8} << 30;
  config.max_messages = 50'000'000;
  auto opened = Journal::open(std::move(config), {});
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(opened).value();
}

UtcInstant now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string message(std::uint64_t n, std::size_t size) {
  auto text = std::to_string(n) + " ";
  text.resize(size, 'x');
  return text;
}

// What the disk can do: 4 KiB written behind the last, then synced.
void fdatasync_alone(benchmark::State& state) {
  const Folder folder;
  const int file = ::open((folder.path() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::string page(4096, 'x');
  off_t at = 0;
  for (auto _ : state) {
    if (pwrite(file, page.data(), page.size(), at) != static_cast<ssize_t>(page.size()) ||
        fdatasync(file) != 0) {
      state.SkipWithError("the disk failed");
      break;
    }
    at += static_cast<off_t>(page.size());
  }
  close(file);
}

// `trimming`: a drain as fast as the database would have to be, which forgets what was appended, 256 at a
// time.
void appends(benchmark::State& state) {
  const auto writers = static_cast<std::size_t>(state.range(0));
  const auto size = static_cast<std::size_t>(state.range(1));
  const bool trimming = state.range(2) != 0;
  const auto each = static_cast<std::uint64_t>(state.range(3)) / writers;
  const Folder folder;
  const auto journal = open(folder.path() + "/j");
  std::vector<double> waited_ms;
  std::mutex mutex;
  std::uint64_t appended = 0;
  for (auto _ : state) {
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < writers; ++w) {
      threads.emplace_back([&, w] {
        std::vector<double> mine;
        std::vector<std::uint64_t> ids;
        std::binary_semaphore durable{0};
        for (std::uint64_t n = 0; n < each; ++n) {
          const auto begin = Clock::now();
          journal->append("feed", std::to_string(w), message(w * 1'000'000'000 + n, size), now(),
                          [&](const Result<std::uint64_t>& id) {
                            if (id) ids.push_back(*id);
                            durable.release();
                          });
          durable.acquire();
          mine.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
          if (trimming && ids.size() >= 256)
            journal->trim("feed", std::exchange(ids, {}), [](const Outcome&) {});
        }
        const std::lock_guard lock(mutex);
        appended += mine.size();
        waited_ms.insert(waited_ms.end(), mine.begin(), mine.end());
      });
    }
    for (auto& thread : threads) thread.join();
  }
  std::sort(waited_ms.begin(), waited_ms.end());
  const auto part = [&](double p) {
    return waited_ms[static_cast<std::size_t>(p * static_cast<double>(waited_ms.size() - 1))];
  };
  const auto figures = journal->figures();
  state.SetItemsProcessed(static_cast<std::int64_t>(appended));
  state.counters["p50_ms"] = part(0.5);
  state.counters["p99_ms"] = part(0.99);
  state.counters["messages_a_commit"] =
      static_cast<double>(figures.appended) / static_cast<double>(figures.commits);
}

void opening(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  const Folder folder;
  {
    const auto journal = open(folder.path() + "/j");
    std::counting_semaphore<20'000> room{10'000};
    for (std::uint64_t n = 0; n < count; ++n) {
      room.acquire();
      journal->append("feed", std::to_string(n % 1000), message(n, 500), now(),
                      [&](const Result<std::uint64_t>&) { room.release(); });
    }
    for (int n = 0; n < 10'000; ++n) room.acquire();
  }
  for (auto _ : state) {
    const auto begin = Clock::now();
    const auto journal = open(folder.path() + "/j");
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
    if (journal->figures().messages != count) state.SkipWithError("messages are missing");
  }
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
  state.counters["file_bytes_a_message"] = static_cast<double>(bytes) / static_cast<double>(count);
}

BENCHMARK(fdatasync_alone)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(appends)
    ->ArgNames({"writers", "bytes", "trimming", "messages"})
    ->Args({1, 500, 0, 5'000})
    ->Args({1, 500, 1, 5'000})
    ->Args({16, 500, 0, 60'000})
    ->Args({16, 500, 1, 60'000})
    ->Args({256, 500, 0, 250'000})
    ->Args({256, 500, 1, 250'000})
    ->Args({16, 100'000, 1, 4'000})
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kSecond);
BENCHMARK(opening)->Arg(1'000'000)->Iterations(3)->UseManualTime()->Unit(benchmark::kSecond);

}  // namespace
}  // namespace ami::storage

BENCHMARK_MAIN();
