// Places of a feed for attempts that are not the engine's own.
#include <gtest/gtest.h>

#include "tests/daemon/commands/life.h"

namespace ami::daemon::commands {
namespace {

class SlotsTest : public CommandsTest {
 protected:
  void ask(Life& life, const std::string& feed = "radio") {
    life.engine->slot(feed, [this](std::shared_ptr<const CommandFeed> port) {
      told += port ? port->name + " " : "none ";
    });
    life.run();
  }
  std::string told;
};

TEST_F(SlotsTest, OneIsHadAtOnceAndIsOfTheFeed) {
  auto life = start();
  ask(*life);
  EXPECT_EQ(told, "radio ");
  ask(*life, "other");
  EXPECT_EQ(told, "radio none ") << "no such feed runs";
  life->engine->free_slot("radio");
  life->run();
}

TEST_F(SlotsTest, WhoWaitsForOneGoesBeforeAllThatIsQueued) {
  auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  ask(*life);
  ASSERT_EQ(told, "radio ");
  const OperationId first = life->read("r1", {"M1"}, 9);
  EXPECT_EQ(states(first), "QUEUED") << "the only place is lent";
  ask(*life);
  EXPECT_EQ(told, "radio ");
  life->engine->free_slot("radio");
  life->run();
  EXPECT_EQ(told, "radio radio ");
  EXPECT_EQ(states(first), "QUEUED");
  life->engine->free_slot("radio");
  life->run();
  EXPECT_EQ(states(first), "SENT");
}

TEST_F(SlotsTest, WhoWaitsIsToldWhenTheFeedGoesOrTheEngineStops) {
  auto life = start();
  life->feed.limits.in_flight = 1;
  life->attach();
  ask(*life);
  ask(*life);
  ASSERT_EQ(told, "radio ");
  life->engine->detach("radio");
  life->run();
  EXPECT_EQ(told, "radio none ");
  life->engine->stop();
  ask(*life);
  EXPECT_EQ(told, "radio none none ");
}

}  // namespace
}  // namespace ami::daemon::commands
