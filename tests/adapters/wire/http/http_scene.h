// Real sockets on loopback, both ends in one thread: the server or the client under test on a fake host, and
// at the other end raw bytes. Nothing here uses the code under test to write or read HTTP.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/http/server.h"
#include "tests/daemon/rpc/test_certificates.h"

namespace ami::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using rpc::testing::PemFiles;
using rpc::testing::TestCa;

// One end of a connection, byte by byte. Every read ends with what there was when the connection ends.
class RawConnection {
 public:
  explicit RawConnection(asio::io_context& io) : socket_(io) {}
  explicit RawConnection(tcp::socket socket) : socket_(std::move(socket)) {}

  sdk::Awaitable<void> open(std::uint16_t port);
  // False: no TLS came about.
  sdk::Awaitable<bool> tls(asio::ssl::context& context, asio::ssl::stream_base::handshake_type side);
  sdk::Awaitable<bool> send(std::string bytes);        // false: the other end is gone
  sdk::Awaitable<std::string> message();               // a header, and the body that its Content-Length says
  sdk::Awaitable<std::string> until(std::string end);  // up to and with `end`
  sdk::Awaitable<std::string> rest();                  // to the end of the connection
  sdk::Awaitable<void> ended();                        // waits for it, whatever comes before
  void end_sending();
  void close();
  void reset();  // RST instead of FIN
  tcp::socket& socket() { return socket_; }

 private:
  sdk::Awaitable<bool> more();
  tcp::socket socket_;
  std::unique_ptr<asio::ssl::stream<tcp::socket&>> tls_;
  std::string buffer_;
};

using Script = std::function<sdk::Awaitable<void>(RawConnection&)>;

// Accepts connections; the n-th is served by the n-th script, further ones by the last.
class ScriptedPeer {
 public:
  ScriptedPeer(asio::io_context& io, std::vector<Script> scripts);
  ~ScriptedPeer();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::size_t connections() const;

 private:
  struct Work;
  std::shared_ptr<Work> work_;
  std::uint16_t port_ = 0;
};

// Reads a request and answers it with these bytes, time and again.
Script answering(std::string bytes);
std::string ok(const std::string& body);  // "HTTP/1.1 200 OK" …

// All of it is open: coroutines of a test reach in through a reference.
class HttpScene : public testing::Test {
 public:
  HttpScene();
  ~HttpScene() override;

  // Runs everything in real time until `work` is complete; throws when that takes 30 s.
  template <class T>
  T drive(sdk::Awaitable<T> work) {
    std::optional<T> value;
    auto body = [](sdk::Awaitable<T> inner, std::optional<T>& into) -> sdk::Awaitable<void> {
      into.emplace(co_await std::move(inner));
    };
    drive_void(body(std::move(work), value));
    return std::move(*value);
  }
  void drive_void(sdk::Awaitable<void> work);
  void run_until(const std::function<bool()>& reached);  // the same bound

  // Starts a server with these settings and the routes below. Throws where it does not start.
  //   POST /echo  the body        GET /peer  "ADDRESS tls=… subject=… dns=… uri=… user=…"
  //   POST /hold  answers when release() is called        GET /throw  throws
  Server& serve(ServerSettings settings);
  ServerSettings plain_server() const;
  void release();
  [[nodiscard]] std::size_t held() const { return held_; }
  [[nodiscard]] std::uint16_t port() const { return server_->ports().at(0); }
  // Sends bytes on a connection of their own and gives all that comes back.
  std::string talk(std::string bytes);
  // The server answers a good request: it has recovered.
  void expect_serving();

  ClientSettings client_of(std::uint16_t port) const;
  Client& connect(ClientSettings settings);
  Answer send(Call call);
  static Call get(std::string target = "/");

  std::filesystem::path folder;
  sdk::testing::FakeHost host;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;

 private:
  sdk::Awaitable<Response> hold(Request request);
  std::unique_ptr<asio::steady_timer> gate_;
  std::size_t held_ = 0;
  bool open_ = false;
};

}  // namespace ami::http
