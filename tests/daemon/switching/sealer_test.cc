#include "daemon/switching/sealer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/switching/head_folder.h"
#include "meter_model/audit/signed_head.h"
#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon::switching {
namespace {
namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kPrivate =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIPvkUIfJwGTKa8YH+KsQ46Pxqx5Xs0vlWyjnyJLkmbC\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kPublic =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAM33u5msknS0AhKwvELnrZGrK+4hjD1IJ72B/YrBsi+E=\n"
    "-----END PUBLIC KEY-----\n";

UtcInstant time_at(const char* text) {
  return *parse_instant(text);
}

// As many lines as it is told, and a chain over their numbers.
class FakeSeals final : public storage::SealStore {
 public:
  storage::Answer<storage::SealStep> seal(std::size_t limit) override {
    if (away) return gone();
    storage::SealStep step;
    if (busy) {
      step.busy = true;
      return step;
    }
    for (; waiting > 0 && step.sealed < limit; --waiting, ++step.sealed) add();
    step.more = step.sealed == limit;
    step.head.position = static_cast<std::int64_t>(chain.size());
    if (!chain.empty()) step.head.chain = chain.back();
    ++steps;
    return step;
  }
  storage::Answer<storage::SealHead> head() override { return storage::SealHead{}; }
  storage::Answer<std::optional<audit::Digest>> chain_at(std::int64_t position) override {
    if (away) return gone();
    if (position > static_cast<std::int64_t>(chain.size())) return std::optional<audit::Digest>{};
    return std::optional(chain.at(static_cast<std::size_t>(position) - 1));
  }
  storage::Answer<storage::SealTail> tail(bool) override {
    if (away) return gone();
    storage::SealTail out{waiting, std::nullopt, now};
    if (waiting > 0) out.oldest = oldest;
    return out;
  }
  storage::Answer<storage::SealPlace> place() override { return storage::SealPlace{42, "ami", now}; }
  storage::Answer<std::vector<storage::SealedLine>> sealed(std::int64_t, std::size_t) override { return gone(); }
  storage::Answer<std::vector<storage::SealedLine>> unsealed(std::int64_t, std::size_t) override { return gone(); }
  storage::Answer<std::vector<storage::SealedLine>> list(const storage::SealQuery&) override { return gone(); }

  void add() { chain.push_back(audit::Sha256().of(std::to_string(salt) + std::to_string(chain.size()))); }

  std::int64_t waiting = 0;
  std::vector<audit::Digest> chain;
  int salt = 0, steps = 0;
  bool busy = false, away = false;
  UtcInstant now = time_at("2026-01-15T12:00:00Z"), oldest = now;

 private:
  static storage::Refusal gone() {
    storage::Refusal out;
    out.kind = storage::Refusal::Kind::Unavailable;
    out.message = "the database is away";
    return out;
  }
};

class SealerTest : public ::testing::Test {
 protected:
  SealerTest() {
    settings.head_dir = folder.path("heads");
    settings.key_file = folder.path("audit.key");
    settings.gateway = "gw-1";
    settings.batch = 10;
    fs::create_directory(settings.head_dir);
    write_key(kPrivate, 0600);
  }
  void write_key(const std::string& text, mode_t mode) const {
    ::unlink(settings.key_file.c_str());
    std::ofstream(settings.key_file) << text;
    ASSERT_EQ(::chmod(settings.key_file.c_str(), mode), 0);
  }
  std::unique_ptr<Sealer> start() {
    return std::make_unique<Sealer>(Sealer::Parts{store, [this] { return store.now; },
                                                  [this](SealAlert alert, const std::string& words) {
                                                    alerts.emplace_back(alert, words);
                                                  }},
                                    settings);
  }
  [[nodiscard]] int count(SealAlert what) const {
    return static_cast<int>(std::ranges::count(alerts, what, &std::pair<SealAlert, std::string>::first));
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(settings.head_dir)) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }
  [[nodiscard]] std::string text_of(const std::string& file) const {
    std::ifstream in(settings.head_dir + "/" + file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] audit::Head head_of(const std::string& file) const { return audit::parse_head(text_of(file)).value(); }

  testing::TempFolder folder;
  FakeSeals store;
  Sealer::Settings settings;
  std::vector<std::pair<SealAlert, std::string>> alerts;
};

TEST_F(SealerTest, CatchesUpInBatchesAndSaysHowFarItIs) {
  store.waiting = 105;
  const auto sealer = start();
  sealer->tick();
  EXPECT_EQ(store.chain.size(), 105U);
  EXPECT_EQ(sealer->figures().position, 105);
  EXPECT_EQ(sealer->figures().unsealed, 0);
  EXPECT_EQ(sealer->figures().trouble, "");
  EXPECT_EQ(sealer->figures().checked_at, store.now);
}

TEST_F(SealerTest, OneTickHasABound) {
  settings.batches = 3;
  store.waiting = 105;
  const auto sealer = start();
  sealer->tick();
  EXPECT_EQ(store.chain.size(), 30U);
  EXPECT_EQ(sealer->figures().unsealed, 75);
  sealer->tick();
  EXPECT_EQ(store.chain.size(), 60U);
}

TEST_F(SealerTest, KeepsASignedHeadADayAndOneAtTheStop) {
  store.waiting = 3;
  const auto sealer = start();
  sealer->tick();
  ASSERT_EQ(files().size(), 1U) << "there was none yet";
  const std::string first = files()[0];
  EXPECT_EQ(first, "switch-audit-20260115T120000Z-3.head");
  EXPECT_TRUE(audit::check_signature(text_of(first), kPublic).ok());
  const audit::Head head = head_of(first);
  EXPECT_EQ(head.position, 3);
  EXPECT_EQ(head.chain, store.chain.back());
  EXPECT_EQ(head.cluster, 42U);
  EXPECT_EQ(head.database, "ami");
  EXPECT_EQ(head.gateway, "gw-1");
  EXPECT_EQ(head.previous, "");
  store.waiting = 1;
  store.now += hours{11};
  sealer->tick();
  EXPECT_EQ(files().size(), 1U) << "the same day";
  store.now += hours{1};
  sealer->tick();
  ASSERT_EQ(files().size(), 2U) << "the next day, UTC";
  EXPECT_EQ(head_of(files()[1]).position, 4);
  EXPECT_EQ(head_of(files()[1]).previous, first);
  EXPECT_EQ(head_of(files()[1]).previous_sha256, audit::Sha256().of(text_of(first)));
  store.now += minutes{5};
  sealer->stop();
  EXPECT_EQ(files().size(), 2U) << "the newest one says all";
  EXPECT_EQ(sealer->figures().head_position, 4);
  EXPECT_EQ(count(SealAlert::Kept), 2);
  EXPECT_EQ(static_cast<int>(alerts.size()), 2);
  // A new run goes on where the old one stopped.
  const auto next = start();
  store.waiting = 2;
  store.now += minutes{5};
  next->stop();
  ASSERT_EQ(files().size(), 3U);
  EXPECT_EQ(head_of(files()[2]).position, 6) << "what waited was sealed first";
  EXPECT_EQ(head_of(files()[2]).previous, files()[1]);
  next->tick();
  EXPECT_EQ(files().size(), 3U) << "stopped";
}

TEST_F(SealerTest, NeverWritesOverAHead) {
  store.waiting = 3;
  const std::string name = "switch-audit-20260115T120000Z-3.head";
  const auto sealer = start();
  sealer->tick();
  const std::string before = text_of(name);
  EXPECT_FALSE(keep_head(settings.head_dir, name, "another").ok());
  EXPECT_EQ(text_of(name), before);
  EXPECT_EQ(files().size(), 1U) << "nothing half-written is left";
  EXPECT_EQ(fs::status(settings.head_dir + "/" + name).permissions() & fs::perms::owner_write, fs::perms::none);
}

TEST_F(SealerTest, HalfWrittenHeadOfARunThatWasKilledIsNoHead) {
  std::ofstream(settings.head_dir + "/switch-audit-20260115T120000Z-3.head.new") << "half";
  store.waiting = 3;
  const auto sealer = start();
  sealer->tick();
  EXPECT_EQ(files(), std::vector<std::string>{"switch-audit-20260115T120000Z-3.head"});
  EXPECT_EQ(count(SealAlert::NoHead), 0);
}

TEST_F(SealerTest, MissingKeyIsToldOnceADayAndSealingGoesOn) {
  ::unlink(settings.key_file.c_str());
  const auto sealer = start();
  for (int hour = 0; hour < 30; ++hour) {
    store.waiting = 5;
    sealer->tick();
    store.now += hours{1};
  }
  EXPECT_EQ(store.chain.size(), 150U);
  EXPECT_EQ(count(SealAlert::NoHead), 2) << "at 0 h and 24 h";
  EXPECT_NE(alerts[0].second.find(settings.key_file), std::string::npos) << alerts[0].second;
  EXPECT_NE(sealer->figures().trouble, "");
  EXPECT_TRUE(files().empty());
  write_key(kPrivate, 0600);
  sealer->tick();
  EXPECT_EQ(files().size(), 1U) << "by itself, once the key is there";
  EXPECT_EQ(sealer->figures().trouble, "");
}

TEST_F(SealerTest, KeyThatOthersMayReadOrThatIsNoKeyIsRefused) {
  store.waiting = 1;
  for (const auto& [text, mode, word] :
       {std::tuple{kPrivate, mode_t{0640}, "chmod"}, std::tuple{kPublic, mode_t{0600}, "Ed25519"},
        std::tuple{"", mode_t{0600}, "Ed25519"}}) {
    write_key(text, mode);
    alerts.clear();
    const auto sealer = start();
    sealer->tick();
    ASSERT_EQ(count(SealAlert::NoHead), 1);
    EXPECT_NE(alerts[0].second.find(word), std::string::npos) << alerts[0].second;
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(SealerTest, FolderThatIsNotThereIsToldAndSealingGoesOn) {
  fs::remove(settings.head_dir);
  store.waiting = 4;
  const auto sealer = start();
  sealer->tick();
  EXPECT_EQ(store.chain.size(), 4U);
  EXPECT_EQ(count(SealAlert::NoHead), 1);
  settings.head_dir.clear();
  const auto none = start();
  none->tick();
  none->tick();
  EXPECT_EQ(count(SealAlert::NoHead), 2) << "none is configured: told, too";
}

TEST_F(SealerTest, HeadThatCannotBeUnderstoodIsNotPassedOver) {
  std::ofstream(settings.head_dir + "/switch-audit-20270101T000000Z-3.head") << "rubbish";
  store.waiting = 1;
  const auto sealer = start();
  sealer->tick();
  EXPECT_EQ(count(SealAlert::NoHead), 1);
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(SealerTest, CutOffTailIsSeenAtOnceAndNotSealedOver) {
  store.waiting = 5;
  const auto sealer = start();
  sealer->tick();
  store.chain.resize(3);
  store.waiting = 4;
  sealer->tick();
  EXPECT_EQ(count(SealAlert::Contradicted), 1);
  EXPECT_EQ(store.chain.size(), 3U) << "nothing grows over the place";
  EXPECT_TRUE(sealer->figures().contradicted);
  EXPECT_EQ(sealer->figures().unsealed, 4) << "and what waits is told";
  store.now += hours{48};
  sealer->tick();
  sealer->stop();
  EXPECT_EQ(count(SealAlert::Contradicted), 1);
  EXPECT_EQ(files().size(), 1U) << "nothing more is signed";
}

TEST_F(SealerTest, RewrittenHistoryIsSeen) {
  store.waiting = 5;
  const auto sealer = start();
  sealer->tick();
  store.salt = 1;
  store.chain.clear();
  for (int i = 0; i < 7; ++i) store.add();
  sealer->tick();
  EXPECT_TRUE(sealer->figures().contradicted);
}

TEST_F(SealerTest, WhatTheNewestHeadSaysHoldsAfterARestart) {
  store.waiting = 5;
  start()->tick();
  store.chain.resize(4);
  store.waiting = 1;
  const auto next = start();
  next->tick();
  EXPECT_TRUE(next->figures().contradicted);
  EXPECT_NE(alerts.back().second.find("switch-audit-20260115T120000Z-5.head"), std::string::npos)
      << alerts.back().second;
  EXPECT_EQ(store.chain.size(), 4U);
}

TEST_F(SealerTest, OtherGatewaysSealsAreWelcome) {
  store.waiting = 5;
  const auto sealer = start();
  sealer->tick();
  for (int i = 0; i < 4; ++i) store.add();
  sealer->tick();
  EXPECT_FALSE(sealer->figures().contradicted);
  EXPECT_EQ(sealer->figures().position, 9);
  store.busy = true;
  store.waiting = 2;
  sealer->tick();
  EXPECT_EQ(sealer->figures().unsealed, 2) << "told, though another one seals";
}

TEST_F(SealerTest, LinesThatWaitTooLongAreToldOnce) {
  store.busy = true;
  store.waiting = 2;
  const auto sealer = start();
  sealer->tick();
  EXPECT_EQ(count(SealAlert::Late), 0);
  store.now += seconds{61};
  for (int i = 0; i < 3; ++i) sealer->tick();
  EXPECT_EQ(count(SealAlert::Late), 1);
  EXPECT_EQ(sealer->figures().oldest_unsealed, seconds{61});
  store.busy = false;
  sealer->tick();
  EXPECT_EQ(sealer->figures().oldest_unsealed, seconds{0});
}

TEST_F(SealerTest, DatabaseThatIsAwayIsTroubleAndPasses) {
  store.waiting = 2;
  const auto sealer = start();
  store.away = true;
  sealer->tick();
  EXPECT_EQ(sealer->figures().trouble, "the database is away");
  EXPECT_TRUE(files().empty());
  store.away = false;
  sealer->tick();
  EXPECT_EQ(sealer->figures().trouble, "");
  EXPECT_EQ(store.chain.size(), 2U);
  EXPECT_EQ(files().size(), 1U);
}

}  // namespace
}  // namespace ami::daemon::switching
