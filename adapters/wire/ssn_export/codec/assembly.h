// From parsed records to observations: texts gathered while a record is open, interval blocks, delivery.
// Private to this codec; knows nothing of XML.
//
// A record may span several calls and so several batches: its texts wait here as slices of one string, which
// the arena of the batch that gets the record takes over.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "meter_model/observation/observation.h"

namespace ami::ssn_export {

struct Slice {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

inline Slice put(std::string& text, std::string_view added) {
  const Slice slice{static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(added.size())};
  text += added;
  return slice;
}
inline std::string_view cut(std::string_view text, Slice slice) {
  return text.substr(slice.at, slice.size);
}

// A StatedTime whose text is a slice.
struct HeldTime {
  Slice text;
  CivilTime civil{};
  std::optional<std::chrono::seconds> utc_offset;

  [[nodiscard]] StatedTime stated(std::string_view base) const {
    return {cut(base, text), civil, utc_offset};
  }
};

// Whose the records are.
struct Origin {
  std::string meter;
  AliasKind meter_kind = AliasKind::Badge;
  std::string created_text;
};

struct HeldMalformed {
  std::uint64_t offset = 0;
  const char* reason = "";
  std::string detail;
  std::string raw;
};

// One value attribute of a Register, or one Reading.
struct Leaf {
  std::string_view measure;  // a constant
  Slice channel, unit, tou, value, raw_count, block_end;
};

// What was gathered from one RegisterRead, Interval or Event.
struct OpenRecord {
  std::uint64_t offset = 0;
  const char* fault = nullptr;  // the record as a whole cannot be used
  std::string fault_detail;
  std::string text;
  HeldTime time;
  Slice code;
  std::string event_text;
  std::size_t children = 0;
  std::vector<Leaf> leaves;
  std::vector<HeldMalformed> malformed;                       // of single leaves
  std::vector<std::pair<std::uint64_t, std::uint64_t>> cuts;  // byte ranges that went into `malformed`

  void begin(std::uint64_t at);
  void spoil(const char* reason, std::string detail);  // the first fault counts
};

// The Intervals of one IntervalReadData since the last cut.
struct OpenBlock {
  struct Value {
    std::uint32_t interval = 0;  // index into times
    Slice value, raw_count;
  };
  struct Series {
    Slice channel, unit;
    std::vector<Value> values;
    std::vector<std::pair<std::uint32_t, Slice>> block_ends;
  };

  std::uint64_t offset = 0;   // of the first Interval
  std::uint64_t end = 0;      // of the last one
  std::size_t intervals = 0;  // good or bad
  std::size_t held_bytes = 0;
  std::string raw_body;  // the good Intervals as sent
  std::string text;
  std::vector<HeldTime> times;
  std::vector<Series> series;
  std::vector<HeldMalformed> malformed;
  std::size_t hint = 0;       // where the next channel's series probably is
  bool unit_changed = false;  // some channel has more than one series

  void add(OpenRecord& interval);  // takes the leaves and malformed of a good Interval
  void clear();

 private:
  Series& series_for(std::string_view channel, std::string_view unit);
};

// `raw` is the record's self-contained document.
void deliver_registers(OpenRecord& record, const Origin& origin, std::string raw, DecodedBatch& out);
void deliver_event(OpenRecord& record, const Origin& origin, std::string raw, DecodedBatch& out);
void deliver_block(OpenBlock& block, const Origin& origin, std::chrono::minutes interval, std::string raw,
                   DecodedBatch& out);
void deliver_malformed(std::vector<HeldMalformed>& malformed, const Origin& origin, DecodedBatch& out);

}  // namespace ami::ssn_export
