#include "tests/daemon/rpc/reads_scene.h"

#include <pqxx/pqxx>
#include <stdexcept>

namespace ami::rpc::testing {
namespace {

const UtcInstant kSince{std::chrono::sys_days{std::chrono::year{2012} / 1 / 1}};

template <class T>
T must(storage::Answer<T> answer) {
  if (!answer.ok()) throw std::runtime_error(answer.refusal().message);
  return std::move(answer).value();
}

Decimal number(const std::string& text) {
  const auto value = Decimal::parse(text);
  if (!value.ok()) throw std::runtime_error(value.error().message);
  return *value;
}

}  // namespace

ReadsScene::ReadsScene(const std::string& database)
    : ServicesTest(database), conninfo(database), assets_(fixture.database), ingest_(fixture.database) {
  maui_ = must(assets_.get_utility("maui")).id;
  batch_.qualities.emplace_back();
}

MeterId ReadsScene::meter(const std::string& key, const std::string& model) {
  storage::MeterDetail detail;
  detail.model = model;
  detail.form = "2S";
  detail.class_a = "200";
  detail.valid.from = kSince;
  return meters_[key] = must(assets_.create_meter(maui_, key, detail, {})).id;
}

void ReadsScene::usage_point(const std::string& key, const std::string& zone) {
  storage::UsagePointDetail detail;
  detail.valid.from = kSince;
  detail.zone = zone;
  detail.commodity = "electricity";
  must(assets_.create_usage_point(maui_, key, detail));
}

void ReadsScene::install(const std::string& meter, const std::string& usage_point, const std::string& when,
                         const Decimal& multiplier, const std::vector<storage::DialRead>& start) {
  storage::InstallRequest request;
  request.utility = maui_;
  request.meter = meter;
  request.usage_point = usage_point;
  request.at = at(when);
  request.multiplier = multiplier;
  request.order_id = "WO-" + meter;
  request.start_reads = start;
  must(assets_.install(request));
}

void ReadsScene::remove(const std::string& meter, const std::string& when,
                        const std::vector<storage::DialRead>& end) {
  must(assets_.remove({maui_, meter, at(when), "", end}));
}

std::uint32_t ReadsScene::channel_number(const std::string& meter, const std::string& key, const char* type) {
  const ChannelKey wanted{meters_.at(meter), key, type, std::string(type) == kVolts ? "V" : "Wh"};
  for (std::size_t i = 0; i < batch_.channels.size(); ++i) {
    if (batch_.channels[i] == wanted) return static_cast<std::uint32_t>(i);
  }
  batch_.channels.push_back(wanted);
  return static_cast<std::uint32_t>(batch_.channels.size() - 1);
}

std::uint32_t ReadsScene::quality_number(std::initializer_list<const char*> codes) {
  if (codes.size() == 0) return 0;
  ValueQuality quality;
  for (const char* code : codes) add(quality.codes, QualityCode::parse(code).value());
  batch_.qualities.push_back(quality);
  return static_cast<std::uint32_t>(batch_.qualities.size() - 1);
}

void ReadsScene::reading(const std::string& meter, const std::string& key, const char* type,
                         const std::string& when, const std::string& value,
                         std::initializer_list<const char*> codes) {
  RegisterReading read;
  read.channel = channel_number(meter, key, type);
  read.at = at(when);
  read.value = number(value);
  read.quality = quality_number(codes);
  batch_.registers.push_back(read);
}

void ReadsScene::quarters(const std::string& meter, const std::string& key, const std::string& start,
                          const std::vector<std::string>& values, std::initializer_list<const char*> codes) {
  IntervalRun run;
  run.channel = channel_number(meter, key, kQuarterHours);
  run.first_start = at(start);
  run.length = std::chrono::minutes{15};
  run.exponent = -1;
  run.quality.assign(values.size(), quality_number(codes));
  for (const std::string& value : values) {
    run.mantissas.push_back(value.empty() ? std::nullopt
                                          : std::optional(number(value).mantissa_at(run.exponent).value()));
  }
  batch_.intervals.push_back(std::move(run));
}

void ReadsScene::event(const std::string& meter, const std::string& when, const char* kind) {
  EventReading event;
  event.meter = meters_.at(meter);
  event.at = at(when);
  event.kind = kind;
  event.vendor = "ssn";
  event.raw_code = kind;
  batch_.events.push_back(event);
}

void ReadsScene::commit(const std::string& feed) {
  storage::CommitUnit unit;
  unit.utility = maui_;
  unit.source.feed = feed;
  unit.source.name = "file-" + std::to_string(++files_);
  unit.source.content_sha256 = std::string(64, static_cast<char>('a' + files_ % 26));
  unit.source.offset = 17;
  unit.source.length = 1000;
  unit.source.mapping_version = 3;
  unit.source.received_at = at("2013-04-09T14:00:00Z");
  unit.directory_version = must(assets_.directory_version());
  unit.batch = std::exchange(batch_, {});
  batch_.qualities.emplace_back();
  const auto counts = ingest_.commit(unit);
  if (!counts.ok()) throw std::runtime_error(counts.error().message);
  if (counts->directory_changed) throw std::runtime_error("asset data changed under the test");
}

void ReadsScene::sql(const std::string& statement) const {
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  tx.exec(statement);
  tx.commit();
}

}  // namespace ami::rpc::testing
