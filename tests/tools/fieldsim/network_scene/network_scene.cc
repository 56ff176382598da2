#include "tests/tools/fieldsim/network_scene/network_scene.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace ami::fieldsim::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;

virtual_meter::SharedPlan plan() {
  virtual_meter::Plan made{virtual_meter::Site::create({}).value()};
  made.tou = virtual_meter::TouSchedule::three_tiers();
  made.module_reports = true;
  return virtual_meter::Plan::create(std::move(made)).value();
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ' ')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

bool is_reading_type(const std::string& text) {
  return std::count(text.begin(), text.end(), '.') == 17 && text.find(':') == std::string::npos;
}

// What a store would hold: one value for each slot of a channel.
struct Held {
  std::map<std::tuple<std::string, std::string, UtcInstant>, amictl::Stored> values;  // type, channel, at
  std::map<std::tuple<std::string, std::string, UtcInstant>, amictl::StoredEvent> events;
};

}  // namespace

NetworkScene::NetworkScene(std::vector<std::unique_ptr<sdk::AdapterFamily>> families, NetworkKind kind)
    : FamilyScene(std::move(families)), kind_(kind), real_(host.services()) {
  fs::create_directory(folder / "drop");
}

NetworkScene::~NetworkScene() {
  if (!stopped_) stop();
  if (server_) run(server_->stop());
}

sdk::Services NetworkScene::services() {
  return {host.io.get_executor(), clock, real_.sink, real_.state, real_.meters, real_.offload, real_.log};
}

void NetworkScene::make_surroundings() {
  if (world) return;
  ledger_.emplace(Ledger::open((folder / "ledger").string(), [] { return at("2024-02-01T00:00:00Z"); }).value());
  ledger_->run("test.yaml", 7, start, clock.factor());
  WorldPlan of;
  of.network = std::string(kind_.family);
  of.plan = plan();
  of.history = history;
  for (std::size_t i = 0; i < fleet; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%s%08zu", std::string(kind_.prefix).c_str(), i);
    MeterPlan meter;
    meter.name = name;
    meter.setup.number = static_cast<std::uint32_t>(1000 + i);
    meter.setup.start = start;
    meter.setup.initial_delivered_kwh = 12'000;
    meter.setup.premises.solar_kw = i % 2 == 0 ? 4.0F : 0.0F;
    meter.setup.faults = faults[i];
    of.meters.push_back(std::move(meter));
    meters[name] = static_cast<MeterId>(i + 1);
  }
  world = World::create(std::move(of), clock, *ledger_).value();
  CourierSetup setup;
  setup.network = std::string(kind_.family);
  setup.latency = latency;
  setup.usual = misfortune;
  setup.seed = 11;
  courier = std::make_unique<Courier>(std::move(setup), services(), clock, *ledger_);
}

Result<std::unique_ptr<FarSide>> NetworkScene::made(const std::map<std::string, std::string>& own) {
  make_surroundings();
  NetworkSetup setup;
  setup.family = setup.name = std::string(kind_.family);
  for (const OwnKey& key : kind_.own_keys) setup.own[std::string(key.name)] = std::string(key.default_value);
  for (const auto& [key, value] : own) {
    EXPECT_TRUE(setup.own.contains(key)) << key;
    setup.own[key] = value;
  }
  setup.base_dir = folder;
  setup.zone = zone;
  setup.batch = 2;
  return kind_.make(setup, {services(), clock, *world, *ledger_, *courier});
}

void NetworkScene::field(const std::map<std::string, std::string>& own) {
  auto far = made(own);
  if (!far) throw std::runtime_error(far.error().message);
  side = std::move(*far);
  std::string problem;
  const auto begin = [](FarSide& of, std::string& into) -> sdk::Awaitable<void> {
    auto starting = of.start();
    const Outcome started = co_await std::move(starting);
    if (!started) into = started.error().message;
  };
  run(begin(*side, problem));
  if (!problem.empty()) throw std::runtime_error(problem);
  clock.hold_at(start);
  clock.run();
}

sdk::Awaitable<void> NetworkScene::report_until(UtcInstant end, std::function<void(UtcInstant)> hands) {
  while (reached_ < end) {
    reached_ += minutes{15};
    clock.hold_at(reached_);
    // Not by clock.wait(): what it waits for may lie a moment beyond what is held.
    while (clock.now() < reached_)
      co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    if (hands) hands(reached_);
    auto advancing = world->advance(reached_);
    co_await std::move(advancing);
    auto reporting = side->report(reached_);
    co_await std::move(reporting);
    side->settle();
  }
  clock.hold_at(end + std::chrono::hours{48});
}

void NetworkScene::run_to(UtcInstant end, const std::function<void(UtcInstant)>& hands) {
  run(report_until(end, hands));
  run_until([&] { return courier->counts().waiting == 0 && courier->counts().on_the_wire == 0; });
  side->settle();
}

void NetworkScene::run(sdk::Awaitable<void> work) {
  bool done = false;
  std::exception_ptr error;
  boost::asio::co_spawn(host.io, std::move(work), [&](std::exception_ptr thrown) {
    done = true;
    error = thrown;
  });
  run_until([&] { return done; });
  if (error) std::rethrow_exception(error);
}

void NetworkScene::run_until(const std::function<bool()>& reached) {
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (!reached()) {
    if (std::chrono::steady_clock::now() > bound) throw std::runtime_error("what the test waits for did not come");
    host.io.restart();
    host.io.run_one_for(std::chrono::milliseconds{20});
  }
}

void NetworkScene::stop() {
  stopped_ = true;
  if (!side) return;
  run(courier->stop());
  run(side->stop());
  side->settle();
}

std::string NetworkScene::listen() {
  http::ServerSettings settings;
  settings.listen = {{"127.0.0.1", 0}};
  server_ = std::make_unique<http::Server>(std::move(settings), services());
  server_->route("POST", "/in", [this](http::Request request) -> sdk::Awaitable<http::Response> {
    posted.push_back(std::move(request.body));
    http::Response response;
    response.status = answer_with;
    co_return response;
  });
  const auto begin = [](http::Server& of) -> sdk::Awaitable<void> {
    auto starting = of.start();
    const Outcome started = co_await std::move(starting);
    if (!started) throw std::runtime_error(started.error().message);
  };
  run(begin(*server_));
  return "http://127.0.0.1:" + std::to_string(server_->ports().front()) + "/in";
}

http::Answer NetworkScene::post(std::uint16_t port, const std::string& path, std::string body) {
  http::ClientSettings settings;
  settings.url = http::parse_url("http://127.0.0.1:" + std::to_string(port) + path).value();
  http::Client client(std::move(settings), services());
  http::Answer answer;
  const auto send = [](http::Client& by, std::string text, http::Answer& into) -> sdk::Awaitable<void> {
    http::Call call;
    call.headers.add("Content-Type", "text/xml; charset=utf-8");
    call.body = std::move(text);
    auto sending = by.send(std::move(call));
    into = co_await std::move(sending);
    auto stopping = by.stop();
    co_await std::move(stopping);
  };
  run(send(client, std::move(body), answer));
  return answer;
}

std::vector<std::string> NetworkScene::dropped(const std::string& suffix) const {
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(folder / "drop")) {
    if (entry.path().extension() == suffix) names.push_back(entry.path());
  }
  std::sort(names.begin(), names.end());
  std::vector<std::string> contents;
  for (const fs::path& name : names) {
    std::ifstream in(name, std::ios::binary);
    contents.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return contents;
}

std::vector<std::string> NetworkScene::ledger_lines(const std::string& text) {
  ledger_->flush();
  EXPECT_EQ(ledger_->problem(), "");
  std::ifstream in(folder / "ledger");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (line.find(text) != std::string::npos) lines.push_back(line);
  return lines;
}

amictl::LedgerSummary NetworkScene::read_ledger(amictl::Truth& truth) {
  amictl::LedgerReader reader(truth, {});
  for (const std::string& line : ledger_lines()) {
    const Outcome read = reader.line(line);
    EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
  }
  truth.sort();
  return reader.finish().value();
}
amictl::Truth NetworkScene::truth() {
  amictl::Truth truth;
  read_ledger(truth);
  return truth;
}
amictl::LedgerSummary NetworkScene::summary() {
  amictl::Truth truth;
  return read_ledger(truth);
}

std::string NetworkScene::compared(const std::vector<Lines>& said) {
  std::map<std::string, Held> held;
  std::map<MeterId, std::string> names;
  for (const auto& [name, id] : meters) names[id] = name;
  const auto meter_of = [&](const std::string& number) -> Held& {
    return held[names.at(static_cast<MeterId>(std::stoll(number)))];
  };
  quarantined.clear();
  std::deque<std::string> texts;  // what the values view
  for (const Lines& lines : said) {
    for (const std::string& line : lines) {
      const std::vector<std::string> part = split(line);
      if (part[0] == "!" || part[0] == "error") quarantined.push_back(line);
      if (part[0] == "event") {
        const std::size_t quote = line.find('"');
        const std::string raw = line.substr(quote + 1, line.find('"', quote + 1) - quote - 1);
        const UtcInstant when = at(part.at(4));
        meter_of(part.at(1)).events[{part.at(2), raw, when}] = {part.at(2), part.at(3), raw, when};
      }
      if (part[0] != "reg" && part[0] != "int") continue;
      const auto type = std::find_if(part.begin(), part.end(), is_reading_type);
      const auto word = [&](int i) { return *(type + i); };
      const std::string& channel = texts.emplace_back(
          line.substr(line.find(part.at(2)), line.find(" " + *type + " ") - line.find(part.at(2))));
      const std::string& kept_type = texts.emplace_back(*type);
      const std::string& unit = texts.emplace_back(word(1));
      UtcInstant when = at(word(2));
      const auto put = [&](const std::string& digits, std::uint32_t length_s) {
        meter_of(part.at(1)).values.try_emplace(
            {kept_type, channel, when},
            amictl::Stored{kept_type, channel, unit, when, Decimal::parse(digits).value(), length_s});
      };
      if (part[0] == "reg") {
        put(word(3), 0);
        continue;
      }
      const int length = std::stoi(word(3).substr(1));
      for (auto value = type + 4; value != part.end(); ++value, when += std::chrono::seconds{length})
        if (*value != "-") put(*value, static_cast<std::uint32_t>(length));
    }
  }
  const amictl::Truth told = truth();
  amictl::Comparison comparison(told, 20);
  for (auto& [name, of] : held) {
    comparison.begin(name);
    for (const auto& [key, value] : of.values) comparison.value(value);
    for (const auto& [key, event] : of.events) comparison.event(event);
    comparison.end();
  }
  comparison.finish(false);
  totals = comparison.totals();
  std::string text;
  for (const amictl::Finding& one : comparison.findings())
    text += one.meter + " " + std::string(amictl::name_of(one.difference)) + ": " + one.words + "\n";
  return text;
}

}  // namespace ami::fieldsim::testing
