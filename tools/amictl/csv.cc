#include "tools/amictl/csv.h"

#include <streambuf>
#include <string_view>

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

}  // namespace ami::amictl
