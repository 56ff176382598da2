#include "daemon/http/http_server.h"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <string>
#include <thread>

namespace ami::daemon {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

class HttpServerTest : public testing::Test {
 protected:
  ~HttpServerTest() override {
    server_.reset();
    guard_.reset();
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void serve(HttpLimits limits = {}) {
    HttpServer::Handlers handlers;
    handlers["/healthz"] = [] { return HttpAnswer{200, "text/plain; charset=utf-8", "ok\n"}; };
    handlers["/readyz"] = [] { return HttpAnswer{503, "application/json", "{\"ready\":false}\n"}; };
    auto listening = HttpServer::listen(io_.get_executor(), "127.0.0.1:0", handlers, limits, log_);
    ASSERT_TRUE(listening.ok()) << listening.error().message;
    server_ = std::move(listening).value();
    thread_ = std::thread([this] { io_.run(); });
  }

  tcp::socket connect() {
    tcp::socket socket(client_);
    socket.connect({asio::ip::address_v4::loopback(), server_->port()});
    return socket;
  }

  // Everything that comes until the server closes.
  static std::string rest(tcp::socket& socket) {
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }

  std::string ask(const std::string& request) {
    auto socket = connect();
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    return rest(socket);
  }

  std::string get(const std::string& path) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }

  Log log_{[](Level, const std::string&) {}};
  asio::io_context io_, client_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(io_);
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersAKnownPathWithItsStatusAndType) {
  serve();
  const auto healthy = get("/healthz");
  EXPECT_TRUE(healthy.starts_with("HTTP/1.1 200 ")) << healthy;
  EXPECT_TRUE(healthy.ends_with("\r\n\r\nok\n")) << healthy;
  const auto unready = get("/readyz?verbose");
  EXPECT_TRUE(unready.starts_with("HTTP/1.1 503 ")) << unready;
  EXPECT_NE(unready.find("Content-Type: application/json\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, UnknownPathNamesTheKnownOnes) {
  serve();
  const auto answer = get("/etc/passwd");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 ")) << answer;
  EXPECT_NE(answer.find("/healthz /readyz"), std::string::npos);
}

TEST_F(HttpServerTest, OtherMethodsAreNotAllowed) {
  serve();
  const auto answer = ask("DELETE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
  EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  serve();
  const auto answer = ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("Content-Length: 3\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(HttpServerTest, OneConnectionMayAskOften) {
  serve();
  const auto answer =
      ask("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: "
          "close\r\n\r\n");
  EXPECT_NE(answer.find("ok\nHTTP/1.1 200 "), std::string::npos) << answer;
}

TEST_F(HttpServerTest, GarbageABodyAndAHugeHeaderEndTheConnectionAndHarmNobody) {
  serve();
  EXPECT_EQ(ask(std::string("\0\xff\x16\x03\x01 nonsense\r\n\r\n", 20)), "");
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").find("200"), std::string::npos);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"), "");
  EXPECT_TRUE(get("/healthz").ends_with("ok\n"));
}

TEST_F(HttpServerTest, ASilentClientIsCutOff) {
  HttpLimits limits;
  limits.request = std::chrono::milliseconds{50};
  serve(limits);
  auto socket = connect();
  asio::write(socket, asio::buffer(std::string("GET /heal")));
  EXPECT_EQ(rest(socket), "");  // returns, since the server closes
}

TEST_F(HttpServerTest, OneConnectionTooManyIsClosedAndRoomComesBack) {
  HttpLimits limits;
  limits.connections = 1;
  serve(limits);
  {
    auto first = connect();
    asio::write(first, asio::buffer(std::string("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")));
    std::string begin(12, ' ');
    asio::read(first, asio::buffer(begin));
    EXPECT_EQ(begin, "HTTP/1.1 200");
    auto second = connect();
    EXPECT_EQ(rest(second), "");
  }
  // The first connection's end is noticed after its close arrived: ask until it was.
  std::string answer;
  for (int attempt = 0; attempt < 10'000 && answer.empty(); ++attempt) answer = get("/healthz");
  EXPECT_TRUE(answer.ends_with("ok\n"));
}

TEST_F(HttpServerTest, AnAddressInUseIsAnErrorThatNamesIt) {
  serve();
  const auto address = "127.0.0.1:" + std::to_string(server_->port());
  const auto second = HttpServer::listen(io_.get_executor(), address, {}, {}, log_);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find(address), std::string::npos);
}

}  // namespace
}  // namespace ami::daemon
