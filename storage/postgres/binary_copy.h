// The one wrapper over libpq: binary COPY in, binary parameters, binary results (libpqxx 6.4 has none of
// them). Failures throw what libpqxx would throw.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"

struct pg_conn;
struct pg_result;

namespace ami::storage {

using Day = std::chrono::sys_days;

// PostgreSQL counts from 2000-01-01.
std::int64_t pg_micros(UtcInstant instant);
UtcInstant instant_from_pg(std::int64_t micros);
std::int32_t pg_days(Day day);
Day day_from_pg(std::int32_t days);

// Rows of COPY … WITH (FORMAT binary). Column types must match exactly: a field's width is its type.
class CopyRows {
 public:
  CopyRows();
  void begin_row(std::int16_t columns);
  void i2(std::int16_t value);
  void i4(std::int32_t value);
  void i8(std::int64_t value);
  void at(UtcInstant value) { i8(pg_micros(value)); }
  void at(std::optional<UtcInstant> value) { value ? at(*value) : null(); }
  void day(Day value) { i4(pg_days(value)); }
  void text(std::string_view value);
  void array(std::span<const std::int16_t> values);
  void array(std::span<const std::int32_t> values);
  void array(std::span<const std::int64_t> values);
  void null();

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  // Sends all rows; `target` is "table (column, …)".
  void send(pg_conn* connection, const std::string& target);

 private:
  std::string data_;
  std::size_t rows_ = 0;
};

// Parameters $1 … of a statement, in order.
class Params {
 public:
  void i4(std::int32_t value);
  void i8(std::int64_t value);
  void array(std::span<const std::int16_t> values);
  void array(std::span<const std::int32_t> values);
  void array(std::span<const std::int64_t> values);
  void array(std::span<const Day> values);
  void array(std::span<const UtcInstant> values);
  void texts(std::span<const std::string> values);
  void blobs(std::span<const std::string> values);

 private:
  friend class Rows;
  void add(std::uint32_t type, std::string value);
  std::vector<std::uint32_t> types_;
  std::vector<std::string> values_;
};

// Result of a statement, in binary.
class Rows {
 public:
  static Rows query(pg_conn* connection, const char* sql, const Params& params);
  // The same for a text that comes again and again: the connection parses it once. Not for texts that are put
  // together from values, and not where the best plan depends on the values.
  static Rows repeated(pg_conn* connection, const char* sql, const Params& params);
  // A statement that this connection knows by name.
  static Rows prepared(pg_conn* connection, const char* name, const Params& params);

  [[nodiscard]] int size() const noexcept { return size_; }
  [[nodiscard]] bool null(int row, int column) const;
  [[nodiscard]] std::int16_t i2(int row, int column) const;
  [[nodiscard]] std::int32_t i4(int row, int column) const;
  [[nodiscard]] std::int64_t i8(int row, int column) const;
  [[nodiscard]] std::string_view text(int row, int column) const;  // valid as long as this object
  [[nodiscard]] UtcInstant at(int row, int column) const { return instant_from_pg(i8(row, column)); }
  [[nodiscard]] std::optional<UtcInstant> maybe_at(int row, int column) const;
  [[nodiscard]] Day day(int row, int column) const { return day_from_pg(i4(row, column)); }
  void array(int row, int column, std::vector<std::int16_t>& out) const;  // replaces `out`
  void array(int row, int column, std::vector<std::int32_t>& out) const;
  void array(int row, int column, std::vector<std::int64_t>& out) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  static Rows run(pg_conn* connection, const char* text, bool by_name, const Params& params);
  [[nodiscard]] const char* bytes(int row, int column, int width) const;
  std::unique_ptr<pg_result, Clear> result_;
  int size_ = 0;
};

// UTF-8 without NUL, as PostgreSQL's text wants it: other bytes become \xNN.
std::string clean_text(std::string_view text);

}  // namespace ami::storage
