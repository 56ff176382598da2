// The canonical bytes of one line of the switch audit: what its hash is made of. docs/audit.md
//
// The same line gives the same bytes on every machine, in every locale and time zone, and no two different
// lines give the same. A format never changes: another list of fields is another format.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "meter_model/time/instant.h"

namespace ami::audit {

inline constexpr int kFormat = 1;
inline constexpr std::string_view kFormatTag = "ami-switch-audit-1";  // the first field of format 1

enum class FieldKind : std::uint8_t {
  Number,  // decimal digits, a minus sign before a negative one
  Flag,    // "1" or "0"
  Time,    // microseconds since 1970-01-01T00:00:00Z as a number; "infinity", "-infinity"
  Text,    // its UTF-8
};
// A field is a column of switch_audit, by its name.
struct FieldInfo {
  std::string_view name;
  FieldKind kind;
};
std::span<const FieldInfo> fields();  // of format 1, in their order, without the tag
inline constexpr std::size_t kFields = 35;
inline constexpr std::size_t kNoField = kFields;
std::size_t field_index(std::string_view name);  // kNoField: there is none of that name

// Appends canonical bytes to `out`: the tag, then one field after the other.
class CanonicalWriter {
 public:
  explicit CanonicalWriter(std::string& out);
  void null();
  void text(std::string_view value);
  void number(std::int64_t value);

 private:
  std::string& out_;
};

// nullopt in a field: it was not noted (NULL). Views into the bytes.
using Fields = std::array<std::optional<std::string_view>, kFields>;
// nullopt: not the canonical bytes of anything.
std::optional<Fields> parse_canonical(std::string_view bytes);
std::optional<std::int64_t> number_of(const std::optional<std::string_view>& field);
std::optional<UtcInstant> time_of(const std::optional<std::string_view>& field);

}  // namespace ami::audit
