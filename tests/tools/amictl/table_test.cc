#include "tools/amictl/table.h"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

namespace ami::amictl {
namespace {

std::string printed(std::vector<std::string> heads, const std::vector<std::vector<std::string>>& rows) {
  Table table(std::move(heads));
  for (const auto& row : rows) table.row(row);
  std::ostringstream out;
  table.print(out);
  return out.str();
}

TEST(Table, TextStandsLeftAndNumbersStandRight) {
  EXPECT_EQ(printed({"METER", "VALUE", "UNIT"}, {{"A", "1.5", "kWh"}, {"LONGER", "-200000", "V"}}),
            "METER     VALUE  UNIT\n"
            "A           1.5  kWh\n"
            "LONGER  -200000  V\n");
}

TEST(Table, OneWordAmongNumbersKeepsTheColumnLeft) {
  EXPECT_EQ(printed({"VALUE", "X"}, {{"1", "a"}, {"missing", "b"}}),
            "VALUE    X\n"
            "1        a\n"
            "missing  b\n");
}

TEST(Table, EmptyCellsDoNotStopNumbersFromStandingRight) {
  EXPECT_EQ(printed({"V", "X"}, {{"10", "a"}, {"", "b"}, {"7", "c"}}),
            " V  X\n"
            "10  a\n"
            "    b\n"
            " 7  c\n");
}

TEST(Table, LinesEndWithoutBlanks) {
  EXPECT_EQ(printed({"A", "LAST"}, {{"x", ""}}), "A  LAST\nx\n");
}

TEST(Table, WithoutRowsOnlyTheHeadsArePrinted) {
  EXPECT_EQ(printed({"A", "B"}, {}), "A  B\n");
}

TEST(Table, ControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(printed({"TEXT"}, {{"a\x1b[31mb\r\n\t\x07\x7f"}}), "TEXT\na?[31mb?????\n");
  EXPECT_EQ(printed({"TEXT"}, {{std::string("a\0b", 3)}}), "TEXT\na?b\n");
}

TEST(Table, EightBitControlCharactersCannotReachTheTerminal) {
  EXPECT_EQ(printed({"TEXT"}, {{"\xC2\x9B"
                                "2J\xC2\x80\xC2\x9F."}}),
            "TEXT\n?2J??.\n");
  // U+00A0, U+00E9 and a lone lead byte are none.
  EXPECT_EQ(printed({"TEXT"}, {{"\xC2\xA0x \xC3\xA9 \xC2"}}), "TEXT\n\xC2\xA0x \xC3\xA9 \xC2\n");
}

TEST(Table, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(printed({"NAME", "X"}, {{"Zo\xC3\xAB", "1a"}, {"abcde", "2a"}}),
            "NAME   X\n"
            "Zo\xC3\xAB    1a\n"
            "abcde  2a\n");
}

TEST(Table, RowOfAnotherLengthIsAMistakeOfTheProgram) {
  Table table({"A", "B"});
  EXPECT_THROW(table.row({"only one"}), std::logic_error);
  EXPECT_TRUE(table.empty());
  table.row({"x", "y"});
  EXPECT_FALSE(table.empty());
}

}  // namespace
}  // namespace ami::amictl
