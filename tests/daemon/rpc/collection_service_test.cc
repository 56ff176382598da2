#include <gtest/gtest.h>

#include "ami/v1/collection_service.grpc.pb.h"
#include "storage/postgres/gaps.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::CollectionService::Stub;

// Intervals of maui m1 (Honolulu, UTC-10), compared at 2013-04-12T20:00Z: civil days up to the 10th are
// judged.
//   ssn:lp:1  8 slots from 04-07T23:00Z, the second a hole without a flag
//   ssn:lp:2  2 slots from 04-08T00:00Z
class CollectionServiceTest : public testing::ServicesTest {
 protected:
  CollectionServiceTest() : ServicesTest(testing::create_filled_database()) {
    collection = v1::CollectionService::NewStub(channel);
    compare("2013-04-12T20:00:00Z");
  }

  void compare(const std::string& now) {
    storage::Gaps gaps(fixture.database);
    for (int i = 0; i < 100; ++i) {
      const auto step = gaps.step({}, testing::at(now));
      ASSERT_TRUE(step.ok()) << step.error().message;
      if (!step->more) return;
    }
    FAIL() << "never done";
  }

  v1::ListGapsResponse list(const v1::ListGapsRequest& request) {
    v1::ListGapsResponse response;
    const grpc::Status status = call(collection, &Stub::ListGaps, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::GetCompletenessResponse completeness(const v1::GetCompletenessRequest& request) {
    v1::GetCompletenessResponse response;
    const grpc::Status status = call(collection, &Stub::GetCompleteness, request, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::unique_ptr<Stub> collection;
};

TEST_F(CollectionServiceTest, GapsAreListedInPagesAndByFilter) {
  v1::ListGapsRequest request;
  request.set_parent("utilities/maui");
  const auto all = list(request);
  ASSERT_EQ(all.gaps_size(), 3);
  const v1::Gap& hole = all.gaps(0);
  EXPECT_EQ(hole.meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(hole.usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_EQ(hole.channel(), "ssn:lp:1");
  EXPECT_EQ(hole.reading_type(), testing::kIntervalEnergy);
  EXPECT_EQ(hole.unit(), "Wh");
  EXPECT_EQ(hole.feed(), "feed-1");
  EXPECT_EQ(text_of(hole.start()), "2013-04-07T23:15:00Z");
  EXPECT_EQ(text_of(hole.end()), "2013-04-07T23:30:00Z");
  EXPECT_EQ(hole.interval_s(), 900);
  EXPECT_EQ(hole.missing(), 1);
  EXPECT_EQ(hole.reason(), v1::Gap::NOT_RECEIVED);
  EXPECT_EQ(hole.state(), v1::Gap::OPEN);
  EXPECT_EQ(text_of(hole.found_time()), "2013-04-12T20:00:00Z");
  EXPECT_FALSE(hole.has_settled_time());
  // To 04-11T10:00Z: 81 hours, and 81 and a half.
  EXPECT_EQ(all.gaps(1).missing() + all.gaps(2).missing(), 324 + 326);

  request.set_page_size(2);
  auto page = list(request);
  EXPECT_EQ(page.gaps_size(), 2);
  request.set_page_token(page.next_page_token());
  page = list(request);
  ASSERT_EQ(page.gaps_size(), 1);
  EXPECT_EQ(page.gaps(0).id(), all.gaps(2).id());
  EXPECT_EQ(page.next_page_token(), "");

  const auto count = [&](auto&& change) {
    v1::ListGapsRequest narrowed;
    narrowed.set_parent("utilities/maui");
    change(narrowed);
    return list(narrowed).gaps_size();
  };
  EXPECT_EQ(count([](auto& r) { r.set_name("utilities/maui/meters/m1"); }), 3);
  EXPECT_EQ(count([](auto& r) { r.set_name("utilities/maui/meters/ct1"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.set_name("utilities/maui/usagePoints/up1"); }), 3);
  EXPECT_EQ(count([](auto& r) { r.set_feed("feed-1"); }), 3);
  EXPECT_EQ(count([](auto& r) { r.set_feed("feed-2"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.add_states(v1::Gap::CLOSED); }), 0);
  EXPECT_EQ(count([](auto& r) { *r.mutable_end() = stamp("2013-04-08T00:00:00Z"); }), 1);
  EXPECT_EQ(count([](auto& r) { *r.mutable_start() = stamp("2013-04-07T23:30:00Z"); }), 2);
  EXPECT_EQ(count([](auto& r) { r.set_parent("utilities/oahu"); }), 0);
  EXPECT_EQ(count([](auto& r) { r.set_family("ssn"); }), 0) << "no feed of that family is configured";
  fixture.adapters.resize(1);
  fixture.adapters[0].feed = "feed-1";
  fixture.adapters[0].utility = "maui";
  fixture.adapters[0].family = "ssn";
  EXPECT_EQ(count([](auto& r) { r.set_family("ssn"); }), 3);
}

TEST_F(CollectionServiceTest, CompletenessIsByFeedFeederOrChannel) {
  v1::GetCompletenessRequest request;
  request.set_parent("utilities/maui");
  request.set_day("2013-04-07");
  auto rows = completeness(request);
  ASSERT_EQ(rows.rows_size(), 1);
  EXPECT_EQ(rows.rows(0).feed(), "feed-1");
  EXPECT_EQ(rows.rows(0).day(), "2013-04-07");
  EXPECT_EQ(rows.rows(0).channels(), 2);
  // The civil day ends at 10:00Z: 44 and 40 slots since the first value of each channel.
  EXPECT_EQ(rows.rows(0).expected(), 84);
  EXPECT_EQ(rows.rows(0).received(), 9);
  EXPECT_EQ(rows.rows(0).missing(), 75);
  EXPECT_EQ(rows.rows(0).waiting(), 0);

  request.set_days(6);
  request.set_name("utilities/maui/meters/m1");
  rows = completeness(request);
  ASSERT_EQ(rows.rows_size(), 12);
  EXPECT_EQ(rows.rows(0).channel(), "ssn:lp:1");
  EXPECT_EQ(rows.rows(0).meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(rows.rows(0).reading_type(), testing::kIntervalEnergy);
  EXPECT_EQ(rows.rows(0).received(), 7);
  EXPECT_EQ(rows.rows(1).received(), 2);
  EXPECT_EQ(rows.rows(6).missing(), 96);
  EXPECT_EQ(rows.rows(11).day(), "2013-04-12");
  EXPECT_EQ(rows.rows(11).waiting(), 1);
  EXPECT_EQ(rows.rows(11).expected(), 0) << "not judged yet";

  request.clear_name();
  request.set_days(1);
  request.set_group_by(v1::GetCompletenessRequest::FEEDER);
  rows = completeness(request);
  ASSERT_EQ(rows.rows_size(), 1);
  EXPECT_EQ(rows.rows(0).feed(), "");
  EXPECT_EQ(rows.rows(0).expected(), 84);
  request.set_feeder("F9");
  EXPECT_EQ(completeness(request).rows_size(), 0);
  request.set_parent("utilities/oahu");
  request.clear_feeder();
  EXPECT_EQ(completeness(request).rows_size(), 0);
}

TEST_F(CollectionServiceTest, GivingUpIsSignedAndCanBeUndone) {
  v1::ListGapsRequest everything;
  everything.set_parent("utilities/maui");
  const std::int64_t id = list(everything).gaps(0).id();
  v1::GiveUpRequest request;
  request.set_parent("utilities/maui");
  request.add_ids(id);
  request.set_reason("never recorded");
  fixture.now = testing::at("2013-04-13T08:00:00Z");
  v1::GiveUpResponse response;
  ASSERT_TRUE(call(collection, &Stub::GiveUp, request, response).ok());
  ASSERT_EQ(response.gaps_size(), 1);
  EXPECT_EQ(response.gaps(0).state(), v1::Gap::GIVEN_UP);
  EXPECT_EQ(response.gaps(0).given_up_by(), "local operator");
  EXPECT_EQ(response.gaps(0).given_up_reason(), "never recorded");
  EXPECT_EQ(text_of(response.gaps(0).given_up_time()), "2013-04-13T08:00:00Z");
  EXPECT_EQ(list(everything).gaps_size(), 2);
  EXPECT_TRUE(call(collection, &Stub::GiveUp, request, response).ok()) << "repeated";
  request.set_reason("another reason");
  EXPECT_EQ(reason_of(call(collection, &Stub::GiveUp, request, response)), "GAP_SETTLED");

  v1::UndoGiveUpRequest undo;
  undo.set_parent("utilities/maui");
  undo.add_ids(id);
  v1::UndoGiveUpResponse undone;
  ASSERT_TRUE(call(collection, &Stub::UndoGiveUp, undo, undone).ok());
  EXPECT_EQ(undone.gaps(0).state(), v1::Gap::OPEN);
  EXPECT_EQ(undone.gaps(0).given_up_by(), "");

  undo.set_parent("utilities/oahu");
  EXPECT_EQ(reason_of(call(collection, &Stub::UndoGiveUp, undo, undone)), "GAP_NOT_FOUND")
      << "of another utility";
  request.add_ids(987654);
  EXPECT_EQ(reason_of(call(collection, &Stub::GiveUp, request, response)), "GAP_NOT_FOUND");
  EXPECT_EQ(list(everything).gaps_size(), 3) << "all or none";
}

TEST_F(CollectionServiceTest, BadRequestsSayWhichField) {
  const auto refused = [&](auto method, auto request, auto response, auto&& change) {
    request.set_parent("utilities/maui");
    change(request);
    const grpc::Status status = call(collection, method, request, response);
    return reason_of(status) + " " + field_of(status);
  };
  const auto gaps = [&](auto&& change) {
    return refused(&Stub::ListGaps, v1::ListGapsRequest(), v1::ListGapsResponse(), change);
  };
  EXPECT_EQ(gaps([](auto& r) { r.set_parent("maui"); }), "INVALID_FIELD parent");
  EXPECT_EQ(gaps([](auto& r) { r.set_parent("utilities/kauai"); }), "UTILITY_NOT_FOUND ");
  EXPECT_EQ(gaps([](auto& r) { r.set_name("m1"); }), "INVALID_FIELD name");
  EXPECT_EQ(gaps([](auto& r) { r.set_name("utilities/oahu/meters/m1"); }), "INVALID_FIELD name");
  EXPECT_EQ(gaps([](auto& r) { r.set_name("utilities/maui/usagePoints/nowhere"); }),
            "USAGE_POINT_NOT_FOUND ");
  EXPECT_EQ(gaps([](auto& r) { r.set_page_size(1001); }), "INVALID_FIELD page_size");
  EXPECT_EQ(gaps([](auto& r) { r.set_page_token("made up"); }), "PAGE_TOKEN_INVALID page_token");
  EXPECT_EQ(gaps([](auto& r) { r.add_states(static_cast<v1::Gap::State>(99)); }), "INVALID_FIELD states");
  EXPECT_EQ(gaps([](auto& r) { r.set_feed("a\nb"); }), "INVALID_FIELD feed");
  EXPECT_EQ(gaps([](auto& r) {
              *r.mutable_start() = stamp("2013-04-08T00:00:00Z");
              *r.mutable_end() = stamp("2013-04-08T00:00:00Z");
            }),
            "INVALID_FIELD end");
  v1::ListGapsRequest near;
  near.set_parent("utilities/maui");
  near.set_name("utilities/maui/meters/m11");
  v1::ListGapsResponse none;
  const grpc::Status unknown = call(collection, &Stub::ListGaps, near, none);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(testing::detail<google::rpc::ErrorInfo>(unknown)->metadata().at("nearest"),
            "utilities/maui/meters/m1");

  const auto whole = [&](auto&& change) {
    return refused(&Stub::GetCompleteness, v1::GetCompletenessRequest(), v1::GetCompletenessResponse(),
                   change);
  };
  for (const char* day : {"", "2013-04-7", "2013-02-29", "2013-13-01", "20130407", "2013-04-07T",
                          "0000-01-01", "2013-04--1", "yesterday!"}) {
    EXPECT_EQ(whole([&](auto& r) { r.set_day(day); }), "INVALID_FIELD day") << day;
  }
  EXPECT_EQ(whole([](auto& r) {
              r.set_day("2013-04-07");
              r.set_days(63);
            }),
            "INVALID_FIELD days");
  EXPECT_EQ(whole([](auto& r) {
              r.set_day("2013-04-07");
              r.set_days(-1);
            }),
            "INVALID_FIELD days");
  EXPECT_EQ(whole([](auto& r) {
              r.set_day("2013-04-07");
              r.set_name("utilities/maui/meters/m1");
              r.set_group_by(v1::GetCompletenessRequest::FEEDER);
            }),
            "INVALID_FIELD group_by");
  EXPECT_EQ(whole([](auto& r) {
              r.set_day("2013-04-07");
              r.set_name("utilities/maui/meters/zzz");
            }),
            "METER_NOT_FOUND ");

  const auto give_up = [&](auto&& change) {
    return refused(&Stub::GiveUp, v1::GiveUpRequest(), v1::GiveUpResponse(), change);
  };
  EXPECT_EQ(give_up([](auto& r) { r.set_reason("no ids"); }), "INVALID_FIELD ids");
  EXPECT_EQ(give_up([](auto& r) { r.add_ids(1); }), "INVALID_FIELD reason");
  EXPECT_EQ(give_up([](auto& r) {
              r.add_ids(1);
              r.set_reason(std::string(201, 'x'));
            }),
            "INVALID_FIELD reason");
  EXPECT_EQ(give_up([](auto& r) {
              for (int i = 0; i < 1001; ++i) r.add_ids(i);
              r.set_reason("too many");
            }),
            "INVALID_FIELD ids");
}

}  // namespace
}  // namespace ami::rpc
