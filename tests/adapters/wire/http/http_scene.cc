#include "tests/adapters/wire/http/http_scene.h"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace ami::http {
namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
using boost::system::error_code;

std::filesystem::path new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "ami-http-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

}  // namespace

sdk::Awaitable<void> RawConnection::open(std::uint16_t port) {
  co_await socket_.async_connect({asio::ip::address_v4::loopback(), port}, asio::use_awaitable);
}

sdk::Awaitable<bool> RawConnection::tls(asio::ssl::context& context,
                                        asio::ssl::stream_base::handshake_type side) {
  tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, context);
  const auto [error] = co_await tls_->async_handshake(side, kNoThrow);
  co_return !error;
}

sdk::Awaitable<bool> RawConnection::send(std::string bytes) {
  error_code error;
  std::size_t sent = 0;
  if (tls_) {
    std::tie(error, sent) = co_await asio::async_write(*tls_, asio::buffer(bytes), kNoThrow);
  } else {
    std::tie(error, sent) = co_await asio::async_write(socket_, asio::buffer(bytes), kNoThrow);
  }
  co_return !error;
}

sdk::Awaitable<bool> RawConnection::more() {
  std::array<char, 65536> chunk;
  error_code error;
  std::size_t got = 0;
  if (tls_) {
    std::tie(error, got) = co_await tls_->async_read_some(asio::buffer(chunk), kNoThrow);
  } else {
    std::tie(error, got) = co_await socket_.async_read_some(asio::buffer(chunk), kNoThrow);
  }
  buffer_.append(chunk.data(), got);
  co_return !error;
}

sdk::Awaitable<std::string> RawConnection::until(std::string end) {
  std::size_t at = std::string::npos;
  while ((at = buffer_.find(end)) == std::string::npos) {
    const bool open = co_await more();
    if (!open) co_return std::exchange(buffer_, {});
  }
  std::string found = buffer_.substr(0, at + end.size());
  buffer_.erase(0, at + end.size());
  co_return found;
}

sdk::Awaitable<std::string> RawConnection::message() {
  std::string header = co_await until("\r\n\r\n");
  const std::size_t at = header.find("Content-Length: ");
  if (at == std::string::npos) co_return header;
  const std::size_t length = std::stoul(header.substr(at + 16));
  while (buffer_.size() < length) {
    const bool open = co_await more();
    if (!open) break;
  }
  header += buffer_.substr(0, length);
  buffer_.erase(0, length);
  co_return header;
}

sdk::Awaitable<std::string> RawConnection::rest() {
  bool open = true;
  while (open) open = co_await more();
  co_return std::exchange(buffer_, {});
}

sdk::Awaitable<void> RawConnection::ended() {
  bool open = true;
  while (open) {
    open = co_await more();
    buffer_.clear();
  }
}

void RawConnection::end_sending() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void RawConnection::close() {
  error_code ignored;
  socket_.close(ignored);
}

void RawConnection::reset() {
  socket_.set_option(asio::socket_base::linger(true, 0));
  close();
}

struct ScriptedPeer::Work {
  Work(asio::io_context& io, std::vector<Script> with)
      : acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), scripts(std::move(with)) {}

  static sdk::Awaitable<void> accept(std::shared_ptr<Work> work) {
    for (;;) {
      auto [error, socket] = co_await work->acceptor.async_accept(kNoThrow);
      if (error) co_return;
      const std::size_t index = std::min(work->count++, work->scripts.size() - 1);
      asio::co_spawn(work->acceptor.get_executor(), serve(work, index, std::move(socket)), asio::detached);
    }
  }
  static sdk::Awaitable<void> serve(std::shared_ptr<Work> work, std::size_t index, tcp::socket socket) {
    RawConnection connection(std::move(socket));
    co_await work->scripts[index](connection);
  }

  tcp::acceptor acceptor;
  std::vector<Script> scripts;
  std::size_t count = 0;
};

ScriptedPeer::ScriptedPeer(asio::io_context& io, std::vector<Script> scripts)
    : work_(std::make_shared<Work>(io, std::move(scripts))), port_(work_->acceptor.local_endpoint().port()) {
  asio::co_spawn(io, Work::accept(work_), asio::detached);
}

ScriptedPeer::~ScriptedPeer() {
  work_->acceptor.close();
}

std::size_t ScriptedPeer::connections() const {
  return work_->count;
}

Script answering(std::string bytes) {
  return [bytes](RawConnection& peer) -> sdk::Awaitable<void> {
    for (;;) {
      const std::string request = co_await peer.message();
      if (request.empty()) co_return;
      const bool sent = co_await peer.send(bytes);
      if (!sent) co_return;
    }
  };
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

HttpScene::HttpScene()
    : folder(new_folder()),
      gate_(std::make_unique<asio::steady_timer>(host.io, asio::steady_timer::time_point::max())) {}

HttpScene::~HttpScene() {
  release();
  auto stop_both = [](HttpScene& scene) -> sdk::Awaitable<void> {
    if (scene.client_) co_await scene.client_->stop();
    if (scene.server_) co_await scene.server_->stop();
  };
  drive_void(stop_both(*this));
  std::filesystem::remove_all(folder);
}

void HttpScene::drive_void(sdk::Awaitable<void> work) {
  bool done = false;
  std::exception_ptr error;
  asio::co_spawn(host.io, std::move(work), [&](std::exception_ptr thrown) {
    done = true;
    error = thrown;
  });
  run_until([&] { return done; });
  if (error) std::rethrow_exception(error);
}

void HttpScene::run_until(const std::function<bool()>& reached) {
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!reached()) {
    if (std::chrono::steady_clock::now() > bound)
      throw std::runtime_error("what the test waits for did not come");
    host.io.restart();
    host.io.run_one_for(std::chrono::milliseconds{20});
  }
}

ServerSettings HttpScene::plain_server() const {
  ServerSettings settings;
  settings.listen = {{"127.0.0.1", 0}};
  return settings;
}

sdk::Awaitable<Response> HttpScene::hold(Request request) {
  ++held_;
  while (!open_) {
    const auto [error] = co_await gate_->async_wait(kNoThrow);
    if (error && !open_) break;  // cancelled by a server that stops
  }
  --held_;
  Response response;
  response.body = open_ ? std::move(request.body) : "cancelled";
  co_return response;
}

void HttpScene::release() {
  open_ = true;
  gate_->cancel();
}

Server& HttpScene::serve(ServerSettings settings) {
  server_ = std::make_unique<Server>(std::move(settings), host.services());
  server_->route("POST", "/echo", [](Request request) -> sdk::Awaitable<Response> {
    Response response;
    response.body = std::move(request.body);
    co_return response;
  });
  server_->route("GET", "/peer", [](Request request) -> sdk::Awaitable<Response> {
    Response response;
    const auto& certificate = request.peer.certificate;
    response.body =
        request.peer.address + " tls=" + (request.peer.tls ? "yes" : "no") +
        " subject=" + (certificate ? certificate->subject : "-") +
        " dns=" + (certificate ? joined(certificate->dns_names) : "-") +
        " uri=" + (certificate ? joined(certificate->uris) : "-") +
        " user=" + (request.credentials ? request.credentials->user : "-") + " query=" + request.query +
        " authorization=" + (request.headers.find("Authorization") != nullptr ? "seen" : "hidden");
    co_return response;
  });
  server_->route("POST", "/hold", [this](Request request) { return hold(std::move(request)); });
  server_->route("GET", "/throw", [](Request) -> sdk::Awaitable<Response> {
    throw std::runtime_error("no such luck");
    co_return Response();
  });
  server_->route("GET", "/split", [](Request) -> sdk::Awaitable<Response> {
    Response response;
    response.headers.add("X-Note", "a\r\nX-Evil: b");
    co_return response;
  });
  const Outcome started = drive(server_->start());
  if (!started) throw std::runtime_error(started.error().message);
  return *server_;
}

std::string HttpScene::talk(std::string bytes) {
  auto work = [](HttpScene& scene, std::string what) -> sdk::Awaitable<std::string> {
    RawConnection connection(scene.host.io);
    co_await connection.open(scene.port());
    co_await connection.send(std::move(what));
    connection.end_sending();
    co_return co_await connection.rest();
  };
  return drive(work(*this, std::move(bytes)));
}

void HttpScene::expect_serving() {
  const std::string answer =
      talk("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  EXPECT_EQ(answer.substr(0, 15), "HTTP/1.1 200 OK") << answer;
  EXPECT_EQ(answer.substr(std::max<std::size_t>(answer.size(), 5) - 5), "hello") << answer;
}

ClientSettings HttpScene::client_of(std::uint16_t port) const {
  ClientSettings settings;
  settings.url = parse_url("http://127.0.0.1:" + std::to_string(port) + "/").value();
  settings.breaker.failures = 0;
  return settings;
}

Client& HttpScene::connect(ClientSettings settings) {
  client_ = std::make_unique<Client>(std::move(settings), host.services());
  return *client_;
}

Answer HttpScene::send(Call call) {
  return drive(client_->send(std::move(call)));
}

Call HttpScene::get(std::string target) {
  Call call;
  call.method = "GET";
  call.target = std::move(target);
  return call;
}

}  // namespace ami::http
