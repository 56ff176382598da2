// A clock that is set back: what was timed by what it said before must not wait until it says so again.
#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

class SetClockTest : public CommandsTest {};

TEST_F(SetClockTest, NeitherPacingNorRestsOutlastAClockThatIsSetBack) {
  const auto life = start();
  life->feed.limits.per_minute = 2;
  life->attach();
  life->clock.ahead = hours{1};
  const OperationId spent = life->read("r1", {"M1", "M2"});
  EXPECT_EQ(states(spent), "SENT SENT");
  life->clock.ahead = hours{0};
  const OperationId next = life->read("r2", {"M3"});
  EXPECT_EQ(states(next), "QUEUED") << "the far side's minute is not over";
  life->advance(seconds{62});
  EXPECT_EQ(states(next), "SENT");
}

TEST_F(SetClockTest, FeedThatRestsTriesAgainWhenTheClockIsSetBack) {
  const auto life = start();
  life->clock.ahead = hours{3};
  life->far->state = sdk::AttemptState::Failed;
  life->far->reason = "unreachable";
  const OperationId id = life->read("r1", {"M1"});
  EXPECT_EQ(states(id), "QUEUED");
  life->advance(milliseconds{200});  // less than any pause
  life->far->state = sdk::AttemptState::Waiting;
  life->clock.ahead = hours{0};
  life->advance(seconds{2});
  EXPECT_EQ(states(id), "SENT");
}

TEST_F(SetClockTest, SweepsAndFollowersGoOn) {
  const auto life = start();
  life->clock.ahead = hours{2};
  life->advance(seconds{1});
  const OperationId id = life->read("r1", {"M1"});
  int told = 0;
  life->engine->follow(id, 99, minutes{1}, [&](const Reply<Followed>&) { ++told; });
  life->run();
  life->clock.ahead = hours{0};
  life->advance(seconds{1});
  EXPECT_EQ(told, 1) << "who waited by the old time asks again";
  // Of another gateway, and due by the new time.
  storage::Operations store(*database);
  storage::NewOperation foreign;
  foreign.utility = north;
  foreign.caller = "cn=mdm";
  foreign.request_id = "r2";
  foreign.created_at = life->host.clock.now() - minutes{1};
  foreign.expires_at = life->host.clock.now() + seconds{30};
  storage::NewTarget target;
  target.meter = "M2";
  target.meter_id = std::stoll(one("SELECT meter_id FROM meter WHERE key = 'M2'"));
  target.feed = "another";
  target.vendor_id = "B2";
  foreign.targets.push_back(target);
  const OperationId expired = store.create(foreign, {}).value().operation.id;
  life->advance(minutes{2});
  EXPECT_EQ(states(expired), "FAILED");
}

}  // namespace
}  // namespace ami::daemon::commands
