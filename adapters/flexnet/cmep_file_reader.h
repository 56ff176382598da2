// Reads a CMEP file for the drop folder: whole lines, from any line's beginning.
#pragma once

#include "adapters/wire/cmep/codec/cmep.h"
#include "adapters/wire/drop_folder/file_reader.h"

namespace ami::flexnet {

class CmepFileReader : public wire::FileReader {
 public:
  // `line_end_required`: a last line without a line end may have lost characters of its last value, so it is
  // not read. Without it, such a line is read when it is complete by its count.
  CmepFileReader(cmep::Options options, bool line_end_required)
      : decoder_(std::move(options)), line_end_required_(line_end_required) {}

  std::uint64_t start_at(std::uint64_t committed) override;
  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset, bool last,
                             DecodedBatch& out) override;
  [[nodiscard]] std::uint64_t safe_offset() const override { return safe_; }

 private:
  Outcome read_unterminated(std::string_view line, std::uint64_t offset, DecodedBatch& out);

  cmep::Decoder decoder_;
  bool line_end_required_;
  bool find_line_ = false;  // resuming: first see whether a line begins here
  std::uint64_t safe_ = 0;
};

}  // namespace ami::flexnet
