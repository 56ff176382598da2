#include "meter_model/normaliser/batch_writer.h"

#include <utility>

namespace ami {
namespace {

// The parts are joined by a byte that no reading type has and that a vendor's key cannot forge: it comes
// last.
std::string channel_name(MeterId meter, const std::string& reading_type, std::string_view key) {
  std::string name = std::to_string(meter);
  name += '\n';
  name += reading_type;
  name += '\n';
  name += key;
  return name;
}

std::string quality_name(const QualitySet& codes, std::string_view vendor_flag) {
  std::string name;
  for (const QualityCode& code : codes) {
    name += static_cast<char>(code.system);
    name += static_cast<char>(code.category);
    name += static_cast<char>(code.index & 0xFFU);
    name += static_cast<char>(code.index >> 8U);
  }
  name.insert(0, 1, static_cast<char>(codes.size()));
  name += vendor_flag;
  return name;
}

}  // namespace

BatchWriter::BatchWriter(NormalisedBatch& batch) : batch_(batch) {
  if (batch_.qualities.empty()) batch_.qualities.emplace_back();
  for (std::uint32_t i = 0; i < batch_.channels.size(); ++i) {
    const ChannelKey& channel = batch_.channels[i];
    channels_.emplace(channel_name(channel.meter, channel.reading_type, channel.key), i);
  }
  for (std::uint32_t i = 0; i < batch_.qualities.size(); ++i) {
    qualities_.emplace(quality_name(batch_.qualities[i].codes, batch_.qualities[i].vendor_flag), i);
  }
}

std::uint32_t BatchWriter::channel(MeterId meter, std::string_view wire, std::string_view vendor_channel,
                                   const ReadingTarget& target) {
  std::string key(wire);
  key += ':';
  key += vendor_channel;
  const auto next = static_cast<std::uint32_t>(batch_.channels.size());
  const auto [place, fresh] = channels_.emplace(channel_name(meter, target.reading_type, key), next);
  if (fresh) batch_.channels.push_back({meter, std::move(key), target.reading_type, target.unit});
  return place->second;
}

std::uint32_t BatchWriter::quality(const QualitySet& codes, std::string_view vendor_flag) {
  if (codes.empty() && vendor_flag.empty()) return 0;
  const auto next = static_cast<std::uint32_t>(batch_.qualities.size());
  const auto [place, fresh] = qualities_.emplace(quality_name(codes, vendor_flag), next);
  if (fresh) batch_.qualities.push_back({codes, std::string(vendor_flag)});
  return place->second;
}

}  // namespace ami
