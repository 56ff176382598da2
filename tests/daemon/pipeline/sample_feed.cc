#include "tests/daemon/pipeline/sample_feed.h"

#include <stdexcept>

#include "meter_model/normaliser/mapping_yaml.h"

namespace ami::daemon::testing {

FeedRules sample_rules(int version) {
  auto mapping = parse_mapping("version: " + std::to_string(version) + R"(
wire: sample
units:
  - {unit: KWHREG, reading_type: 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0}
flags: {"": {}}
)",
                               "sample");
  if (!mapping) throw std::logic_error(mapping.error().message);
  FeedRules rules;
  rules.feed = "sample";
  rules.mapping = std::move(mapping).value();
  return rules;
}

void add_record(DecodedBatch& batch, std::string_view record, std::uint64_t offset) {
  const auto raw = batch.text(record);
  const auto first = raw.find(' ');
  const auto second = raw.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) {
    MalformedRecord bad;
    bad.offset = offset;
    bad.raw = raw;
    bad.reason = "too_few_fields";
    batch.malformed.push_back(std::move(bad));
    return;
  }
  SeriesObservation series;
  series.meter = raw.substr(0, first);
  series.channel = series.unit = "KWHREG";
  series.raw = raw;
  series.offset = offset;
  SeriesValue value;
  value.value = raw.substr(first + 1, second - first - 1);
  value.time = parse_stated_time(raw.substr(second + 1)).value();
  series.values.push_back(value);
  batch.observations.emplace_back(std::move(series));
}

DecodedBatch decode_sample(std::string_view record) {
  DecodedBatch batch;
  add_record(batch, record, 0);
  return batch;
}

UtcInstant at(const char* rfc3339) {
  return parse_instant(rfc3339).value();
}

storage::DirectoryEntry badge(const std::string& value, MeterId meter) {
  return {1, "", AliasKind::Badge, value, meter, "2S", {}};
}

}  // namespace ami::daemon::testing
