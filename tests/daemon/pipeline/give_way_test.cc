#include "daemon/pipeline/give_way.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "adapters/sdk/testing/fake_host.h"

namespace ami::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class GiveWay : public testing::Test {
 protected:
  void begin(milliseconds step_took) {
    const UtcInstant from = host.clock.now();
    boost::asio::co_spawn(host.io, give_way(host.clock, step_took, [this] { return way; }),
                          [this, from](std::exception_ptr defect) {
                            EXPECT_FALSE(defect);
                            paused = std::chrono::ceil<milliseconds>(host.clock.now() - from);
                          });
    host.run_until_idle();
  }
  sdk::testing::FakeHost host;
  Way way;
  std::optional<milliseconds> paused;
};

TEST_F(GiveWay, TakesABreathWhenNothingIsStored) {
  begin(seconds{10});
  host.advance(seconds{60});
  EXPECT_EQ(paused, milliseconds{50});
}

TEST_F(GiveWay, RestsThreeTimesTheStepWhileBatchesAreStored) {
  way.storing = true;
  begin(milliseconds{400});
  host.advance(seconds{60});
  EXPECT_EQ(paused, milliseconds{1200});
}

TEST_F(GiveWay, RestsAtLeastABreathAndAtMostHalfAMinute) {
  way.storing = true;
  begin(milliseconds{1});
  host.advance(seconds{60});
  EXPECT_EQ(paused, milliseconds{50});
  begin(seconds{600});
  host.advance(seconds{60});
  EXPECT_EQ(paused, seconds{30});
}

TEST_F(GiveWay, EndsSoonAfterTheLastBatchWasStored) {
  way.storing = true;
  begin(seconds{5});
  host.advance(seconds{2});
  EXPECT_EQ(paused, std::nullopt);
  way.storing = false;
  host.advance(seconds{60});
  EXPECT_EQ(paused, milliseconds{2050});
}

TEST_F(GiveWay, EndsSoonAfterAStop) {
  way.storing = true;
  begin(seconds{5});
  host.advance(milliseconds{120});
  way.stopping = true;
  host.advance(seconds{60});
  EXPECT_EQ(paused, milliseconds{150});
}

}  // namespace
}  // namespace ami::daemon
