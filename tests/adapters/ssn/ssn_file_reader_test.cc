#include "adapters/ssn/ssn_file_reader.h"

#include <gtest/gtest.h>

#include <set>
#include <variant>

namespace ami::ssn {
namespace {

std::string document(int events) {
  std::string text =
      "<SSNExportDocument xmlns=\"urn:com:ssn:schema:export:SSNExportFormat.xsd\" "
      "CreationTime=\"2026-01-15T00:00:00Z\">"
      "<MeterData MeterName=\"M1\"><EventData>\n";
  for (int i = 0; i < events; ++i) {
    text += "<Event EventName=\"E" + std::to_string(i) + "\" EventTime=\"2026-01-14T00:00:00Z\">x</Event>\n";
  }
  return text + "</EventData></MeterData></SSNExportDocument>\n";
}

struct Given {
  std::vector<std::string> codes;
  std::vector<std::uint64_t> offsets, safe;
  std::string error;
};

Given read_all(const std::string& text, std::size_t chunk, std::uint64_t committed) {
  SsnFileReader reader{ssn_export::Options{}};
  Given given;
  std::uint64_t at = reader.start_at(committed);
  EXPECT_EQ(at, 0U);
  for (bool last = false; !last;) {
    DecodedBatch out;
    auto bytes = std::make_shared<const std::string>(text.substr(at, chunk));
    last = at + bytes->size() >= text.size();
    const Result<std::uint64_t> consumed = reader.read(bytes, at, last, out);
    for (const Observation& o : out.observations) {
      given.codes.emplace_back(std::get<EventObservation>(o).code);
      given.offsets.push_back(std::get<EventObservation>(o).offset);
    }
    given.safe.push_back(reader.safe_offset());
    if (!consumed) {
      given.error = consumed.error().message;
      break;
    }
    at += *consumed;
  }
  return given;
}

TEST(SsnFileReader, ResumesAtAnySafeOffsetWithoutLossOrRepetition) {
  const std::string text = document(8);
  const Given whole = read_all(text, 50, 0);
  EXPECT_EQ(whole.codes, (std::vector<std::string>{"E0", "E1", "E2", "E3", "E4", "E5", "E6", "E7"}));
  const std::set<std::uint64_t> stops(whole.safe.begin(), whole.safe.end());
  ASSERT_GE(stops.size(), 8U);
  for (const std::uint64_t stop : stops) {
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < whole.codes.size(); ++i) {
      if (whole.offsets[i] >= stop) expected.push_back(whole.codes[i]);
    }
    for (const std::size_t chunk : {std::size_t{7}, std::size_t{50}, std::size_t{100'000}}) {
      EXPECT_EQ(read_all(text, chunk, stop).codes, expected) << stop << " " << chunk;
    }
  }
}

TEST(SsnFileReader, ATruncatedDocumentSaysSoAndKeepsWhatWasComplete) {
  const std::string text = document(3);
  const Given given = read_all(text.substr(0, text.find("E2") + 5), 64, 0);
  EXPECT_EQ(given.codes, (std::vector<std::string>{"E0", "E1"}));
  EXPECT_TRUE(given.error.starts_with("truncated")) << given.error;
}

}  // namespace
}  // namespace ami::ssn
