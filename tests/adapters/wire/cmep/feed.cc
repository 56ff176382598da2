#include "tests/adapters/wire/cmep/feed.h"

#include <algorithm>
#include <memory>
#include <string>

namespace ami::cmep {

DecodedBatch feed(std::string_view source, const Options& options,
                  const std::function<std::size_t()>& next_piece) {
  DecodedBatch out;
  Decoder decoder(options);
  std::string pending;
  std::size_t offset = 0;  // of pending[0]
  for (;;) {
    const std::size_t come = offset + pending.size();
    pending.append(source.substr(come, std::max<std::size_t>(1, next_piece())));
    const bool last = offset + pending.size() == source.size();
    const auto chunk = out.arena->share(std::make_shared<const std::string>(pending));
    const std::size_t consumed = decoder.decode(chunk, offset, last, out);
    pending.erase(0, consumed);
    offset += consumed;
    if (last) return out;
  }
}

DecodedBatch feed(std::string_view source, const Options& options) {
  return feed(source, options, [&source] { return source.size(); });
}

}  // namespace ami::cmep
