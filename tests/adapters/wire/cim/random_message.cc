#include "tests/adapters/wire/cim/random_message.h"

#include <random>
#include <vector>

namespace ami::cim {
namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool maybe() { return below(3) != 0; }
  std::string word() {
    static const std::vector<std::string> pieces{"a",  "Z", "7",        "&", "<",   ">",
                                                 "\"", "'", "\xC3\xA9", "-", "kWh", "]]>"};
    std::string out = "x";
    for (std::size_t i = below(5); i > 0; --i) out += pieces[below(pieces.size())];
    return out;
  }
  std::string number() {
    return (below(6) == 0 ? "-" : "") + std::to_string(below(100000)) + "." + std::to_string(below(1000));
  }

 private:
  std::mt19937_64 random_;
};

constexpr const char* kRegisters[] = {"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0",
                                      "13.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0",
                                      "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0"};

// Minute `i` of a day, as sent and as render.h shows it.
struct Moment {
  std::string sent, shown;
};
Moment moment(std::size_t minute) {
  const auto two = [](std::size_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::string face =
      "2026-03-" + two(1 + minute / 1440) + "T" + two(minute / 60 % 24) + ":" + two(minute % 60) + ":00";
  return {face + "-05:00", face + "@-300"};
}

std::vector<std::string> draw_qualities(Draw& draw, std::string& joined) {
  std::vector<std::string> all;
  for (std::size_t i = draw.below(3); i > 0; --i) {
    all.push_back("1.4." + std::to_string(draw.below(300)));
    joined += (joined.empty() ? "" : " ") + all.back();
  }
  return all;
}

}  // namespace

RandomMessage draw_message(std::uint64_t seed) {
  Draw draw(seed);
  RandomMessage out;
  Message& m = out.message;
  constexpr Edition kEditions[] = {Edition::Second, Edition::First, Edition::CommandCenter};
  constexpr Soap kSoaps[] = {Soap::None, Soap::V11, Soap::V12};
  constexpr Kind kKinds[] = {Kind::Request, Kind::Response, Kind::Event};
  m.edition = kEditions[draw.below(3)];
  const std::size_t soap = draw.below(3), kind = draw.below(3);
  m.soap = kSoaps[soap];
  m.kind = kKinds[kind];
  m.header.verb = "created";
  m.header.noun = draw.word();
  m.header.correlation_id = draw.word();
  if (draw.maybe()) m.header.timestamp = "2026-04-01T00:00:00Z";
  if (draw.maybe()) m.header.properties.emplace_back(draw.word(), draw.word());
  const bool first = m.edition != Edition::Second;
  const bool secret = draw.maybe();
  if (secret) {
    m.credentials = Credentials{draw.word(), Secret(draw.word())};
    m.credential_place =
        m.soap != Soap::None && draw.maybe() ? CredentialPlace::SoapHeader : CredentialPlace::Body;
  }
  constexpr const char* kSoapWords[] = {"none", "1.1", "1.2"};
  constexpr const char* kKindWords[] = {"request", "response", "event"};
  out.expected = std::string("K|") + kKindWords[kind] + "|" + kSoapWords[soap] + "|created|" + m.header.noun +
                 "|" + m.header.correlation_id + "|" + (secret ? "yes" : "no") + "\n";

  std::size_t never_set = 0;
  for (std::size_t i = draw.below(4); i > 0; --i) {
    MeterReading reading;
    reading.meter = {draw.word(), first || draw.maybe(), ""};
    const std::string& meter = reading.meter.id;
    for (std::size_t b = draw.below(3); b > 0; --b) {
      IntervalBlock block;
      block.type = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0";
      for (std::size_t r = 0, count = 1 + draw.below(20); r < count; ++r) {
        Reading one;
        std::string joined;
        const Moment start = moment(15 * r), end = moment(15 * (r + 1));
        if (draw.maybe()) one.value = draw.number();
        one.qualities = draw_qualities(draw, joined);
        if (draw.maybe()) {
          one.period_start = start.sent;
          one.period_end = end.sent;
        } else {
          one.time_stamp = end.sent;
        }
        out.expected += "V|" + meter + "|interval|" + block.type + "|IntervalBlocks|900|" + end.shown +
                        "|-|" + joined + "|" + one.value.value_or("") + "\n";
        block.readings.push_back(std::move(one));
      }
      reading.blocks.push_back(std::move(block));
    }
    for (std::size_t r = draw.below(6); r > 0; --r) {
      Reading one;
      one.type = kRegisters[draw.below(3)];
      if (draw.below(5) == 0) {
        one.time_stamp = "1970-01-01T00:00:00Z";
        one.value = "0";
        ++never_set;
      } else {
        std::string joined;
        const Moment at = moment(draw.below(40000));
        one.time_stamp = at.sent;
        one.value = draw.number();
        one.qualities = draw_qualities(draw, joined);
        out.expected += "V|" + meter + "|register|" + one.type + "|Readings|0|" + at.shown + "|-|" + joined +
                        "|" + *one.value + "\n";
      }
      reading.readings.push_back(std::move(one));
    }
    m.meter_readings.push_back(std::move(reading));
  }
  for (std::size_t i = draw.below(4); i > 0; --i) {
    const Moment at = moment(draw.below(40000));
    Event event;
    event.type = "3.26." + std::to_string(draw.below(20)) + ".185";
    event.meter = {draw.word(), draw.maybe(), ""};
    event.created = at.sent;
    if (draw.maybe()) event.status_value = draw.word();
    if (draw.maybe()) event.severity = draw.word();
    out.expected +=
        "E|" + event.meter.id + "|" + event.type + "|" + event.status_value + "|" + at.shown + "\n";
    m.events.push_back(std::move(event));
  }
  if (draw.maybe()) {
    m.reply = Reply{"PARTIAL", {}};
    out.expected += "R|" + m.header.correlation_id + "||Reply||PARTIAL|\n";
    for (std::size_t i = draw.below(3); i > 0; --i) {
      const ReplyError error{
          "2." + std::to_string(i), "FATAL", draw.word(), "", draw.word(), "name", "Meter"};
      out.expected += "R|" + m.header.correlation_id + "|" + error.id + "|Error|FATAL|" + error.code + "|" +
                      error.reason + "\n";
      m.reply->errors.push_back(error);
    }
  }
  for (std::size_t i = draw.below(3); i > 0; --i) {
    Control control;
    control.mrid = draw.word();
    control.type = "3.31.0." + std::to_string(draw.below(300));
    control.meters = {{draw.word(), false, ""}, {draw.word(), true, ""}};
    out.expected += "C|" + control.type + "|" + control.mrid + "|" + control.meters[0].id + "," +
                    control.meters[1].id + "\n";
    m.controls.push_back(std::move(control));
  }
  out.expected += "N|" + std::to_string(never_set) + "|0\n";
  return out;
}

}  // namespace ami::cim
