// What becomes of messages on their way, and that the ledger knows it.
#include "tools/fieldsim/courier.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/tools/fieldsim/support/field_run.h"

namespace ami::fieldsim {
namespace {

using namespace std::chrono_literals;

const UtcInstant kStart = parse_instant("2024-03-10T00:00:00Z").value();

class Way : public ::testing::Test {
 protected:
  Way()
      : clock(kStart, 100'000),
        peers(io.get_executor(), clock, false),
        path(run.folder / "l.jsonl"),
        ledger(Ledger::open(path.string(), [] { return kStart; }).value()) {
    setup.network = "n";
  }
  void TearDown() override {
    if (courier) testing::drive(io, courier->stop());
  }
  Courier& open() {
    courier = std::make_unique<Courier>(setup, peers.services(), clock, ledger);
    clock.run();
    return *courier;
  }
  Parcel parcel(const std::string& name, bool acknowledged = true) {
    Content content("n");
    content.add(Content::Event{name, "1.2.3.4", "X", kStart, {}});
    return {name, "callback",
            [this, name, acknowledged]() -> sdk::Awaitable<bool> {
              sent.push_back(name);
              co_return acknowledged;
            },
            std::move(content)};
  }
  // Deliveries by meter, as the ledger has them: "sent 2".
  std::map<std::string, std::string> told() {
    ledger.flush();
    std::map<std::string, std::string> out;
    const auto between = [](const std::string& line, const std::string& key) {
      const std::size_t at = line.find("\"" + key + "\":") + key.size() + 3;
      return line.substr(at, line.find_first_of(",}", at) - at);
    };
    for (const std::string& line : testing::lines_of(path))
      out[between(line, "meter")] = between(line, "delivery") + " " + between(line, "copies");
    return out;
  }
  void wait_until_quiet() {
    testing::drive(io, [](Courier& of) -> sdk::Awaitable<void> {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
      while (of.counts().waiting + of.counts().on_the_wire > 0) {
        timer.expires_after(1ms);
        co_await timer.async_wait(boost::asio::use_awaitable);
      }
    }(*courier));
  }

  testing::FieldRun run;  // for its folder
  boost::asio::io_context io;
  SimulatedClock clock;
  PeerServices peers;
  std::filesystem::path path;
  Ledger ledger;
  CourierSetup setup;
  std::unique_ptr<Courier> courier;
  std::vector<std::string> sent;
};

TEST_F(Way, WithoutMisfortuneEveryMessageIsSentOnce) {
  open();
  EXPECT_TRUE(courier->carry(parcel("a")).plain());
  courier->carry(parcel("b"));
  wait_until_quiet();
  EXPECT_EQ(sent, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(told(), (std::map<std::string, std::string>{{"\"a\"", "\"sent\" 1"}, {"\"b\"", "\"sent\" 1"}}));
}

TEST_F(Way, WhatIsLostIsNeverSentAndTheLedgerSaysSo) {
  setup.usual.lost = 1;
  open();
  EXPECT_TRUE(courier->carry(parcel("a")).lost);
  wait_until_quiet();
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(told(), (std::map<std::string, std::string>{{"\"a\"", "\"lost\" 0"}}));
}

TEST_F(Way, ADuplicateIsSentTwiceAndIsOneLine) {
  setup.usual.duplicated = 1;
  open();
  courier->carry(parcel("a"));
  wait_until_quiet();
  EXPECT_EQ(sent, (std::vector<std::string>{"a", "a"}));
  EXPECT_EQ(told(), (std::map<std::string, std::string>{{"\"a\"", "\"sent\" 2"}}));
  EXPECT_EQ(testing::lines_of(path).size(), 1U);
}

TEST_F(Way, WithoutAnAcknowledgementNobodyIsSure) {
  open();
  courier->carry(parcel("a", false));
  wait_until_quiet();
  EXPECT_EQ(told(), (std::map<std::string, std::string>{{"\"a\"", "\"unsure\" 1"}}));
  EXPECT_EQ(courier->counts().unsure, 1U);
}

TEST_F(Way, ALateMessageComesAfterOneThatIsNot) {
  setup.spells = {{kStart, kStart + 1s, {0, 0, 1, 1h}}};
  clock.hold_at(kStart);
  open();
  courier->carry(parcel("late"));
  clock.hold_at(kStart + 30min);
  testing::wait_until(io, clock, kStart + 30min);
  courier->carry(parcel("later made"));
  testing::drive(io, courier->room());
  clock.hold_at(UtcInstant::max());
  wait_until_quiet();
  EXPECT_EQ(sent, (std::vector<std::string>{"later made", "late"}));
}

TEST_F(Way, AStormIsOverWhenItIsOver) {
  setup.spells = {{kStart, kStart + 1h, {1, 0, 0, {}}}};
  clock.hold_at(kStart);
  open();
  EXPECT_TRUE(courier->fate().lost);
  clock.hold_at(kStart + 1h);
  testing::wait_until(io, clock, kStart + 1h);
  EXPECT_FALSE(courier->fate().lost);
}

TEST_F(Way, ASeedDecidesAndSharesAreKept) {
  setup.usual = {0.2, 0.3, 0.1, 5min};
  setup.latency = {1s, 3s, 0, 0s};
  setup.seed = 17;
  Courier& one = open();
  Courier other(setup, peers.services(), clock, ledger);
  setup.seed = 18;
  Courier third(setup, peers.services(), clock, ledger);
  int lost = 0, twice = 0, late = 0, differ = 0;
  constexpr int kMessages = 4000;
  for (int i = 0; i < kMessages; ++i) {
    const Fate a = one.fate(), b = other.fate(), c = third.fate();
    EXPECT_EQ(a.lost, b.lost);
    EXPECT_EQ(a.copies, b.copies);
    EXPECT_EQ(a.after, b.after);
    if (!a.lost) {
      EXPECT_GE(a.after - a.late_by, 1s);
      EXPECT_LE(a.after - a.late_by, 3s);
    }
    lost += a.lost ? 1 : 0;
    twice += a.copies == 2 ? 1 : 0;
    late += a.late_by > 0ms ? 1 : 0;
    differ += a.lost != c.lost ? 1 : 0;
  }
  // Binomial: six standard deviations of 4000 draws are below 0.05.
  EXPECT_NEAR(lost / 4000.0, 0.2, 0.05);
  EXPECT_NEAR(twice / 4000.0, 0.8 * 0.3, 0.05);
  EXPECT_NEAR(late / 4000.0, 0.8 * 0.1, 0.05);
  EXPECT_GT(differ, 500);
}

TEST_F(Way, StoppedWhatWaitsIsLostAndNothingMoreIsSent) {
  setup.latency = {1h, 1h, 0, 0s};
  clock.hold_at(kStart);
  open();
  courier->carry(parcel("a"));
  EXPECT_EQ(testing::lines_of(path).size(), 0U);
  testing::drive(io, courier->stop());
  courier->carry(parcel("b"));
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(told(), (std::map<std::string, std::string>{{"\"a\"", "\"lost\" 0"}, {"\"b\"", "\"lost\" 0"}}));
  EXPECT_TRUE(courier->stopping());
}

TEST_F(Way, OnlySoManyAreOnTheWireAtOnce) {
  setup.at_once = 2;
  open();
  std::size_t most = 0, now = 0, sends = 0;
  for (int i = 0; i < 9; ++i) {
    Parcel one = parcel("p" + std::to_string(i));
    one.send = [&]() -> sdk::Awaitable<bool> {
      most = std::max(most, ++now);
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, 1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
      --now;
      ++sends;
      co_return true;
    };
    courier->carry(std::move(one));
  }
  wait_until_quiet();
  EXPECT_EQ(sends, 9U);
  EXPECT_EQ(most, 2U);
}

// Carries `count` messages of which each takes until `open` is made true.
class Gate {
 public:
  Gate(Courier& courier, std::size_t count, const std::function<Parcel(const std::string&)>& parcel) {
    for (std::size_t i = 0; i < count; ++i) {
      Parcel one = parcel("p" + std::to_string(i));
      one.send = [this, name = one.name]() -> sdk::Awaitable<bool> {
        begun.push_back(name);
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (!open) {
          timer.expires_after(1ms);
          co_await timer.async_wait(boost::asio::use_awaitable);
        }
        co_return true;
      };
      courier.carry(std::move(one));
    }
  }
  bool open = false;
  std::vector<std::string> begun;
};

TEST_F(Way, WhoWaitsForAPlaceHasItInOrder) {
  setup.at_once = 3;
  open();
  Gate gate(*courier, 50, [this](const std::string& name) { return parcel(name); });
  gate.open = true;
  wait_until_quiet();
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) expected.push_back("p" + std::to_string(i));
  EXPECT_EQ(gate.begun, expected);
  EXPECT_EQ(courier->counts().sent, 50U);
  EXPECT_EQ(courier->counts().on_the_wire, 0U);
}

TEST_F(Way, StoppedWhatWaitsForAPlaceIsLostAndWhatIsOnTheWireIsFinished) {
  setup.at_once = 2;
  open();
  Gate gate(*courier, 6, [this](const std::string& name) { return parcel(name); });
  testing::drive(io, [](Gate& of, Courier& way) -> sdk::Awaitable<void> {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    while (of.begun.size() < 2) {
      timer.expires_after(1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    EXPECT_EQ(way.counts().waiting, 4U);
    boost::asio::co_spawn(timer.get_executor(), way.stop(), boost::asio::detached);
    of.open = true;
    while (way.counts().waiting + way.counts().on_the_wire > 0) {
      timer.expires_after(1ms);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
  }(gate, *courier));
  EXPECT_EQ(gate.begun.size(), 2U);
  EXPECT_EQ(courier->counts().sent, 2U);
  EXPECT_EQ(courier->counts().lost, 4U);
  EXPECT_EQ(told().size(), 6U);
}

TEST_F(Way, TheLedgerSaysSinceWhenAMessageCouldHaveBeenOnTheWire) {
  open();
  courier->carry(parcel("a"));
  wait_until_quiet();
  ledger.flush();
  const std::string line = testing::lines_of(path).at(0);
  const auto due = line.find("\"due\":\"2024-03-10T00:00:00Z\"");  // the ledger's clock stands in this test
  EXPECT_NE(due, std::string::npos) << line;
  EXPECT_LT(due, line.find("\"wall\":"));
}

TEST_F(Way, WhatIsLostWasNeverDue) {
  setup.usual.lost = 1;
  open();
  courier->carry(parcel("a"));
  ledger.flush();
  EXPECT_EQ(testing::lines_of(path).at(0).find("\"due\":"), std::string::npos);
}

}  // namespace
}  // namespace ami::fieldsim
