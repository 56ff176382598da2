// Presents a source to the decoder in pieces, as a reader of files does.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "adapters/wire/cmep/codec/cmep.h"

namespace ami::cmep {

// `next_piece` says how many new bytes come next (0 counts as 1). What the decoder leaves is presented again.
DecodedBatch feed(std::string_view source, const Options& options,
                  const std::function<std::size_t()>& next_piece);

// In one piece.
DecodedBatch feed(std::string_view source, const Options& options = {});

}  // namespace ami::cmep
