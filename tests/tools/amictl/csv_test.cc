#include "tools/amictl/csv.h"

#include <gtest/gtest.h>

#include <sstream>

namespace ami::amictl {
namespace {

using Row = std::vector<std::string>;

struct Read {
  std::vector<Row> rows;
  std::vector<std::size_t> lines;  // of each row
  std::string error;
  std::size_t error_line = 0;
};

Read read_all(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  Read read;
  for (;;) {
    auto row = reader.next();
    if (!row) {
      read.error = row.error().message;
      read.error_line = reader.line();
      return read;
    }
    if (row->empty()) return read;
    read.rows.push_back(std::move(row).value());
    read.lines.push_back(reader.line());
  }
}

TEST(CsvReader, QuotesKeepCommasDoubledQuotesAndLineBreaks) {
  const Read read = read_all("a,\"b, \"\"c\"\"\",\"x\r\ny\"\r\nnext,\"\",z\r\n");
  EXPECT_EQ(read.rows, (std::vector<Row>{{"a", "b, \"c\"", "x\r\ny"}, {"next", "", "z"}}));
  EXPECT_EQ(read.error, "");
}

TEST(CsvReader, LineEndsCrlfAndLfGiveTheSameRows) {
  EXPECT_EQ(read_all("a,b\nc,d\n").rows, read_all("a,b\r\nc,d\r\n").rows);
  EXPECT_EQ(read_all("a,b\r\nc,d\r\n").rows, (std::vector<Row>{{"a", "b"}, {"c", "d"}}));
}

TEST(CsvReader, CarriageReturnInsideALineIsText) {
  EXPECT_EQ(read_all("a\rb,c\n").rows, (std::vector<Row>{{"a\rb", "c"}}));
}

TEST(CsvReader, LastLineNeedsNoLineEnd) {
  EXPECT_EQ(read_all("a,b\nc,d").rows, (std::vector<Row>{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(read_all("a,b\r\nc,d\r").rows, (std::vector<Row>{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(read_all("a,\"b\"").rows, (std::vector<Row>{{"a", "b"}}));
  EXPECT_EQ(read_all("a,").rows, (std::vector<Row>{{"a", ""}}));
}

TEST(CsvReader, EmptyLinesAreSkippedAndCounted) {
  const Read read = read_all("\n\r\na\n\n\nb\n\n");
  EXPECT_EQ(read.rows, (std::vector<Row>{{"a"}, {"b"}}));
  EXPECT_EQ(read.lines, (std::vector<std::size_t>{3, 6}));
}

TEST(CsvReader, QuotedEmptyFieldAndLoneCommaAreRows) {
  EXPECT_EQ(read_all("\"\"\n,\n").rows, (std::vector<Row>{{""}, {"", ""}}));
}

TEST(CsvReader, LineOfARowIsWhereItBegan) {
  const Read read = read_all("h\n\"1\n2\n3\"\nlast\n");
  EXPECT_EQ(read.rows, (std::vector<Row>{{"h"}, {"1\n2\n3"}, {"last"}}));
  EXPECT_EQ(read.lines, (std::vector<std::size_t>{1, 2, 5}));
}

TEST(CsvReader, ByteOrderMarkIsNoPartOfTheFirstField) {
  EXPECT_EQ(read_all("\xEF\xBB\xBFmeter,badge\n").rows, (std::vector<Row>{{"meter", "badge"}}));
  EXPECT_EQ(read_all("\xEF\xBB\xBF\"meter\"\n").rows, (std::vector<Row>{{"meter"}}));
  EXPECT_EQ(read_all("\xEF\xBB\xBF").rows, std::vector<Row>{});
  EXPECT_EQ(read_all("a\n\xEF\xBB\xBF\n").rows, (std::vector<Row>{{"a"}, {"\xEF\xBB\xBF"}}));
}

TEST(CsvReader, CharactersThatBeginLikeAByteOrderMarkAreKept) {
  EXPECT_EQ(read_all("\xEF\xBC\xA1,b\n").rows, (std::vector<Row>{{"\xEF\xBC\xA1", "b"}}));  // fullwidth A
  EXPECT_EQ(read_all("\xEF\xBB\xBC,b\n").rows, (std::vector<Row>{{"\xEF\xBB\xBC", "b"}}));
  EXPECT_EQ(read_all("\xEF\n").rows, (std::vector<Row>{{"\xEF"}}));
}

TEST(CsvReader, NothingAtAllIsTheEndAndStaysTheEnd) {
  std::istringstream in;
  CsvReader reader(in);
  for (int i = 0; i < 3; ++i) {
    const auto row = reader.next();
    ASSERT_TRUE(row.ok());
    EXPECT_TRUE(row->empty());
  }
}

TEST(CsvReader, NulByteIsRefused) {
  const Read read = read_all(std::string("a,b\nc,\0d\n", 9));
  EXPECT_EQ(read.rows, (std::vector<Row>{{"a", "b"}}));
  EXPECT_NE(read.error.find("NUL"), std::string::npos) << read.error;
  EXPECT_EQ(read.error_line, 2U);
  EXPECT_NE(read_all(std::string("\"a\0\"\n", 5)).error, "");  // in quotes as well
}

TEST(CsvReader, QuoteThatIsNeverClosedNamesTheLineItOpenedOn) {
  const Read read = read_all("a\nb,\"c\nd\ne\n");
  EXPECT_EQ(read.rows, (std::vector<Row>{{"a"}}));
  EXPECT_NE(read.error.find("never closed"), std::string::npos) << read.error;
  EXPECT_EQ(read.error_line, 2U);
}

TEST(CsvReader, StrayQuotesAreRefused) {
  EXPECT_NE(read_all("a\"b\n").error, "");
  EXPECT_NE(read_all("\"a\"b\n").error, "");
  EXPECT_NE(read_all("\"a\" ,b\n").error, "");
}

TEST(CsvReader, RowOverOneMebibyteIsRefusedAndOneOfThatSizeIsRead) {
  constexpr std::size_t kMebibyte = 1024 * 1024;
  const std::string fits(kMebibyte - 1, 'x');  // and its line end
  EXPECT_EQ(read_all("a\n" + fits + "\nb\n").rows, (std::vector<Row>{{"a"}, {fits}, {"b"}}));
  const Read read = read_all("a\n" + fits + "x\nb\n");
  EXPECT_EQ(read.rows, (std::vector<Row>{{"a"}}));
  EXPECT_NE(read.error, "");
  EXPECT_EQ(read.error_line, 2U);
  EXPECT_NE(read_all("\"" + std::string(kMebibyte, '\n') + "\"\n").error, "");
}

TEST(Utf8Check, AcceptsWhatUnicodeDefinesAndNothingElse) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain \x7f"));
  EXPECT_TRUE(is_utf8("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\x8C"));    // two, three and four bytes
  EXPECT_TRUE(is_utf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));  // beside the surrogates; the last
  EXPECT_FALSE(
      is_utf8("Qu\xE9"
              "bec"));  // Latin-1
  EXPECT_FALSE(is_utf8("\x80"));
  EXPECT_FALSE(is_utf8("cut \xE2\x82"));
  EXPECT_FALSE(is_utf8("\xC0\xAF"));  // overlong
  EXPECT_FALSE(is_utf8("\xE0\x80\xAF"));
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // a surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // past the last character
  EXPECT_FALSE(is_utf8("\xFF"));
}

}  // namespace
}  // namespace ami::amictl
