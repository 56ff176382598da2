#include "tests/tools/fieldsim/support/field_run.h"

#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "adapters/wire/http/server.h"

namespace ami::fieldsim::testing {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

UtcInstant wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "ami-fieldsim-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

}  // namespace

void drive(asio::io_context& io, sdk::Awaitable<void> work) {
  bool done = false;
  std::exception_ptr error;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr thrown) {
    done = true;
    error = thrown;
  });
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  io.restart();
  while (!done) {
    if (std::chrono::steady_clock::now() > bound)
      throw std::runtime_error("what the test waits for did not come");
    io.run_one_for(std::chrono::milliseconds{50});
    if (io.stopped()) io.restart();
  }
  if (error) std::rethrow_exception(error);
}

void wait_until(asio::io_context& io, SimulatedClock& clock, UtcInstant at) {
  drive(io, [](SimulatedClock& of, UtcInstant until) -> sdk::Awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (of.now() < until) {
      timer.expires_after(std::chrono::milliseconds{1});
      co_await timer.async_wait(asio::use_awaitable);
    }
  }(clock, at));
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

FieldRun::FieldRun()
    : folder(new_folder()), clock_(wall_now(), 1), peers_(io_.get_executor(), clock_, false) {
  clock_.run();
}

FieldRun::~FieldRun() {
  fs::remove_all(folder);
}

sdk::Awaitable<void> FieldRun::live(std::string yaml, std::string& said) {
  http::ServerSettings settings;
  settings.listen = {{"127.0.0.1", 0}};
  settings.anonymous_senders = true;
  http::Server server(std::move(settings), peers_.services());
  server.route("POST", "/callback", [this](http::Request request) -> sdk::Awaitable<http::Response> {
    http::Response response;
    if (busy_answers > 0) {
      --busy_answers;
      response.status = 503;
      response.headers.add("Retry-After", "0");
    } else if (!answers) {
      response.status = 404;
    } else {
      bodies.push_back(request.body);
    }
    co_return response;
  });
  const Outcome listening = co_await server.start();
  if (!listening) throw std::runtime_error(listening.error().message);
  url = "http://127.0.0.1:" + std::to_string(server.ports().front()) + "/callback";
  for (std::size_t at = 0; (at = yaml.find("@CALLBACK@")) != std::string::npos;) yaml.replace(at, 10, url);

  Overrides overrides;
  overrides.base_dir = folder;
  ReadScenario read = read_scenario(yaml, "test.yaml", networks(), overrides, wall_now());
  std::vector<sdk::Problem> problems = std::move(read.problems);
  std::unique_ptr<Simulation> simulation;
  SimulationSettings with;
  with.base_dir = folder;
  if (problems.empty()) problems = Simulation::create(read.scenario, with, io_.get_executor(), simulation);
  if (!problems.empty()) {
    said = sdk::to_text(problems);
  } else {
    bool attended = !during;
    if (during) {
      asio::co_spawn(
          io_,
          [](FieldRun& self, Simulation& of) -> sdk::Awaitable<void> {
            while (!of.running()) co_await self.clock_.wait(std::chrono::milliseconds{1});
            co_await self.during(of);
          }(*this, *simulation),
          [&attended](std::exception_ptr thrown) {
            attended = true;
            if (thrown) std::rethrow_exception(thrown);
          });
    }
    const Outcome ran = co_await simulation->run();
    if (!ran) said = ran.error().message;
    while (!attended) co_await clock_.wait(std::chrono::milliseconds{1});
    ledger = lines_of(folder / read.scenario.ledger);
  }
  co_await server.stop();
}

sdk::Awaitable<void> FieldRun::moment() {
  (void)co_await clock_.wait(std::chrono::milliseconds{1});
}

std::string FieldRun::run(std::string yaml) {
  std::string said;
  drive(io_, live(std::move(yaml), said));
  return said;
}

}  // namespace ami::fieldsim::testing
