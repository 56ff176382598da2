// A decoded batch as plain lines, the form of the golden files and of oracle.py. One line a value:
//   V|offset|meter|channel|unit|commodity|time|flag|value|raw count
//   M|offset|meter|reason       (after the values)
// Times as the clock faces that they stand for, with the offset that was understood.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "adapters/wire/delimited/codec/delimited.h"

namespace ami::delimited {

std::string render(const DecodedBatch& batch);

struct Fed {
  DecodedBatch batch;
  std::string error;  // of feed(); empty = none
  std::string reason;
  std::uint64_t safe = 0;
  Counters counters;
};
// Feeds `text` in pieces of `piece` bytes (0 = all at once).
Fed feed(std::string_view text, const Options& options = {}, std::size_t piece = 0);

// render() with the detail and raw of everything, and the error: all that a decode says.
std::string render_all(const Fed& fed);

// A site's table: type 2212 is water in cubic feet, on any port; type 7 on port 2 is gas in m3.
Options site();

}  // namespace ami::delimited
