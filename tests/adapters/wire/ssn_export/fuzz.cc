// Any bytes: no crash, no assertion, and the same result however they are split.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/wire/ssn_export/codec/ssn_export.h"

namespace {

struct Tally {
  std::size_t observations = 0, malformed = 0, raw_bytes = 0;
  std::uint64_t skipped = 0, offsets = 0;
  bool ok = true;
  bool operator==(const Tally&) const = default;
};

Tally tally(std::string_view bytes, std::size_t piece) {
  using namespace ami;
  Tally result;
  ssn_export::Decoder decoder{ssn_export::Options{}};
  DecodedBatch batch;
  do {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    result.ok = decoder.feed(part, bytes.empty(), batch).ok();
  } while (result.ok && !bytes.empty());
  result.observations = batch.observations.size();
  result.malformed = batch.malformed.size();
  result.skipped = batch.skipped;
  for (const auto& observation : batch.observations) {
    std::visit(
        [&](const auto& o) {
          result.raw_bytes += o.raw.size();
          result.offsets += o.offset;
        },
        observation);
  }
  for (const auto& record : batch.malformed) {
    result.raw_bytes += record.raw.size();
    result.offsets += record.offset;
    if (record.raw.size() > (1U << 20)) std::abort();
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Tally whole = tally(bytes, size + 1);
  if (!(whole == tally(bytes, 1 + data[size / 2]))) std::abort();
  return 0;
}
