// The HTTP server in a process of its own: what resting connections cost in memory, and how many requests of
// 1,000 bytes a second it answers, on loopback. The other end is this process.
#include <benchmark/benchmark.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/http/server.h"
#include "tests/daemon/rpc/test_certificates.h"

namespace ami::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Runs the server until it is told to end by a signal; says its port through `out`.
[[noreturn]] void serve(int out, std::optional<TlsSettings> tls) {
  sdk::testing::FakeHost host;
  ServerSettings settings;
  settings.listen = {{"127.0.0.1", 0}};
  settings.tls = std::move(tls);
  settings.limits.connections_per_address = settings.limits.connections;
  settings.limits.idle_time = std::chrono::hours{1};
  Server server(settings, host.services());
  server.route("POST", "/", [](Request) -> sdk::Awaitable<Response> { co_return Response(); });
  auto start = [](Server& starting) -> sdk::Awaitable<void> {
    const Outcome started = co_await starting.start();
    if (!started) ::_exit(1);
  };
  host.run(start(server));
  const std::uint16_t port = server.ports().at(0);
  if (::write(out, &port, sizeof port) != sizeof port) ::_exit(1);
  host.io.restart();
  host.io.run();
  ::_exit(0);
}

class ServerProcess {
 public:
  explicit ServerProcess(std::optional<TlsSettings> tls) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    process_ = ::fork();
    if (process_ == 0) serve(ends[1], std::move(tls));
    ::close(ends[1]);
    if (::read(ends[0], &port_, sizeof port_) != sizeof port_)
      throw std::runtime_error("the server did not start");
    ::close(ends[0]);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  [[nodiscard]] tcp::endpoint at() const { return {asio::ip::address_v4::loopback(), port_}; }
  [[nodiscard]] double resident_mb() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/statm");
    double pages = 0;
    file >> pages >> pages;
    return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
  }

 private:
  pid_t process_ = 0;
  std::uint16_t port_ = 0;
};

const std::string kRequest =
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n" +
    std::string(1000, 'x');

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void exchange(auto& stream, std::string& buffer) {
  asio::write(stream, asio::buffer(kRequest));
  const std::size_t end = asio::read_until(stream, asio::dynamic_buffer(buffer), "\r\n\r\n");
  buffer.erase(0, end);
}

// Each has had one request answered, and rests.
void resting_plain(benchmark::State& state) {
  raise_descriptor_limit();
  for (auto _ : state) {
    const ServerProcess server(std::nullopt);
    const double before = server.resident_mb();
    asio::io_context io;
    std::vector<tcp::socket> sockets;
    std::string buffer;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      sockets.emplace_back(io).connect(server.at());
      exchange(sockets.back(), buffer);
    }
    const double after = server.resident_mb();
    state.counters["server_resident_mb"] = after;
    state.counters["kb_a_connection"] = (after - before) * 1000 / static_cast<double>(state.range(0));
  }
}
BENCHMARK(resting_plain)->Arg(1'000)->Arg(9'900)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void resting_tls(benchmark::State& state) {
  raise_descriptor_limit();
  std::string name = (std::filesystem::temp_directory_path() / "ami-http-bench-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  const rpc::testing::TestCa ca(folder, "ca");
  const auto own = ca.issue({"server", {"DNS:localhost"}});
  TlsSettings tls;
  tls.certificate = own.certificate;
  tls.key = own.key;
  for (auto _ : state) {
    const ServerProcess server(tls);
    const double before = server.resident_mb();
    asio::io_context io;
    asio::ssl::context context(asio::ssl::context::tls_client);
    using Stream = asio::ssl::stream<tcp::socket>;
    std::vector<std::unique_ptr<Stream>> streams;
    std::string buffer;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      streams.push_back(std::make_unique<Stream>(io, context));
      streams.back()->next_layer().connect(server.at());
      streams.back()->next_layer().set_option(tcp::no_delay(true));
      streams.back()->handshake(asio::ssl::stream_base::client);
      exchange(*streams.back(), buffer);
    }
    const double after = server.resident_mb();
    state.counters["server_resident_mb"] = after;
    state.counters["kb_a_connection"] = (after - before) * 1000 / static_cast<double>(state.range(0));
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(resting_tls)->Arg(1'000)->Iterations(1)->Unit(benchmark::kMillisecond)->UseRealTime();

asio::awaitable<void> ask_for_ever(tcp::socket socket, std::size_t& answers, std::size_t most) {
  std::string buffer;
  while (answers < most) {
    co_await asio::async_write(socket, asio::buffer(kRequest), asio::use_awaitable);
    const std::size_t end = co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), "\r\n\r\n",
                                                            asio::use_awaitable);
    buffer.erase(0, end);
    ++answers;
  }
}

// On so many kept connections, each with one request under way.
void requests(benchmark::State& state) {
  constexpr std::size_t kRequests = 50'000;
  const ServerProcess server(std::nullopt);
  for (auto _ : state) {
    asio::io_context io;
    std::size_t answers = 0;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      tcp::socket socket(io);
      socket.connect(server.at());
      socket.set_option(tcp::no_delay(true));
      asio::co_spawn(io, ask_for_ever(std::move(socket), answers, kRequests), asio::detached);
    }
    io.run();
    if (answers < kRequests) state.SkipWithError("the server did not answer all");
  }
  state.counters["requests_per_s"] =
      benchmark::Counter(static_cast<double>(kRequests * static_cast<std::size_t>(state.iterations())),
                         benchmark::Counter::kIsRate);
}
BENCHMARK(requests)->Arg(1)->Arg(64)->Iterations(3)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace ami::http

BENCHMARK_MAIN();
