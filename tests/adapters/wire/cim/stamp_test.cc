#include "adapters/wire/cim/codec/stamp.h"

#include <gtest/gtest.h>

#include "adapters/wire/cim/codec/cim.h"

namespace ami::cim {
namespace {

TEST(CimStamp, EpochsAreNoTime) {
  for (const char* text : {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00", "1970-01-01T00:00:00.000-05:00",
                           "1969-12-31T19:00:00-05:00", "1970-01-01T01:00:00+01:00", "0001-01-01T00:00:00",
                           "0001-01-01T00:00:00Z"})
    EXPECT_EQ(read_stamp(text).state, StampState::Unset) << text;
  for (const char* text :
       {"1970-01-01T00:00:01Z", "1969-12-31T19:00:00", "1970-01-02T00:00:00Z", "2026-01-15T00:00:00-05:00"})
    EXPECT_EQ(read_stamp(text).state, StampState::Good) << text;
  EXPECT_EQ(read_stamp("").state, StampState::Absent);
  for (const char* text : {"2017-10-09T053947PM-5", "2026-01-15", "soon", "2026-02-30T00:00:00Z",
                           "2026-01-15T00:00:00+15:00", "10/11/2017 7:19:12 PM"})
    EXPECT_EQ(read_stamp(text).state, StampState::Bad) << text;
}

TEST(CimRequestTime, IsIsoOrUsStyle) {
  using namespace std::chrono;
  const CivilTime noon{local_days{year{2026} / 7 / 4} + hours{12} + minutes{5}};
  EXPECT_EQ(read_request_time("7/4/2026 12:05:00 PM")->civil, noon);
  EXPECT_EQ(read_request_time("07/04/2026 12:05:00 PM")->civil, noon);
  EXPECT_EQ(read_request_time("7/4/2026 12:05:00 AM")->civil, noon - hours{12});
  EXPECT_EQ(read_request_time("2026-07-04T12:05:00Z")->civil, noon);
  EXPECT_FALSE(read_request_time("7/4/2026 12:05:00 PM")->utc_offset.has_value());
  for (const char* text :
       {"", "7/4/26 12:05:00 PM", "13/4/2026 12:05:00 PM", "2/30/2026 12:05:00 PM", "7/4/2026 13:05:00 PM",
        "7/4/2026 0:05:00 AM", "7/4/2026 1:60:00 AM", "7/4/2026 1:05:00", "7/4/2026 1:05:00 XM", "7/4/2026",
        "7/4/2026 1:5:00 PM", "//2026 1:05:00 PM", "7/4/2026 12:05:00 PM "}) {
    const auto time = read_request_time(text);
    EXPECT_FALSE(time.ok()) << text;
  }
}

}  // namespace
}  // namespace ami::cim
