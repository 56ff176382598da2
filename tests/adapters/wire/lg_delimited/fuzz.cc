// Any bytes, split anywhere, say the same as in one piece; every view may be read.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/adapters/wire/lg_delimited/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// First byte: size of the pieces. Second byte: options.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using namespace ami::lg_delimited;
  Options options;
  options.line_end_required = (data[1] & 1) != 0;
  if ((data[1] & 2) != 0) {
    options.intervals = Intervals{};
    if ((data[1] & 8) != 0) options.intervals->order = Intervals::Order::StatusThenValue;
  }
  if ((data[1] & 4) != 0) options.max_line = 64U + data[1];
  const std::string_view source{reinterpret_cast<const char*>(data) + 2, size - 2};
  if (render_all(feed(source, options)) != render_all(feed(source, options, 1U + data[0]))) {
    std::fputs("a split changed what the source says\n", stderr);
    std::abort();
  }
  return 0;
}
