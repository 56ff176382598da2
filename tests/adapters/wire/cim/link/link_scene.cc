#include "tests/adapters/wire/cim/link/link_scene.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <utility>

#include "adapters/wire/cim/link/link_settings.h"

namespace ami::cim {
namespace {

constexpr const char* kEnergy = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0";
constexpr const char* kInterval = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0";

}  // namespace

std::optional<MeterReading> TableField::read(const std::string& meter) {
  if (!kwh.contains(meter)) return std::nullopt;
  MeterReading out;
  Reading one;
  one.type = kEnergy;
  one.value = kwh[meter];
  one.time_stamp = "2026-03-01T06:00:00-05:00";
  out.readings.push_back(one);
  return out;
}

std::optional<MeterReading> TableField::recorded(const std::string& meter, UtcInstant from, UtcInstant to) {
  if (!kwh.contains(meter)) return std::nullopt;
  MeterReading out;
  IntervalBlock& block = out.blocks.emplace_back();
  block.type = kInterval;
  for (UtcInstant end = from + std::chrono::minutes{15}; end <= to; end += std::chrono::minutes{15}) {
    Reading one;
    one.value = "0.25";
    one.time_stamp = to_text(end);
    block.readings.push_back(one);
  }
  return out;
}

peer::Switched TableField::act(const std::string& meter, const std::string& control) {
  if (stuck || !kwh.contains(meter)) return {{}, "the switch did not move"};
  if (control == "3.31.0.23") return {"3.31.0.68", {}};
  return {connect_arms ? "3.31.0.11" : "3.31.0.42", {}};
}

Profile test_profile() {
  Profile profile;
  profile.family = "test";
  profile.title = "Feed of a test";
  profile.claim = "CIM of a test";
  profile.can.switch_open = true;
  profile.can.switch_close = true;
  profile.assumed = "all of it";
  return profile;
}

LinkScene::LinkScene() {
  host.clock.step(*parse_instant("2026-03-01T12:00:00Z"));
}

LinkScene::~LinkScene() {
  auto stop = [](LinkScene& scene) -> sdk::Awaitable<void> {
    if (scene.adapter) co_await scene.adapter->stop();
    if (scene.head_end) co_await scene.head_end->stop();
  };
  host.store.release();
  drive_void(stop(*this));
}

std::string LinkScene::both() {
  return "head_end: {url: 'http://127.0.0.1:{peer}/cim', breaker_failures: 0}\n"
         "callback: {listen: ['127.0.0.1:0'], reply_address: 'http://gateway.example:8445/cim'}\n";
}

std::string LinkScene::write(const std::string& sections) {
  std::string text = "name: f\nutility: u\nfamily: test\nzone: UTC\n" + sections;
  for (std::size_t at = 0; (at = text.find("{peer}")) != std::string::npos;)
    text.replace(at, 6, std::to_string(peer_port));
  const std::string path = (folder / "feed.yaml").string();
  std::ofstream(path) << text;
  return path;
}

void LinkScene::configure(std::string sections, Profile profile) {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> families;
  families.push_back(interface_of(profile));
  sdk::LoadedFeed feed = sdk::load_feed_file(write(sections), families);
  ASSERT_EQ(sdk::to_text(feed.problems), "");
  settings = std::move(feed.settings);
  const Result<LinkConfig> config = link_config(settings, profile);
  ASSERT_TRUE(config.ok()) << config.error().message;
  family = std::move(families.front());
  adapter = std::make_unique<LinkAdapter>(family->info(), profile, config, [this] {
    sdk::Services services = host.services();
    services.journal = &host.journal;
    return services;
  }());
}

std::string LinkScene::problem_of(const std::string& sections, Profile profile) {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> families;
  families.push_back(interface_of(profile));
  const sdk::LoadedFeed feed = sdk::load_feed_file(write(sections), families);
  if (!feed.problems.empty()) return sdk::to_text(feed.problems);
  const Result<LinkConfig> config = link_config(feed.settings, profile);
  return config ? std::string() : config.error().message;
}

void LinkScene::start_peer(peer::HeadEndSettings peer_settings) {
  peer_settings.server.listen = {{"127.0.0.1", 0}};
  peer_settings.client.breaker.failures = 0;
  peer_settings.reach = [this](const std::string&) {
    return "http://127.0.0.1:" + std::to_string(adapter->ports().at(0)) + "/cim";
  };
  head_end = std::make_unique<peer::HeadEnd>(std::move(peer_settings), host.services(), field);
  const Outcome started = drive(head_end->start());
  ASSERT_TRUE(started.ok()) << started.error().message;
  peer_port = head_end->ports().at(0);
  for (const auto& [meter, kwh] : field.kwh) head_end->know(meter);
}

void LinkScene::start_feed() {
  const Outcome started = drive(adapter->start());
  ASSERT_TRUE(started.ok()) << started.error().message;
}

void LinkScene::open(const std::string& more, Profile profile) {
  start_peer();
  configure(both() + more, std::move(profile));
  start_feed();
}

sdk::Attempt LinkScene::attempt(sdk::CommandKind kind, std::vector<std::string> meters) {
  static const UtcInstant kFrom = *parse_instant("2026-03-01T00:00:00Z");
  sdk::Attempt out;
  out.transaction = "2s-1-t7v0u8";
  out.kind = kind;
  out.meters = std::move(meters);
  out.expires_at = host.clock.now() + std::chrono::seconds{300};
  out.from = kFrom;
  out.to = kFrom + std::chrono::hours{1};
  out.before_send = [this]() -> boost::asio::awaitable<Outcome> {
    ++sends;
    co_return send_answer;
  };
  return out;
}

std::vector<sdk::AttemptAnswer> LinkScene::ask(sdk::Attempt attempt) {
  return drive(adapter->attempt(std::move(attempt)));
}

void LinkScene::settle() {
  using namespace std::chrono_literals;
  std::chrono::seconds span = 2s;
  while (head_end->under_way() > 0) {
    host.advance(span);
    for (int i = 0; i < 200 && head_end->under_way() > 0; ++i) {
      host.io.restart();
      host.io.run_one_for(1ms);
    }
    span = span == 2s ? 1s : 3600s;
  }
}

std::vector<sdk::AttemptAnswer> LinkScene::verdicts(sdk::CommandKind kind) {
  const Outcome drained = host.drain(*family, settings);
  EXPECT_TRUE(drained.ok());
  std::vector<sdk::AttemptAnswer> out;
  for (; judged_ < host.store.committed.size(); ++judged_) {
    for (const ResultObservation& result : host.store.committed[judged_].batch.results)
      out.push_back(family->verdict(settings, kind, result));
  }
  return out;
}

std::string LinkScene::talk_to_feed(std::string bytes) {
  auto work = [](LinkScene& scene, std::string what) -> sdk::Awaitable<std::string> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(scene.adapter->ports().at(0));
    co_await connection.send(std::move(what));
    connection.end_sending();
    co_return co_await connection.rest();
  };
  return drive(work(*this, std::move(bytes)));
}

std::string LinkScene::post(const std::string& body, const std::string& type) {
  return talk_to_feed("POST /cim HTTP/1.1\r\nHost: h\r\nContent-Type: " + type + "\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body);
}

std::size_t LinkScene::count(peer::Entry::What what) const {
  std::size_t n = 0;
  for (const peer::Entry& entry : head_end->ledger()) n += entry.what == what;
  return n;
}

std::string LinkScene::everything_kept() {
  std::string all;
  for (const auto& [id, entry] : host.journal.entries) all += entry.key + "\n" + entry.message + "\n";
  for (const auto& line : host.log.entries) all += line.id + " " + line.text + "\n";
  for (const auto& commit : host.store.committed) {
    for (const auto& observation : commit.batch.observations)
      std::visit([&](const auto& o) { all += std::string(o.raw) + "\n"; }, observation);
    for (const auto& bad : commit.batch.malformed) all += std::string(bad.raw) + bad.detail + "\n";
    for (const auto& result : commit.batch.results)
      all += std::string(result.raw) + std::string(result.word) + std::string(result.fault) + "\n";
  }
  return all;
}

std::string LinkScene::fact(std::string_view name) const {
  for (const auto& [key, words] : adapter->health().facts) {
    if (key == name) return words;
  }
  return {};
}

std::string readings_message(const std::string& correlation, const std::string& meter,
                             const std::string& header) {
  return "<ResponseMessage xmlns=\"http://iec.ch/TC57/2011/schema/message\"><Header><Verb>reply</Verb>"
         "<Noun>MeterReadings</Noun><Timestamp>2026-03-01T12:00:01Z</Timestamp>" +
         header + (correlation.empty() ? "" : "<CorrelationID>" + correlation + "</CorrelationID>") +
         "</Header><Reply><Result>OK</Result></Reply><Payload><MeterReadings "
         "xmlns=\"http://iec.ch/TC57/2011/MeterReadings#\"><MeterReading><Meter><Names><name>" +
         meter +
         "</name></Names></Meter><Readings><timeStamp>2026-03-01T06:00:00-05:00</timeStamp><value>100.5</"
         "value>"
         "<ReadingType "
         "ref=\"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0\"/></Readings></MeterReading></MeterReadings>"
         "</Payload></ResponseMessage>";
}

}  // namespace ami::cim
