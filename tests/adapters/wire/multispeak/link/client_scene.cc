#include "tests/adapters/wire/multispeak/link/client_scene.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace ami::multispeak::testing {
namespace {

std::filesystem::path new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "ami-ms-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

std::string config_dir() {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  return (source == nullptr ? std::string(".") : std::string(source)) + "/config";
}

Sender sender_of(const Asked& to, std::optional<Version> in, MessageHeader header) {
  return {in.value_or(to.message.version), to.message.soap, std::move(header)};
}

}  // namespace

ClientScene::ClientScene() : folder(new_folder()) {
  std::ofstream(folder / "password") << kSecret << "\n";
  ::chmod((folder / "password").c_str(), 0400);
  http::ServerSettings settings;
  settings.listen = {{"127.0.0.1", 0}};
  far = std::make_unique<http::Server>(settings, host.services());
  for (const char* path : {"/mr", "/cd", "/od"}) {
    far->route("POST", path, [this](http::Request request) -> sdk::Awaitable<http::Response> {
      const auto header = [&](const char* name) {
        const std::string* value = request.headers.find(name);
        return value == nullptr ? std::string() : *value;
      };
      auto message = decode_request(request.body, {});
      if (!message) throw std::runtime_error(message.error().message);
      asked.push_back({request.path, header("SOAPAction"), header("Content-Type"), std::move(message.value()),
                       request.peer.port});
      const Asked one = asked.back();
      const auto answering = answers.find(one.message.operation);
      http::Response response =
          answering == answers.end() ? respond(one, ResponseContent()) : answering->second(one);
      co_return response;
    });
  }
  std::optional<Outcome> started;
  auto work = [](http::Server& server, std::optional<Outcome>& into) -> sdk::Awaitable<void> {
    auto starting = server.start();
    into.emplace(co_await std::move(starting));
  };
  drive(work(*far, started));
  if (!*started) throw std::runtime_error(started->error().message);
  far_port = far->ports().at(0);
}

ClientScene::~ClientScene() {
  end();
  drive(far->stop());
  std::filesystem::remove_all(folder);
}

Profile ClientScene::profile() {
  Profile profile;
  profile.family = "some";
  profile.title = "Some family";
  profile.claim = "MultiSpeak as somebody asserted";
  profile.versions = {Version::V30, Version::V41};
  profile.can = {.pushed_messages = true,
                 .registers = true,
                 .intervals = true,
                 .events = true,
                 .read_on_demand = true,
                 .ping = true,
                 .demand_reset = true,
                 .backfill = true,
                 .switch_open = true,
                 .switch_close = true,
                 .switch_arm = true,
                 .switch_state = true};
  profile.arm = true;
  profile.assumed = "nothing was seen of it";
  return profile;
}

std::string ClientScene::yaml(const std::string& more, const std::vector<std::string>& without) {
  const auto is_without = [&](const std::string& name) {
    return std::find(without.begin(), without.end(), name) != without.end();
  };
  std::string text = "name: f\nutility: u\nfamily: some\nzone: America/Toronto\n";
  for (const std::string role : {"mr", "cd", "od"}) {
    if (is_without(role)) continue;
    text += role + ":\n  url: http://127.0.0.1:" + std::to_string(far_port) + "/" + role +
            "\n  request_time: 10s\n";
  }
  if (!is_without("callback")) text += "callback:\n  listen: [\"127.0.0.1:0\"]\n";
  if (!is_without("callback") && !is_without("response_url"))
    text += "response_url: http://127.0.0.1:1/multispeak\n";
  if (!is_without("header")) text += "header_user: gateway\nheader_password_file: password\n";
  return text + more;
}

sdk::LoadedFeed ClientScene::load(const std::string& text) {
  return load(text, profile());
}

sdk::LoadedFeed ClientScene::load(const std::string& text, Profile with) {
  families.clear();
  families.push_back(interface_of(std::move(with)));
  std::ofstream(folder / "feed.yaml") << text;
  return sdk::load_feed_file((folder / "feed.yaml").string(), families);
}

std::string ClientScene::problems(const std::string& text, Profile with) {
  const sdk::LoadedFeed loaded = load(text, std::move(with));
  if (!loaded.problems.empty()) return sdk::to_text(loaded.problems);
  const auto plan = loaded.family->plan(loaded.settings, config_dir());
  return plan ? "" : plan.error().message;
}

void ClientScene::begin(const std::string& text, Profile with) {
  feed.emplace(load(text, std::move(with)));
  ASSERT_EQ(sdk::to_text(feed->problems), "");
  sdk::Services services = host.services();
  services.raw = raw;
  adapter = feed->family->make(feed->settings, services);
  std::optional<Outcome> started;
  auto work = [](sdk::Adapter& of, std::optional<Outcome>& into) -> sdk::Awaitable<void> {
    auto starting = of.start();
    into.emplace(co_await std::move(starting));
  };
  drive(work(*adapter, started));
  ASSERT_TRUE(started->ok()) << started->error().message;
}

void ClientScene::end() {
  if (!adapter) return;
  drive(adapter->stop());
  told += everything_told();
  adapter.reset();
}

std::size_t ClientScene::count(Operation operation) const {
  return static_cast<std::size_t>(std::count_if(
      asked.begin(), asked.end(), [&](const Asked& one) { return one.message.operation == operation; }));
}

const Asked& ClientScene::last(Operation operation) const {
  const auto found = std::find_if(asked.rbegin(), asked.rend(),
                                  [&](const Asked& one) { return one.message.operation == operation; });
  if (found == asked.rend()) throw std::runtime_error("it was not asked");
  return *found;
}

http::Response ClientScene::respond(const Asked& to, const ResponseContent& content,
                                    std::optional<Version> in, MessageHeader header) {
  return text(200, encode_response(to.message.operation, content, sender_of(to, in, std::move(header))));
}

http::Response ClientScene::fault(const Asked& to, SoapFault fault, int status) {
  return text(status, encode_fault_message(sender_of(to, {}, {}), fault));
}

http::Response ClientScene::text(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/xml; charset=utf-8");
  response.body = std::move(body);
  return response;
}

MeterRead ClientScene::read(const std::string& meter, const std::string& kwh, const std::string& at) {
  MeterRead read;
  read.meter.number = meter;
  read.reading_date = at;
  read.pos_kwh = kwh;
  return read;
}

void ClientScene::pages(
    std::map<std::string, std::pair<MessageHeader, std::vector<MeterRead>>> by_last_received) {
  answers[Operation::GetReadingsByDate] = [this, by_last_received](const Asked& to) {
    const auto page = by_last_received.find(to.message.request->last_received);
    if (page == by_last_received.end()) return fault(to, {SoapFault::Blame::Sender, "", "no such page", ""});
    ResponseContent content;
    content.reads = page->second.second;
    return respond(to, content, {}, page->second.first);
  };
}

std::vector<sdk::AttemptAnswer> ClientScene::attempt(sdk::CommandKind kind, std::vector<std::string> meters) {
  sdk::Attempt attempt;
  attempt.transaction = "t-1";
  attempt.kind = kind;
  attempt.meters = std::move(meters);
  attempt.expires_at = host.clock.now() + std::chrono::minutes{5};
  return this->attempt(std::move(attempt));
}

std::vector<sdk::AttemptAnswer> ClientScene::attempt(sdk::Attempt attempt) {
  attempt.before_send = [this]() -> sdk::Awaitable<Outcome> {
    ++marked;
    co_return allowed;
  };
  std::vector<sdk::AttemptAnswer> out;
  auto work = [](sdk::Adapter& of, sdk::Attempt order,
                 std::vector<sdk::AttemptAnswer>& into) -> sdk::Awaitable<void> {
    auto asking = of.attempt(std::move(order));
    into = co_await std::move(asking);
  };
  drive(work(*adapter, std::move(attempt), out));
  for (const sdk::AttemptAnswer& answer : out) told += answer.reason + " " + answer.words + "\n";
  return out;
}

void ClientScene::run_until(const std::function<bool()>& reached) {
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!reached()) {
    if (std::chrono::steady_clock::now() > bound)
      throw std::runtime_error("what the test waits for did not come");
    host.io.restart();
    host.io.run_one_for(std::chrono::milliseconds{20});
  }
}

void ClientScene::drive(sdk::Awaitable<void> work) {
  bool done = false;
  std::exception_ptr error;
  boost::asio::co_spawn(host.io, std::move(work), [&](std::exception_ptr thrown) {
    done = true;
    error = thrown;
  });
  run_until([&] { return done; });
  if (error) std::rethrow_exception(error);
}

void ClientScene::pass(std::chrono::milliseconds span, const std::function<bool()>& reached) {
  const UtcInstant limit = host.clock.now() + span;
  // What was begun at one moment comes to its end before time goes on: sockets are quiet for a while.
  const auto settle = [&] {
    do {
      host.io.restart();
    } while (!reached() && host.io.run_one_for(std::chrono::milliseconds{5}) > 0);
  };
  settle();
  while (!reached() && host.clock.step(limit)) settle();
  run_until(reached);
}

std::string ClientScene::fact(const std::string& name) const {
  for (const auto& [key, value] : adapter->health().facts) {
    if (key == name) return value;
  }
  return {};
}

std::string ClientScene::everything_told() const {
  std::string all = told;
  for (const auto& entry : host.log.entries) all += entry.id + " " + entry.text + "\n";
  if (adapter) {
    const sdk::Health health = adapter->health();
    all += health.reason + "\n";
    for (const auto& [key, value] : health.facts) all += key + "=" + value + "\n";
  }
  return all;
}

}  // namespace ami::multispeak::testing
