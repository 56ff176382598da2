// One connection of the server from accept to close. Private: heavy.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/wire/http/connection.h"
#include "adapters/wire/http/parser.h"
#include "adapters/wire/http/server.h"
#include "adapters/wire/http/tls_context.h"

namespace ami::http {

// What all sessions of a server share. On the strand, but for counters.
struct SharedWork {
  SharedWork(ServerSettings with, sdk::Services of) : settings(std::move(with)), services(of) {
    if (settings.tls) tls.emplace(TlsSide::Server, *settings.tls, services);
  }

  const ServerSettings settings;
  const sdk::Services services;
  std::optional<TlsFiles> tls;
  std::map<std::string, std::map<std::string, Handler>> routes;  // path, method
  bool stopping = false;
  std::size_t in_work = 0, buffered = 0;

  template <class Change>
  void count(Change change) {
    const std::lock_guard lock(mutex);
    change(counters);
  }
  mutable std::mutex mutex;
  ServerCounters counters;
};

class Session {
 public:
  Session(std::shared_ptr<SharedWork> shared, tcp::socket socket, Peer peer);

  sdk::Awaitable<void> run();
  // The server stops: a session between two requests ends now, another after its answer.
  void stop();
  void close();
  void abort();  // closes, and cancels the handler

  [[nodiscard]] const std::string& address() const noexcept { return peer_.address; }
  asio::cancellation_signal& cancellation() noexcept { return cancellation_; }

 private:
  // How reading went. `refusal` is the answer to give; neither = the message part is complete.
  struct Step {
    bool ended = false;  // the peer went away: nobody to answer
    std::optional<Response> refusal{};
  };
  class Buffered;  // bytes of one body in SharedWork::buffered

  sdk::Awaitable<bool> handshake();
  sdk::Awaitable<bool> first_bytes();
  sdk::Awaitable<bool> one_request(bool last);
  sdk::Awaitable<Step> read_header(RequestParser& parser);
  sdk::Awaitable<Step> read_body(RequestParser& parser, Buffered& buffered, Steady::time_point begun);
  sdk::Awaitable<Step> more(bool body);
  Step feed(RequestParser& parser, bool& more_needed);
  std::optional<Response> refuse(RequestParser& parser, const Handler*& handler) const;
  Request take(RequestParser& parser) const;
  sdk::Awaitable<Response> handle(const Handler& handler, Request request);
  sdk::Awaitable<bool> answer(Response response, bool keep, bool without_body);
  [[nodiscard]] Response saturated(const char* why) const;
  void settle_bytes();

  const std::shared_ptr<SharedWork> shared_;
  const std::shared_ptr<Connection> connection_;
  Peer peer_;
  boost::beast::flat_buffer buffer_;
  asio::cancellation_signal cancellation_;
  bool resting_ = true;
  std::uint64_t told_received_ = 0, told_sent_ = 0;
};

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(UtcInstant instant);

}  // namespace ami::http
