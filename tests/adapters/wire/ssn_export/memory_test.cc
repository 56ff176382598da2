// Memory stays bounded whatever the document's size. Counts what passes through operator new, the decoded
// batch and everything the decoder holds included; expat's own buffer is bounded by the token limit.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "adapters/wire/ssn_export/codec/encode.h"
#include "adapters/wire/ssn_export/codec/ssn_export.h"

namespace {

std::atomic<std::size_t> live{0};
std::atomic<std::size_t> peak{0};

void* counted(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  const auto now = live.fetch_add(malloc_usable_size(memory)) + malloc_usable_size(memory);
  if (now > peak.load()) peak.store(now);
  return memory;
}
void uncounted(void* memory) noexcept {
  if (memory == nullptr) return;
  live.fetch_sub(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
void operator delete(void* memory) noexcept {
  uncounted(memory);
}
void operator delete[](void* memory) noexcept {
  uncounted(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  uncounted(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  uncounted(memory);
}

namespace ami::ssn_export {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;
constexpr std::size_t kPiece = 64 * 1024;

// Feeds head, then `body` until `total` bytes, then tail; each call's batch is dropped as if committed.
struct Flow {
  std::size_t observations = 0;
  std::size_t malformed = 0;
  std::size_t values = 0;
  std::size_t repeats = 0;
  std::size_t peak_bytes = 0;
  bool ok = true;
};
Flow flow(const std::string& head, const std::string& body, const std::string& tail, std::size_t total) {
  Flow result;
  Decoder decoder{Options{}};
  const auto baseline = live.load();
  peak.store(baseline);
  std::string buffer;
  const auto give = [&](bool last) {
    DecodedBatch batch;
    result.ok = result.ok && decoder.feed(buffer, last, batch).ok();
    buffer.clear();
    result.observations += batch.observations.size();
    result.malformed += batch.malformed.size();
    for (const auto& observation : batch.observations) {
      if (const auto* series = std::get_if<SeriesObservation>(&observation))
        result.values += series->values.size();
    }
  };
  buffer = head;
  for (std::size_t sent = 0; sent < total; sent += body.size()) {
    buffer += body;
    ++result.repeats;
    if (buffer.size() >= kPiece) give(false);
  }
  buffer += tail;
  give(true);
  result.peak_bytes = peak.load() - baseline;
  return result;
}

std::string root() {
  return "<SSNExportDocument xmlns=\"" + std::string(kNamespace) +
         "\" CreationTime=\"2026-01-01T00:00:00Z\">";
}

std::string interval() {
  std::string text =
      "<Interval EndTime=\"2026-01-01T00:15:00.000-05:00\" GatewayCollectedTime=\"2026-01-01T00:25:00Z\">";
  for (const auto* channel : {"1", "2", "3", "4"}) {
    text += "<Reading Channel=\"" + std::string(channel) +
            "\" RawValue=\"363\" Value=\"0.1815\" UOM=\"kWh\" "
            "BlockEndValue=\"10798.1619\"/>\n";
  }
  return text + "</Interval>\n";
}

TEST(SsnExportMemory, TwoHundredMegabytesOfMetersStayBounded) {
  std::string body = "<MeterData MeterName=\"M1\"><RegisterData>";
  for (int i = 0; i < 7; ++i) {
    body +=
        "<RegisterRead ReadTime=\"2026-01-01T06:00:00.000-05:00\"><Tier Number=\"0\"><Register "
        "Number=\"1010\" "
        "Summation=\"10802.4588\" SummationUOM=\"kWh\"/></Tier></RegisterRead>";
  }
  body += "</RegisterData><IntervalReadData IntervalLength=\"15\">";
  for (int i = 0; i < 96; ++i) body += interval();
  body += "</IntervalReadData></MeterData>\n";
  const auto result = flow(root(), body, "</SSNExportDocument>", 200 * kMebibyte);
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.observations, result.repeats * (7 + 4));
  EXPECT_EQ(result.values, result.repeats * (7 + 4 * 96));
  EXPECT_LT(result.peak_bytes, 16 * kMebibyte);
}

TEST(SsnExportMemory, OneEndlessBlockStaysBounded) {
  const auto result = flow(root() + "<MeterData MeterName=\"M1\"><IntervalReadData IntervalLength=\"15\">",
                           interval(), "</IntervalReadData></MeterData></SSNExportDocument>", 64 * kMebibyte);
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.values, result.repeats * 4);
  EXPECT_LT(result.peak_bytes, 16 * kMebibyte);
}

TEST(SsnExportMemory, OneEndlessRecordStaysBounded) {
  for (const std::string body : {"word ", "<Unknown a=\"b\"/>"}) {
    const auto result = flow(root() +
                                 "<MeterData MeterName=\"M1\"><EventData><Event EventName=\"A\" "
                                 "EventTime=\"2026-01-01T00:00:00Z\">",
                             body, "</Event></EventData></MeterData></SSNExportDocument>", 64 * kMebibyte);
    EXPECT_TRUE(result.ok);
    EXPECT_EQ(result.observations, 0U);
    EXPECT_EQ(result.malformed, 1U);  // record_too_long
    EXPECT_LT(result.peak_bytes, 16 * kMebibyte);
  }
}

TEST(SsnExportMemory, ManyBadReadingsUnderALongTagStayBounded) {
  const std::string tag =
      "<Interval EndTime=\"2026-01-01T00:15:00Z\" Fill=\"" + std::string(15000, 'x') + "\">";
  std::string body = tag;
  for (int i = 0; i < 1000; ++i) body += "<Reading Value=\"1\"/>";
  body += "</Interval>";
  const auto result = flow(root() + "<MeterData MeterName=\"M1\"><IntervalReadData IntervalLength=\"15\">",
                           body, "</IntervalReadData></MeterData></SSNExportDocument>", 4 * kMebibyte);
  EXPECT_TRUE(result.ok);
  EXPECT_EQ(result.malformed, result.repeats * 1000);
  EXPECT_LT(result.peak_bytes, 64 * kMebibyte);
}

}  // namespace
}  // namespace ami::ssn_export
