// One interface on a host of its own: its feed file in a folder, its adapter on a virtual clock that can
// jump, and what was stored, as canonical values.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sdk/registration.h"
#include "adapters/sdk/testing/fake_host.h"
#include "tests/adapter_conformance/interface.h"

namespace ami::conformance {

// What bytes say, on their whole way through decoder and normaliser.
struct Said {
  std::multiset<std::string> values;    // "METER TYPE AT VALUE", "METER TYPE START +900 VALUE"
  std::multiset<std::string> results;   // "METER TRANSACTION"
  std::vector<std::string> complaints;  // reasons of malformed and quarantined records, and of an input's end

  // Each once: what a store that merges the same into the same holds.
  [[nodiscard]] std::set<std::string> distinct() const { return {values.begin(), values.end()}; }
};
// The same of what was meant.
std::set<std::string> meant(const Interface& interface, const std::vector<Reading>& readings);
std::set<std::string> meant(const Interface& interface, const Block& block);

// The host's clock, set by hand: its waits do not change by that, as those of the daemon do not.
class JumpingClock : public sdk::Clock {
 public:
  explicit JumpingClock(sdk::Clock& even) : even_(even) {}
  UtcInstant now() override { return even_.now() + shift; }
  sdk::Awaitable<bool> wait(std::chrono::milliseconds span) override { return even_.wait(span); }
  std::chrono::hours shift{0};

 private:
  sdk::Clock& even_;
};

class Bench {
 public:
  // With these lines more in its feed file.
  explicit Bench(const Interface& interface, const std::string& more = "");
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // Of a new adapter each time; what is durable stays.
  void start();
  void stop();
  void restart() {
    stop();
    start();
  }
  [[nodiscard]] bool runs() const { return adapter_ != nullptr; }
  sdk::Adapter& adapter() { return *adapter_; }
  Way& way() { return *way_; }
  bool send(const std::string& input) { return way_->send(input, input.empty() ? 1 : input.size()); }

  // All that was committed, and what the journal holds.
  Said stored();
  // What an input says, without an adapter.
  Said read(const std::string& input) const;
  // The same, for each of its records, of the copy that is kept of it.
  std::vector<std::pair<std::set<std::string>, Said>> read_again(const std::string& input) const;
  [[nodiscard]] DecodedBatch decode(const std::string& input,
                                    std::vector<std::string>* complaints = nullptr) const;

  // Runs what can run now; sockets are waited for until `so`. False: half a minute passed.
  bool until(const std::function<bool()>& so);
  void run(sdk::Awaitable<void> work);
  // Virtual time passes, and all that it lets happen.
  void pass(std::chrono::milliseconds span) { host.advance(span); }
  // The last `key=NUMBER` of that message in the log.
  [[nodiscard]] std::uint16_t logged_port(std::string_view message_id, std::string_view key) const;

  [[nodiscard]] const sdk::AdapterFamily& family() const { return *feed_.family; }
  [[nodiscard]] const sdk::Settings& settings() const { return feed_.settings; }
  [[nodiscard]] sdk::Capabilities can() const { return feed_.family->capabilities(feed_.settings); }

  const Interface& interface;
  std::filesystem::path folder;
  sdk::testing::FakeHost host;
  JumpingClock clock{host.clock};

 private:
  void add(const DecodedBatch& batch, UtcInstant received, Said& into) const;
  [[nodiscard]] UtcInstant clock_now() const;

  std::vector<std::unique_ptr<sdk::AdapterFamily>> families_;
  std::unique_ptr<Way> way_;
  sdk::LoadedFeed feed_;
  FeedRules rules_;
  std::unique_ptr<sdk::Adapter> adapter_;
};

// Drops files into the folder "in" of the bench.
std::unique_ptr<Way> into_folder(Bench& bench);
// Posts to the server that says its port in the log as `key` of `message_id`.
std::unique_ptr<Way> by_post(Bench& bench, const char* path, const char* message_id, const char* key);

}  // namespace ami::conformance
