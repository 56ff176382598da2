#include "storage/postgres/switch_seal_rows.h"

#include <limits>
#include <utility>

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

std::int64_t number(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = (out << 8U) | static_cast<unsigned char>(c);
  // Narrower ones keep their sign.
  return bytes.size() == 4 ? static_cast<std::int32_t>(static_cast<std::uint32_t>(out)) : static_cast<std::int64_t>(out);
}

// The canonical bytes of a line whose columns `next` gives one after the other, as PostgreSQL sends them in binary.
template <class Next>
std::string canonical(Next&& next) {
  std::string out;
  audit::CanonicalWriter writer(out);
  bool first = true, gone = false;
  for (const audit::FieldInfo& field : audit::fields()) {
    const std::optional<std::string_view> value = next();
    gone = gone || (first && !value);  // a line without a number is none
    if (std::exchange(first, false) && value) out.reserve(1024);
    if (!value) {
      writer.null();
    } else if (field.kind == audit::FieldKind::Text) {
      writer.text(*value);
    } else if (field.kind == audit::FieldKind::Time) {
      put_time(writer, number(*value));
    } else {
      writer.number(number(*value));
    }
  }
  return gone ? std::string() : out;
}

audit::Digest digest_of(std::string_view bytes) {
  const auto digest = audit::digest_from_bytes(bytes);
  // The table holds no other; where its check was taken away, a hash of another length fits nothing.
  return digest.value_or(audit::Digest{});
}

// The columns of sealed_columns(), likewise.
template <class Next>
SealedLine line(Next&& next) {
  SealedLine out;
  const auto needed = [&] { return number(next().value_or(std::string_view())); };
  out.position = needed();
  out.audit_id = needed();
  out.format = static_cast<int>(needed());
  if (const auto row = next()) out.row = digest_of(*row);
  if (const auto chain = next()) out.chain = digest_of(*chain);
  if (const auto at = next()) out.sealed_at = UtcInstant{std::chrono::microseconds{unix_micros(number(*at))}};
  out.canonical = canonical(next);
  return out;
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
  int column = first_column;
  return canonical([&]() -> std::optional<std::string_view> {
    const int here = column++;
    if (rows.null(row, here)) return std::nullopt;
    return rows.text(row, here);
  });
}

const std::string& sealed_columns() {
  static const std::string columns =
      "coalesce(s.position, 0), coalesce(s.audit_id, a.audit_id), coalesce(s.format, 0)::int4, s.row_sha256,"
      " s.chain_sha256, s.sealed_at, " +
      audit_columns();
  return columns;
}

SealedLine sealed_line(const Rows& rows, int row) {
  int column = 0;
  return line([&]() -> std::optional<std::string_view> {
    const int here = column++;
    if (rows.null(row, here)) return std::nullopt;
    return rows.text(row, here);
  });
}

SealedLine sealed_line(CopyOut& rows) {
  return line([&] { return rows.field(); });
}

}  // namespace ami::storage
