#include "tests/adapters/wire/uiq_job/link/link_scene.h"

#include <stdlib.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <stdexcept>

#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

using std::chrono::milliseconds;

std::filesystem::path new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "ami-uiq-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

}  // namespace

std::string http_status(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " Said\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string http_ok(const std::string& body) {
  return http_status(200, "", body);
}

sdk::Awaitable<Result<std::optional<std::string>>> FlakyState::load(std::string key) {
  if (throwing) throw std::runtime_error("a defect");
  if (failing) co_return transient("the database is away");
  auto loading = store_.load(std::move(key));
  co_return co_await std::move(loading);
}

sdk::Awaitable<Outcome> FlakyState::save(std::vector<sdk::StateChange> changes) {
  if (failing) {
    ++refused;
    co_return transient("the database is away");
  }
  auto saving = store_.save(std::move(changes));
  co_return co_await std::move(saving);
}

sdk::Awaitable<Outcome> KeptContents::keep(sdk::RawContent content) {
  if (failing) {
    ++refused;
    co_return transient("the disk is full");
  }
  std::string all;
  char part[100];  // smaller than what is read, so that it takes several reads
  while (all.size() < content.size) {
    const std::size_t got = content.read(part, sizeof part, all.size()).value();
    if (got == 0) break;
    all.append(part, got);
  }
  kept[content.sha256] = all;
  co_return Done{};
}

LinkScene::LinkScene()
    : folder(new_folder()),
      gate_(std::make_unique<boost::asio::steady_timer>(far_host.io,
                                                        boost::asio::steady_timer::time_point::max())) {
  std::ofstream(folder / "password") << kPassword << '\n';
  std::filesystem::permissions(folder / "password", std::filesystem::perms::owner_read);
  front = std::make_unique<http::ScriptedPeer>(
      far_host.io,
      std::vector<http::Script>{[this](http::RawConnection& connection) { return serve(connection); }});
  family = interface_of({"ssn", "Jobs", "UtilityIQ jobs"});
}

LinkScene::~LinkScene() {
  release();
  for (const auto& one : lives) {
    if (!one->adapter) continue;
    bool done = false;
    boost::asio::co_spawn(one->host.io, one->adapter->stop(), [&](std::exception_ptr) { done = true; });
    for (int i = 0; i < 2000 && !done; ++i) {
      one->host.io.restart();
      one->host.io.run_one_for(milliseconds{5});
    }
    EXPECT_TRUE(done) << "an adapter does not stop";
  }
  std::filesystem::remove_all(folder);
}

std::string LinkScene::shipped_template() {
  return tree_file("config/uiq_job/assumed.yaml");
}

std::string LinkScene::confirmed_template() {
  std::string yaml = shipped_template();
  const std::size_t at = yaml.find("\nassumed: ");
  yaml.erase(at, yaml.find('\n', at + 1) - at);
  return yaml;
}

// An operation ends before the next empty line.
std::string LinkScene::without(std::string yaml, const std::string& operation) {
  const std::size_t at = yaml.find("\n  " + operation + ":\n");
  if (at == std::string::npos) throw std::logic_error("no operation " + operation);
  yaml.erase(at, yaml.find("\n\n", at) - at);
  return yaml;
}

void LinkScene::configure_near_only(const std::string& settings) {
  const std::string yaml =
      "name: jobs\nutility: u\nfamily: ssn\ninterface: jobs\ntemplate: site.yaml\n"
      "retry: {attempts: 2, base: 100ms}\n"
      "head_end:\n  url: http://127.0.0.1:" +
      std::to_string(front->port()) +
      "\n  user: gateway\n  password_file: " + (folder / "password").string() + "\n" + settings;
  std::ofstream(folder / "feed.yaml") << yaml;
  feed = sdk::load_settings_file((folder / "feed.yaml").string(), sdk::feed_schema(*family));
  ASSERT_EQ(sdk::to_text(feed.problems), "");
  const auto plan = family->plan(feed.settings, folder.string());
  ASSERT_TRUE(plan.ok()) << plan.error().message;
}

void LinkScene::configure(const std::string& settings, const std::string& site) {
  std::ofstream(folder / "site.yaml") << site;
  configure_near_only(settings);
  auto parsed = SiteTemplate::parse(site, "site.yaml");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  far = std::make_unique<peer::SimulatedJobs>(std::move(parsed.value()));
  far->add({"M1", "00:13:50:00:00:00:00:01"});
  far->add({"M2", "00:13:50:00:00:00:00:02"});
}

void LinkScene::begin() {
  begin_with(life == nullptr ? std::map<std::string, std::string>() : life->host.store.state);
}

void LinkScene::begin_with(std::map<std::string, std::string> state) {
  const std::optional<UtcInstant> then = life == nullptr ? std::nullopt : std::optional(now());
  lives.push_back(std::make_unique<Life>());
  life = lives.back().get();
  life->host.store.state = std::move(state);
  if (then) life->host.clock.step(*then);
  const Outcome started = start_result();
  ASSERT_TRUE(started.ok()) << started.error().message;
}

Outcome LinkScene::start_result() {
  const sdk::Services of = life->host.services();
  sdk::Services services{of.executor, of.clock, of.sink, life->state, of.meters,
                         of.offload,  of.log,   nullptr, &life->raw};
  life->adapter = family->make(feed.settings, services);
  return life->host.start(*life->adapter);
}

void LinkScene::stop() {
  bool done = false;
  boost::asio::co_spawn(life->host.io, life->adapter->stop(), [&](std::exception_ptr) { done = true; });
  until([&] { return done; });
}

TrialPtr LinkScene::ask(sdk::CommandKind kind, const std::string& meter, const std::string& transaction) {
  const auto asked = std::make_shared<Trial>();
  sdk::Attempt attempt;
  attempt.transaction = transaction;
  attempt.kind = kind;
  attempt.meters = {meter};
  attempt.expires_at = now() + std::chrono::minutes{5};
  attempt.from = parse_instant("2026-01-14T00:00:00Z").value();
  attempt.to = parse_instant("2026-01-15T00:00:00Z").value();
  attempt.before_send = [this, asked]() -> sdk::Awaitable<Outcome> {
    ++asked->before_send;
    asked->ledger_then = far->ledger().size();
    if (!stuck_before_send) co_return Done{};
    const auto never = std::make_shared<boost::asio::steady_timer>(
        co_await boost::asio::this_coro::executor, boost::asio::steady_timer::time_point::max());
    stuck_.push_back(never);
    co_await never->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return transient("it was not stored");
  };
  auto work = [](sdk::Adapter& adapter, sdk::Attempt what, TrialPtr into) -> sdk::Awaitable<void> {
    auto asking = adapter.attempt(std::move(what));
    into->answers = co_await std::move(asking);
  };
  boost::asio::co_spawn(life->host.io, work(*life->adapter, std::move(attempt), asked),
                        [](std::exception_ptr e) {
                          if (e) std::rethrow_exception(e);
                        });
  return asked;
}

TrialPtr LinkScene::ask_answered(sdk::CommandKind kind, const std::string& meter,
                                 const std::string& transaction) {
  TrialPtr asked = ask(kind, meter, transaction);
  until([&] { return asked->done(); });
  return asked;
}

sdk::AttemptAnswer LinkScene::verdict(sdk::CommandKind kind) {
  const auto all = results();
  if (all.size() != 1) throw std::logic_error(std::to_string(all.size()) + " results");
  return family->verdict(feed.settings, kind, all[0]);
}

bool LinkScene::run_some() {
  far_host.clock.step(now());
  std::size_t ran = 0;
  for (boost::asio::io_context* io : {&far_host.io, &life->host.io}) {
    io->restart();
    ran += io->poll();
  }
  if (ran > 0) return true;
  // What is between two sockets takes a moment.
  for (boost::asio::io_context* io : {&far_host.io, &life->host.io}) {
    io->restart();
    ran += io->run_one_for(milliseconds{2});
  }
  return ran > 0;
}

void LinkScene::until(const std::function<bool()>& reached) {
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!reached()) {
    if (std::chrono::steady_clock::now() > bound)
      throw std::runtime_error("what the test waits for did not come");
    if (run_some() || life->host.clock.waiting() == 0) continue;
    life->host.clock.step(now() + std::chrono::hours{1});
  }
}

void LinkScene::settle() {
  while (run_some()) {
  }
}

void LinkScene::pass(std::chrono::seconds span) {
  settle();
  const UtcInstant limit = now() + span;
  while (life->host.clock.step(limit)) settle();
  settle();
}

void LinkScene::instead(Operation operation, std::string bytes, int times, bool perform) {
  for (int i = 0; i < times; ++i) instead_[operation].push_back({bytes, perform});
}

void LinkScene::release() {
  open_ = true;
  held_operation.reset();
  stuck_before_send = false;
  gate_->cancel();
  for (const auto& one : stuck_) one->cancel();
  stuck_.clear();
}

std::string LinkScene::respond(const std::string& request, Operation operation) {
  const std::string body = request.substr(request.find("\r\n\r\n") + 4);
  std::optional<Instead> other;
  if (auto& waiting = instead_[operation]; !waiting.empty()) {
    other = waiting.front();
    waiting.pop_front();
  }
  if (other && !other->perform) return other->bytes;
  const peer::SimulatedJobs::Reply reply = far->answer(body, far_host.clock.now());
  if (other) return other->bytes;
  if (reply.lost) return "";
  return http_status(reply.status, "Content-Type: text/xml\r\n", reply.body);
}

sdk::Awaitable<void> LinkScene::serve(http::RawConnection& connection) {
  for (;;) {
    const std::string request = co_await connection.message();
    if (request.empty()) co_return;
    requests.push_back(request);
    const auto asked = decode_call(far->site(), request.substr(request.find("\r\n\r\n") + 4));
    const Operation operation = asked ? asked->operation : Operation::FindDevice;
    const std::string bytes = respond(request, operation);
    if (held_operation == operation) {
      open_ = false;
      most_held = std::max(most_held, ++held);
      while (!open_) co_await gate_->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      --held;
    }
    if (bytes.empty()) {
      connection.close();
      co_return;
    }
    const bool sent = co_await connection.send(bytes);
    if (!sent) co_return;
  }
}

std::vector<ResultObservation> LinkScene::results() const {
  std::vector<ResultObservation> all;
  for (const auto& commit : life->host.store.committed)
    all.insert(all.end(), commit.batch.results.begin(), commit.batch.results.end());
  return all;
}

std::size_t LinkScene::noted_jobs() const {
  std::size_t count = 0;
  for (const auto& [key, value] : life->host.store.state) count += key.starts_with("job:") ? 1U : 0U;
  return count;
}

std::vector<std::string> LinkScene::operations() const {
  std::vector<std::string> names;
  for (const auto& entry : far->ledger()) names.emplace_back(name_of(entry.operation));
  return names;
}

std::string LinkScene::everything_said() const {
  std::string all;
  for (const auto& one : lives) {
    for (const auto& entry : one->host.log.entries) all += entry.id + " " + entry.text + "\n";
    for (const auto& [key, value] : one->host.store.state) all += key + " " + value + "\n";
    for (const auto& commit : one->host.store.committed) {
      for (const auto& result : commit.batch.results) all += std::string(result.raw) + "\n";
    }
    const sdk::Health health = one->adapter->health();
    all += health.reason + "\n";
    for (const auto& [key, value] : health.facts) all += key + " " + value + "\n";
  }
  return all;
}

}  // namespace ami::uiq_job
