#include "adapters/flexnet/cmep_file_reader.h"

#include <algorithm>

namespace ami::flexnet {

std::uint64_t CmepFileReader::start_at(std::uint64_t committed) {
  safe_ = committed;
  if (committed == 0) return 0;
  // A stop inside an over-long line, which was reported then, leaves a position that no line begins at: the
  // byte before tells.
  find_line_ = true;
  return committed - 1;
}

Result<std::uint64_t> CmepFileReader::read(std::shared_ptr<const std::string> bytes, std::uint64_t offset,
                                           bool last, DecodedBatch& out) {
  const std::string_view all = out.arena->share(std::move(bytes));
  std::string_view chunk = all;
  if (find_line_) {
    const std::size_t line_end = chunk.find('\n');
    find_line_ = line_end == std::string_view::npos && !last;
    chunk.remove_prefix(std::min(line_end, chunk.size() - 1) + 1);
    if (chunk.empty()) {
      safe_ = std::max(safe_, offset + all.size());
      return all.size();
    }
    offset += all.size() - chunk.size();
  }
  const std::size_t before = all.size() - chunk.size();
  const std::size_t lines = chunk.rfind('\n') + 1;  // npos + 1 = 0: no line ends here
  std::size_t consumed = 0;
  if (last) {
    consumed = decoder_.decode(chunk.substr(0, lines), offset, false, out);
    safe_ = offset + consumed;
    if (const std::string_view rest = chunk.substr(consumed); !rest.empty()) {
      if (Outcome read = read_unterminated(rest, offset + consumed, out); !read) return read.error();
      consumed = chunk.size();
    }
  } else {
    consumed = decoder_.decode(chunk, offset, false, out);
  }
  safe_ = offset + consumed;
  return before + consumed;
}

Outcome CmepFileReader::read_unterminated(std::string_view line, std::uint64_t offset, DecodedBatch& out) {
  const std::string where = "the last line, at byte " + std::to_string(offset) + ", has no line end";
  if (line_end_required_) {
    out.malformed.push_back({offset, line, {}, "line_end_missing", where + ": it may be cut short"});
    return permanent(where + ": it may be cut short");
  }
  const std::size_t malformed = out.malformed.size();
  decoder_.decode(line, offset, true, out);
  if (out.malformed.size() == malformed) return Done{};
  // An empty meter field with fields behind it was sent so: nothing is cut off there.
  const auto fields_behind =
      std::count(line.begin(), line.end(), ',') - static_cast<int>(cmep::MeterField::Field8);
  if (fields_behind > 0 && out.malformed.back().reason == std::string_view(cmep::reason::kMissingMeter))
    return Done{};
  return permanent(where + " and is cut short: " + out.malformed.back().detail);
}

}  // namespace ami::flexnet
