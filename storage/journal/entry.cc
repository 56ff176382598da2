#include "storage/journal/entry.h"

#include <openssl/sha.h>

#include <algorithm>

namespace ami::storage {
namespace {

void put_number(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

std::uint64_t number_at(std::string_view text, std::size_t index) {
  std::uint64_t number = 0;
  for (std::size_t byte = 8; byte-- > 0;) {
    number = (number << 8) | static_cast<unsigned char>(text[index * 8 + byte]);
  }
  return number;
}

constexpr std::size_t kTallyNumbers = 5;

}  // namespace

Digest digest_of(std::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::string hex_of(const Digest& digest) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

Digest seal_of(const StoredMessage& message) {
  std::string framed = "ami journal 1";
  put_number(framed, message.id);
  put_number(framed, static_cast<std::uint64_t>(message.received_at.time_since_epoch().count()));
  for (const auto* text : {&message.feed, &message.key}) {
    put_number(framed, text->size());
    framed.append(*text);
  }
  framed.append(message.content.begin(), message.content.end());
  return digest_of(framed);
}

StoredMessage row_of(const JournalTally& tally) {
  StoredMessage row;
  row.id = kTallyId;
  for (const auto number : {tally.generation, tally.messages, tally.bytes, tally.lowest, tally.next}) {
    put_number(row.body, number);
  }
  row.content = digest_of(row.body);
  return row;
}

std::optional<JournalTally> tally_of(const StoredMessage& row) {
  if (row.id != kTallyId || row.body.size() != kTallyNumbers * 8) return std::nullopt;
  return JournalTally{number_at(row.body, 0), number_at(row.body, 1), number_at(row.body, 2),
                      number_at(row.body, 3), number_at(row.body, 4)};
}

}  // namespace ami::storage
