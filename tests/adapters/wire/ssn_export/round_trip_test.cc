// decode(encode(x)) says what x says, for documents drawn at random.
#include <gtest/gtest.h>

#include <random>

#include "adapters/wire/ssn_export/codec/encode.h"
#include "tests/adapters/wire/ssn_export/description.h"

namespace ami::ssn_export::testing {
namespace {

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool maybe() { return below(4) != 0; }

  std::string text() {
    static const std::vector<std::string> pieces{
        "a",  "Z",  "7", "&",     "<",   ">", "\"", "'", "]]>", "\xC3\xA9", "\xE2\x82\xAC",
        "\t", "\n", " ", "&amp;", "kWh", "-"};
    std::string out = "x";  // not blank at its ends: event texts are trimmed
    for (std::size_t i = below(6); i > 0; --i) out += pieces[below(pieces.size())];
    return out + "x";
  }
  std::string number() {
    return (below(5) == 0 ? "-" : "") + std::to_string(below(100000)) + "." + std::to_string(below(10000));
  }
  std::string time() {
    return "2026-0" + std::to_string(1 + below(9)) + "-1" + std::to_string(below(10)) + "T0" +
           std::to_string(below(10)) + ":15:00-05:00";
  }
  Attribute maybe_number() { return maybe() ? Attribute(number()) : std::nullopt; }
  Attribute maybe_text() { return maybe() ? Attribute(text()) : std::nullopt; }

 private:
  std::mt19937 random_;
};

std::string shown(const Attribute& attribute) {
  return attribute && !attribute->empty() ? *attribute : "-";
}

std::string head(const std::string& meter, const std::string& channel, const std::string& measure,
                 const Attribute& unit, const std::string& tou) {
  return " meter=" + meter + " channel=" + channel + " measure=" + measure + " unit=" + shown(unit) +
         " tou=" + tou;
}

// What the decoder should say of `document`, from the document's own values.
std::string expected_of(const Document& document) {
  std::string out;
  for (const auto& meter : document.meters) {
    for (const auto& data : meter.registers) {
      for (const auto& read : data.reads) {
        for (const auto& tier : read.tiers) {
          for (const auto& r : tier.registers) {
            if (r.summation || r.summation_raw_value) {
              out += "register" +
                     head(*meter.meter_name, *r.number, "Summation", r.summation_uom, shown(tier.number)) +
                     "|" + *read.read_time + "=" + shown(r.summation) + "/" + shown(r.summation_raw_value) +
                     "\n";
            }
            if (r.cumulative_demand) {
              out +=
                  "register" +
                  head(*meter.meter_name, *r.number, "CumulativeDemand", r.demand_uom, shown(tier.number)) +
                  "|" + *read.read_time + "=" + shown(r.cumulative_demand) + "/-\n";
            }
          }
        }
      }
    }
    for (const auto& data : meter.intervals) {
      // Channels are "0" … "3", each with one unit and present from the first interval on or not at all.
      for (const auto& first : data.intervals.empty() ? std::vector<Reading>{} : data.intervals[0].readings) {
        out += "interval" + head(*meter.meter_name, "lp:" + *first.channel, "Reading", first.uom, "-");
        std::string ends;
        std::size_t index = 0;
        for (const auto& interval : data.intervals) {
          for (const auto& r : interval.readings) {
            if (r.channel != first.channel) continue;
            out += "|" + *interval.end_time + "=" + shown(r.value) + "/" + shown(r.raw_value);
            if (r.block_end_value) ends += "|end" + std::to_string(index) + "=" + *r.block_end_value;
            ++index;
          }
        }
        out += ends + "\n";
      }
    }
    for (const auto& data : meter.events) {
      for (const auto& event : data.events) {
        out += "event meter=" + *meter.meter_name + " " + *event.event_name + " " + *event.event_time + " " +
               event.text + "\n";
      }
    }
  }
  return out;
}

std::string said(const DecodedBatch& batch) {
  std::string out;
  const auto text = [](std::string_view s) { return s.empty() ? std::string("-") : std::string(s); };
  for (const auto& observation : batch.observations) {
    if (const auto* event = std::get_if<EventObservation>(&observation)) {
      out += "event meter=" + text(event->meter) + " " + text(event->code) + " " + text(event->time.text) +
             " " + std::string(event->text) + "\n";
      continue;
    }
    const auto& s = std::get<SeriesObservation>(observation);
    out += s.kind == SeriesKind::Register ? "register" : "interval";
    out += head(text(s.meter), text(s.channel), text(s.measure), std::string(s.unit), text(s.tou));
    for (const auto& v : s.values)
      out += "|" + text(v.time.text) + "=" + text(v.value) + "/" + text(v.raw_count);
    for (const auto& [index, end] : s.block_end_values)
      out += "|end" + std::to_string(index) + "=" + text(end);
    out += "\n";
  }
  return out;
}

MeterData draw_meter(Draw& draw) {
  MeterData meter;
  meter.meter_name = draw.text();
  meter.util_device_id = draw.maybe_text();
  meter.registers.resize(draw.below(2));
  for (auto& data : meter.registers) {
    data.reads.resize(draw.below(3));
    for (auto& read : data.reads) {
      read.read_time = draw.time();
      read.season = draw.maybe_text();
      read.tiers.resize(draw.below(3));
      for (auto& tier : read.tiers) {
        tier.number = draw.maybe_text();
        tier.registers.resize(draw.below(4));
        for (auto& r : tier.registers) {
          r.number = draw.text();
          r.summation = draw.maybe_number();
          r.summation_uom = draw.maybe_text();
          r.summation_raw_value = draw.maybe_number();
          r.cumulative_demand = draw.maybe_number();
          r.demand_uom = draw.maybe_text();
        }
      }
    }
  }
  meter.intervals.resize(draw.below(2));
  for (auto& data : meter.intervals) {
    data.interval_length = "15";
    const auto channels = draw.below(5);
    const auto unit = draw.text();
    data.intervals.resize(1 + draw.below(6));
    for (std::size_t i = 0; i < data.intervals.size(); ++i) {
      auto& interval = data.intervals[i];
      interval.end_time = draw.time();
      for (std::size_t c = 0; c < channels; ++c) {
        if (i > 0 && !draw.maybe()) continue;  // a hole
        interval.readings.push_back(
            {std::to_string(c), draw.maybe_number(), draw.maybe_number(), unit, draw.maybe_number()});
      }
    }
  }
  meter.events.resize(draw.below(2));
  for (auto& data : meter.events) {
    data.events.resize(draw.below(3));
    for (auto& event : data.events) event = {draw.text(), draw.time(), draw.text()};
  }
  return meter;
}

TEST(SsnExportRoundTrip, DecodingWhatWasEncodedSaysTheSame) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Draw draw(seed);
    Document document;
    document.version = "0.1";
    document.creation_time = draw.time();
    document.meters.resize(draw.below(4));
    for (auto& meter : document.meters) meter = draw_meter(draw);
    const auto decoded = decode(encode(document, seed % 2 == 0 ? "" : "ssn"));
    ASSERT_EQ(decoded.error, "") << "seed " << seed;
    ASSERT_TRUE(decoded.batch.malformed.empty()) << "seed " << seed;
    ASSERT_EQ(said(decoded.batch), expected_of(document)) << "seed " << seed;
    for (const auto& observation : decoded.batch.observations) {
      ASSERT_EQ(head_of(observation).created.text, *document.creation_time);
    }
  }
}

TEST(SsnExportEncode, ReplacesWhatXmlCannotCarry) {
  Document document;
  document.meters.push_back({});
  document.meters[0].meter_name = std::string("a\x01") + "b";
  document.meters[0].events.push_back({});
  document.meters[0].events[0].events.push_back({"A", "2026-01-01T00:00:00Z", ""});
  const auto decoded = decode(encode(document));
  ASSERT_EQ(decoded.batch.observations.size(), 1U) << decoded.error;
  EXPECT_EQ(head_of(decoded.batch.observations[0]).meter,
            "a\xEF\xBF\xBD"
            "b");
}

}  // namespace
}  // namespace ami::ssn_export::testing
