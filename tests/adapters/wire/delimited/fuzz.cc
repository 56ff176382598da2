// Any bytes, split anywhere, say the same as in one piece; every view may be read; each raw is read again as
// itself.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/adapters/wire/delimited/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// First byte: size of the pieces. Second byte: options.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  using namespace ami;
  using namespace ami::delimited;
  Options options;
  if ((data[1] & 1) != 0) options = site();
  options.line_end_required = (data[1] & 2) != 0;
  if ((data[1] & 4) != 0) options.delimiter = ';';
  if ((data[1] & 8) != 0) options.time_form = TimeForm::MonthFirst;
  if ((data[1] & 16) != 0) options.max_line = 64U + data[1];
  const std::string_view source{reinterpret_cast<const char*>(data) + 2, size - 2};
  const Fed fed = feed(source, options);
  if (render_all(fed) != render_all(feed(source, options, 1U + data[0]))) {
    std::fputs("a split changed what the source says\n", stderr);
    std::abort();
  }
  options.max_line =
      65536;  // the raw has its header in a line of its own, which may be longer than the source's
  for (const auto& observation : fed.batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    DecodedBatch again;
    if (!decode_all(series.raw, options, again) || again.observations.size() != 1 ||
        std::get<SeriesObservation>(again.observations[0]).values.at(0).value != series.values.at(0).value) {
      std::fputs("a raw record is not read again as it was\n", stderr);
      std::abort();
    }
  }
  return 0;
}
