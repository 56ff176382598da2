// intervalData: blocks of interval values, with the profiles that say what their channels are.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "adapters/wire/multispeak/codec/gather.h"
#include "adapters/wire/multispeak/codec/request_fields.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

constexpr std::chrono::seconds kLongestInterval{366 * 86400};
constexpr std::chrono::seconds kLongestShift{2 * 3600};  // of a zone's clock

struct Profile {
  xml::Element element;
  std::chrono::seconds length{0};  // 0 = not readable
  std::map<std::string_view, xml::Element> channels;
  std::optional<Frame> frame;  // made when the first block asks for it
};

class IntervalDecoder {
 public:
  IntervalDecoder(const xml::Element& data, Gather& gather);
  void decode();

 private:
  void decode_block(const xml::Element& block);
  struct EndReading {
    StatedTime date;
    std::string_view reading;
  };
  using EndReadings = std::map<std::string_view, std::vector<EndReading>>;  // by channel index

  void decode_content(const xml::Element& block, Profile* profile, const StampText& start);
  void decode_channel(const Profile& profile, const xml::Element& channel, const StatedTime& start,
                      const EndReadings& ends);
  void decode_end_readings(const xml::Element& block, const Profile& profile);
  [[nodiscard]] EndReadings end_readings_of(const xml::Element& block);
  // endReadings of the channel whose date is one of its interval ends.
  void add_block_ends(const std::vector<EndReading>& ends, const StatedTime& start, const Profile& profile,
                      SeriesObservation& series);
  [[nodiscard]] std::chrono::seconds length_of(const xml::Element& profile) const;

  const xml::Element& data_;
  Gather& gather_;
  std::string_view status_delimiter_, interval_delimiter_;
  std::map<std::string_view, Profile> profiles_;
  Profile unknown_;
};

IntervalDecoder::IntervalDecoder(const xml::Element& data, Gather& gather)
    : data_(data),
      gather_(gather),
      status_delimiter_(separator_in(data.child("statusDelimiter"))),
      interval_delimiter_(separator_in(data.child("intervalDelimiter"))) {
  if (interval_delimiter_.empty()) interval_delimiter_ = gather.options().interval_delimiter;
  for (xml::Element one = data.child("profiles").child("profile"); one; one = one.next_same()) {
    Profile profile{one, length_of(one), {}, {}};
    for (xml::Element channel = one.child("channels").child("channel"); channel;
         channel = channel.next_same())
      profile.channels.try_emplace(channel.child("index").text(), channel);
    profiles_.try_emplace(one.attribute("profileID"), std::move(profile));
  }
}

std::chrono::seconds IntervalDecoder::length_of(const xml::Element& profile) const {
  const xml::Element length = profile.child("intervalLength");
  const std::string_view word = length.attribute("units");
  std::optional<std::chrono::milliseconds> unit = gather_.options().interval_length_unit;
  if (!word.empty()) unit = unit_length(word);
  const auto number = Decimal::parse(length.text());
  if (!unit || !number) return {};
  const auto seconds = number->times(Decimal{unit->count(), -3});
  if (!seconds || *seconds <= Decimal{} || *seconds > Decimal{kLongestInterval.count(), 0}) return {};
  const auto whole = seconds->normalised().mantissa_at(0);
  return whole ? std::chrono::seconds{*whole} : std::chrono::seconds{0};
}

void IntervalDecoder::decode() {
  for (xml::Element block = data_.child("blocks").child("block"); block; block = block.next_same())
    decode_block(block);
}

void IntervalDecoder::decode_block(const xml::Element& block) {
  const std::string_view id = block.child("profileID").text();
  const auto found = profiles_.find(id);
  const std::string number = decode_meter_id(block).number;
  Profile& of = found == profiles_.end() ? unknown_ : found->second;
  if (!of.frame) {
    of.frame = gather_.frame(
        block.parent(), {"transactionID", "errorString", "statusDelimiter", "intervalDelimiter"}, of.element);
  }
  if (!gather_.begin(block, *of.frame, number)) return;
  const std::string_view service = block.child("meterID").attribute("serviceType");
  gather_.set_commodity(service.empty() ? block.child("serviceType").text() : service);
  const StampText start = gather_.stamp(block.child("intervalStart").text());
  const Gather::Mark before = gather_.mark();
  if (number.empty()) {
    gather_.malformed("missing_meter", "the block has neither meterNo nor meterID");
  } else {
    decode_content(block, found == profiles_.end() ? nullptr : &found->second, start);
  }
  gather_.read_result(block.attribute("errorString"), start.time, before);
}

void IntervalDecoder::decode_content(const xml::Element& block, Profile* of, const StampText& start) {
  const std::string_view id = block.child("profileID").text();
  if (of == nullptr) {
    gather_.malformed("unknown_profile", "the message has no profile " + quoted(id));
    return;
  }
  const Profile& profile = *of;
  if (profile.length.count() == 0) {
    const xml::Element length = profile.element.child("intervalLength");
    gather_.malformed("bad_interval_length", "intervalLength " + quoted(length.text()) + " " +
                                                 quoted(length.attribute("units")) + " of profile " +
                                                 quoted(id) + " is no whole number of seconds above zero");
    return;
  }
  const xml::Element channels = block.child("dB").child("chs");
  if (start.problem != nullptr && channels.first_child()) {
    gather_.malformed(start.problem, "intervalStart " + quoted(block.child("intervalStart").text()) +
                                         " is no date-time (2026-01-15T12:00:00Z)");
  } else {
    const EndReadings ends = end_readings_of(block);
    std::set<std::string_view> seen;
    for (xml::Element channel = channels.child("ch"); channel; channel = channel.next_same()) {
      const std::string_view index = channel.child("idx").text();
      if (!seen.insert(index).second) {
        gather_.malformed("repeated_channel", "the block has channel index " + quoted(index) + " before");
        continue;
      }
      decode_channel(profile, channel, start.time, ends);
      if (gather_.overflowed()) return;
    }
  }
  decode_end_readings(block, profile);
}

void IntervalDecoder::decode_channel(const Profile& profile, const xml::Element& channel,
                                     const StatedTime& start, const EndReadings& ends) {
  const std::string_view index = channel.child("idx").text();
  const auto known = profile.channels.find(index);
  if (known == profile.channels.end()) {
    gather_.malformed("unknown_channel", "the profile has no channel with index " + quoted(index));
    return;
  }
  const std::string_view field = known->second.child("fieldName").text();
  SeriesObservation series;
  static_cast<ObservationHead&>(series) = gather_.head();
  series.kind = SeriesKind::Interval;
  series.interval = profile.length;
  series.channel = gather_.text("lp:" + std::string(index));
  series.measure = field.empty() ? "intervalData" : gather_.text(field);
  series.unit = gather_.text(known->second.child("units").text());

  std::size_t bad = 0;
  std::string first_bad;
  std::string_view rest = gather_.text(separated_text(channel.child("d"), interval_delimiter_));
  while (!rest.empty() && !gather_.overflowed()) {
    const auto cut = rest.find(interval_delimiter_);
    std::string_view value = rest.substr(0, cut);
    rest = cut == std::string_view::npos ? std::string_view{} : rest.substr(cut + interval_delimiter_.size());
    const bool last = cut == std::string_view::npos;
    SeriesValue one;
    if (const auto bar = status_delimiter_.empty() ? std::string_view::npos : value.find(status_delimiter_);
        bar != std::string_view::npos) {
      one.flag = value.substr(bar + status_delimiter_.size());
      value = value.substr(0, bar);
    }
    const auto first = value.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos)
      one.value = value.substr(first, value.find_last_not_of(" \t\r\n") - first + 1);
    if (!one.value.empty() && !Decimal::parse(one.value)) {
      if (bad++ == 0) first_bad = std::to_string(series.values.size() + 1) + ", " + quoted(one.value);
      one.value = {};  // a hole: the values behind it count on
    }
    series.values.push_back(one);
    gather_.charge(1);
    if (!last && rest.empty()) series.values.emplace_back();  // a delimiter at the end: one more, missing
  }
  if (bad > 0) {
    gather_.malformed("bad_number", std::to_string(bad) + " values of channel " + quoted(index) +
                                        " are not decimal numbers, the first is value " + first_bad);
  }
  if (series.values.empty()) return;
  // Values are consecutive: the end of the first one is enough.
  if (start.utc_offset) {
    StatedTime end = start;
    end.civil += profile.length;
    end.text = gather_.text(to_text(end.civil, end.utc_offset));
    series.values.front().time = end;
  } else {
    series.period_start = start;  // how long after it that is on the clock, the zone knows
  }
  if (const auto own = ends.find(index); own != ends.end())
    add_block_ends(own->second, start, profile, series);
  gather_.add(std::move(series));
}

IntervalDecoder::EndReadings IntervalDecoder::end_readings_of(const xml::Element& block) {
  EndReadings ends;
  for (xml::Element end = block.child("endReadingList").child("endReading"); end; end = end.next_same()) {
    const auto date = parse_stated_time(end.child("readingDate").text());
    const std::string_view reading = end.child("reading").text();
    if (!date || !Decimal::parse(reading)) continue;
    gather_.charge(1);
    ends[end.child("channelIndex").text()].push_back({*date, gather_.text(reading)});
  }
  return ends;
}

void IntervalDecoder::add_block_ends(const std::vector<EndReading>& ends, const StatedTime& start,
                                     const Profile& profile, SeriesObservation& series) {
  constexpr std::chrono::seconds kNone{0};
  // By bare faces the last values of a day with a skipped hour lie behind the last place.
  const auto beyond = start.utc_offset ? 0 : static_cast<std::uint64_t>(kLongestShift / profile.length);
  for (const EndReading& end : ends) {
    if (end.date.utc_offset.has_value() != start.utc_offset.has_value()) continue;
    const auto after = (end.date.civil - end.date.utc_offset.value_or(kNone)) -
                       (start.civil - start.utc_offset.value_or(kNone));
    if (after <= after.zero() || after % profile.length != after.zero()) continue;
    const auto slot = static_cast<std::uint64_t>(after / profile.length) - 1;
    if (slot < series.values.size() + beyond)
      series.block_end_values.emplace_back(static_cast<std::uint32_t>(slot), end.reading);
    gather_.charge(1);
  }
  std::ranges::stable_sort(series.block_end_values, {}, [](const auto& one) { return one.first; });
}

void IntervalDecoder::decode_end_readings(const xml::Element& block, const Profile& profile) {
  for (xml::Element end = block.child("endReadingList").child("endReading"); end; end = end.next_same()) {
    const std::string_view index = end.child("channelIndex").text();
    const std::string_view reading = end.child("reading").text();
    const auto known = profile.channels.find(index);
    if (known == profile.channels.end()) {
      gather_.malformed("unknown_channel",
                        "endReading of channel index " + quoted(index) + ", which the profile does not have");
      continue;
    }
    if (!Decimal::parse(reading)) {
      gather_.malformed("bad_number", "endReading " + quoted(reading) + " is not a decimal number");
      continue;
    }
    const StampText at = gather_.stamp(end.child("readingDate").text());
    if (at.problem != nullptr) {
      gather_.malformed(at.problem, "readingDate " + quoted(end.child("readingDate").text()) +
                                        " of endReading " + quoted(reading) + " is no date-time");
      continue;
    }
    SeriesObservation series;
    static_cast<ObservationHead&>(series) = gather_.head();
    series.channel = gather_.text("lp:" + std::string(index) + ":end");
    series.measure = gather_.text("endReading:" + std::string(known->second.child("fieldName").text()));
    series.unit = gather_.text(known->second.child("units").text());
    series.values.push_back({gather_.text(reading), {}, at.time, {}});
    gather_.add(std::move(series));
  }
}

}  // namespace

void decode_intervals(const xml::Element& interval_data, Gather& gather) {
  IntervalDecoder(interval_data, gather).decode();
}

}  // namespace ami::multispeak
