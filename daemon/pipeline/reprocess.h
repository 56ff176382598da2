// Reads kept content again, with the decoder, the mapping and the asset data of today. First everything is
// compared and counted; then, unless that was all that was asked or something stands against it, the
// differences are written as new versions, under a source that says why. Nothing is deleted. All state is in
// the database: whoever calls step() next goes on, after a crash too, and a stretch that was written is found
// as written.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/log/log.h"
#include "daemon/pipeline/directory.h"
#include "daemon/pipeline/reprocess_plan.h"
#include "daemon/pipeline/reprocess_reader.h"
#include "storage/ingest.h"
#include "storage/raw/raw_files.h"

namespace ami::daemon {

// What a configured feed reads with; lives while the call does.
struct ReprocessFeed {
  FeedRules rules;
  ContentDecoder decoder;
  std::string fingerprint;  // of all settings; a run that begins with one does not go on with another
};

struct ReprocessParts {
  storage::IngestStore& store;
  storage::ReprocessRuns runs;
  storage::Statements statements;
  DirectoryCache& directory;
  const storage::RawFiles& files;
  // nullopt: not configured (any more) for that utility.
  std::function<std::optional<ReprocessFeed>(storage::UtilityId utility, const std::string& feed)> feed;
  const Log& log;
};

// Blocking; one thread at a time.
class Reprocessor {
 public:
  explicit Reprocessor(ReprocessParts parts);
  ~Reprocessor();

  struct Step {
    bool idle = true;          // no run is to be worked on
    std::uint64_t values = 0;  // compared in this step
    std::int64_t rate = 0;     // values a second that the run's owner asked for; 0 = as fast as possible
  };
  // Works on about one stretch of the oldest run. An error is the store's or the disk's: call again later,
  // nothing is lost. What ends a run (refused, failed) or leaves a content out is told in the run.
  Result<Step> step();

 private:
  struct Open;
  Result<Step> work(const storage::Run& run, const storage::RunContent& content);
  // Null: the content was left out, or the run ended; the reason is in the run.
  Result<Open*> open(const storage::Run& run, const storage::RunContent& content);
  Outcome end_phase(const storage::Run& run);
  Outcome leave_out(const storage::Run& run, const storage::RunContent& content, const std::string& problem);
  Outcome enter(const storage::Run& run, storage::RunState to, const std::string& message);

  struct Plan;
  Result<Plan> plan(const storage::Run& run, const storage::RunContent& content,
                    const storage::ContentStretch& stretch, const DecodedBatch& decoded);
  Outcome tell_at_each_receipt(const storage::Run& run, const storage::RunContent& content,
                               NormalisedBatch& today);
  // false: asset data changed meanwhile; plan again.
  Result<bool> write(const storage::Run& run, const storage::RunContent& content,
                     const storage::ContentStretch& stretch, Plan& plan);

  // Names that were given since are looked up with: once a phase of a run.
  Outcome refresh_directory(const storage::Run& run);

  ReprocessParts parts_;
  std::pair<storage::RunId, storage::RunState> refreshed_{};
  std::unique_ptr<Open> open_;  // what is being read; kept from step to step so that it is read once
};

}  // namespace ami::daemon
