// The elements that this codec reads, and where they may stand. Private to this codec.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "adapters/wire/xml/xml_stream.h"

namespace ami::ssn_export {

enum class Node : std::uint8_t {
  Document,
  MeterData,
  RegisterData,
  RegisterRead,
  Tier,
  Register,
  IntervalReadData,
  Interval,
  Reading,
  EventData,
  Event,
};

// The element called `name` inside `parent`; nullopt = unknown there.
std::optional<Node> child_of(Node parent, std::string_view name) noexcept;

// The number that a container states about its content ("NumberReads" …).
std::string_view stated_count_attribute(Node container) noexcept;

// Whether there is any without a namespace that is none of `names`.
bool has_others(const xml::Attributes& attributes, std::initializer_list<std::string_view> names) noexcept;

// A whole number from `low` to `high`, digits only.
std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t low,
                                          std::uint64_t high) noexcept;

// Cuts XML white space at both ends.
std::string_view trimmed(std::string_view text) noexcept;

// At most `limit` bytes, not cutting inside a UTF-8 character.
std::string_view head_of(std::string_view text, std::size_t limit) noexcept;

}  // namespace ami::ssn_export
