#include "adapters/wire/cim/link/message_file_reader.h"

#include <variant>

#include "adapters/wire/cim/link/incoming.h"

namespace ami::cim {

std::uint64_t MessageFileReader::start_at(std::uint64_t committed) {
  committed_ = committed;
  text_.clear();
  return 0;
}

Result<std::uint64_t> MessageFileReader::read(std::shared_ptr<const std::string> bytes,
                                              std::uint64_t /*offset*/, bool last, DecodedBatch& out) {
  if (bytes->size() > options_.limits.bytes - text_.size()) {
    return permanent("too_large: a message of more than " + std::to_string(options_.limits.bytes) + " bytes");
  }
  text_ += *bytes;
  if (!last) return bytes->size();
  auto decoded = read_incoming(text_, options_, rules_);
  if (!decoded) return decoded.error();
  out = std::move(decoded->batch);  // nothing was given out before
  const auto stored = [this](const ObservationHead& head) { return head.offset < committed_; };
  std::erase_if(out.observations, [&](const Observation& one) { return std::visit(stored, one); });
  std::erase_if(out.malformed, [&](const MalformedRecord& one) { return one.offset < committed_; });
  return bytes->size();
}

}  // namespace ami::cim
