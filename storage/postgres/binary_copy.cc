#include "storage/postgres/binary_copy.h"

#include <libpq-events.h>
#include <libpq-fe.h>

#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <stdexcept>

#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

static_assert(std::endian::native == std::endian::little, "the byte swaps below assume it");

constexpr std::int64_t kMicrosTo2000 = 946'684'800'000'000;
constexpr std::int32_t kDaysTo2000 = 10'957;

// Type OIDs are part of PostgreSQL's wire protocol.
enum : std::uint32_t {
  kInt2 = 21,
  kInt4 = 23,
  kInt8 = 20,
  kText = 25,
  kBytea = 17,
  kDate = 1082,
  kTimestamptz = 1184,
  kInt2s = 1005,
  kInt4s = 1007,
  kInt8s = 1016,
  kTexts = 1009,
  kByteas = 1001,
  kDates = 1182,
  kTimestamptzs = 1185
};

template <class T>
T swapped(T value) {
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  else if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  else
    return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

template <class T>
void put(std::string& out, T value) {
  const T wire = swapped(value);
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

template <class T>
T get(const char* bytes) {
  T wire;
  std::memcpy(&wire, bytes, sizeof wire);
  return swapped(wire);
}

std::int32_t length_of(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("a database field over 2 GiB");
  }
  return static_cast<std::int32_t>(bytes);
}

// dimensions, has-null, element type, length, lower bound; no dimensions when empty
void put_array_head(std::string& out, std::uint32_t type, std::size_t count) {
  put<std::int32_t>(out, count == 0 ? 0 : 1);
  put<std::int32_t>(out, 0);
  put<std::uint32_t>(out, type);
  if (count == 0) return;
  put<std::int32_t>(out, length_of(count));
  put<std::int32_t>(out, 1);
}

template <class T>
void put_array(std::string& out, std::uint32_t type, std::span<const T> values) {
  put_array_head(out, type, values.size());
  const std::size_t start = out.size();
  constexpr std::size_t kStep = sizeof(std::int32_t) + sizeof(T);
  out.resize(start + values.size() * kStep);
  char* p = out.data() + start;
  const std::int32_t width = swapped(static_cast<std::int32_t>(sizeof(T)));
  for (const T value : values) {
    std::memcpy(p, &width, sizeof width);
    const T wire = swapped(value);
    std::memcpy(p + sizeof width, &wire, sizeof wire);
    p += kStep;
  }
}

template <class T>
constexpr std::uint32_t type_of() {
  return sizeof(T) == 2 ? kInt2 : sizeof(T) == 4 ? kInt4 : kInt8;
}

template <class T>
std::size_t array_bytes(std::size_t count) {
  return (count == 0 ? 12 : 20) + count * (sizeof(std::int32_t) + sizeof(T));
}

template <class T>
void copy_array(std::string& out, std::span<const T> values) {
  put<std::int32_t>(out, length_of(array_bytes<T>(values.size())));
  put_array(out, type_of<T>(), values);
}

template <class T>
void read_array(const char* bytes, int length, std::vector<T>& out) {
  out.clear();
  if (length < 12) throw std::runtime_error("database: short array");
  if (get<std::int32_t>(bytes) == 0) return;
  if (length < 20 || get<std::int32_t>(bytes) != 1 || get<std::int32_t>(bytes + 4) != 0 ||
      get<std::uint32_t>(bytes + 8) != type_of<T>()) {
    throw std::runtime_error("database: an array of another type than expected");
  }
  const auto count = static_cast<std::size_t>(get<std::int32_t>(bytes + 12));
  if (static_cast<std::size_t>(length) != array_bytes<T>(count))
    throw std::runtime_error("database: array length");
  out.resize(count);
  const char* p = bytes + 20;
  for (T& value : out) {
    value = get<T>(p + sizeof(std::int32_t));
    p += sizeof(std::int32_t) + sizeof(T);
  }
}

std::string state_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

}  // namespace

std::int64_t pg_micros(UtcInstant instant) {
  return instant.time_since_epoch().count() - kMicrosTo2000;
}
UtcInstant instant_from_pg(std::int64_t micros) {
  return UtcInstant{std::chrono::microseconds{micros + kMicrosTo2000}};
}
std::int32_t pg_days(Day day) {
  return static_cast<std::int32_t>(day.time_since_epoch().count()) - kDaysTo2000;
}
Day day_from_pg(std::int32_t days) {
  return Day{std::chrono::days{days + kDaysTo2000}};
}

CopyRows::CopyRows() : data_("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19) {}

void CopyRows::begin_row(std::int16_t columns) {
  put(data_, columns);
  ++rows_;
}
void CopyRows::i2(std::int16_t value) {
  put<std::int32_t>(data_, 2);
  put(data_, value);
}
void CopyRows::i4(std::int32_t value) {
  put<std::int32_t>(data_, 4);
  put(data_, value);
}
void CopyRows::i8(std::int64_t value) {
  put<std::int32_t>(data_, 8);
  put(data_, value);
}
void CopyRows::text(std::string_view value) {
  put<std::int32_t>(data_, length_of(value.size()));
  data_.append(value);
}
void CopyRows::array(std::span<const std::int16_t> values) {
  copy_array(data_, values);
}
void CopyRows::array(std::span<const std::int32_t> values) {
  copy_array(data_, values);
}
void CopyRows::array(std::span<const std::int64_t> values) {
  copy_array(data_, values);
}
void CopyRows::null() {
  put<std::int32_t>(data_, -1);
}

void CopyRows::send(pg_conn* connection, const std::string& target) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> begun(
      PQexec(connection, ("COPY " + target + " FROM STDIN WITH (FORMAT binary)").c_str()), &PQclear);
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) {
    throw_sql_failure(connection, PQerrorMessage(connection), state_of(begun.get()));
  }
  put<std::int16_t>(data_, -1);
  constexpr std::size_t kPiece = 1 << 20;
  bool sent = true;
  for (std::size_t from = 0; sent && from < data_.size(); from += kPiece) {
    const std::size_t length = std::min(kPiece, data_.size() - from);
    sent = PQputCopyData(connection, data_.data() + from, static_cast<int>(length)) == 1;
  }
  sent = PQputCopyEnd(connection, sent ? nullptr : "sending failed") == 1 && sent;
  std::string problem, state;
  if (!sent) problem = PQerrorMessage(connection);
  while (PGresult* answer = PQgetResult(connection)) {
    if (PQresultStatus(answer) != PGRES_COMMAND_OK && state.empty()) {
      problem = PQresultErrorMessage(answer);
      state = state_of(answer);
    }
    PQclear(answer);
  }
  if (!problem.empty()) throw_sql_failure(connection, "COPY " + target + ": " + problem, state);
}

void Params::add(std::uint32_t type, std::string value) {
  types_.push_back(type);
  values_.push_back(std::move(value));
}
void Params::i4(std::int32_t value) {
  std::string out;
  put(out, value);
  add(kInt4, std::move(out));
}
void Params::i8(std::int64_t value) {
  std::string out;
  put(out, value);
  add(kInt8, std::move(out));
}
void Params::array(std::span<const std::int16_t> values) {
  std::string out;
  put_array(out, kInt2, values);
  add(kInt2s, std::move(out));
}
void Params::array(std::span<const std::int32_t> values) {
  std::string out;
  put_array(out, kInt4, values);
  add(kInt4s, std::move(out));
}
void Params::array(std::span<const std::int64_t> values) {
  std::string out;
  put_array(out, kInt8, values);
  add(kInt8s, std::move(out));
}
void Params::array(std::span<const Day> values) {
  std::vector<std::int32_t> days;
  days.reserve(values.size());
  for (const Day day : values) days.push_back(pg_days(day));
  std::string out;
  put_array(out, kDate, std::span<const std::int32_t>(days));
  add(kDates, std::move(out));
}
void Params::array(std::span<const UtcInstant> values) {
  std::vector<std::int64_t> micros;
  micros.reserve(values.size());
  for (const UtcInstant at : values) micros.push_back(pg_micros(at));
  std::string out;
  put_array(out, kTimestamptz, std::span<const std::int64_t>(micros));
  add(kTimestamptzs, std::move(out));
}

namespace {
std::string string_array(std::uint32_t type, std::span<const std::string> values) {
  std::string out;
  put_array_head(out, type, values.size());
  for (const std::string& value : values) {
    put<std::int32_t>(out, length_of(value.size()));
    out += value;
  }
  return out;
}
}  // namespace

void Params::texts(std::span<const std::string> values) {
  add(kTexts, string_array(kText, values));
}
void Params::blobs(std::span<const std::string> values) {
  add(kByteas, string_array(kBytea, values));
}

namespace {

// The statements that a connection knows, by text. libpq keeps it with the connection, and it goes with it.
using Names = std::map<std::string, std::string, std::less<>>;

int on_connection_event(PGEventId event, void* info, void* /*unused*/) {
  if (event == PGEVT_CONNDESTROY) {
    const auto* destroyed = static_cast<PGEventConnDestroy*>(info);
    delete static_cast<Names*>(PQinstanceData(destroyed->conn, on_connection_event));
  }
  return 1;
}

Names& names_of(PGconn* connection) {
  if (auto* known = static_cast<Names*>(PQinstanceData(connection, on_connection_event))) return *known;
  auto fresh = std::make_unique<Names>();
  if (PQregisterEventProc(connection, on_connection_event, "ami_statements", nullptr) == 0 ||
      PQsetInstanceData(connection, on_connection_event, fresh.get()) == 0) {
    throw std::bad_alloc();
  }
  return *fresh.release();
}

std::string name_of(PGconn* connection, std::string_view sql, const std::vector<Oid>& types) {
  Names& known = names_of(connection);
  if (const auto found = known.find(sql); found != known.end()) return found->second;
  std::string name = "ami_" + std::to_string(known.size());
  const std::unique_ptr<PGresult, decltype(&PQclear)> prepared(
      PQprepare(connection, name.c_str(), std::string(sql).c_str(), static_cast<int>(types.size()),
                types.data()),
      &PQclear);
  if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK)
    throw_sql_failure(connection, PQerrorMessage(connection), state_of(prepared.get()));
  return known.emplace(sql, std::move(name)).first->second;
}

}  // namespace

void Rows::Clear::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

Rows Rows::query(pg_conn* connection, const char* sql, const Params& params) {
  return run(connection, sql, false, params);
}

Rows Rows::repeated(pg_conn* connection, const char* sql, const Params& params) {
  return run(connection, name_of(connection, sql, params.types_).c_str(), true, params);
}

Rows Rows::prepared(pg_conn* connection, const char* name, const Params& params) {
  return run(connection, name, true, params);
}

Rows Rows::run(pg_conn* connection, const char* text, bool by_name, const Params& params) {
  const std::size_t count = params.values_.size();
  std::vector<const char*> values(count);
  std::vector<int> lengths(count), formats(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = params.values_[i].data();
    lengths[i] = length_of(params.values_[i].size());
  }
  Rows rows;
  const int n = static_cast<int>(count);
  rows.result_.reset(
      by_name ? PQexecPrepared(connection, text, n, values.data(), lengths.data(), formats.data(), 1)
              : PQexecParams(connection, text, n, params.types_.data(), values.data(), lengths.data(),
                             formats.data(), 1));
  const ExecStatusType status = PQresultStatus(rows.result_.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    // A column's type was changed while we were connected: only a new connection plans anew.
    if (by_name && state_of(rows.result_.get()) == "0A000")
      throw pqxx::broken_connection(PQerrorMessage(connection));
    throw_sql_failure(connection, PQerrorMessage(connection), state_of(rows.result_.get()));
  }
  rows.size_ = PQntuples(rows.result_.get());
  return rows;
}

bool Rows::null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}

const char* Rows::bytes(int row, int column, int width) const {
  if (null(row, column) || (width >= 0 && PQgetlength(result_.get(), row, column) != width)) {
    throw std::runtime_error("database: column " + std::to_string(column) + " is not of the expected type");
  }
  return PQgetvalue(result_.get(), row, column);
}
std::int16_t Rows::i2(int row, int column) const {
  return get<std::int16_t>(bytes(row, column, 2));
}
std::int32_t Rows::i4(int row, int column) const {
  return get<std::int32_t>(bytes(row, column, 4));
}
std::int64_t Rows::i8(int row, int column) const {
  return get<std::int64_t>(bytes(row, column, 8));
}
std::string_view Rows::text(int row, int column) const {
  const char* start = bytes(row, column, -1);
  return {start, static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
std::optional<UtcInstant> Rows::maybe_at(int row, int column) const {
  if (null(row, column)) return std::nullopt;
  return at(row, column);
}
void Rows::array(int row, int column, std::vector<std::int16_t>& out) const {
  read_array(bytes(row, column, -1), PQgetlength(result_.get(), row, column), out);
}
void Rows::array(int row, int column, std::vector<std::int32_t>& out) const {
  read_array(bytes(row, column, -1), PQgetlength(result_.get(), row, column), out);
}
void Rows::array(int row, int column, std::vector<std::int64_t>& out) const {
  read_array(bytes(row, column, -1), PQgetlength(result_.get(), row, column), out);
}

std::string clean_text(std::string_view text) {
  // Length of the valid sequence at i, or 0: RFC 3629 with its bounds on the second byte.
  const auto valid = [&](std::size_t i) -> std::size_t {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char lead = byte(i);
    if (lead == 0) return 0;
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                               : lead >= 0xE0 && lead <= 0xEF ? 3
                               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                              : 0;
    if (length == 0 || i + length > text.size()) return 0;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80) return 0;
    }
    const unsigned char second = byte(i + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
      return 0;
    }
    return length;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (const std::size_t length = valid(i); length > 0) {
      out.append(text.substr(i, length));
      i += length;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(text[i++]);
      out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return out;
}

}  // namespace ami::storage
