// A database, kept CMEP files, and runs that read them again: what a feed with a wrong unit goes through.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/pipeline/raw_keeper.h"
#include "daemon/pipeline/reprocess.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::daemon::testing {

// One line of a CMEP file: consecutive quarter hours of one meter.
struct CmepLine {
  std::string meter;
  std::string unit;   // KWH, KWHX
  std::string start;  // end of the first interval, UTC: "202603010015"
  std::vector<std::string> values;
  std::string created = "202603020000";
};
std::string text_of(const CmepLine& line);

class ReprocessScene : public storage::StoreTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Unit KWHX is read as `multiplier` says (3 = kWh, 0 = Wh; or another quantity code, 73 = varh), with that
  // version.
  void map(int version, const std::string& reading_type_of_kwhx, const std::string& more = "");
  static std::string wh(int multiplier);

  // As the drop folder and the pipeline do it: kept, read in small stretches, stored. Returns the content's
  // hash.
  std::string take_in(const std::string& name, const std::string& text, const std::string& received);

  storage::RunOrder order(bool dry_run) const;
  storage::RunId begin(const storage::RunOrder& order);
  storage::Run end(storage::RunId run);  // works until no run is left
  storage::Run run(const storage::RunOrder& order) { return end(begin(order)); }
  Reprocessor reprocessor();
  // Sum of the intervals that readers answer with, by the meter's key; as of a time when one is given.
  std::map<std::string, std::int64_t> energy_wh(std::optional<UtcInstant> as_of = {});

  std::filesystem::path folder;
  std::string fingerprint = "settings-1";
  std::function<DecodedBatch(std::string_view, UtcInstant)> message;  // set: a content is a message, read by it
  FeedRules rules;
  std::vector<std::string> log_lines;
  Log log{[this](Level, const std::string& line) { log_lines.push_back(line); }};
  std::unique_ptr<storage::RawFiles> files;
  std::unique_ptr<RawKeeper> keeper;
  std::unique_ptr<DirectoryCache> directory;
  storage::IngestStore* store = nullptr;  // what runs write to
};

}  // namespace ami::daemon::testing
