#include "tests/adapters/wire/cim/render.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace ami::cim {
namespace {

std::string time_text(const StatedTime& time) {
  if (!time.present()) return "-";
  std::string text = to_text(UtcInstant(time.civil.time_since_epoch()));
  text.pop_back();  // the Z
  return text + (time.utc_offset ? "@" + std::to_string(time.utc_offset->count() / 60) : "@none");
}

template <class... Fields>
std::string line(const char* letter, const Fields&... fields) {
  std::string text = letter;
  ((text += "|", text += fields), ...);
  return text + "\n";
}

}  // namespace

std::string render(const Decoded& decoded) {
  const Message& m = decoded.message;
  constexpr const char* kKinds[] = {"request", "response", "event", "fault"};
  constexpr const char* kSoaps[] = {"none", "1.1", "1.2"};
  std::string text =
      line("K", kKinds[static_cast<int>(m.kind)], kSoaps[static_cast<int>(m.soap)], m.header.verb,
           m.header.noun, m.header.correlation_id, m.credentials ? "yes" : "no");
  std::string events;
  for (const auto& observation : decoded.batch.observations) {
    if (const auto* event = std::get_if<EventObservation>(&observation)) {
      events += line("E", event->meter, event->code, event->text, time_text(event->time));
      continue;
    }
    const auto& s = std::get<SeriesObservation>(observation);
    for (const auto& value : s.values) {
      text += line("V", s.meter, s.kind == SeriesKind::Register ? "register" : "interval", s.channel,
                   s.measure, std::to_string(s.interval.count()), time_text(value.time),
                   time_text(s.period_start), value.flag, value.value);
    }
  }
  text += events;
  for (const auto& r : decoded.batch.results)
    text += line("R", r.transaction, r.meter, r.measure, r.channel, r.word, r.fault);
  for (const auto& control : m.controls) {
    std::string meters;
    for (const Meter& meter : control.meters) meters += (meters.empty() ? "" : ",") + meter.id;
    text += line("C", control.type, control.mrid, meters);
  }
  for (const auto& bad : decoded.batch.malformed) text += line("M", bad.meter, bad.reason);
  return text + line("N", std::to_string(decoded.never_set), std::to_string(decoded.batch.skipped));
}

std::string render(std::string_view text, const Options& options) {
  const auto decoded = decode(text, options);
  if (decoded) return render(*decoded);
  return line("error", decoded.error().message.substr(0, decoded.error().message.find(':')));
}

std::string render_all(std::string_view text, const Options& options) {
  const auto decoded = decode(text, options);
  if (!decoded) return decoded.error().message;
  std::string all = render(*decoded);
  for (const auto& observation : decoded->batch.observations)
    std::visit([&](const auto& o) { all += std::to_string(o.offset) + std::string(o.raw) + "\n"; },
               observation);
  for (const auto& bad : decoded->batch.malformed)
    all += std::to_string(bad.offset) + std::string(bad.raw) + bad.detail + "\n";
  for (const auto& result : decoded->batch.results) all += std::string(result.raw) + "\n";
  return all;
}

Options with_landis_gyr() {
  Options options;
  options.landis_gyr = true;
  return options;
}

std::string test_folder() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  return std::string(root == nullptr ? "." : root) + "/tests/adapters/wire/cim/";
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace ami::cim
