#include "daemon/pipeline/reprocess_reader.h"

#include <algorithm>
#include <iterator>

namespace ami::daemon {
namespace {

constexpr std::size_t kChunk =
    1 << 20;  // as the drop folder reads: a longer record ends the reading of a file
constexpr std::size_t kLargestMessage = 64 << 20;

std::uint64_t offset_of(const Observation& observation) {
  return std::visit([](const ObservationHead& head) { return head.offset; }, observation);
}
std::uint64_t offset_of(const MalformedRecord& record) {
  return record.offset;
}

// Moves what begins below `end` out of `from`.
template <class Item>
void take_below(std::uint64_t end, std::vector<Item>& from, std::vector<Item>& into) {
  const auto rest = std::stable_partition(from.begin(), from.end(),
                                          [end](const Item& item) { return offset_of(item) < end; });
  std::move(from.begin(), rest, std::back_inserter(into));
  from.erase(from.begin(), rest);
}

}  // namespace

ContentReader::ContentReader(storage::RawReader raw, const ContentDecoder& decoder, std::uint64_t begin,
                             UtcInstant received_at)
    : raw_(std::move(raw)), decoder_(decoder), received_at_(received_at), file_(decoder.file()), begin_(begin) {}

Outcome ContentReader::fill(std::size_t size) {
  while (bytes_.size() < size && !all_read_) {
    const std::size_t before = bytes_.size();
    bytes_.resize(size);
    const Result<std::size_t> got = raw_.read(bytes_.data() + before, size - before);
    bytes_.resize(before + (got ? *got : 0));
    if (!got) return got.error();
    all_read_ = before + *got < size;
  }
  return Done{};
}

void ContentReader::hold(DecodedBatch&& batch) {
  held_.push_back({std::shared_ptr<const TextArena>(std::move(batch.arena)), std::move(batch.observations),
                   std::move(batch.malformed)});
}

Outcome ContentReader::read_message() {
  if (Outcome read = fill(kLargestMessage + 1); !read) return read;
  if (bytes_.size() > kLargestMessage) return permanent("the message is longer than 64 MiB");
  hold(decoder_.message(bytes_, received_at_));
  ended_ = true;
  return Done{};
}

Outcome ContentReader::read_on() {
  if (!file_) return read_message();
  if (at_ == 0 && begin_ > 0) {
    const std::uint64_t from = file_->start_at(begin_);
    while (at_ < from) {
      if (Outcome read = fill(std::min<std::uint64_t>(kChunk, from - at_)); !read) return read;
      if (bytes_.empty()) return permanent("the content ends before byte " + std::to_string(from));
      const std::size_t passed = std::min<std::uint64_t>(bytes_.size(), from - at_);
      bytes_.erase(0, passed);
      at_ += passed;
    }
  } else if (at_ == 0 && bytes_.empty()) {
    file_->start_at(0);
  }
  // One byte more tells whether the chunk is the last.
  if (Outcome read = fill(kChunk + 1); !read) return read;
  const bool last = all_read_ && bytes_.size() <= kChunk;
  DecodedBatch batch;
  auto chunk = std::make_shared<const std::string>(bytes_.substr(0, kChunk));
  const Result<std::uint64_t> consumed = file_->read(std::move(chunk), at_, last, batch);
  hold(std::move(batch));
  // Also where a file is broken, what was good before counts: so it was when it arrived.
  ended_ = last || !consumed || *consumed == 0;
  if (consumed) {
    bytes_.erase(0, *consumed);
    at_ += *consumed;
  }
  return Done{};
}

Result<ContentReader::Part> ContentReader::up_to(std::uint64_t end) {
  while (!ended_ && (!file_ || at_ == 0 || file_->safe_offset() < end)) {
    if (Outcome read = read_on(); !read) return read.error();
  }
  Part part;
  for (Held& held : held_) {
    take_below(end, held.observations, part.decoded.observations);
    take_below(end, held.malformed, part.decoded.malformed);
    part.shared.push_back(held.arena);
  }
  std::erase_if(held_, [](const Held& held) { return held.observations.empty() && held.malformed.empty(); });
  return part;
}

}  // namespace ami::daemon
