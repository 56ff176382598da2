#include "meter_model/vee/register_monotone.h"

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

}  // namespace ami
