#include "tests/adapters/wire/delimited/render.h"

#include <variant>

#include "adapters/wire/delimited/codec/fields.h"

namespace ami::delimited {
namespace {

void put(std::string& line, std::string_view text) {
  line.append("|").append(text);
}

}  // namespace

std::string render(const DecodedBatch& batch) {
  std::string text;
  for (const auto& observation : batch.observations) {
    const auto& series = std::get<SeriesObservation>(observation);
    for (const auto& value : series.values) {
      text += "V";
      put(text, std::to_string(series.offset));
      put(text, series.meter);
      put(text, series.channel);
      put(text, series.unit);
      put(text, series.commodity);
      put(text, time_text(value.time.civil) +
                    (value.time.utc_offset ? "+" + std::to_string(value.time.utc_offset->count()) : ""));
      put(text, value.flag);
      put(text, value.value);
      put(text, value.raw_count);
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
         std::to_string(fed.counters.lines) + "|" + std::to_string(fed.counters.headers) + "|" +
         std::to_string(fed.counters.empty_reads) + "|" + std::to_string(fed.counters.failed_reads) + "|" +
         std::to_string(fed.counters.unchecked_scales) + "|" +
         std::to_string(fed.counters.unread_local_times);
}

Options site() {
  Options options;
  options.kinds = {{"2212", "", "water", "ft3"}, {"7", "2", "gas", "m3"}};
  options.local_zone = Zone::load("America/Toronto").value();
  return options;
}

}  // namespace ami::delimited
