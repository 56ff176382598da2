#include "adapters/wire/cmep/codec/fields.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace ami::cmep {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

inline std::string_view trimmed(std::string_view text) {
  if (text.empty() || (!is_blank(text.front()) && !is_blank(text.back()))) return text;
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

constexpr std::uint64_t every_byte(unsigned char byte) {
  return 0x0101010101010101ULL * byte;
}

// 0x80 in exactly those bytes of `word` that equal `byte`.
constexpr std::uint64_t bytes_equal(std::uint64_t word, unsigned char byte) {
  const std::uint64_t diff = word ^ every_byte(byte);
  const std::uint64_t low = (diff & every_byte(0x7f)) + every_byte(0x7f);
  return ~(low | diff | every_byte(0x7f));
}

// Non-zero when a byte is below 0x20 or above 0x7e.
constexpr std::uint64_t unprintable(std::uint64_t word) {
  return ((word | ((word - every_byte(0x20)) & ~word)) & every_byte(0x80)) | bytes_equal(word, 0x7f);
}

std::uint64_t load_word(const char* from, std::size_t bytes) {
  std::uint64_t word = every_byte(' ');
  std::memcpy(&word, from, bytes);
  return word;
}

// The common record: printable and without quotes. Eight bytes at a time, because this loop sees every byte
// of every file. Returns false, with `fields` in any state, when the record is not of that kind.
bool split_plain(std::string_view line, std::vector<std::string_view>& fields) {
  const char* const bytes = line.data();
  std::size_t start = 0;
  for (std::size_t base = 0; base < line.size(); base += 8) {
    const std::size_t left = line.size() - base;
    const std::uint64_t word = left >= 8 ? load_word(bytes + base, 8) : load_word(bytes + base, left);
    if ((unprintable(word) | bytes_equal(word, '"')) != 0) return false;
    for (std::uint64_t commas = bytes_equal(word, ','); commas != 0; commas &= commas - 1) {
      const auto at = base + static_cast<std::size_t>(std::countr_zero(commas)) / 8;
      fields.push_back(trimmed({bytes + start, at - start}));
      start = at + 1;
    }
  }
  fields.push_back(trimmed(line.substr(start)));
  return true;
}

SplitOutcome split_quoted(std::string_view line, TextArena& arena, std::vector<std::string_view>& fields) {
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size() || line[at] != '"') {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      fields.push_back(trimmed(line.substr(at, comma - at)));
      at = comma;
    } else {
      const std::size_t open = at++;
      bool doubled = false;
      std::size_t close = line.find('"', at);
      while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '"') {
        doubled = true;
        close = line.find('"', close + 2);
      }
      if (close == std::string_view::npos) return {SplitOutcome::Status::BadQuoting, open};
      std::string_view content = line.substr(at, close - at);
      if (doubled) {
        std::string plain;
        for (std::size_t i = 0; i < content.size(); ++i) {
          plain.push_back(content[i]);
          if (content[i] == '"') ++i;
        }
        content = arena.keep(plain);
      }
      fields.push_back(content);
      at = close + 1;
      while (at < line.size() && is_blank(line[at])) ++at;
      if (at < line.size() && line[at] != ',') return {SplitOutcome::Status::BadQuoting, at};
    }
    if (at == line.size()) return {};
    ++at;  // the comma
  }
}

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "split_plain takes the first byte from the low end");

SplitOutcome split_fields(std::string_view line, TextArena& arena, std::vector<std::string_view>& fields) {
  fields.clear();
  if (split_plain(line, fields)) return {};
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if ((byte < 0x20 && byte != '\t') || byte > 0x7e) return {SplitOutcome::Status::NotAscii, i};
  }
  fields.clear();
  return split_quoted(line, arena, fields);
}

}  // namespace ami::cmep
