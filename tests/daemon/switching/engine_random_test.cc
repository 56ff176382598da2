// The engine itself, two of them on one book, in whatever order chance brings: crashes, a book that fails
// before and after it has stored, answers that are lost, doubled and late, clocks that jump. The far side
// keeps its own ledger and looks at every first byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "tests/daemon/switching/scene.h"

namespace ami::daemon::switching {
namespace {

struct Flight {
  sdk::CommandKind kind = sdk::CommandKind::SwitchOpen;
  milliseconds until{};
  enum class Is { UnderWay, Done, Refused } is = Is::UnderWay;
  int bytes = 0;
};

class Chance final : public Carrier {
 public:
  explicit Chance(std::uint32_t seed = 1)
      : dice(seed),
        memory([this] { return UtcInstant(std::chrono::duration_cast<std::chrono::microseconds>(steady)); }) {
    site.now_is.house = {7, "UP-7", "00994711"};
    site.now_is.capability.open = site.now_is.capability.close = site.now_is.capability.arm = true;
    site.now_is.load_side = LoadSideVoltage::Absent;
    site.now_is.means.reports_device_time = true;
    site.now_is.means.reads_position_and_voltage = true;
    site.now_is.feed = "radio";
    site.now_is.vendor_id = "B7";
    store.fails = [this] {
      const int fate = roll(40);
      return fate == 0   ? FlakyStore::Fails::Before
             : fate == 1 ? FlakyStore::Fails::After
                         : FlakyStore::Fails::No;
    };
    for (auto& engine : engines) engine = make();
  }
  int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(dice); }

  std::unique_ptr<Engine> make() {
    Engine::Parts parts{store,
                        site,
                        *this,
                        policy,
                        watcher,
                        [this] { return wall; },
                        [this] { return steady; },
                        "run " + std::to_string(++runs)};
    return std::make_unique<Engine>(parts, Timing{});
  }

  static SwitchPosition wanted(sdk::CommandKind kind) {
    return kind == sdk::CommandKind::SwitchOpen    ? SwitchPosition::Open
           : kind == sdk::CommandKind::SwitchClose ? SwitchPosition::Closed
                                                   : SwitchPosition::Armed;
  }

  void carry(const Errand& errand, std::function<Outcome()> before_send,
             std::function<void(sdk::AttemptAnswer)> done) override {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "not_sent";
    if (roll(8) == 0 || !before_send().ok()) return done(answer);
    if (roll(10) == 0) return;  // killed between the two
    first_byte(errand);
    const int how = roll(6);
    if (how == 0) return;  // killed right after
    answer.reason.clear();
    answer.state = how == 1 ? sdk::AttemptState::Unknown : sdk::AttemptState::Waiting;
    if (how == 2) {
      execute(errand.transaction);
      answer.state = sdk::AttemptState::Succeeded;
      answer.position = SwitchPosition::Closed;  // out of its books: means nothing
    }
    done(answer);
  }
  void read_register(const SwitchOperation&, std::function<void(Result<std::string>)> done) override {
    done(std::string("1 kWh"));
  }

  void first_byte(const Errand& errand) {
    Flight& mine = flights[errand.transaction];
    EXPECT_EQ(++mine.bytes, 1) << errand.transaction << " left twice";
    mine.kind = errand.kind;
    mine.until = steady + errand.flight;
    const auto own = memory.by_transaction(errand.transaction).value();
    ASSERT_TRUE(own.has_value()) << "it left before SENT was stored";
    for (const auto& [transaction, other] : flights) {
      if (transaction == errand.transaction || other.is != Flight::Is::UnderWay || steady >= other.until)
        continue;
      EXPECT_EQ(other.kind == sdk::CommandKind::SwitchOpen, errand.kind == sdk::CommandKind::SwitchOpen)
          << "two opposite commands in flight";
    }
    if (errand.kind != sdk::CommandKind::SwitchOpen) return;
    for (const auto rows = memory.of_meter(7, 100).value(); const SwitchOperation& row : rows) {
      EXPECT_FALSE(row.id != own->id && row.asked.action == SwitchAction::Open &&
                   row.state == State::Uncertain)
          << "a second OPEN after UNCERTAIN";
    }
  }

  void execute(const std::string& transaction) {
    Flight& flight = flights.at(transaction);
    if (flight.is != Flight::Is::UnderWay || steady >= flight.until) return;
    flight.is = Flight::Is::Done;
    position = wanted(flight.kind);
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Succeeded;
    answer.position = position;
    if (roll(4) != 0) answer.at = wall;
    mail.emplace_back(transaction, answer);
  }

  template <class Items>
  auto any(Items& items) {
    auto at = items.begin();
    std::advance(at, roll(static_cast<int>(items.size())));
    return at;
  }

  void something() {
    auto& engine = engines.at(static_cast<std::size_t>(roll(2)));
    switch (roll(12)) {
      case 0:
      case 1: {
        SwitchRequest asked;
        asked.utility = 1;
        asked.meter = "M7";
        asked.usage_point = "UP-7";
        asked.serial_last4 = "4711";
        asked.action = static_cast<SwitchAction>(roll(3));
        asked.reason = "TEST";
        asked.order_id = "WO";
        asked.caller = "cn=op";
        asked.request_id = std::to_string(roll(60));
        asked.attestation = kCustomerPresent;
        asked.automatic = roll(2) == 0;
        (void)engine->submit(asked);
        return;
      }
      case 2:
      case 3:
        return engine->tick();
      case 4:
        wall += seconds{1 + roll(10)};
        steady += seconds{1 + roll(10)};
        return;
      case 5: {
        const seconds span{roll(900)};
        wall += span;
        steady += span;
        return;
      }
      case 6:
        if (roll(4) == 0) wall += minutes{roll(240) - 120};
        return;
      case 7:
        if (roll(3) == 0) engine = make();  // killed and started again
        return;
      case 8: {
        if (flights.empty()) return;
        const auto flight = any(flights);
        if (roll(3) != 0) return execute(flight->first);
        if (flight->second.is != Flight::Is::UnderWay) return;
        flight->second.is = Flight::Is::Refused;
        sdk::AttemptAnswer no;
        no.state = sdk::AttemptState::Failed;
        no.reason = "rejected";
        mail.emplace_back(flight->first, no);
        return;
      }
      case 9: {
        if (mail.empty()) return;
        const auto letter = any(mail);
        (void)engine->reported(letter->first, letter->second);  // and it may come again
        if (roll(2) == 0) mail.erase(letter);
        return;
      }
      case 10:
        (void)engine->learnt(7, PositionRead{position,
                                             position == SwitchPosition::Closed ? LoadSideVoltage::Present
                                                                                : LoadSideVoltage::Absent,
                                             wall});
        return;
      default: {
        const auto rows = memory.of_meter(7, 100).value();
        if (rows.empty()) return;
        const auto id = any(rows)->id;
        if (roll(2) == 0) {
          (void)engine->cancel(1, id, "cn=op");
        } else if (roll(3) == 0) {
          (void)engine->resolve(1, id, {position, "crew", "cn=pat"});
        }
      }
    }
  }

  void everything_is_in_order() {
    for (const auto rows = memory.of_meter(7, 1000).value(); const SwitchOperation& row : rows) {
      const std::string what = std::to_string(row.id) + " " + std::string(storage::name_of(row.state));
      EXPECT_EQ(memory.audit(row.id)->size(), static_cast<std::size_t>(row.version)) << what;
      if (is_verified(row.state)) {
        EXPECT_TRUE(row.evidence >= row.asked.minimum || !row.resolved_by.empty())
            << what << " without evidence";
        EXPECT_FALSE(row.transaction.empty()) << what;
        ++verified;
      }
      const auto flight = flights.find(row.transaction);
      const bool left = flight != flights.end() && !row.transaction.empty();
      if (row.state < State::Sent || row.state == State::Rejected || row.state == State::Cancelled ||
          row.state == State::Expired) {
        EXPECT_FALSE(left) << what;
      }
      if (row.state == State::Failed && (row.rule == "rejected" || row.rule == "not_sent")) {
        EXPECT_FALSE(left && flight->second.is == Flight::Is::Done) << what << ", but the meter did it";
      }
      if (row.state == State::Uncertain) ++uncertain;
    }
  }

  std::mt19937 dice;
  UtcInstant wall = parse_instant("2026-01-15T12:00:00Z").value();
  milliseconds steady{1'000'000};
  storage::MemorySwitching memory;
  FlakyStore store{memory};
  FakeSite site;
  FakeWatcher watcher;
  EnginePolicy policy;
  int runs = 0;
  std::map<std::string, Flight> flights;
  std::vector<std::pair<std::string, sdk::AttemptAnswer>> mail;
  SwitchPosition position = SwitchPosition::Closed;
  std::array<std::unique_ptr<Engine>, 2> engines;
  int verified = 0, uncertain = 0;
};

TEST(EngineByChance, NeverBreaksARule) {
  int verified = 0, uncertain = 0;
  std::size_t left = 0;
  for (std::uint32_t seed = 1; seed <= 1500; ++seed) {
    Chance world(seed);
    for (int i = 0; i < 150; ++i) world.something();
    world.everything_is_in_order();
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
    verified += world.verified;
    uncertain += world.uncertain;
    left += world.flights.size();
  }
  // That chance went everywhere.
  EXPECT_GT(verified, 100);
  EXPECT_GT(uncertain, 100);
  EXPECT_GT(left, 1000U);
}

}  // namespace
}  // namespace ami::daemon::switching
