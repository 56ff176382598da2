#include "daemon/log/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ami::daemon {
namespace {

constexpr Message kSample{"SAMPLE_EVENT", Level::Warn, "look at it"};

TEST(LogLine, TextIsKeyValuePairsWithQuotesOnlyWhereNeeded) {
  EXPECT_EQ(
      format_line(LogFormat::Text, "2026-01-02T03:04:05Z", kSample, {{"feed", "ssn"}, {"error", "a b"}}),
      "time=2026-01-02T03:04:05Z level=warn id=SAMPLE_EVENT feed=ssn error=\"a b\" msg=\"look at it\"");
}

TEST(LogLine, JsonIsOneObject) {
  EXPECT_EQ(format_line(LogFormat::Json, "T", kSample, {{"error", "say \"no\""}}),
            R"({"time":"T","level":"warn","id":"SAMPLE_EVENT","error":"say \"no\"","msg":"look at it"})");
}

TEST(LogLine, TextFromOutsideCannotForgeALine) {
  const auto line =
      format_line(LogFormat::Text, "T", kSample, {{"error", "x\nlevel=error id=FORGED\r\x1b[2J"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find(R"(error="x\nlevel=error id=FORGED\r\u001b[2J")"), std::string::npos) << line;
}

TEST(LogLine, LongValuesAreCut) {
  const auto line = format_line(LogFormat::Text, "T", kSample, {{"error", std::string(100'000, 'x')}});
  EXPECT_LT(line.size(), 700U);
  EXPECT_NE(line.find("xxx...\""), std::string::npos);
}

TEST(Log, LinesBelowTheLowestLevelAreNotWritten) {
  std::vector<std::string> lines;
  Log log([&](Level, const std::string& line) { lines.push_back(line); });
  log.configure(Level::Warn, LogFormat::Text);
  log.write({"QUIET", Level::Info, "not wanted"});
  log.write(kSample);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("id=SAMPLE_EVENT"), std::string::npos);
}

TEST(Log, FormatAndLevelChangeWhileRunning) {
  std::vector<std::string> lines;
  Log log([&](Level, const std::string& line) { lines.push_back(line); });
  log.configure(Level::Error, LogFormat::Text);
  log.write(kSample);
  log.configure(Level::Debug, LogFormat::Json);
  log.write(kSample);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].front(), '{');
}

TEST(LogLevel, OnlyKnownNames) {
  EXPECT_EQ(level_from("warn"), Level::Warn);
  EXPECT_EQ(level_from("WARN"), std::nullopt);
  EXPECT_EQ(level_from(""), std::nullopt);
}

}  // namespace
}  // namespace ami::daemon
