#include "adapters/millrace/codec/lines.h"

#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

#include "meter_model/quantity/decimal.h"

namespace ami::millrace {
namespace {

constexpr std::size_t kSealLength = 6;  // "*", four digits, line end
constexpr std::chrono::seconds kLongestInterval = std::chrono::hours{24};

std::string checksum(std::string_view text) {
  std::uint32_t crc = 0xFFFF;
  for (const char c : text) {
    crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    crc &= 0xFFFFU;
  }
  constexpr char kDigits[] = "0123456789ABCDEF";
  return {kDigits[crc >> 12U], kDigits[crc >> 8U & 15U], kDigits[crc >> 4U & 15U], kDigits[crc & 15U]};
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool is_number(std::string_view text) {
  return text.empty() || Decimal::parse(text).ok();
}

// One line whose bytes live in the batch's arena.
class Line {
 public:
  Line(std::string_view raw, std::uint64_t offset, DecodedBatch& out)
      : raw_(raw), offset_(offset), out_(out) {}

  void read(std::string_view body) {
    fields_ = split(body, '|');
    const std::string_view kind = fields_[0];
    const std::size_t wanted = kind == "REG" || kind == "EVT" ? 5 : kind == "INT" ? 6 : kind == "RES" ? 4 : 0;
    if (wanted == 0) return malformed(reason::kUnknownKind, "it begins with none of REG, INT, EVT, RES");
    if (fields_.size() != wanted) {
      return malformed(reason::kFieldCount,
                       std::to_string(fields_.size()) + " fields, not " + std::to_string(wanted));
    }
    if (fields_[kind == "RES" ? 2 : 1].empty()) return malformed(reason::kMissingMeter, "its meter is empty");
    if (kind == "RES") return read_result();
    const auto time = parse_stated_time(fields_[3]);
    if (!time || !time->utc_offset) {
      return malformed(reason::kBadTime, "its time is not as 2026-01-15T05:00:00Z");
    }
    if (kind == "EVT") {
      EventObservation event;
      fill(event);
      event.code = fields_[2];
      event.text = fields_[4];
      event.time = *time;
      out_.observations.emplace_back(std::move(event));
    } else {
      read_series(*time, kind == "INT");
    }
  }

  void malformed(const char* reason, std::string detail) {
    const std::string_view meter = fields_.size() > 1 ? fields_[1] : std::string_view();
    out_.malformed.push_back({offset_, raw_, meter, reason, std::move(detail)});
  }

 private:
  void fill(ObservationHead& head) const {
    head.meter = fields_[1];
    head.measure = fields_[0];
    head.raw = raw_;
    head.offset = offset_;
  }

  void read_series(const StatedTime& time, bool intervals) {
    SeriesObservation series;
    fill(series);
    series.channel = series.unit = fields_[2];
    if (intervals) {
      series.kind = SeriesKind::Interval;
      int seconds = 0;
      const char* const end = fields_[4].data() + fields_[4].size();
      const auto [rest, error] = std::from_chars(fields_[4].data(), end, seconds);
      if (error != std::errc() || rest != end || seconds < 1 ||
          std::chrono::seconds{seconds} > kLongestInterval) {
        return malformed(reason::kBadLength, "its length is not 1 to 86400 seconds");
      }
      series.interval = std::chrono::seconds{seconds};
    }
    for (const std::string_view value : split(fields_.back(), ';')) {
      if (!is_number(value)) return malformed(reason::kBadNumber, "one of its values is not a number");
      SeriesValue& added = series.values.emplace_back();
      added.value = value;
      if (series.values.size() == 1) added.time = time;
    }
    out_.observations.emplace_back(std::move(series));
  }

  void read_result() {
    ResultObservation result;
    fill(result);
    result.transaction = fields_[1];
    result.meter = fields_[2];
    result.word = fields_[3];
    out_.results.push_back(std::move(result));
  }

  std::string_view raw_;
  std::uint64_t offset_;
  DecodedBatch& out_;
  std::vector<std::string_view> fields_;
};

}  // namespace

std::string seal(std::string_view body) {
  return std::string(body) + "*" + checksum(body) + "\n";
}

std::optional<std::string_view> unseal(std::string_view line) {
  if (line.size() < kSealLength || line.size() > kLongestLine) return std::nullopt;
  const std::string_view body = line.substr(0, line.size() - kSealLength);
  if (body.find('\n') != std::string_view::npos || line != seal(body)) return std::nullopt;
  return body;
}

void decode(std::string_view bytes, DecodedBatch& out) {
  std::uint64_t offset = 0;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view sent = end == std::string_view::npos ? bytes : bytes.substr(0, end + 1);
    Line line(out.text(sent.substr(0, kLongestLine)), offset, out);
    if (sent.size() > kLongestLine) {
      line.malformed(reason::kLineTooLong,
                     "longer than " + std::to_string(kLongestLine) + " bytes; the rest is cut");
    } else if (end == std::string_view::npos) {
      line.malformed(reason::kLineEndMissing, "it has no line end: it may be cut short");
    } else if (const auto body = unseal(sent); !body) {
      line.malformed(reason::kBadChecksum, "its checksum is not that of its text");
    } else {
      line.read(out.text(*body));
    }
    offset += sent.size();
    bytes.remove_prefix(sent.size());
  }
}

std::string_view meter_of(std::string_view line) {
  const auto body = unseal(line);
  if (!body) return {};
  const auto fields = split(*body, '|');
  const std::size_t at = fields[0] == "RES" ? 2 : 1;
  return at < fields.size() ? fields[at] : std::string_view();
}

std::string encode(const Ask& ask) {
  return seal("ASK|" + ask.transaction + "|READ|" + ask.meter);
}

std::optional<Ask> parse_ask(std::string_view line) {
  const auto body = unseal(line);
  if (!body) return std::nullopt;
  const auto fields = split(*body, '|');
  if (fields.size() != 4 || fields[0] != "ASK" || fields[2] != "READ") return std::nullopt;
  return Ask{std::string(fields[1]), std::string(fields[3])};
}

}  // namespace ami::millrace
