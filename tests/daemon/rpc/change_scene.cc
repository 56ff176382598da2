#include "tests/daemon/rpc/change_scene.h"

namespace ami::rpc::testing {

storage::CommitUnit ChangeScene::unit(char content, UtcInstant rank) {
  storage::CommitUnit unit;
  unit.utility = maui;
  unit.source.feed = "feed-1";
  unit.source.name = std::string("later-") + content;
  unit.source.content_sha256 = std::string(64, content);
  unit.source.length = 1000;
  unit.source.mapping_version = 3;
  unit.source.received_at = at("2013-04-10T00:00:00Z");
  unit.batch.qualities.emplace_back();
  unit.batch.channels = {{m1, "ssn:lp:1", kIntervalEnergy, "Wh"}, {m1, "ssn:reg:1", kBulkEnergy, "Wh"}};
  unit.directory_version = storage::Assets(fixture.database).directory_version().value();
  IntervalRun run;
  run.rank = rank;
  unit.batch.intervals.push_back(run);  // a pattern that add_values() copies
  return unit;
}

void ChangeScene::add_values(storage::CommitUnit& unit, const std::string& start,
                             const std::vector<std::optional<std::int64_t>>& values, std::uint32_t quality,
                             int length_s) {
  IntervalRun run = unit.batch.intervals.front();
  run.first_start = at(start);
  run.length = std::chrono::seconds{length_s};
  run.exponent = -2;
  run.mantissas = values;
  run.quality.assign(values.size(), quality);
  unit.batch.intervals.push_back(run);
}

void ChangeScene::commit(const storage::CommitUnit& unit) {
  storage::CommitUnit ready = unit;
  ready.batch.intervals.erase(ready.batch.intervals.begin());
  const auto counts = store.commit(ready);
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  ASSERT_FALSE(counts->directory_changed);
}

void ChangeScene::sql(const std::string& statement) const {
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  tx.exec(statement);
  tx.commit();
}

std::string ChangeScene::one(const std::string& query) const {
  pqxx::connection connection(conninfo);
  pqxx::work tx(connection);
  return tx.exec1(query)[0].c_str();
}

ChangeScene::Follower::Follower(v1::ReadingService::Stub& stub, const v1::StreamChangesRequest& request) {
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{100});
  reader_ = stub.StreamChanges(&context_, request);
}

ChangeScene::Follower::~Follower() {
  if (ended_) return;
  context_.TryCancel();
  finish();
}

std::optional<v1::StreamChangesResponse> ChangeScene::Follower::read() {
  v1::StreamChangesResponse message;
  if (!reader_->Read(&message)) return std::nullopt;
  cursor = message.has_change() ? message.change().cursor() : message.heartbeat().cursor();
  return message;
}

v1::Change ChangeScene::Follower::change() {
  while (auto message = read()) {
    if (message->has_change()) return message->change();
  }
  ADD_FAILURE() << "the stream ended";
  return {};
}

std::vector<v1::Change> ChangeScene::Follower::caught_up() {
  std::vector<v1::Change> out;
  while (auto message = read()) {
    if (message->has_heartbeat()) return out;
    out.push_back(message->change());
  }
  ADD_FAILURE() << "the stream ended";
  return out;
}

grpc::Status ChangeScene::Follower::finish() {
  while (read()) {
  }
  ended_ = true;
  return reader_->Finish();
}

v1::StreamChangesRequest ChangeScene::request() {
  v1::StreamChangesRequest request;
  request.set_parent("utilities/maui");
  request.set_purpose("test of the feed");
  return request;
}

std::unique_ptr<ChangeScene::Follower> ChangeScene::follow(const v1::StreamChangesRequest& request) {
  return std::make_unique<Follower>(*readings, request);
}

std::vector<v1::Change> ChangeScene::all(v1::StreamChangesRequest request) {
  request.set_until_caught_up(true);
  const auto follower = follow(request);
  std::vector<v1::Change> out;
  while (auto message = follower->read()) {
    if (message->has_change()) out.push_back(message->change());
  }
  const grpc::Status status = follower->finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return out;
}

grpc::Status ChangeScene::refusal(const v1::StreamChangesRequest& request) {
  const auto follower = follow(request);
  EXPECT_FALSE(follower->read());
  return follower->finish();
}

grpc::Status ChangeScene::ack(const std::string& subscriber, const std::string& cursor, bool rewind) {
  v1::AckCursorRequest request;
  request.set_parent("utilities/maui");
  request.set_subscriber(subscriber);
  request.set_cursor(cursor);
  request.set_rewind(rewind);
  v1::AckCursorResponse response;
  return call(readings, &v1::ReadingService::Stub::AckCursor, request, response);
}

std::vector<std::string> ChangeScene::slots(const v1::Change& change) {
  const auto value = [](const v1::IntervalValues& values, int i) {
    const auto byte = static_cast<std::size_t>(i / 8);
    const bool hole = byte < values.missing().size() &&
                      ((static_cast<unsigned char>(values.missing()[byte]) >> (i % 8)) & 1) != 0;
    return hole ? std::string("-")
                : std::to_string(values.mantissas(i)) + "e" + std::to_string(values.exponent());
  };
  std::vector<std::string> out;
  for (const v1::ChangedIntervals& run : change.intervals()) {
    std::string kinds;
    for (const int kind : run.kinds())
      kinds += (kinds.empty() ? "" : "+") + v1::Change::Kind_Name(static_cast<v1::Change::Kind>(kind));
    for (int i = 0; i < run.now().mantissas_size(); ++i) {
      google::protobuf::Timestamp start = run.first_start();
      start.set_seconds(start.seconds() + std::int64_t{run.length_s()} * i);
      out.push_back(kinds + " " + text_of(start) + " " + value(run.now(), i) +
                    (run.has_old() ? " < " + value(run.old(), i) : ""));
    }
  }
  return out;
}

}  // namespace ami::rpc::testing
