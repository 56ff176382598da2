// Takes in one file: hashes it, looks up how far it was stored, reads the rest and commits it stretch by
// stretch. Lives on the adapter's strand. While one stretch is being committed the next is read; never two
// commits at once.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/drop_folder/event.h"
#include "adapters/wire/drop_folder/file_run.h"
#include "adapters/wire/drop_folder/file_state.h"
#include "adapters/wire/drop_folder/inbox.h"

namespace ami::wire {

struct IntakeResult {
  enum class Kind {
    Done,       // all of it is stored
    Duplicate,  // all of it was stored before, under this or another name
    Rejected,   // cannot be read (on); `reason` is for the operator
    Later,      // not now; `reason` says why, empty when we are stopping
  };
  Kind kind = Kind::Later;
  std::string reason;
  FileStamp stamp;  // of what was read; meaningless for Later
  std::string sha256;
  std::uint64_t records = 0, malformed = 0;  // committed in this run
};

class FileIntake {
 public:
  FileIntake(const DropFolderConfig& config, sdk::Services services, DropFolder::MakeReader make_reader);

  sdk::Awaitable<IntakeResult> take(std::shared_ptr<const Inbox> inbox, std::string name);
  // Ends take() soon: cancels a commit, begins no other.
  void stop();
  void resume() { stopping_ = false; }

 private:
  struct Commit {
    std::optional<Result<sdk::CommitReceipt>> result;
  };
  // Keeps the content before anything of it is committed. Nothing to do without a raw store.
  sdk::Awaitable<Outcome> keep(std::shared_ptr<OpenedFile> file, std::string name);
  sdk::Awaitable<Result<OpenedFile>> open(std::shared_ptr<const Inbox> inbox, std::string name);
  sdk::Awaitable<std::shared_ptr<Stretch>> read_next(std::shared_ptr<FileRun> run);
  sdk::Awaitable<void> store(std::shared_ptr<FileRun> run, std::string name, std::int64_t read_again,
                             IntakeResult& result);
  // A finished file that is not done (a broken one) is read on from `resume_at` when it is dropped again.
  // Day and mark of `state` are filled in.
  sdk::Awaitable<Result<std::vector<sdk::StateChange>>> state_after(std::string sha256, std::string position,
                                                                    bool finished);
  std::shared_ptr<Commit> begin_commit(sdk::SourceSpan source, DecodedBatch batch,
                                       std::vector<sdk::StateChange> changes);

  const DropFolderConfig& config_;
  sdk::Services services_;
  DropFolder::MakeReader make_reader_;
  FileLog log_;
  Event committed_;
  boost::asio::cancellation_signal cancel_commit_;
  bool stopping_ = false;
};

}  // namespace ami::wire
