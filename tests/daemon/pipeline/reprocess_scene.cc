#include "tests/daemon/pipeline/reprocess_scene.h"

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "adapters/flexnet/cmep_file_reader.h"
#include "adapters/wire/drop_folder/file_run.h"
#include "daemon/pipeline/commit_attempt.h"
#include "daemon/pipeline/refusal_error.h"
#include "meter_model/normaliser/mapping_yaml.h"

namespace ami::daemon::testing {
namespace fs = std::filesystem;

std::string text_of(const CmepLine& line) {
  std::string out = "MEPMD01,19970819,S,C,R,C," + line.created + "," + line.meter + ",OK,E," + line.unit +
                    ",1.0,00000015," + std::to_string(line.values.size()) + "," + line.start;
  for (std::size_t i = 0; i < line.values.size(); ++i) out += (i == 0 ? ",R," : ",,R,") + line.values[i];
  return out + "\r\n";
}

void ReprocessScene::SetUp() {
  StoreTest::SetUp();
  char pattern[] = "/tmp/ami-reprocess-XXXXXX";
  folder = ::mkdtemp(pattern);
  files = std::make_unique<storage::RawFiles>(folder / "raw");
  ASSERT_TRUE(files->prepare().ok());
  keeper = std::make_unique<RawKeeper>(*files, storage::RawContents(*database), 13, log);
  directory = std::make_unique<DirectoryCache>([this]() -> Result<storage::DirectorySnapshot> {
    auto answer = assets->directory();
    if (!answer) return error_of(answer.refusal());
    return std::move(answer).value();
  });
  store = ingest.get();
  map(1000, wh(3));
}

void ReprocessScene::TearDown() {
  fs::remove_all(folder);
}

std::string ReprocessScene::wh(int multiplier) {
  return "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0." + std::to_string(multiplier) + ".72.0";
}

void ReprocessScene::map(int version, const std::string& reading_type_of_kwhx, const std::string& more) {
  auto mapping = parse_mapping(R"(
version: 1
wire: cmep
units:
  - {unit: KWH, measure: MEPMD01, commodity: E, kind: interval, reading_type: ")" +
                                   wh(3) + R"("}
  - {unit: KWHX, measure: MEPMD01, commodity: E, kind: interval, reading_type: ")" +
                                   reading_type_of_kwhx + R"("}
flags: {"": {}, R: {}, N: {missing: true}}
)" + more,
                               "map");
  ASSERT_TRUE(mapping.ok()) << (mapping.ok() ? "" : mapping.error().message);
  rules.feed = "feed-1";
  rules.mapping = std::move(mapping).value();
  rules.mapping.version = version;
  rules.zone = Zone::load("UTC").value();
}

std::string ReprocessScene::take_in(const std::string& name, const std::string& text,
                                    const std::string& received) {
  fs::create_directories(folder / "in");
  std::ofstream(folder / "in" / name, std::ios::binary) << text;
  const wire::Inbox inbox(folder / "in", {});
  auto opened = inbox.open(name);
  EXPECT_TRUE(opened.ok());
  const std::string sha256 = opened->sha256;
  const UtcInstant received_at = storage::at(received.c_str());
  const Outcome kept = keeper->keep({north, "feed-1", sha256, name, text.size(), 0, received_at},
                                    [&text](char* into, std::size_t size, std::uint64_t offset) {
                                      const std::size_t n = std::min<std::size_t>(size, text.size() - offset);
                                      std::memcpy(into, text.data() + offset, n);
                                      return Result<std::size_t>(n);
                                    });
  EXPECT_TRUE(kept.ok()) << (kept.ok() ? "" : kept.error().message);
  wire::DropFolderConfig config;
  config.chunk_bytes = 12 << 10;
  config.batch_bytes = 10 << 10;  // several stretches a file
  wire::FileRun file(std::move(opened).value(),
                     std::make_unique<flexnet::CmepFileReader>(cmep::Options{}, false), 0);
  for (;;) {
    const wire::Stretch stretch = file.next(config);
    EXPECT_FALSE(stretch.broken || stretch.failed);
    storage::CommitUnit unit;
    unit.utility = north;
    unit.source = {
        "feed-1",   name, sha256, stretch.begin, stretch.end - stretch.begin, rules.mapping.version,
        received_at};
    bool built = false;
    const auto counts =
        commit_attempt(*ingest, *directory, unit, built, [&](const Directory& picture, NormalisedBatch& out) {
          normalise(stretch.batch, rules, resolver_of(picture, north, "feed-1"), received_at, out);
        });
    EXPECT_TRUE(counts.ok()) << (counts.ok() ? "" : counts.error().message);
    if (stretch.last || !counts.ok()) return sha256;
  }
}

storage::RunOrder ReprocessScene::order(bool dry_run) const {
  storage::RunOrder order;
  order.utility = north;
  order.feed = "feed-1";
  order.ordered_by = "alice";
  order.cause = "KWHX is Wh, not kWh";
  order.dry_run = dry_run;
  return order;
}

storage::RunId ReprocessScene::begin(const storage::RunOrder& order) {
  auto id = storage::ReprocessRuns(*database).order(order, {{"feed-1", fingerprint}});
  EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.refusal().message);
  return id.ok() ? *id : 0;
}

Reprocessor ReprocessScene::reprocessor() {
  return Reprocessor(
      {*store, storage::ReprocessRuns(*database), storage::Statements(*database), *directory, *files,
       [this](storage::UtilityId utility, const std::string& feed) -> std::optional<ReprocessFeed> {
         if (utility != north || feed != "feed-1") return std::nullopt;
         return ReprocessFeed{
             rules,
             {[this]() -> std::unique_ptr<sdk::FileReader> {
                if (message) return nullptr;
                return std::make_unique<flexnet::CmepFileReader>(cmep::Options{}, false);
              },
              [this](std::string_view raw, UtcInstant received_at) { return message(raw, received_at); }},
             fingerprint};
       },
       log});
}

storage::Run ReprocessScene::end(storage::RunId run) {
  Reprocessor worker = reprocessor();
  for (int steps = 0; steps < 10'000; ++steps) {
    const auto step = worker.step();
    EXPECT_TRUE(step.ok()) << (step.ok() ? "" : step.error().message);
    if (!step.ok() || step->idle) break;
  }
  auto done = storage::ReprocessRuns(*database).get(north, run);
  EXPECT_TRUE(done.ok());
  return done.ok() ? *done : storage::Run{};
}

std::map<std::string, std::int64_t> ReprocessScene::energy_wh(std::optional<UtcInstant> as_of) {
  std::map<std::string, std::int64_t> out;
  for (const auto& row : sql("SELECT meter_id, key FROM meter")) {
    std::vector<storage::MeterSpan> spans{{std::stoll(row[0]), {}}};
    storage::PageRequest page;
    page.size = 1000;
    do {
      const auto answer = readers->intervals(spans, {}, page, as_of);
      EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.refusal().message);
      if (!answer.ok()) return out;
      for (const storage::IntervalBlock& block : answer->blocks) {
        if (answer->dictionary.channels.at(block.channel).unit != "Wh") continue;
        for (const std::int64_t mantissa : block.mantissas) {
          if (mantissa == storage::IntervalBlock::kMissing) continue;
          out[row[1]] += *Decimal{mantissa, block.exponent}.mantissa_at(0);
        }
      }
      page.token = answer->next_token;
    } while (!page.token.empty());
  }
  return out;
}

}  // namespace ami::daemon::testing
