#include "tests/daemon/switching/model.h"

#include <gtest/gtest.h>

#include <iostream>

namespace ami::daemon::switching::model {
namespace {

using S = SwitchState;

std::string told(const Found& found) {
  std::string out = found.violation + " after";
  for (const std::string& step : found.steps) out += "\n  " + step;
  return out;
}

constexpr SwitchAction kAll[] = {SwitchAction::Open, SwitchAction::Close, SwitchAction::Arm};

TEST(Model, NoTwoOrdersInAnyOrderOfEventsBreakARuleAndEveryRowIsSteppedThrough) {
  std::size_t states = 0;
  std::set<std::pair<SwitchState, Input>> used;
  for (const SwitchAction first : kAll) {
    for (const SwitchAction second : kAll) {
      for (const bool automatic : {false, true}) {
        if (automatic && first != second) continue;  // blocks nothing more
        Setting setting;
        setting.orders = {{first, automatic}, {second, automatic}};
        const Found found = check(setting);
        ASSERT_EQ(found.violation, "") << told(found);
        states += found.states;
        used.insert(found.used.begin(), found.used.end());
      }
    }
  }
  std::cout << states << " states\n";
  for (std::size_t from = 0; from < storage::kSwitchStates; ++from) {
    for (std::size_t input = 0; input < kInputs; ++input) {
      const std::pair row{static_cast<S>(from), static_cast<Input>(input)};
      EXPECT_EQ(Table::standard().step(row.first, row.second, SwitchAction::Open).moves, used.contains(row))
          << storage::name_of(row.first) << " + " << name_of(row.second)
          << " proves nothing: it was never stepped through";
    }
  }
}

// That it can find something: one rule is broken, and the way there is told.
Found broken(SwitchAction first, SwitchAction second, const Table& table) {
  Setting setting;
  setting.orders = {{first}, {second}};
  setting.table = table;
  return check(setting);
}

TEST(Model, FindsARetryOfWhatIsUncertain) {
  const Found found = broken(SwitchAction::Open, SwitchAction::Close,
                             Table::standard().with(S::Uncertain, Input::Send, S::Sent));
  EXPECT_EQ(found.violation, "a command left twice") << told(found);
  EXPECT_GT(found.steps.size(), 5U);
}

TEST(Model, FindsACancelThatPretendsToTakeBackWhatHasLeft) {
  const Found found = broken(SwitchAction::Open, SwitchAction::Close,
                             Table::standard().with(S::Sent, Input::Cancel, S::Cancelled));
  EXPECT_EQ(found.violation, "a command left that the book says never did") << told(found);
}

TEST(Model, FindsSuccessForTheAsking) {
  EXPECT_EQ(broken(SwitchAction::Open, SwitchAction::Close,
                   Table::standard().with(S::Sent, Input::ReportedDone, S::VerifiedOpen))
                .violation,
            "success without evidence");
  EXPECT_EQ(broken(SwitchAction::Close, SwitchAction::Open,
                   Table::standard().with(S::Verifying, Input::EvidenceLate, S::VerifiedOpen))
                .violation,
            "success without evidence");
}

TEST(Model, FindsEvidenceThatLetsGoOfTheMeterTooEarly) {
  Setting setting;
  setting.orders = {{SwitchAction::Open}, {SwitchAction::Close}};
  setting.table = Table::standard().with(S::Sent, Input::EvidenceEnough, S::VerifiedOpen);
  const Found found = check(setting);
  EXPECT_EQ(found.violation, "two opposite commands in flight") << told(found);
}

TEST(Model, FindsAFlightThatIsMeasuredByTheWallClock) {
  Setting setting;
  setting.orders = {{SwitchAction::Open}, {SwitchAction::Close}};
  setting.wall_clock = true;
  EXPECT_EQ(check(setting).violation, "two opposite commands in flight");
}

TEST(Model, FindsAGatewayThatDoesNotLookWhetherTheOtherHasSent) {
  Setting setting;
  setting.orders = {{SwitchAction::Open}};
  setting.blind_send = true;
  EXPECT_EQ(check(setting).violation, "a command left twice");
}

TEST(Model, FindsASecondOpenAfterUncertain) {
  Setting setting;
  setting.orders = {{SwitchAction::Open}, {SwitchAction::Open}};
  setting.nothing_blocks = true;
  const Found found = check(setting);
  EXPECT_EQ(found.violation, "a second OPEN after UNCERTAIN") << told(found);
}

TEST(Model, FindsAMeterThatIsLetGoWhileItsCommandIsUnderWay) {
  const Found found = broken(SwitchAction::Open, SwitchAction::Close,
                             Table::standard().with(S::Sent, Input::Accepted, S::Uncertain));
  EXPECT_EQ(found.violation, "two opposite commands in flight") << told(found);
}

}  // namespace
}  // namespace ami::daemon::switching::model
