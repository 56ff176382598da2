// RFC 4180 rows: quoted fields, doubled quotes, CRLF or LF. Streaming, one row at a time.
#pragma once

#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::amictl {

// Whether a text may go into a message: protobuf takes no other bytes.
bool is_utf8(std::string_view text) noexcept;

// One row with its line end (LF, as the tools of a shell expect); fields are quoted where they need it.
std::string csv_row(const std::vector<std::string>& fields);

class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : in_(in) {}

  // The next row that is not empty. An empty vector is the end. Errors, in the row that began at line(): a
  // quote that is never closed, a quote inside an unquoted field, text after a closing quote, a row over
  // 1 MiB, a NUL byte; what follows one cannot be told apart. A UTF-8 byte order mark at the start is
  // skipped.
  Result<std::vector<std::string>> next();
  [[nodiscard]] std::size_t line() const noexcept { return row_line_; }  // 1-based, where the last row began

 private:
  std::istream& in_;
  std::size_t line_ = 0, row_line_ = 0;
  bool started_ = false;
};

}  // namespace ami::amictl
