#include "daemon/http/http_server.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <set>

#include "daemon/http/address.h"
#include "daemon/log/messages.h"

namespace ami::daemon {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

// Everything below runs on `strand`, so the set of sessions needs no lock.
struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(asio::any_io_executor executor, Handlers paths, HttpLimits bounds, const Log& sink)
      : strand(asio::make_strand(std::move(executor))),
        acceptor(strand),
        handlers(std::move(paths)),
        limits(bounds),
        log(sink) {}

  asio::strand<asio::any_io_executor> strand;
  tcp::acceptor acceptor;
  Handlers handlers;
  HttpLimits limits;
  const Log& log;
  std::set<beast::tcp_stream*> sessions;
  bool stopped = false;
  std::uint16_t port = 0;

  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(std::shared_ptr<beast::tcp_stream> stream);
  http::response<http::string_body> answer(const http::request<http::empty_body>& request) const;
};

http::response<http::string_body> HttpServer::Impl::answer(
    const http::request<http::empty_body>& request) const {
  HttpAnswer answer;
  const auto target = std::string_view(request.target().data(), request.target().size());
  const auto handler = handlers.find(target.substr(0, target.find('?')));
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    answer = {405, answer.content_type, "only GET and HEAD are answered here\n"};
  } else if (handler == handlers.end()) {
    answer = {404, answer.content_type, "not found; known paths:"};
    for (const auto& [path, ignored] : handlers) answer.body += " " + path;
    answer.body += "\n";
  } else {
    answer = handler->second();
  }
  http::response<http::string_body> response{static_cast<http::status>(answer.status), request.version()};
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
  const auto length = answer.body.size();
  if (request.method() != http::verb::head) response.body() = std::move(answer.body);
  response.content_length(length);
  response.keep_alive(request.keep_alive());
  return response;
}

asio::awaitable<void> HttpServer::Impl::serve(std::shared_ptr<beast::tcp_stream> stream) {
  beast::error_code error;
  const auto token = [&error] { return asio::redirect_error(asio::use_awaitable, error); };
  beast::flat_buffer buffer(limits.header_bytes + 1024);
  for (std::size_t served = 0; served < limits.requests; ++served) {
    stream->expires_after(limits.request);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    co_await http::async_read(*stream, buffer, parser, token());
    if (error) {
      if (error != http::error::end_of_stream && error != asio::error::operation_aborted) {
        log.write(messages::kHttpRefused, {{"error", error.message()}});
      }
      break;
    }
    auto response = answer(parser.get());
    if (served + 1 == limits.requests) response.keep_alive(false);
    const bool keep = response.keep_alive();
    const bool head = parser.get().method() == http::verb::head;
    http::response_serializer<http::string_body> serializer{response};
    if (head) {
      co_await http::async_write_header(*stream, serializer, token());
    } else {
      co_await http::async_write(*stream, serializer, token());
    }
    if (error || !keep || stopped) break;
  }
  sessions.erase(stream.get());
  beast::error_code ignored;
  stream->socket().shutdown(tcp::socket::shutdown_send, ignored);
  stream->close();
}

asio::awaitable<void> HttpServer::Impl::accept_all() {
  while (!stopped) {
    beast::error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted || stopped) break;
    if (error) {  // that connection is gone, or descriptors ran out: pause, or this would spin
      asio::steady_timer pause(strand, std::chrono::milliseconds{100});
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (sessions.size() >= limits.connections) {
      log.write(messages::kHttpRefused, {{"error", "too many connections"}});
      continue;  // the socket closes here
    }
    auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
    sessions.insert(stream.get());
    asio::co_spawn(
        strand, [self = shared_from_this(), stream] { return self->serve(stream); }, asio::detached);
  }
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::any_io_executor executor,
                                                       const std::string& address, Handlers handlers,
                                                       HttpLimits limits, const Log& log) {
  const auto parsed = parse_address(address);
  if (!parsed) return parsed.error();
  auto impl = std::make_shared<Impl>(std::move(executor), std::move(handlers), limits, log);
  const tcp::endpoint endpoint(asio::ip::make_address(parsed->host), parsed->port);
  beast::error_code error;
  const auto failed = [&](const char* step) {
    return permanent("HTTP listener " + address + ": " + step + ": " + error.message());
  };
  if (impl->acceptor.open(endpoint.protocol(), error)) return failed("open");
  if (impl->acceptor.set_option(asio::socket_base::reuse_address(true), error))
    return failed("reuse_address");
  if (impl->acceptor.bind(endpoint, error)) return failed("bind");
  if (impl->acceptor.listen(asio::socket_base::max_listen_connections, error)) return failed("listen");
  impl->port = impl->acceptor.local_endpoint(error).port();
  if (error) return failed("local address");
  asio::co_spawn(
      impl->strand, [impl] { return impl->accept_all(); }, asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
  stop();
}
std::uint16_t HttpServer::port() const noexcept {
  return impl_->port;
}

void HttpServer::stop() {
  asio::post(impl_->strand, [impl = impl_] {
    impl->stopped = true;
    beast::error_code ignored;
    impl->acceptor.close(ignored);
    for (auto* stream : impl->sessions) stream->cancel();
  });
}

}  // namespace ami::daemon
