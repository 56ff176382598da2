// Any bytes, split anywhere, say the same as in one piece; every view may be read.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/adapters/wire/cmep/feed.h"
#include "tests/adapters/wire/cmep/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// First byte: size of the pieces. Second byte: meter field and a small or the usual limit on lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using namespace ami::cmep;
  constexpr MeterField kFields[] = {MeterField::Field4, MeterField::Field5, MeterField::Field6,
                                    MeterField::Field8};
  Options options;
  options.meter_field = kFields[data[1] & 3];
  if ((data[1] & 4) != 0) options.max_line = 64U + data[1];
  const std::size_t piece = 1U + data[0];
  const std::string_view source{reinterpret_cast<const char*>(data) + 2, size - 2};
  const auto whole = render_all(feed(source, options));
  if (whole != render_all(feed(source, options, [piece] { return piece; }))) {
    std::fputs("a split changed what the source says\n", stderr);
    std::abort();
  }
  return 0;
}
