// Starting and stopping at any moment.
#include <algorithm>
#include <iterator>

#include "tests/adapters/wire/drop_folder/drop_folder_scene.h"

namespace ami::wire {
namespace {

using std::chrono::seconds;
using Codes = std::vector<std::string>;
namespace fs = std::filesystem;

class Lifecycle : public DropFolderScene {
 protected:
  static std::ptrdiff_t open_files() {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  }
};

TEST_F(Lifecycle, StopWhileACommitIsHeldEndsAndLosesNothing) {
  host.store.hold();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  ASSERT_EQ(host.store.held(), 1U);
  stop();  // would throw if it waited for the store
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Stopped);
  EXPECT_TRUE(stored().empty());
  EXPECT_TRUE(in_inbox("a.txt"));
  host.store.release();
  restart();
  ASSERT_TRUE(start().ok());
  host.advance(seconds(5));
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_TRUE(in_done("a.txt"));
}

TEST_F(Lifecycle, AfterStopNothingRunsAnyMore) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  stop();
  drop("a.txt", "one\n");
  host.run_until_idle();
  host.advance(seconds(120));
  EXPECT_TRUE(stored().empty());
  EXPECT_EQ(host.clock.waiting(), 0U);
  EXPECT_TRUE(in_inbox("a.txt"));
}

TEST_F(Lifecycle, StopBeforeStartAndTwiceIsHarmless) {
  stop();
  ASSERT_TRUE(start().ok());
  stop();
  stop();
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Stopped);
}

TEST_F(Lifecycle, StartTwiceIsRefused) {
  ASSERT_TRUE(start().ok());
  const Outcome second = start();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().fault, Fault::Permanent);
}

TEST_F(Lifecycle, AThousandStartsAndStopsLeakNothingAndStillWork) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  stop();
  const std::ptrdiff_t before = open_files();
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(start().ok());
    if (i % 2 == 0) host.run_until_idle();
    stop();
  }
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(host.clock.waiting(), 0U);
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(Lifecycle, AnAdapterMayGoAfterItsStop) {
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  stop();
  adapter.reset();
  host.run_until_idle();
  host.advance(seconds(120));
  EXPECT_EQ(stored(), Codes{"one"});
}

}  // namespace
}  // namespace ami::wire
