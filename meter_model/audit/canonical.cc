#include "meter_model/audit/canonical.h"

#include <algorithm>
#include <charconv>

namespace ami::audit {
namespace {

constexpr std::uint32_t kNull = 0xFFFFFFFFU;

constexpr auto kFieldTable = std::to_array<FieldInfo>({
    {"audit_id", FieldKind::Number},      {"switch_id", FieldKind::Number},
    {"utility_id", FieldKind::Number},    {"version", FieldKind::Number},
    {"from_state", FieldKind::Text},      {"to_state", FieldKind::Text},
    {"input", FieldKind::Text},           {"actor", FieldKind::Text},
    {"certificate", FieldKind::Text},     {"gateway", FieldKind::Text},
    {"words", FieldKind::Text},           {"facts", FieldKind::Text},
    {"at", FieldKind::Time},              {"recorded_at", FieldKind::Time},
    {"meter", FieldKind::Text},           {"usage_point", FieldKind::Text},
    {"serial_last4", FieldKind::Text},    {"action", FieldKind::Text},
    {"reason", FieldKind::Text},          {"order_id", FieldKind::Text},
    {"caller", FieldKind::Text},          {"request_id", FieldKind::Text},
    {"on_behalf_of", FieldKind::Text},    {"attestation", FieldKind::Text},
    {"automatic", FieldKind::Flag},       {"request_sha256", FieldKind::Text},
    {"feed", FieldKind::Text},            {"vendor_id", FieldKind::Text},
    {"transaction", FieldKind::Text},     {"sent_sha256", FieldKind::Text},
    {"evidence", FieldKind::Number},      {"attainable", FieldKind::Number},
    {"position", FieldKind::Text},        {"final_register", FieldKind::Text},
    {"rule", FieldKind::Text},
});
static_assert(kFieldTable.size() == kFields);

void put_length(std::string& out, std::uint32_t length) {
  const char bytes[] = {static_cast<char>(length >> 24U), static_cast<char>((length >> 16U) & 0xFFU),
                        static_cast<char>((length >> 8U) & 0xFFU), static_cast<char>(length & 0xFFU)};
  out.append(bytes, sizeof bytes);
}

// One field off the front; false: there is none. `value` stays nullopt for NULL.
bool take(std::string_view& bytes, std::optional<std::string_view>& value) {
  if (bytes.size() < 4) return false;
  std::uint32_t length = 0;
  for (int i = 0; i < 4; ++i) length = (length << 8U) | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  bytes.remove_prefix(4);
  if (length == kNull) return true;
  if (bytes.size() < length) return false;
  value = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

}  // namespace

std::span<const FieldInfo> fields() {
  return kFieldTable;
}

std::size_t field_index(std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(kFieldTable, name, &FieldInfo::name) - kFieldTable.begin());
}

CanonicalWriter::CanonicalWriter(std::string& out) : out_(out) {
  text(kFormatTag);
}

void CanonicalWriter::null() {
  put_length(out_, kNull);
}

void CanonicalWriter::text(std::string_view value) {
  put_length(out_, static_cast<std::uint32_t>(value.size()));
  out_ += value;
}

void CanonicalWriter::number(std::int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  text({digits, static_cast<std::size_t>(end - digits)});
}

std::optional<Fields> parse_canonical(std::string_view bytes) {
  std::optional<std::string_view> tag;
  if (!take(bytes, tag) || tag != kFormatTag) return std::nullopt;
  Fields out;
  for (auto& field : out) {
    if (!take(bytes, field)) return std::nullopt;
  }
  if (!bytes.empty()) return std::nullopt;
  return out;
}

std::optional<std::int64_t> number_of(const std::optional<std::string_view>& field) {
  if (!field) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = field->data() + field->size();
  const auto [stop, error] = std::from_chars(field->data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<UtcInstant> time_of(const std::optional<std::string_view>& field) {
  const auto micros = number_of(field);
  if (!micros) return std::nullopt;
  return UtcInstant{std::chrono::microseconds{*micros}};
}

}  // namespace ami::audit
