#include "adapters/wire/drop_folder/file_state.h"

#include <gtest/gtest.h>

#include "adapters/wire/drop_folder/inbox.h"

namespace ami::wire {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

TEST(FileState, IsReadBackAsItWasWritten) {
  const FileState state{18'446'744'073'709'551'615U, true, sys_days{year{2026} / 2 / 28}};
  EXPECT_EQ(state.to_text(), "offset=18446744073709551615;done=1;on=2026-02-28");
  const auto back = FileState::parse(state.to_text());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->offset, state.offset);
  EXPECT_TRUE(back->done);
  EXPECT_EQ(back->on, state.on);
}

TEST(FileState, TellsTheSettingsThatTheContentWasReadWith) {
  FileState state{7, false, sys_days{year{2026} / 2 / 28}};
  state.with = "abc123";
  EXPECT_EQ(state.to_text(), "offset=7;done=0;on=2026-02-28;with=abc123");
  state.again = -4'611'686'018'427'387'905;
  EXPECT_EQ(state.to_text(), "offset=7;done=0;on=2026-02-28;with=abc123;again=-4611686018427387905");
  const auto back = FileState::parse(state.to_text());
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->with, "abc123");
  EXPECT_EQ(back->again, state.again);
  EXPECT_EQ(FileState::parse("offset=7;done=0;on=2026-02-28")->with, "");
}

TEST(FileState, AnythingElseIsRefused) {
  for (const char* text :
       {"", "offset=", "offset=1", "offset=-1;done=0;on=2026-01-01", "offset=1;done=;on=2026-01-01",
        "offset=1;done=0;on=2026-02-30", "offset=1;done=0;on=2026-01-01;",
        "offset=18446744073709551616;done=0;on=2026-01-01", "done=0;offset=1;on=2026-01-01",
        "offset=1;done=0;on=2026-01",
        "offset=1;done=0;on=2026-01-01;with=a;again=", "offset=1;done=0;on=2026-01-01;with=a;again=1;x"}) {
    EXPECT_FALSE(FileState::parse(text).has_value()) << text;
  }
}

TEST(PrintableName, EscapesWhatALogOrADatabaseCannotTake) {
  EXPECT_EQ(printable_name("Report_2026-01.txt"), "Report_2026-01.txt");
  EXPECT_EQ(printable_name("a\nb\\c\xff"), "a\\x0ab\\x5cc\\xff");
}

}  // namespace
}  // namespace ami::wire
