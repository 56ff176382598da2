// The other side of oracle.py: this project's server and client as a program, so that Python's http.client,
// ssl and http.server judge them.
//   http_oracle serve FOLDER       serves plain and TLS; certificates are made in FOLDER. Prints one JSON
//   object
//                                  with the ports and paths, then runs until its standard input ends.
//   http_oracle call URL CA        sends what each line of standard input says, "METHOD TARGET BODY_BYTES",
//   and
//                                  prints one JSON object a line: status or failure, fault, sha of the body's
//                                  size.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>
#include <sstream>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/http/server.h"
#include "tests/daemon/rpc/test_certificates.h"

namespace ami::http {
namespace {

namespace asio = boost::asio;

std::unique_ptr<Server> make_server(sdk::testing::FakeHost& host, std::optional<TlsSettings> tls) {
  ServerSettings settings;
  settings.listen = {{"127.0.0.1", 0}};
  settings.tls = std::move(tls);
  settings.limits.body_bytes = 1 << 20;
  auto server = std::make_unique<Server>(settings, host.services());
  server->route("POST", "/echo", [](Request request) -> sdk::Awaitable<Response> {
    Response response;
    const std::string* type = request.headers.find("Content-Type");
    response.headers.add("Content-Type", type != nullptr ? *type : "application/octet-stream");
    response.headers.add("X-User", request.credentials ? request.credentials->user : "");
    response.headers.add("X-Subject", request.peer.certificate ? request.peer.certificate->subject : "");
    response.body = std::move(request.body);
    co_return response;
  });
  server->route("GET", "/empty", [](Request) -> sdk::Awaitable<Response> {
    Response response;
    response.status = 204;
    co_return response;
  });
  host.run([](Server& starting) -> sdk::Awaitable<void> {
    const Outcome started = co_await starting.start();
    if (!started) throw std::runtime_error(started.error().message);
  }(*server));
  return server;
}

int serve(const std::string& folder) {
  sdk::testing::FakeHost host;
  const rpc::testing::TestCa ca(folder, "ca");
  const auto own = ca.issue({"server", {"DNS:localhost", "IP:127.0.0.1"}});
  const auto client = ca.issue({"client", {}});
  const auto plain_server = make_server(host, std::nullopt);
  const auto tls_server = make_server(
      host, TlsSettings{own.certificate, own.key, ca.certificate(), ClientCertificates::Optional});
  std::cout << "{\"plain\": " << plain_server->ports().at(0) << ", \"tls\": " << tls_server->ports().at(0)
            << ", \"ca\": \"" << ca.certificate() << "\", \"certificate\": \"" << client.certificate
            << "\", \"key\": \"" << client.key << "\"}" << std::endl;
  asio::posix::stream_descriptor input(host.io, ::dup(0));
  char byte = 0;
  input.async_read_some(asio::buffer(&byte, 1),
                        [&](const boost::system::error_code&, std::size_t) { host.io.stop(); });
  host.io.restart();
  host.io.run();
  return 0;
}

int call(const std::string& url, const std::string& ca) {
  sdk::testing::FakeHost host;
  ClientSettings settings;
  settings.url = parse_url(url).value();
  settings.tls.ca = ca;
  settings.breaker.failures = 0;
  settings.limits.request_time = std::chrono::milliseconds{5'000};
  settings.limits.body_bytes = 1 << 20;
  Client client(settings, host.services());
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    Call request;
    std::size_t bytes = 0;
    words >> request.method >> request.target >> bytes;
    request.body.assign(bytes, 'b');
    request.headers.add("Content-Type", "text/plain");
    std::optional<Answer> answer;
    asio::co_spawn(host.io, client.send(request),
                   [&](std::exception_ptr, Answer got) { answer = std::move(got); });
    while (!answer) {
      host.io.restart();
      host.io.run_one_for(std::chrono::milliseconds{50});
    }
    std::cout << "{\"status\": " << (answer->reply ? answer->reply->status : 0)
              << ", \"bytes\": " << (answer->reply ? answer->reply->body.size() : 0) << ", \"failure\": \""
              << (answer->failure ? name_of(answer->failure->kind) : "")
              << "\", \"fault\": " << (answer->failure ? static_cast<int>(answer->failure->error.fault) : -1)
              << "}" << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace ami::http

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 2 && words[0] == "serve") return ami::http::serve(words[1]);
    if (words.size() == 3 && words[0] == "call") return ami::http::call(words[1], words[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  std::cerr << "usage: http_oracle serve FOLDER | call URL CA\n";
  return 2;
}
