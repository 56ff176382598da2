#include "storage/journal/carve.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>

#include "storage/journal/journal_file.h"
#include "storage/journal/paths.h"

namespace ami::storage {
namespace {

// SQLite's file format, sections 1.5, 1.6, 2.1 and 4.1; our files have this page size and nothing reserved.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kLogHeader = 32, kFrameHeader = 24;
constexpr std::size_t kFirstPageHeader = 100;
constexpr unsigned char kTableLeaf = 0x0d;
constexpr std::size_t kMostLocal = kPage - 35;
constexpr std::size_t kLeastLocal = (kPage - 12) * 32 / 255 - 23;
constexpr std::size_t kMostPayload = kLargestMessage + 2 * kLongestKey + 100;

using Page = std::array<unsigned char, kPage>;
using Bytes = std::span<const unsigned char>;

std::size_t big_endian(Bytes bytes) {
  std::size_t number = 0;
  for (const auto byte : bytes) number = (number << 8) | byte;
  return number;
}

// Takes a variable-length integer off the front.
std::optional<std::uint64_t> varint(Bytes& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 9 && i < bytes.size(); ++i) {
    if (i == 8) {
      number = (number << 8) | bytes[i];
    } else {
      number = (number << 7) | (bytes[i] & 0x7fU);
    }
    if (i == 8 || (bytes[i] & 0x80U) == 0) {
      bytes = bytes.subspan(i + 1);
      return number;
    }
  }
  return std::nullopt;
}

// Where the columns of a row lie in its payload: NULL for the id, then feed, key, received_us, seal, body.
struct Shape {
  std::size_t header = 0, feed = 0, key = 0, received = 0, body = 0;
};

std::optional<Shape> shape_of(Bytes local, std::size_t payload) {
  Bytes rest = local;
  const auto header = varint(rest);
  const std::size_t own = local.size() - rest.size();  // bytes of that number itself
  if (!header || *header < own || *header > local.size()) return std::nullopt;
  rest = local.subspan(own, static_cast<std::size_t>(*header) - own);
  std::array<std::uint64_t, 6> types{};
  for (auto& type : types) {
    const auto read = varint(rest);
    if (!read) return std::nullopt;
    type = *read;
  }
  const auto is_blob = [](std::uint64_t type) { return type >= 12 && type % 2 == 0; };
  const auto size_of_blob = [](std::uint64_t type) { return static_cast<std::size_t>((type - 12) / 2); };
  constexpr std::array<std::size_t, 10> kIntegers{0, 1, 2, 3, 4, 6, 8, 0, 0, 0};
  const bool integer = (types[3] >= 1 && types[3] <= 6) || types[3] == 8 || types[3] == 9;
  if (!rest.empty() || types[0] != 0 || !is_blob(types[1]) || !is_blob(types[2]) || !integer ||
      types[4] != 12 + 2 * std::tuple_size_v<Digest> || !is_blob(types[5])) {
    return std::nullopt;
  }
  const Shape shape{static_cast<std::size_t>(*header), size_of_blob(types[1]), size_of_blob(types[2]),
                    kIntegers[types[3]], size_of_blob(types[5])};
  if (shape.feed > kLongestKey || shape.key > kLongestKey || shape.body > kLargestMessage ||
      shape.header + shape.feed + shape.key + shape.received + std::tuple_size_v<Digest> + shape.body !=
          payload) {
    return std::nullopt;
  }
  // The values 0 and 1 have types of their own (8 and 9) and no bytes; none of our messages is that old.
  return shape;
}

std::int64_t signed_number(Bytes bytes, bool one) {
  if (bytes.empty()) return one ? 1 : 0;
  std::uint64_t number = (bytes[0] & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (const auto byte : bytes) number = (number << 8) | byte;
  return static_cast<std::int64_t>(number);
}

class Pages {
 public:
  explicit Pages(const std::string& folder)
      : database_(database_in(folder), O_RDONLY), log_(wal_in(folder), O_RDONLY) {
    const auto size = log_.size();
    frames_ = size < kLogHeader ? 0 : (size - kLogHeader) / (kFrameHeader + kPage);
  }

  void of_log(const std::function<void(const Page&, std::size_t number)>& look) const {
    Page page;
    std::array<unsigned char, 4> number;
    for (std::uint64_t frame = 0; frame < frames_; ++frame) {
      if (log_.read(frame_at(frame), number) && log_.read(frame_at(frame) + kFrameHeader, page)) {
        look(page, big_endian(number));
      }
    }
  }

  void of_database(const std::function<void(const Page&, std::size_t number)>& look) const {
    Page page;
    const std::uint64_t pages = database_.ok() ? database_.size() / kPage : 0;
    for (std::uint64_t index = 0; index < pages; ++index) {
      if (database_.read(index * kPage, page)) look(page, static_cast<std::size_t>(index) + 1);
    }
  }

  // The newest image of a page.
  bool newest(std::size_t number, Page& into) const {
    const auto in_log = newest_.find(number);
    if (in_log != newest_.end()) return log_.read(frame_at(in_log->second) + kFrameHeader, into);
    return number > 0 && database_.ok() && database_.read((number - 1) * std::uint64_t{kPage}, into);
  }

  void index_log() {
    std::array<unsigned char, 4> number;
    for (std::uint64_t frame = 0; frame < frames_; ++frame) {
      if (log_.read(frame_at(frame), number)) newest_[big_endian(number)] = frame;
    }
  }

 private:
  static std::uint64_t frame_at(std::uint64_t frame) { return kLogHeader + frame * (kFrameHeader + kPage); }

  OpenFile database_, log_;
  std::uint64_t frames_ = 0;
  std::unordered_map<std::size_t, std::uint64_t> newest_;  // page -> frame
};

// The whole payload of a cell: what is in the page, and the chain of pages that it continues in.
std::optional<std::vector<unsigned char>> payload_of(const Pages& pages, Bytes rest, std::size_t payload) {
  std::size_t local = payload;
  if (payload > kMostLocal) {
    const std::size_t spread = kLeastLocal + (payload - kLeastLocal) % (kPage - 4);
    local = spread <= kMostLocal ? spread : kLeastLocal;
  }
  if (rest.size() < local + (local < payload ? 4 : 0)) return std::nullopt;
  if (!shape_of(rest.first(local), payload)) return std::nullopt;
  std::vector<unsigned char> whole(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(local));
  if (local == payload) return whole;
  std::size_t next = big_endian(rest.subspan(local, 4));
  Page page;
  while (whole.size() < payload) {
    if (!pages.newest(next, page)) return std::nullopt;
    const auto part = std::min(payload - whole.size(), kPage - 4);
    whole.insert(whole.end(), page.begin() + 4, page.begin() + 4 + static_cast<std::ptrdiff_t>(part));
    next = big_endian(Bytes(page).first(4));
  }
  return whole;
}

std::optional<StoredMessage> message_of(std::uint64_t id, Bytes payload) {
  const auto shape = shape_of(payload, payload.size());
  if (!shape) return std::nullopt;
  Bytes rest = payload.subspan(shape->header);
  const auto take = [&rest](std::size_t size) {
    const auto part = rest.first(size);
    rest = rest.subspan(size);
    return part;
  };
  const auto text = [](Bytes bytes) { return std::string(bytes.begin(), bytes.end()); };
  StoredMessage message;
  message.id = id;
  message.feed = text(take(shape->feed));
  message.key = text(take(shape->key));
  message.received_at = UtcInstant{std::chrono::microseconds{signed_number(take(shape->received), false)}};
  const auto seal = take(std::tuple_size_v<Digest>);
  message.body = text(rest);
  message.content = digest_of(message.body);
  const auto right = seal_of(message);
  if (!std::equal(seal.begin(), seal.end(), right.begin())) return std::nullopt;
  return message;
}

void look_at(const Pages& pages, const Page& page, std::size_t number, std::uint64_t highest_id,
             const std::function<void(StoredMessage&&)>& found) {
  const std::size_t header = number == 1 ? kFirstPageHeader : 0;
  if (page[header] != kTableLeaf) return;
  const Bytes bytes(page);
  const std::size_t cells = big_endian(bytes.subspan(header + 3, 2));
  for (std::size_t cell = 0; cell < cells && header + 10 + 2 * cell <= kPage; ++cell) {
    const std::size_t at = big_endian(bytes.subspan(header + 8 + 2 * cell, 2));
    if (at >= kPage) continue;
    Bytes rest = bytes.subspan(at);
    const auto payload = varint(rest);
    if (!payload || *payload > kMostPayload) continue;
    const auto id = varint(rest);
    if (!id || *id > highest_id) continue;
    const auto whole = payload_of(pages, rest, static_cast<std::size_t>(*payload));
    if (!whole) continue;
    if (auto message = message_of(*id, *whole)) found(std::move(*message));
  }
}

}  // namespace

void carve(const std::string& folder, const std::function<void(StoredMessage&&)>& found) {
  Pages pages(folder);
  pages.index_log();
  constexpr auto kHighest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto look = [&](const Page& page, std::size_t number) {
    look_at(pages, page, number, kHighest, found);
  };
  pages.of_database(look);
  pages.of_log(look);
}

std::optional<JournalTally> newest_tally_in_log(const std::string& folder) {
  const Pages pages(folder);
  std::optional<JournalTally> newest;
  pages.of_log([&](const Page& page, std::size_t number) {
    look_at(pages, page, number, kTallyId, [&](StoredMessage&& row) {
      const auto tally = tally_of(row);
      if (tally && (!newest || tally->generation > newest->generation)) newest = tally;
    });
  });
  return newest;
}

}  // namespace ami::storage
