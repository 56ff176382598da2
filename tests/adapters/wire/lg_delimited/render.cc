#include "tests/adapters/wire/lg_delimited/render.h"

#include <cstdio>

namespace ami::lg_delimited {
namespace {

std::string face(const StatedTime& time) {
  if (!time.present()) return "-";
  const auto day = std::chrono::floor<std::chrono::days>(time.civil);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time.civil - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

void put(std::string& line, std::string_view text) {
  line.append("|").append(text);
}

}  // namespace

std::string render(const DecodedBatch& batch) {
  std::string text;
  for (const auto& observation : batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    for (const auto& value : series.values) {
      const bool from_start = &value == &series.values.front() && !value.time.present();
      text += "V";
      put(text, std::to_string(series.offset));
      put(text, series.meter);
      put(text, series.kind == SeriesKind::Register ? "register" : "interval");
      put(text, series.channel);
      put(text, series.measure);
      put(text, series.unit);
      put(text, series.commodity);
      put(text, std::to_string(series.interval.count()));
      put(text, series.constant);
      put(text, from_start ? "from " + face(series.period_start) : face(value.time));
      put(text, face(series.occurred_at));
      put(text, value.flag);
      put(text, value.value);
      text += "\n";
    }
  }
  for (const auto& record : batch.malformed) {
    text += "M";
    put(text, std::to_string(record.offset));
    put(text, record.meter);
    put(text, record.reason);
    text += "\n";
  }
  return text;
}

Fed feed(std::string_view text, const Options& options, std::size_t piece) {
  Fed fed;
  Decoder decoder(options);
  if (piece == 0) piece = text.size() + 1;
  for (;;) {
    const std::string part(text.substr(0, piece));  // a copy: nothing may point into what was fed
    text.remove_prefix(part.size());
    const Outcome outcome = decoder.feed(part, text.empty(), fed.batch);
    if (!outcome) fed.error = outcome.error().message;
    if (text.empty() || !outcome) break;
  }
  fed.reason = decoder.fatal_reason();
  fed.safe = decoder.safe_offset();
  fed.counters = decoder.counters();
  return fed;
}

std::string render_all(const Fed& fed) {
  std::string text = render(fed.batch);
  for (const auto& observation : fed.batch.observations)
    text.append(std::get<SeriesObservation>(observation).raw).append("\n");
  for (const auto& record : fed.batch.malformed)
    text.append(record.detail).append("\n").append(record.raw).append("\n");
  return text + fed.error + "|" + fed.reason + "|" + std::to_string(fed.safe) + "|" +
         std::to_string(fed.counters.lines) + "|" + std::to_string(fed.counters.empty_fields);
}

}  // namespace ami::lg_delimited
