// Reads, for the drop folder, a format that can only be read from its beginning (a header line, say): after a
// restart what was stored before is read once more and left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>

#include "adapters/wire/drop_folder/file_reader.h"

namespace ami::wire {

// Decoder has feed(bytes, last, out) -> Outcome, which may tell an Error as a malformed record too, and
// safe_offset(); how the bytes are split must make no difference to it.
template <class Decoder>
class FromStartReader : public FileReader {
 public:
  explicit FromStartReader(Decoder decoder) : decoder_(std::move(decoder)) {}

  std::uint64_t start_at(std::uint64_t committed) override {
    committed_ = committed;
    return 0;
  }

  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t /*offset*/, bool last,
                             DecodedBatch& out) override {
    const std::size_t observations = out.observations.size();
    const std::size_t malformed = out.malformed.size();
    const Outcome fed = decoder_.feed(*bytes, last, out);
    const auto stored = [this](const auto& head) { return head.offset < committed_; };
    drop(out.observations, observations, [&](const Observation& one) { return std::visit(stored, one); });
    drop(out.malformed, malformed, stored);
    if (!fed) return fed.error();
    return bytes->size();
  }

  [[nodiscard]] std::uint64_t safe_offset() const override { return decoder_.safe_offset(); }

 private:
  template <class Items, class Stored>
  static void drop(Items& items, std::size_t from, Stored stored) {
    const auto first = items.begin() + static_cast<std::ptrdiff_t>(from);
    items.erase(std::remove_if(first, items.end(), stored), items.end());
  }

  Decoder decoder_;
  std::uint64_t committed_ = 0;
};

}  // namespace ami::wire
