// What GetClockHealth answers from. How signs become rows: tests/storage/contract/clock_signs_test.cc.
#include "storage/postgres/clocks.h"

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::seconds;

class ClocksTest : public StoreTest {
 protected:
  void show(MeterId meter, ClockSignKind kind, std::int64_t offset_s, const std::string& feed = "feed-1",
            UtilityId utility = 0) {
    CommitUnit u = unit("sign" + std::to_string(++shown_));
    if (utility != 0) u.utility = utility;
    u.source.feed = feed;
    u.source.received_at = at("2024-03-05T06:00:00Z") + std::chrono::hours{shown_};
    u.batch.clock_tolerance = seconds{60};
    u.batch.clock_signs = {{meter, kind, seconds{offset_s}, u.source.received_at + seconds{offset_s}}};
    commit(u);
  }
  std::vector<std::string> signs(ClockQuery query = {}) {
    if (query.utility == 0) query.utility = north;
    std::vector<std::string> out;
    do {
      const auto page = Clocks(*database).signs(query);
      EXPECT_TRUE(page.ok());
      for (const ClockSignRow& row : page->items) {
        out.push_back(std::to_string(row.meter - first_) + " " + row.feed + " " +
                      std::to_string(static_cast<int>(row.kind)) + " x" + std::to_string(row.times) + " " +
                      std::to_string(row.least_offset.count()) + ".." +
                      std::to_string(row.most_offset.count()));
      }
      query.page.token = page->next_token;
    } while (!query.page.token.empty());
    return out;
  }
  using Rows = std::vector<std::string>;

  MeterId first_ = 0;
  int shown_ = 0;
};

TEST_F(ClocksTest, AreListedAsTheyFirstShowedAndByWhatIsAskedFor) {
  first_ = meter(north, "a");
  const MeterId b = meter(north, "b");
  show(b, ClockSignKind::Ahead, 90);
  show(first_, ClockSignKind::OffGrid, -100, "feed-2");
  show(b, ClockSignKind::Said, 0);
  show(b, ClockSignKind::Ahead, 300);
  const MeterId theirs = meter(south, "a");
  show(theirs, ClockSignKind::Ahead, 900, "feed-1", south);
  const std::string of_b = std::to_string(b - first_);
  EXPECT_EQ(signs(),
            (Rows{of_b + " feed-1 1 x2 90..300", "0 feed-2 3 x1 -100..-100", of_b + " feed-1 4 x1 0..0"}));
  ClockQuery one_a_page;
  one_a_page.page.size = 1;
  EXPECT_EQ(signs(one_a_page), signs());
  ClockQuery of_meter;
  of_meter.meter = first_;
  EXPECT_EQ(signs(of_meter), Rows{"0 feed-2 3 x1 -100..-100"});
  ClockQuery of_feed;
  of_feed.feed = "feed-2";
  EXPECT_EQ(signs(of_feed), Rows{"0 feed-2 3 x1 -100..-100"});
  ClockQuery of_kinds;
  of_kinds.kinds = {ClockSignKind::Ahead, ClockSignKind::Said};
  EXPECT_EQ(signs(of_kinds).size(), 2U);
  of_kinds.meter = theirs;
  EXPECT_EQ(signs(of_kinds), Rows{}) << "another utility's";
}

TEST_F(ClocksTest, AnswersAreTheClocksOnlyWhenTheyAreOffByTheSameThreeTimes) {
  first_ = meter(north, "a");
  const MeterId b = meter(north, "b");
  ClockQuery all;
  all.unsteady_too = true;
  show(first_, ClockSignKind::SteadyOffset, -600);
  show(first_, ClockSignKind::SteadyOffset, -720);
  EXPECT_EQ(signs(), Rows{});
  EXPECT_EQ(signs(all), Rows{"0 feed-1 2 x2 -720..-600"});
  show(first_, ClockSignKind::SteadyOffset, -650);  // within 120 s of each other: twice the tolerance
  EXPECT_EQ(signs(), Rows{"0 feed-1 2 x3 -720..-600"});
  // A head-end that answers with what it had stored is off by another offset each time.
  for (const std::int64_t offset : {-600, -4000, -90}) show(b, ClockSignKind::SteadyOffset, offset);
  EXPECT_EQ(signs().size(), 1U);
  EXPECT_EQ(signs(all).size(), 2U);
}

TEST_F(ClocksTest, ATokenThatIsNotOursIsRefused) {
  ClockQuery query;
  query.utility = north;
  query.page.token = "x";
  const auto answer = Clocks(*database).signs(query);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.refusal().kind, Refusal::Kind::Invalid);
}

TEST_F(ClocksTest, ASoundUnitTouchesNoRow) {
  first_ = meter(north, "a");
  CommitUnit u = unit("sound");
  add_register(u, add_channel(u, first_), at("2024-03-05T05:00:00Z"), {1, 0});
  commit(u);
  EXPECT_EQ(one("SELECT count(*) FROM clock_sign"), "0");
}

}  // namespace
}  // namespace ami::storage
