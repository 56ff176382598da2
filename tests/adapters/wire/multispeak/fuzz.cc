// Any bytes: no crash, and what is kept of a message says the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/wire/multispeak/codec/multispeak.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ami;
  using namespace ami::multispeak;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Options options;
  options.limits.bytes = 256 * 1024;
  const auto incoming = decode_request(bytes, options);
  const auto whole = decode_notification(bytes, options);
  if (incoming && is_notification(incoming->operation)) {
    const auto again = decode_notification(incoming->journal, options);
    if (again.ok() != whole.ok()) std::abort();
    if (again && (again->reports.batch.observations.size() != whole->reports.batch.observations.size() ||
                  again->reports.batch.results.size() != whole->reports.batch.results.size() ||
                  again->reports.batch.malformed.size() != whole->reports.batch.malformed.size()))
      std::abort();
  }
  if (whole) {
    std::size_t checked = 0;
    for (const Observation& said : whole->reports.batch.observations) {
      const std::string_view raw = std::visit([](const auto& one) { return one.raw; }, said);
      if (raw.size() > kMaxRecordBytes + kMaxContextBytes) std::abort();
      if (++checked > 8) break;
      const auto part = decode_notification(raw, options);
      // A raw may be longer than the message was; within the limit it must be readable.
      if (!part && raw.size() <= options.limits.bytes) std::abort();
    }
  }
  for (const Operation operation : {Operation::GetReadingsByDate, Operation::GetAmrSupportedMeters})
    (void)decode_response(bytes, operation, options);
  return 0;
}
