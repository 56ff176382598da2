// Documents that are broken from some byte on: the word, the byte, and what was complete before it.
#include <gtest/gtest.h>

#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

using ::testing::Test;

const std::string kEvent = "<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\"/>";

void expect_broken(const std::string& text, const std::string& reason, std::size_t delivered,
                   const std::string& words = "") {
  const auto decoded = decode(text);
  EXPECT_EQ(decoded.reason, reason);
  EXPECT_EQ(decoded.error.rfind(reason + ": ", 0), 0U) << decoded.error;
  EXPECT_NE(decoded.error.find(words), std::string::npos) << decoded.error;
  EXPECT_EQ(decoded.batch.observations.size(), delivered);
  EXPECT_TRUE(decoded.batch.malformed.empty());
}

TEST(SsnExportBadDocument, EmptyFile) {
  expect_broken("", "empty_file", 0, "no bytes");
}

TEST(SsnExportBadDocument, TruncatedFileSaysWhereItEnds) {
  const auto whole = meter(event_data(kEvent + kEvent));
  const auto cut = whole.substr(0, whole.rfind("<Event ") + 10);
  expect_broken(cut, "truncated", 1, "byte " + std::to_string(cut.size()));
}

TEST(SsnExportBadDocument, TruncatedInTheMiddleOfABlockDeliversTheCompleteIntervals) {
  const auto whole =
      meter(interval_data("<Interval EndTime=\"2026-01-01T00:15:00Z\"><Reading Channel=\"1\" Value=\"1\"/>"
                          "</Interval><Interval EndTime=\"2026-01-01T00:30:00Z\"><Reading "
                          "Channel=\"1\" Value=\"2\"/></Interval>"));
  const auto decoded = decode(whole.substr(0, whole.rfind("</Interval>")));
  EXPECT_EQ(decoded.reason, "truncated");
  ASSERT_EQ(decoded.batch.observations.size(), 1U);
  EXPECT_EQ(std::get<SeriesObservation>(decoded.batch.observations[0]).values.size(), 1U);
}

TEST(SsnExportBadDocument, NotWellFormedKeepsWhatCameBefore) {
  const auto text = meter(event_data(kEvent + "</Event>"));
  expect_broken(text, "not_well_formed", 1, "byte " + std::to_string(text.find("</Event>") + 2));
  expect_broken(document("") + "<again/>", "not_well_formed", 0, "junk");
  expect_broken(meter(event_data("<Event EventName=\"A\" EventName=\"B\"/>")), "not_well_formed", 0,
                "duplicate");
}

TEST(SsnExportBadDocument, NulBytes) {
  auto text = meter(event_data(kEvent + "@"));
  const auto at = text.find('@');
  text[at] = '\0';
  expect_broken(text, "not_well_formed", 1, "byte " + std::to_string(at));
  expect_broken(std::string(100, '\0'), "unsupported_encoding", 0, "byte 0");
}

TEST(SsnExportBadDocument, InvalidUtf8) {
  auto text =
      meter(event_data(kEvent + "<Event EventName=\"\xC3\x28\" EventTime=\"2026-01-01T00:00:00Z\"/>"));
  expect_broken(text, "not_well_formed", 1, "byte " + std::to_string(text.find('\xC3')));
}

TEST(SsnExportBadDocument, OtherEncodings) {
  expect_broken("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + document(""), "unsupported_encoding", 0);
  const std::string utf16("\xFF\xFE<\0a\0/\0>\0", 10);
  expect_broken(utf16, "unsupported_encoding", 0);
  expect_broken(utf16.substr(2), "unsupported_encoding", 0);  // without its mark
  EXPECT_EQ(decode("\xEF\xBB\xBF" + document("")).error, "");
  EXPECT_EQ(decode("<?xml version=\"1.0\" encoding=\"utf-8\"?>" + document("")).error, "");
}

TEST(SsnExportBadDocument, WrongOrMissingNamespace) {
  expect_broken("<SSNExportDocument><MeterData MeterName=\"M1\"/></SSNExportDocument>", "wrong_namespace", 0,
                "expected \"urn:com:ssn:schema:export:SSNExportFormat.xsd\"");
  expect_broken("<SSNExportDocument xmlns=\"urn:com:ssn:schema:export:Other.xsd\"/>", "wrong_namespace", 0,
                "Other.xsd");
  expect_broken("<p:SSNExportDocument/>", "not_well_formed", 0, "unbound prefix");
}

TEST(SsnExportBadDocument, WrongRoot) {
  expect_broken("<MeterData xmlns=\"" + std::string(kNamespace) + "\"/>", "wrong_root", 0, "\"MeterData\"");
}

TEST(SsnExportBadDocument, EntityBombIsRefusedBeforeAnyEntityIsRead) {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"ha\">";
  for (char c = 'b'; c <= 'k'; ++c) {
    const std::string before = std::string("&") + static_cast<char>(c - 1) + ";";
    bomb += std::string("<!ENTITY ") + c + " \"";
    for (int i = 0; i < 10; ++i) bomb += before;
    bomb += "\">";
  }
  bomb += "]>" + meter(event_data("<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\">&k;</Event>"));
  expect_broken(bomb, "entity_declaration", 0, "DOCTYPE");
}

TEST(SsnExportBadDocument, AnyDoctypeIsRefused) {
  expect_broken("<!DOCTYPE SSNExportDocument SYSTEM \"file:///etc/passwd\">" + document(""),
                "entity_declaration", 0);
  expect_broken("<!DOCTYPE SSNExportDocument>" + document(""), "entity_declaration", 0);
}

TEST(SsnExportBadDocument, UndeclaredEntity) {
  expect_broken(meter(event_data(kEvent + "&nbsp;")), "not_well_formed", 1, "undefined entity");
}

TEST(SsnExportBadDocument, DepthLimit) {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "<a>";
    for (int i = 0; i < depth; ++i) text += "</a>";
    return document(text);
  };
  EXPECT_EQ(decode(nested(63)).error, "");  // 64 with the root
  expect_broken(nested(64), "too_deep", 0, "64 deep");
}

TEST(SsnExportBadDocument, AttributeLimit) {
  const auto with = [](std::size_t size) {
    return meter(event_data(kEvent + "<Event EventName=\"A\" EventTime=\"2026-01-01T00:00:00Z\" New=\"" +
                            std::string(size, 'x') + "\"/>"));
  };
  EXPECT_EQ(decode(with(65536)).error, "");
  expect_broken(with(65537), "attribute_too_long", 1, "65536 bytes");
}

TEST(SsnExportBadDocument, HugeTokensAreNotHeld) {
  const std::string huge(100 << 20, 'x');  // one line of 100 MB
  expect_broken(meter(event_data(kEvent + "<Event EventName=\"" + huge + "\"/>")), "token_too_long", 1);
  expect_broken(meter(event_data(kEvent + "<!--" + huge + "-->")), "token_too_long", 1);
}

TEST(SsnExportBadDocument, TokensUpToTheLimitAreFine) {
  EXPECT_EQ(decode(meter("<!--" + std::string(200 * 1024, 'x') + "-->")).error, "");
}

TEST(SsnExportBadDocument, AncestorTagsThatWouldSwellEveryRawRecordAreRefused) {
  expect_broken(document("<MeterData MeterName=\"M1\" Fill=\"" + std::string(16 * 1024, 'x') + "\">" +
                         event_data(kEvent) + "</MeterData>"),
                "tag_too_long", 0);
}

TEST(SsnExportBadDocument, TheErrorStays) {
  Decoder decoder{Options{}};
  DecodedBatch batch;
  const auto first = decoder.feed("<a/>", false, batch);
  ASSERT_FALSE(first.ok());
  const auto again = decoder.feed(document(""), true, batch);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message, first.error().message);
  EXPECT_EQ(again.error().fault, Fault::Permanent);
}

TEST(SsnExportBadDocument, NothingMayFollowTheLastBytes) {
  Decoder decoder{Options{}};
  DecodedBatch batch;
  ASSERT_TRUE(decoder.feed(document(""), true, batch).ok());
  EXPECT_FALSE(decoder.feed("x", true, batch).ok());
}

TEST(SsnExportBadDocument, LineEndsOfBothKindsAreRead) {
  auto text = read_file(golden_folder() + "default_namespace.xml");
  const auto with_lf = describe(decode(text).batch);
  std::string with_crlf;
  for (const char c : text) with_crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto decoded = decode(with_crlf);
  EXPECT_EQ(decoded.error, "");
  EXPECT_EQ(describe(decoded.batch), with_lf);
}

}  // namespace
}  // namespace ami::ssn_export::testing
