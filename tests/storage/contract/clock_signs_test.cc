// Signs of clocks that are off: one row a meter, feed and kind.
#include "meter_model/normaliser/clock_signs.h"
#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage {
namespace {
using namespace contract;
using std::chrono::seconds;

class ClockSigns : public StoreContract {
 protected:
  void show(const char* received, const std::vector<ClockSign>& signs, int tolerance_s = 60) {
    CommitUnit u = unit(std::string("showed ") + received);
    u.source.received_at = at(received);
    u.batch.clock_tolerance = seconds{tolerance_s};
    u.batch.clock_signs = signs;
    commit(u);
  }
  Lines rows(const char* columns = "meter kind times last_offset least most worst") const {
    return pick("clock", columns);
  }
};
AMI_ON_EVERY_STORE(ClockSigns);

TEST_P(ClockSigns, AreOneRowWithTheLastTheLeastAndTheMost) {
  show("2024-03-05T06:00:00Z", {{kMeter, ClockSignKind::Ahead, seconds{90}, at("2024-03-05T06:01:30Z")}});
  show("2024-03-07T06:00:00Z", {{kMeter, ClockSignKind::Ahead, seconds{70}, at("2024-03-07T06:01:10Z")}}, 50);
  show("2024-03-06T06:00:00Z", {{kMeter, ClockSignKind::Ahead, seconds{400}, at("2024-03-06T06:06:40Z")}});
  EXPECT_EQ(rows(), Lines{"11 1 3 70 70 400 2024-03-06T06:06:40Z"});
  EXPECT_EQ(rows("first last tolerance"), Lines{"2024-03-05T06:00:00Z 2024-03-07T06:00:00Z 50"});
}

TEST_P(ClockSigns, OfMetersAndKindsStandApart) {
  show("2024-03-05T06:00:00Z",
       {{kMeter, ClockSignKind::Ahead, seconds{90}, at("2024-03-05T06:01:30Z")},
        {kMeter, ClockSignKind::Said, seconds{0}, at("2024-03-05T05:00:00Z")},
        {kOtherMeter, ClockSignKind::OffGrid, seconds{-120}, at("2024-03-05T05:58:00Z")}});
  EXPECT_EQ(rows(), (Lines{"11 1 1 90 90 90 2024-03-05T06:01:30Z", "11 4 1 0 0 0 2024-03-05T05:00:00Z",
                           "12 3 1 -120 -120 -120 2024-03-05T05:58:00Z"}));
}

TEST_P(ClockSigns, OfOneBatchCountOnceAndTheLargestOffsetEitherWayIsKept) {
  show("2024-03-05T06:00:00Z", {{kMeter, ClockSignKind::OffGrid, seconds{100}, at("2024-03-05T01:01:40Z")},
                                {kMeter, ClockSignKind::OffGrid, seconds{-300}, at("2024-03-05T01:55:00Z")},
                                {kMeter, ClockSignKind::OffGrid, seconds{200}, at("2024-03-05T03:03:20Z")}});
  EXPECT_EQ(rows(), Lines{"11 3 1 -300 -300 -300 2024-03-05T01:55:00Z"});
}

TEST_P(ClockSigns, AnAnswerWithTheRightTimeEndsWhatEarlierOnesMadeSuspect) {
  show("2024-03-05T06:00:00Z",
       {{kMeter, ClockSignKind::SteadyOffset, seconds{-500}, at("2024-03-05T05:51:00Z")},
        {kMeter, ClockSignKind::Said, seconds{0}, at("2024-03-05T05:00:00Z")}});
  show("2024-03-06T06:00:00Z",
       {{kMeter, ClockSignKind::SteadyOffset, seconds{-501}, at("2024-03-06T05:51:00Z")},
        {kOtherMeter, ClockSignKind::SteadyOffset, seconds{9}, at("2024-03-06T06:00:09Z")}});
  EXPECT_EQ(rows("meter kind times least most"), (Lines{"11 2 2 -501 -500", "11 4 1 0 0", "12 2 1 9 9"}));
  show("2024-03-07T06:00:00Z",
       {{kMeter, ClockSignKind::SteadyOffset, seconds{0}, at("2024-03-07T05:59:58Z")}});
  EXPECT_EQ(rows("meter kind times"), (Lines{"11 4 1", "12 2 1"}));
}

TEST_P(ClockSigns, OfAnotherUtilitysMeterAreRefusedWithTheWholeUnit) {
  CommitUnit u = unit("x");
  add_event(u, kMeter, "2024-03-05T06:00:00Z", "OUTAGE", "a");
  u.batch.clock_signs = {{kSouthMeter, ClockSignKind::Ahead, seconds{90}, at("2024-03-05T06:01:30Z")}};
  const auto counts = store().commit(u);
  ASSERT_FALSE(counts.ok());
  EXPECT_EQ(counts.error().fault, Fault::Permanent);
  EXPECT_TRUE(rows().empty());
  EXPECT_TRUE(pick("event", "meter").empty());
}

TEST_P(ClockSigns, FarOutOfAnyCalendarAreStillSigns) {
  show("2024-03-05T06:00:00Z",
       {{kMeter, ClockSignKind::Ahead,
         std::chrono::floor<seconds>(at("9999-12-31T23:59:59Z") - at("2024-03-05T06:00:00Z")),
         at("9999-12-31T23:59:59Z")}});
  EXPECT_EQ(rows("meter kind worst"), Lines{"11 1 9999-12-31T23:59:59Z"});
}

}  // namespace
}  // namespace ami::storage
