// Reads a dropped file that holds one CIM message, for the drop folder.
#pragma once

#include <string>
#include <utility>

#include "adapters/sdk/file_reader.h"
#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/link/answers.h"

namespace ami::cim {

// A message is read whole: a file that is cut short, or that holds more or less than one, says nothing. At
// most Options::limits.bytes.
class MessageFileReader : public sdk::FileReader {
 public:
  MessageFileReader(Options options, AnswerRules rules)
      : options_(std::move(options)), rules_(std::move(rules)) {}

  std::uint64_t start_at(std::uint64_t committed) override;
  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset, bool last,
                             DecodedBatch& out) override;
  [[nodiscard]] std::uint64_t safe_offset() const override { return 0; }

 private:
  const Options options_;
  const AnswerRules rules_;
  std::string text_;
  std::uint64_t committed_ = 0;
};

}  // namespace ami::cim
