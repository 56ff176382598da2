// Reads an SSNExportDocument file for the drop folder. XML can only be read from its beginning: after a
// restart what was stored before is read once more and left out.
#pragma once

#include "adapters/wire/drop_folder/file_reader.h"
#include "adapters/wire/ssn_export/codec/ssn_export.h"

namespace ami::ssn {

class SsnFileReader : public wire::FileReader {
 public:
  explicit SsnFileReader(ssn_export::Options options) : decoder_(options) {}

  std::uint64_t start_at(std::uint64_t committed) override;
  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset, bool last,
                             DecodedBatch& out) override;
  [[nodiscard]] std::uint64_t safe_offset() const override { return decoder_.safe_offset(); }

 private:
  ssn_export::Decoder decoder_;
  std::uint64_t committed_ = 0;
};

}  // namespace ami::ssn
