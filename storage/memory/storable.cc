#include "storage/memory/storable.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace ami::storage {
namespace {

using std::chrono::seconds;
constexpr UtcInstant kBegin{std::chrono::sys_days{std::chrono::year{1970} / 1 / 1}};
constexpr UtcInstant kEnd{std::chrono::sys_days{std::chrono::year{2200} / 1 / 1}};
constexpr std::int64_t kHoleMantissa = std::numeric_limits<std::int64_t>::min();

bool in_range(UtcInstant at) {
  return kBegin <= at && at < kEnd;
}

// Whether all of the run's times are in range. Counted in steps, because a product might overflow.
bool in_range(const IntervalRun& run) {
  if (!in_range(run.first_start)) return false;
  UtcInstant end = run.first_start;
  for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
    if (run.length > std::chrono::duration_cast<seconds>(kEnd - end)) return false;
    end += run.length;
    if (!in_range(end)) return false;
  }
  return true;
}

// Length of the UTF-8 character that `text` begins with; 0 when it begins with none, or with NUL.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  const std::size_t length = lead >> 5U == 0b110     ? 2
                             : lead >> 4U == 0b1110  ? 3
                             : lead >> 3U == 0b11110 ? 4
                                                     : 0;
  if (length == 0 || text.size() < length) return 0;
  std::uint32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if (next >> 6U != 0b10) return 0;
    code = code << 6U | (next & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code >= kSmallest[length] && code <= 0x10FFFF && !surrogate ? length : 0;
}

void put_aside(CommitUnit& unit, std::uint32_t channel, UtcInstant at, std::uint64_t offset,
               const Decimal* value, const char* detail) {
  const ChannelKey& key = unit.batch.channels[channel];
  std::string raw = "meter_id=" + std::to_string(key.meter) + " channel=" + key.key +
                    " at_us=" + std::to_string(at.time_since_epoch().count());
  if (value != nullptr) {
    raw += " value=" + std::to_string(value->mantissa) + "e" + std::to_string(value->exponent);
  }
  unit.batch.quarantined.push_back({"value_out_of_range", detail, std::to_string(key.meter), raw, offset});
}

std::string contradiction(const NormalisedBatch& batch) {
  const std::size_t qualities = std::max<std::size_t>(batch.qualities.size(), 1);
  const auto beyond = [&](std::uint32_t quality) { return quality >= qualities; };
  for (const IntervalRun& run : batch.intervals) {
    if (run.length.count() <= 0) return "an interval run without a length";
    if (!run.quality.empty() && run.quality.size() != run.mantissas.size()) {
      return "an interval run with another number of qualities than values";
    }
    if (run.channel >= batch.channels.size()) return "an interval run of a channel that is not in the batch";
    if (std::any_of(run.quality.begin(), run.quality.end(), beyond))
      return "a quality that is not in the batch";
  }
  for (const RegisterReading& read : batch.registers) {
    if (read.channel >= batch.channels.size()) return "a register of a channel that is not in the batch";
    if (beyond(read.quality)) return "a quality that is not in the batch";
  }
  return {};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length > 0) {
      out += text.substr(0, length);
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(text[0]);
      out += "\\x";
      out += kDigits[byte / 16];
      out += kDigits[byte % 16];
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

Result<CommitUnit> storable(const CommitUnit& unit) {
  if (const std::string why = contradiction(unit.batch); !why.empty()) return permanent(why);
  CommitUnit out = unit;
  NormalisedBatch& batch = out.batch;

  std::erase_if(batch.registers, [&](const RegisterReading& read) {
    if (in_range(read.at)) return false;
    put_aside(out, read.channel, read.at, read.offset, &read.value, "time outside the years 1970 to 2199");
    return true;
  });
  std::erase_if(batch.intervals, [&](const IntervalRun& run) {
    if (in_range(run)) return false;
    put_aside(out, run.channel, run.first_start, run.offset, nullptr,
              "interval times outside the years 1970 to 2199");
    return true;
  });
  for (IntervalRun& run : batch.intervals) {
    for (std::size_t i = 0; i < run.mantissas.size(); ++i) {
      if (run.mantissas[i] != kHoleMantissa) continue;
      const Decimal value{kHoleMantissa, run.exponent};
      put_aside(out, run.channel, run.first_start + static_cast<std::int64_t>(i) * run.length, run.offset,
                &value, "this one mantissa is the sign for a hole");
      run.mantissas[i].reset();
    }
  }
  std::erase_if(batch.events, [&](const EventReading& event) {
    if (in_range(event.at)) return false;
    batch.quarantined.push_back({"value_out_of_range", "event time outside the years 1970 to 2199",
                                 std::to_string(event.meter),
                                 event.raw_code + " " + event.raw_text +
                                     " at_us=" + std::to_string(event.at.time_since_epoch().count()),
                                 event.offset});
    return true;
  });

  out.source.feed = printable(out.source.feed);
  out.source.name = printable(out.source.name);
  out.cause = printable(out.cause);
  out.source.content_sha256 = printable(out.source.content_sha256);
  for (ChannelKey& key : batch.channels) {
    key = {key.meter, printable(key.key), printable(key.reading_type), printable(key.unit)};
  }
  if (batch.qualities.empty()) batch.qualities.emplace_back();
  for (ValueQuality& quality : batch.qualities) {
    const std::set<QualityCode> codes(quality.codes.begin(), quality.codes.end());
    quality = {QualitySet(codes.begin(), codes.end()), printable(quality.vendor_flag)};
  }
  for (EventReading& event : batch.events) {
    for (std::string* text : {&event.kind, &event.code, &event.vendor, &event.raw_code, &event.raw_text}) {
      *text = printable(*text);
    }
  }
  for (Quarantined& item : batch.quarantined) {  // raw bytes stay as they are
    for (std::string* text : {&item.reason, &item.detail, &item.meter}) *text = printable(*text);
  }
  return out;
}

}  // namespace ami::storage
