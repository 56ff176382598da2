#include "storage/postgres/copy_out.h"

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <stdexcept>

#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

std::string state_of(const PGresult* result) {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

std::uint32_t number(std::string_view bytes) {
  std::uint32_t out = 0;
  for (const char c : bytes) out = (out << 8U) | static_cast<unsigned char>(c);
  return out;
}

}  // namespace

CopyOut::CopyOut(pg_conn* connection, const std::string& select) : connection_(connection) {
  const std::string sql = "COPY (" + select + ") TO STDOUT WITH (FORMAT binary)";
  const std::unique_ptr<PGresult, decltype(&PQclear)> begun(PQexec(connection, sql.c_str()), &PQclear);
  if (PQresultStatus(begun.get()) != PGRES_COPY_OUT)
    throw_sql_failure(connection, PQerrorMessage(connection), state_of(begun.get()));
}

CopyOut::~CopyOut() {
  PQfreemem(piece_);
  if (ended_) return;
  // Left early: what is still on its way has to be taken off the connection.
  char* left = nullptr;
  while (PQgetCopyData(connection_, &left, 0) > 0) PQfreemem(left);
  while (PGresult* answer = PQgetResult(connection_)) PQclear(answer);
}

void CopyOut::fetch() {
  PQfreemem(piece_);
  piece_ = nullptr;
  rest_ = {};
  const int length = PQgetCopyData(connection_, &piece_, 0);
  if (length > 0) {
    rest_ = {piece_, static_cast<std::size_t>(length)};
    return;
  }
  ended_ = true;
  std::string problem = length == -2 ? PQerrorMessage(connection_) : "", state;
  while (PGresult* answer = PQgetResult(connection_)) {
    if (PQresultStatus(answer) != PGRES_COMMAND_OK && state.empty()) {
      problem = PQresultErrorMessage(answer);
      state = state_of(answer);
    }
    PQclear(answer);
  }
  if (!problem.empty()) throw_sql_failure(connection_, problem, state);
}

std::string_view CopyOut::take(std::size_t size) {
  if (rest_.size() < size) throw std::runtime_error("database: a row of COPY is shorter than it says");
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

bool CopyOut::next() {
  if (ended_) return false;
  fetch();
  if (ended_) return false;
  if (!begun_) {
    begun_ = true;
    take(11 + 4);             // signature and flags
    take(number(take(4)));    // an extension, of which there is none yet
    if (rest_.empty()) fetch();
    if (ended_) return false;
  }
  if (number(take(2)) != 0xFFFFU) return true;
  fetch();  // behind the trailer stands how it ended
  return false;
}

std::optional<std::string_view> CopyOut::field() {
  const std::uint32_t length = number(take(4));
  if (length == 0xFFFFFFFFU) return std::nullopt;
  return take(length);
}

}  // namespace ami::storage
