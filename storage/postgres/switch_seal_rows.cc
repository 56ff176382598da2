#include "storage/postgres/switch_seal_rows.h"

#include <limits>
#include <stdexcept>

#include "meter_model/audit/canonical.h"

namespace ami::storage {
namespace {

// Any value that somebody wrote, also one that no clock shows: what is stored is hashed as it is.
std::int64_t unix_micros(std::int64_t pg) {
  constexpr std::uint64_t kEpoch = 946'684'800'000'000;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(pg) + kEpoch);
}

void put_time(audit::CanonicalWriter& out, std::int64_t pg) {
  if (pg == std::numeric_limits<std::int64_t>::max()) {
    out.text("infinity");
  } else if (pg == std::numeric_limits<std::int64_t>::min()) {
    out.text("-infinity");
  } else {
    out.number(unix_micros(pg));
  }
}

audit::Digest digest_of(std::string_view bytes) {
  const auto digest = audit::digest_from_bytes(bytes);
  // The table holds no other; where its check was taken away, a hash of another length fits nothing.
  return digest.value_or(audit::Digest{});
}

}  // namespace

const std::string& audit_columns() {
  static const std::string columns = [] {
    std::string out;
    for (const audit::FieldInfo& field : audit::fields()) {
      out += (out.empty() ? "a." : ", a.") + std::string(field.name);
      if (field.kind == audit::FieldKind::Number) out += "::int8";
      if (field.kind == audit::FieldKind::Flag) out += "::int4";
    }
    return out;
  }();
  return columns;
}

std::string canonical_line(const Rows& rows, int row, int first_column) {
  std::string out;
  if (rows.null(row, first_column)) return out;
  out.reserve(1024);
  audit::CanonicalWriter writer(out);
  int column = first_column;
  for (const audit::FieldInfo& field : audit::fields()) {
    if (rows.null(row, column)) {
      writer.null();
    } else if (field.kind == audit::FieldKind::Text) {
      writer.text(rows.text(row, column));
    } else if (field.kind == audit::FieldKind::Number) {
      writer.number(rows.i8(row, column));
    } else if (field.kind == audit::FieldKind::Flag) {
      writer.number(rows.i4(row, column));
    } else {
      put_time(writer, rows.i8(row, column));
    }
    ++column;
  }
  return out;
}

const std::string& sealed_columns() {
  static const std::string columns =
      "coalesce(s.position, 0), coalesce(s.audit_id, a.audit_id), coalesce(s.format, 0)::int4, s.row_sha256,"
      " s.chain_sha256, s.sealed_at, " +
      audit_columns();
  return columns;
}

SealedLine sealed_line(const Rows& rows, int row) {
  SealedLine out;
  out.position = rows.i8(row, 0);
  out.audit_id = rows.i8(row, 1);
  out.format = rows.i4(row, 2);
  if (!rows.null(row, 3)) out.row = digest_of(rows.text(row, 3));
  if (!rows.null(row, 4)) out.chain = digest_of(rows.text(row, 4));
  if (!rows.null(row, 5)) out.sealed_at = UtcInstant{std::chrono::microseconds{unix_micros(rows.i8(row, 5))}};
  out.canonical = canonical_line(rows, row, 6);
  return out;
}

}  // namespace ami::storage
