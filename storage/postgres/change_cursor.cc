#include "storage/postgres/change_cursor.h"

#include <boost/crc.hpp>
#include <charconv>

namespace ami::storage {
namespace {

constexpr char kVersion = '1';
constexpr std::size_t kDigits = 16 + 8 + 8 + 8 + 16 + 16;  // of the fields, in hexadecimal
constexpr std::size_t kCheckDigits = 8;

void put(std::string& out, std::uint64_t value, std::size_t digits) {
  constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = digits; i-- > 0;) out += kHex[(value >> (4 * i)) & 0xF];
}

std::uint32_t check_of(std::string_view text) {
  boost::crc_32_type crc;
  crc.process_bytes(text.data(), text.size());
  return crc.checksum();
}

// Takes `digits` lower-case hexadecimal digits from the front.
std::optional<std::uint64_t> take(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  const std::string_view part = text.substr(0, digits);
  if (part.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(part.data(), part.data() + part.size(), value, 16);
  text.remove_prefix(digits);
  return value;
}

}  // namespace

std::string to_token(const ChangeCursor& cursor) {
  std::string out(1, kVersion);
  put(out, cursor.feed.cluster, 16);
  put(out, cursor.feed.database, 8);
  put(out, cursor.feed.table, 8);
  put(out, static_cast<std::uint32_t>(cursor.feed.generation), 8);
  put(out, static_cast<std::uint64_t>(cursor.at.txid), 16);
  put(out, static_cast<std::uint64_t>(cursor.at.change_id), 16);
  put(out, check_of(out), kCheckDigits);
  return out;
}

std::optional<ChangeCursor> parse_cursor(std::string_view token) {
  if (token.size() != 1 + kDigits + kCheckDigits || token.front() != kVersion) return std::nullopt;
  std::string_view check = token.substr(1 + kDigits);
  std::string_view rest = token.substr(1, kDigits);
  if (take(check, kCheckDigits) != check_of(token.substr(0, 1 + kDigits))) return std::nullopt;
  const auto cluster = take(rest, 16), database = take(rest, 8), table = take(rest, 8),
             generation = take(rest, 8), txid = take(rest, 16), change_id = take(rest, 16);
  if (!cluster || !database || !table || !generation || !txid || !change_id) return std::nullopt;
  ChangeCursor out;
  out.feed = {*cluster, static_cast<std::uint32_t>(*database), static_cast<std::uint32_t>(*table),
              static_cast<std::int32_t>(static_cast<std::uint32_t>(*generation))};
  out.at = {static_cast<std::int64_t>(*txid), static_cast<std::int64_t>(*change_id)};
  if (out.at.txid < 0 || out.at.change_id < 0) return std::nullopt;
  return out;
}

}  // namespace ami::storage
