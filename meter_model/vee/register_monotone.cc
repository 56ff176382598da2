#include "meter_model/vee/register_monotone.h"

#include <optional>

namespace ami {
namespace {

// accumulation and flowDirection of IEC 61968-9
constexpr std::int32_t kBulkQuantity = 1;
constexpr std::int32_t kContinuousCumulative = 2;
constexpr std::int32_t kCumulative = 3;
constexpr std::int32_t kSummation = 9;
constexpr std::int32_t kNet = 4;

}  // namespace

bool only_grows(const ReadingType& type) {
  if (type[ReadingType::FlowDirection] == kNet) return false;
  switch (type[ReadingType::Accumulation]) {
    case kBulkQuantity:
    case kContinuousCumulative:
    case kCumulative:
    case kSummation:
      return true;
    default:
      return false;
  }
}

std::vector<std::size_t> backward_reads(std::span<const TimedRead> in_time_order) {
  std::vector<std::size_t> found;
  std::optional<std::size_t> before;  // last read of the latest earlier instant
  for (std::size_t i = 0; i < in_time_order.size(); ++i) {
    if (i > 0 && in_time_order[i - 1].at < in_time_order[i].at) before = i - 1;
    if (before && in_time_order[i].value < in_time_order[*before].value) found.push_back(i);
  }
  return found;
}

}  // namespace ami
