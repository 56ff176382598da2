#include "tools/amictl/csv.h"

#include <streambuf>

namespace ami::amictl {
namespace {

constexpr std::size_t kLongestRow = std::size_t{1} << 20;

enum class State { FieldStart, Plain, Quoted, QuoteEnd };

// Other characters begin with the same byte: those are put back.
void skip_byte_order_mark(std::streambuf& bytes) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  for (std::size_t i = 0; i < kMark.size(); ++i) {
    if (bytes.sgetc() != static_cast<unsigned char>(kMark[i])) {
      for (; i > 0; --i) bytes.sputbackc(kMark[i - 1]);
      return;
    }
    bytes.sbumpc();
  }
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned lead = byte(i);
    if (lead < 0x80) continue;
    const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4) return false;
    unsigned character = lead & (0x3FU >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return false;
      character = character << 6U | (byte(i + k) & 0x3FU);
    }
    const unsigned least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
    if (character < least || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
      return false;
    i += more;
  }
  return true;
}

Result<std::vector<std::string>> CsvReader::next() {
  std::vector<std::string> row;
  std::string field;
  State state = State::FieldStart;
  std::size_t length = 0;
  std::streambuf& bytes = *in_.rdbuf();
  if (!started_) {
    started_ = true;
    line_ = 1;
    skip_byte_order_mark(bytes);
  }
  row_line_ = line_;
  const auto complain = [](const char* what) { return permanent(what); };
  for (;;) {
    const int next_byte = bytes.sbumpc();
    const bool end = next_byte == std::char_traits<char>::eof();
    const char c = end ? '\n' : static_cast<char>(next_byte);
    if (++length > kLongestRow) return complain("row is longer than 1 MiB");
    if (c == '\0') return complain("NUL byte");
    if (state == State::Quoted) {
      if (end) return complain("quote is never closed");
      if (c == '"') {
        state = State::QuoteEnd;
      } else {
        if (c == '\n') ++line_;
        field += c;
      }
      continue;
    }
    if (c == '"') {
      if (state == State::QuoteEnd) {
        field += '"';
        state = State::Quoted;
      } else if (state == State::FieldStart) {
        state = State::Quoted;
      } else {
        return complain("quote inside an unquoted field");
      }
      continue;
    }
    if (c == '\r' && (bytes.sgetc() == '\n' || bytes.sgetc() == std::char_traits<char>::eof())) continue;
    if (c == ',') {
      row.push_back(std::move(field));
      field.clear();
      state = State::FieldStart;
      continue;
    }
    if (c == '\n') {
      const bool empty = row.empty() && field.empty() && state == State::FieldStart;
      if (!end) ++line_;
      if (empty) {
        if (end) return row;
        row_line_ = line_;
        length = 0;
        continue;
      }
      row.push_back(std::move(field));
      return row;
    }
    if (state == State::QuoteEnd) return complain("text after a closing quote");
    field += c;
    state = State::Plain;
  }
}

std::string csv_row(const std::vector<std::string>& fields) {
  std::string row;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) row += ',';
    if (fields[i].find_first_of(",\"\r\n") == std::string::npos) {
      row += fields[i];
      continue;
    }
    row += '"';
    for (const char c : fields[i]) {
      if (c == '"') row += '"';
      row += c;
    }
    row += '"';
  }
  return row + '\n';
}

}  // namespace ami::amictl
