// Events that tell one fact, and clocks that are off, as callers see them.
#include <gtest/gtest.h>

#include "ami/v1/collection_service.grpc.pb.h"
#include "tests/daemon/rpc/change_scene.h"

namespace ami::rpc {
namespace {

using std::chrono::seconds;
using testing::at;
using testing::reason_of;
using testing::text_of;

// Meter maui m1; its outage of store_data.h is at 2013-04-08T01:02:03Z.
class EventFactsRpc : public testing::ChangeScene {
 protected:
  EventFactsRpc()
      : collapsing_(fixture.database, 1,
                    EventFacts::parse("kinds: {OUTAGE: '', LAST_GASP: '', HAN_FAULT: ''}\n"
                                      "told_again: {power: {window_s: 120, states: [[OUTAGE, LAST_GASP]]}}\n",
                                      "test")
                        .value()),
        collection_(v1::CollectionService::NewStub(channel)) {}

  void tell(char content, const std::vector<std::tuple<std::string, std::string, std::string>>& told) {
    storage::CommitUnit u = bare(content);
    for (const auto& [when, kind, code] : told)
      u.batch.events.push_back({m1, at(when), kind, "", "v", code, "", TimeSource::Device, 0});
    store_unit(u);
  }
  void show(char content, ClockSignKind kind, std::int64_t offset_s) {
    storage::CommitUnit u = bare(content);
    u.batch.clock_tolerance = seconds{60};
    u.batch.clock_signs = {{m1, kind, seconds{offset_s}, u.source.received_at + seconds{offset_s}}};
    store_unit(u);
  }
  storage::CommitUnit bare(char content) {
    storage::CommitUnit u = unit(content);
    u.batch.intervals.clear();
    return u;
  }
  void store_unit(const storage::CommitUnit& u) {
    const auto counts = collapsing_.commit(u);
    ASSERT_TRUE(counts.ok()) << counts.error().message;
  }
  std::vector<v1::Event> list(bool duplicates, const std::string& kind = "") {
    v1::ListEventsRequest request;
    request.set_parent("utilities/maui");
    request.set_duplicates(duplicates);
    if (!kind.empty()) request.add_kinds(kind);
    v1::ListEventsResponse response;
    EXPECT_TRUE(call(events, &v1::EventService::Stub::List, request, response).ok());
    return {response.events().begin(), response.events().end()};
  }
  grpc::Status clocks(const v1::GetClockHealthRequest& request, v1::GetClockHealthResponse& response) {
    return call(collection_, &v1::CollectionService::Stub::GetClockHealth, request, response);
  }

  storage::PostgresIngest collapsing_;
  std::unique_ptr<v1::CollectionService::Stub> collection_;
};

TEST_F(EventFactsRpc, HeadsAreListedAndAllOnRequest) {
  tell('b', {{"2013-04-09T06:00:00Z", "OUTAGE", "meter"}, {"2013-04-09T06:00:30Z", "LAST_GASP", "module"}});
  const auto heads = list(false, "OUTAGE");
  ASSERT_EQ(heads.size(), 2U);
  EXPECT_EQ(heads[0].duplicates(), 0);
  EXPECT_EQ(heads[1].vendor_code(), "meter");
  EXPECT_EQ(heads[1].duplicates(), 1);
  EXPECT_EQ(heads[1].duplicate_of(), "");
  const auto all = list(true);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[3].vendor_code(), "module");
  EXPECT_EQ(all[3].duplicate_of(), heads[1].name());
  EXPECT_EQ(list(false, "LAST_GASP").size(), 1U) << "the outage that the module told, too";
  EXPECT_EQ(list(true, "LAST_GASP").size(), 1U);
}

TEST_F(EventFactsRpc, EventsOfTheHomeAreaNetworkAreListedByTheirKind) {
  tell('b', {{"2013-04-09T06:00:00Z", "HAN_FAULT", "METER_HAN_COMM_FAILURE"}});
  const auto found = list(false, "HAN_FAULT");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].vendor_code(), "METER_HAN_COMM_FAILURE");
}

TEST_F(EventFactsRpc, OfTheChangeFeedOnlyTheFirstTellingIsNew) {
  tell('b', {{"2013-04-09T06:00:30Z", "LAST_GASP", "module"}});
  tell('c', {{"2013-04-09T06:00:00Z", "OUTAGE", "meter"}});
  tell('d', {{"2013-04-09T06:01:30Z", "OUTAGE", "headend"}});
  std::vector<std::string> told;
  for (const v1::Change& change : all()) {
    for (const v1::Event& event : change.events()) {
      if (event.vendor() != "v") continue;
      ASSERT_EQ(change.kinds_size(), 1);
      told.push_back(v1::Change::Kind_Name(static_cast<v1::Change::Kind>(change.kinds(0))) + " " +
                     event.vendor_code() + (event.duplicate_of().empty() ? " head" : " again"));
    }
  }
  // What each event is now stands beside what happened to it then: module was new, and is a duplicate by now.
  EXPECT_EQ(told, (std::vector<std::string>{"NEW module again", "CORRECTED meter head",
                                            "CORRECTED module again", "CORRECTED headend again"}));
}

TEST_F(EventFactsRpc, ClocksThatAreOffAreListedWithWhatShowedIt) {
  show('b', ClockSignKind::Ahead, 90);
  show('c', ClockSignKind::Ahead, 300);
  show('d', ClockSignKind::SteadyOffset, -600);
  v1::GetClockHealthRequest request;
  v1::GetClockHealthResponse response;
  request.set_parent("utilities/maui");
  ASSERT_TRUE(clocks(request, response).ok());
  ASSERT_EQ(response.signs_size(), 1);
  const v1::ClockSign& sign = response.signs(0);
  EXPECT_EQ(sign.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(sign.feed(), "feed-1");
  EXPECT_EQ(sign.kind(), v1::ClockSign::AHEAD);
  EXPECT_EQ(sign.times(), 2);
  EXPECT_EQ(sign.last_offset_s(), 300);
  EXPECT_EQ(sign.least_offset_s(), 90);
  EXPECT_EQ(sign.most_offset_s(), 300);
  EXPECT_EQ(sign.tolerance_s(), 60);
  EXPECT_EQ(text_of(sign.first_time()), "2013-04-10T00:00:00Z");
  EXPECT_EQ(text_of(sign.worst_time()), "2013-04-10T00:05:00Z");
  EXPECT_TRUE(sign.steady());

  request.set_unsteady(true);
  request.add_kinds(v1::ClockSign::STEADY_OFFSET);
  ASSERT_TRUE(clocks(request, response).ok());
  ASSERT_EQ(response.signs_size(), 1);
  EXPECT_FALSE(response.signs(0).steady()) << "one answer is no steady offset";
  EXPECT_EQ(response.signs(0).last_offset_s(), -600);
}

TEST_F(EventFactsRpc, ClocksAreAskedForByMeterAndFeedAndInPages) {
  show('b', ClockSignKind::Ahead, 90);
  show('c', ClockSignKind::OffGrid, 90);
  v1::GetClockHealthRequest request;
  v1::GetClockHealthResponse response;
  request.set_parent("utilities/maui");
  request.set_page_size(1);
  ASSERT_TRUE(clocks(request, response).ok());
  ASSERT_EQ(response.signs_size(), 1);
  EXPECT_EQ(response.signs(0).kind(), v1::ClockSign::AHEAD);
  request.set_page_token(response.next_page_token());
  ASSERT_TRUE(clocks(request, response).ok());
  ASSERT_EQ(response.signs_size(), 1);
  EXPECT_EQ(response.signs(0).kind(), v1::ClockSign::OFF_GRID);
  EXPECT_EQ(response.next_page_token(), "");
  request.Clear();
  request.set_parent("utilities/maui");
  request.set_meter("utilities/maui/meters/dry");
  ASSERT_TRUE(clocks(request, response).ok());
  EXPECT_EQ(response.signs_size(), 0);
  request.clear_meter();
  request.set_feed("feed-2");
  ASSERT_TRUE(clocks(request, response).ok());
  EXPECT_EQ(response.signs_size(), 0);
  request.Clear();
  request.set_parent("utilities/oahu");
  ASSERT_TRUE(clocks(request, response).ok());
  EXPECT_EQ(response.signs_size(), 0);
}

TEST_F(EventFactsRpc, BadQuestionsAboutClocksAreRefused) {
  v1::GetClockHealthRequest request;
  v1::GetClockHealthResponse response;
  EXPECT_EQ(field_of(clocks(request, response)), "parent");
  request.set_parent("utilities/maui");
  request.set_meter("utilities/maui/meters/nobody");
  EXPECT_EQ(reason_of(clocks(request, response)), "METER_NOT_FOUND");
  request.set_meter("utilities/oahu/meters/m1");
  EXPECT_EQ(field_of(clocks(request, response)), "meter");
  request.clear_meter();
  request.add_kinds(v1::ClockSign::KIND_UNSPECIFIED);
  EXPECT_EQ(field_of(clocks(request, response)), "kinds");
  request.clear_kinds();
  request.add_kinds(static_cast<v1::ClockSign::Kind>(9));
  EXPECT_EQ(field_of(clocks(request, response)), "kinds");
}

}  // namespace
}  // namespace ami::rpc
