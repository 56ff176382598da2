// One file being read: which stretch comes next, and what it holds. Blocking; called off the strand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/drop_folder/inbox.h"

namespace ami::wire {

// What one commit stores: the records of [begin, end).
struct Stretch {
  DecodedBatch batch;
  std::uint64_t begin = 0, end = 0;
  bool last = false;                  // the file ends here
  std::optional<std::string> broken;  // the file cannot be read on; the batch holds what was good before
  std::optional<Error> failed;        // could not be read now: nothing of this stretch may be stored
};

class FileRun {
 public:
  FileRun(OpenedFile file, std::unique_ptr<FileReader> reader, std::uint64_t committed);

  Stretch next(const DropFolderConfig& config);

  [[nodiscard]] std::uint64_t size() const noexcept { return file_.stamp.size; }
  [[nodiscard]] const std::string& sha256() const noexcept { return file_.sha256; }

 private:
  OpenedFile file_;
  std::unique_ptr<FileReader> reader_;
  std::uint64_t at_;  // next byte to read
  std::uint64_t begin_;
};

}  // namespace ami::wire
