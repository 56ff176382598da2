#include "tests/adapters/wire/cmep/render.h"

#include <cstdio>

namespace ami::cmep {
namespace {

std::string text_of(const StatedTime& time) {
  if (!time.present()) return "-";
  const auto day = std::chrono::floor<std::chrono::days>(time.civil);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time.civil - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()));
  return text;
}

void put(std::string& line, std::string_view text) {
  line.append("|").append(text);
}

std::string render_with(const DecodedBatch& batch, bool details) {
  std::string text;
  for (const auto& observation : batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    text += "S";
    put(text, std::to_string(series.offset));
    put(text, series.meter);
    put(text, series.kind == SeriesKind::Register ? "register" : "interval");
    put(text, series.channel);
    put(text, series.measure);
    put(text, series.unit);
    put(text, series.commodity);
    put(text, series.tou);
    put(text, std::to_string(series.interval.count()));
    put(text, series.constant);
    put(text, text_of(series.created));
    put(text, text_of(series.period_start));
    put(text, std::to_string(series.raw.size()));
    text += "\n";
    for (const auto& value : series.values) {
      text += "V";
      put(text, text_of(value.time));
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
    put(text, std::to_string(record.raw.size()));
    text += "\n";
    if (details) text.append(record.detail).append("\n").append(record.raw).append("\n");
  }
  text += "K";
  put(text, std::to_string(batch.skipped));
  text += "\n";
  return text;
}

}  // namespace

std::string render(const DecodedBatch& batch) {
  return render_with(batch, false);
}
std::string render_all(const DecodedBatch& batch) {
  return render_with(batch, true);
}

}  // namespace ami::cmep
