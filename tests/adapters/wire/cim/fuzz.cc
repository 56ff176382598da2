// Any bytes: no crash; each raw record can be read again and says no more than the message did.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/adapters/wire/cim/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ami::cim;
  const Options options = with_landis_gyr();
  const auto decoded = decode({reinterpret_cast<const char*>(data), size}, options);
  if (!decoded) return 0;
  for (const auto& observation : decoded->batch.observations) {
    std::visit(
        [&](const auto& o) {
          const auto again = decode(o.raw, options);
          if (!again || again->batch.observations.empty()) {
            std::fputs("a raw record cannot be read again\n", stderr);
            std::abort();
          }
        },
        observation);
  }
  return 0;
}
