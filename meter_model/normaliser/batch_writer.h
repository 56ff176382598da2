// Channels and qualities of a batch, each kept once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "meter_model/normaliser/reading.h"
#include "meter_model/normaliser/reading_target.h"

namespace ami {

class BatchWriter {
 public:
  explicit BatchWriter(NormalisedBatch& batch);

  std::uint32_t channel(MeterId meter, std::string_view wire, std::string_view vendor_channel,
                        const ReadingTarget& target);
  std::uint32_t quality(const QualitySet& codes, std::string_view vendor_flag);
  NormalisedBatch& batch() { return batch_; }

 private:
  NormalisedBatch& batch_;
  std::unordered_map<std::string, std::uint32_t> channels_;
  std::unordered_map<std::string, std::uint32_t> qualities_;
};

}  // namespace ami
