// What a file-fed family gives so that a file can be read, when it arrives and when it is read again: one
// object a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "meter_model/observation/observation.h"
#include "meter_model/result.h"

namespace ami::sdk {

// Used by one thread at a time, never on the strand. Throws nothing but std::bad_alloc.
class FileReader {
 public:
  virtual ~FileReader() = default;

  // Called once, first: what began below `committed` was stored earlier. Returns the offset at which read()
  // must begin; what it then finds below `committed` the reader leaves out.
  virtual std::uint64_t start_at(std::uint64_t committed) = 0;

  // Reads from `bytes`, which stand at `offset`, and returns how many it consumed: the next call begins
  // behind those. Consumes something whenever `bytes` is a full chunk, and all on `last`, which ends the
  // file. Views in `out` may point into `bytes` if the arena shares it. A bad record goes to out.malformed
  // and reading goes on; an Error says that the rest of the file cannot be read or that the file is cut
  // short: `out` then holds what was good before.
  virtual Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset,
                                     bool last, DecodedBatch& out) = 0;

  // Records given out so far begin below this offset, all others at or above it: start_at() may be told it.
  [[nodiscard]] virtual std::uint64_t safe_offset() const = 0;
};

}  // namespace ami::sdk
