#include "adapters/ssn/ssn_file_reader.h"

#include <algorithm>
#include <cstddef>
#include <variant>

namespace ami::ssn {

std::uint64_t SsnFileReader::start_at(std::uint64_t committed) {
  committed_ = committed;
  return 0;
}

Result<std::uint64_t> SsnFileReader::read(std::shared_ptr<const std::string> bytes, std::uint64_t /*offset*/,
                                          bool last, DecodedBatch& out) {
  const std::size_t observations = out.observations.size();
  const std::size_t malformed = out.malformed.size();
  const Outcome fed = decoder_.feed(*bytes, last, out);
  // A record may be given out long after the bytes that it begins with.
  if (committed_ > 0) {
    const auto is_stored = [this](const ObservationHead& head) { return head.offset < committed_; };
    const auto first = out.observations.begin() + static_cast<std::ptrdiff_t>(observations);
    out.observations.erase(std::remove_if(first, out.observations.end(),
                                          [&](const Observation& o) { return std::visit(is_stored, o); }),
                           out.observations.end());
    const auto first_bad = out.malformed.begin() + static_cast<std::ptrdiff_t>(malformed);
    out.malformed.erase(std::remove_if(first_bad, out.malformed.end(),
                                       [&](const MalformedRecord& m) { return m.offset < committed_; }),
                        out.malformed.end());
  }
  if (!fed) return fed.error();
  return bytes->size();
}

}  // namespace ami::ssn
