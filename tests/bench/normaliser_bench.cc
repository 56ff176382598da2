// Decoding and normalising on one core: CMEP records of 48 quarter hours, as `ingest` sends them.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>

#include "adapters/wire/cmep/codec/cmep.h"
#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/normaliser.h"

namespace ami {
namespace {

constexpr int kRecords = 2000;
constexpr int kValues = 48;

std::string input() {
  std::mt19937 random(7);
  std::string out;
  char number[32];
  for (int record = 0; record < kRecords; ++record) {
    const std::string badge = "B" + std::to_string(1'000'000 + record);
    out += "MEPMD01,19970819,HES01,LDC001,MDM01," + badge + ",202601160600," + badge +
           ",OK,E,KWH,1.0,00000015,48," + (record % 2 == 0 ? "202601150515" : "202601151715");
    for (int i = 0; i < kValues; ++i) {
      const auto wh = random() % 3000;
      std::snprintf(number, sizeof number, "%lu.%03lu", static_cast<unsigned long>(wh / 1000),
                    static_cast<unsigned long>(wh % 1000));
      out += (i == 0 ? ",R," : ",,R,") + std::string(number);
    }
    out += "\r\n";
  }
  return out;
}

FeedRules rules() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/config/maps/cmep.yaml");
  std::stringstream text;
  text << file.rdbuf();
  auto mapping = parse_mapping(text.str(), "cmep.yaml");
  if (!mapping) throw std::runtime_error(mapping.error().message + " (run it in the root of the tree)");
  FeedRules out;
  out.feed = "bench";
  out.mapping = std::move(mapping).value();
  out.zone = Zone::load("UTC").value();
  return out;
}

DecodedBatch decoded(const std::string& text) {
  DecodedBatch out;
  cmep::Decoder decoder({});
  decoder.decode(text, 0, true, out);
  return out;
}

void decode(benchmark::State& state) {
  const std::string text = input();
  for (auto _ : state) benchmark::DoNotOptimize(decoded(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.SetItemsProcessed(state.iterations() * kRecords * kValues);
}
BENCHMARK(decode);

void normalise(benchmark::State& state) {
  const std::string text = input();
  const DecodedBatch batch = decoded(text);
  const FeedRules feed = rules();
  const MeterResolver resolve = [](AliasKind, std::string_view id, UtcInstant) {
    return std::optional<ResolvedMeter>({std::strtoll(std::string(id.substr(1)).c_str(), nullptr, 10), "2S",
                                         UtcInstant::min(), UtcInstant::max()});
  };
  const UtcInstant now{std::chrono::sys_days{std::chrono::year{2026} / 2 / 1}};
  for (auto _ : state) {
    NormalisedBatch out;
    ami::normalise(batch, feed, resolve, now, out);
    if (out.intervals.size() != kRecords || !out.quarantined.empty())
      state.SkipWithError("not all was normalised");
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * kRecords * kValues);
}
BENCHMARK(normalise);

}  // namespace
}  // namespace ami

BENCHMARK_MAIN();
