#include "tools/amictl/calendar.h"

#include <gtest/gtest.h>

#include <sstream>

namespace ami::amictl {
namespace {

TEST(Calendar, SignOfADayFollowsFromItsTally) {
  EXPECT_EQ(state_of({}), DayState::NotExpected);
  EXPECT_EQ(state_of({96, 0, 0, 0}), DayState::Complete);
  EXPECT_EQ(state_of({96, 1, 0, 0}), DayState::Partial);
  EXPECT_EQ(state_of({96, 96, 0, 0}), DayState::Missing);
  EXPECT_EQ(state_of({96, 96, 95, 0}), DayState::Missing);
  EXPECT_EQ(state_of({96, 96, 96, 0}), DayState::GivenUp);
  EXPECT_EQ(state_of({96, 4, 4, 0}), DayState::GivenUp);
  EXPECT_EQ(state_of({0, 0, 0, 2}), DayState::Waiting);
  EXPECT_EQ(state_of({96, 0, 0, 1}), DayState::Waiting) << "another channel may still be missing";
  EXPECT_EQ(state_of({96, 1, 0, 1}), DayState::Partial);
}

TEST(Calendar, MonthBeginsOnItsWeekdayAndEndsOnItsLastDay) {
  using std::chrono::year;
  const auto march = year{2026} / 3;  // the 1st is a Sunday, the 31st a Tuesday
  std::ostringstream out;
  print_calendar(out, march,
                 {{march / 2, {96, 0, 0, 0}}, {march / 8, {92, 92, 0, 0}}, {march / 31, {0, 0, 0, 1}}},
                 false);
  EXPECT_EQ(out.str(),
            "Mon  Tue  Wed  Thu  Fri  Sat  Sun\n"
            "                               1.\n"
            " 2+   3.   4.   5.   6.   7.   8x\n"
            " 9.  10.  11.  12.  13.  14.  15.\n"
            "16.  17.  18.  19.  20.  21.  22.\n"
            "23.  24.  25.  26.  27.  28.  29.\n"
            "30.  31?\n"
            "+ complete  ~ partial  x missing  g given up  ? not judged yet  . nothing expected\n");
  std::ostringstream leap;
  print_calendar(leap, year{2024} / 2, {}, false);
  EXPECT_NE(leap.str().find("29.\n"), std::string::npos);
  EXPECT_EQ(leap.str().find("30."), std::string::npos);
}

TEST(Calendar, ColoursAreEscapesAroundTheSignOnly) {
  using std::chrono::year;
  const auto march = year{2026} / 3;
  std::ostringstream out;
  print_calendar(out, march, {{march / 2, {96, 1, 0, 0}}}, true);
  EXPECT_NE(out.str().find(" 2\033[33m~\033[0m  "), std::string::npos);
}

}  // namespace
}  // namespace ami::amictl
