#include "tools/amictl/csv.h"

namespace ami::amictl {
namespace {

constexpr std::size_t kLongestRow = std::size_t{1} << 20;

enum class State { FieldStart, Plain, Quoted, QuoteEnd };

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
    if (in_.peek() == 0xEF) {  // byte order mark
      for (int i = 0; i < 3; ++i) bytes.sbumpc();
    }
  }
  row_line_ = line_;
  const auto complain = [&](const std::string& what) {
    return permanent("line " + std::to_string(row_line_) + ": " + what);
  };
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
