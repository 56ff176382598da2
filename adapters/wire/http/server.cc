#include "adapters/wire/http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <list>
#include <utility>

#include "adapters/wire/http/session.h"

namespace ami::http {
namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kFirstPause{50};  // after a failed accept; doubles up to the longest
constexpr std::chrono::milliseconds kLongestPause{1'000};
constexpr std::size_t kMostRefusals = 64;  // connections at once that are told why they are not taken

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

Outcome check_values(const ServerSettings& settings) {
  if (settings.listen.empty()) return permanent("no address to listen on");
  const bool shown = settings.basic || settings.in_message;
  const bool certified = settings.tls && settings.tls->client_certificates == ClientCertificates::Required;
  for (const Endpoint& endpoint : settings.listen) {
    error_code error;
    asio::ip::make_address(endpoint.host, error);
    if (error)
      return permanent("\"" + endpoint.host + "\" is no numeric address; write 0.0.0.0 or [::] for all");
    if (is_loopback(endpoint.host)) continue;
    if (shown && !settings.tls && !settings.plain_credentials) {
      return permanent("user and password would cross the network in clear text at " + endpoint.host +
                       ": set certificate and key, or plain_credentials: true where the network is trusted");
    }
    if (!shown && !certified && !settings.anonymous_senders) {
      return permanent(
          "anybody who reaches " + endpoint.host +
          " could post messages, for no sender has to say who it is: set header_user and "
          "header_password_file, or user and password_file, or client_certificates: required; or "
          "anonymous_senders: true where the network lets nobody but the head-end through");
    }
  }
  return Done{};
}

}  // namespace

Outcome check(const ServerSettings& settings) {
  if (Outcome values = check_values(settings); !values) return values;
  if (!settings.tls) return Done{};
  const Result<TlsContext> context = load_tls(TlsSide::Server, *settings.tls);
  if (!context) return context.error();
  return Done{};
}

// Accepts connections, keeps the list of sessions, ends both. Its coroutines share its ownership.
class Server::Acceptors : public std::enable_shared_from_this<Acceptors> {
 public:
  Acceptors(ServerSettings settings, sdk::Services services)
      : shared(std::make_shared<SharedWork>(std::move(settings), services)),
        quiet_(services.executor, Steady::time_point::max()) {}

  sdk::Awaitable<Outcome> start() {
    if (!open_.empty() || accepting_ > 0) co_return permanent("the server is running already");
    if (Outcome values = check_values(shared->settings); !values) co_return values;
    if (shared->tls) {
      const Outcome loaded = co_await shared->tls->reload();
      if (!loaded) co_return loaded.error();
    }
    for (const Endpoint& endpoint : shared->settings.listen) {
      const Outcome bound = bind(endpoint);
      if (!bound) {
        open_.clear();
        co_return bound.error();
      }
    }
    warn_of_few_descriptors();
    shared->stopping = false;
    for (const auto& listener : open_) {
      ++accepting_;
      asio::co_spawn(shared->services.executor, accept(shared_from_this(), listener), asio::detached);
    }
    co_return Done{};
  }

  sdk::Awaitable<void> stop() {
    close();
    for (const auto& session : sessions_) session->stop();
    const auto deadline = Steady::now() + shared->settings.limits.stop_grace;
    while (!quiet() && Steady::now() < deadline) {
      quiet_.expires_at(deadline);
      co_await quiet_.async_wait(kNoThrow);
    }
    for (const auto& session : std::list<std::shared_ptr<Session>>(sessions_)) session->abort();
    while (!quiet()) {
      quiet_.expires_at(Steady::time_point::max());
      co_await quiet_.async_wait(kNoThrow);
    }
  }

  void abandon() {
    close();
    for (const auto& session : std::list<std::shared_ptr<Session>>(sessions_)) session->abort();
  }

  [[nodiscard]] std::vector<std::uint16_t> ports() const {
    std::vector<std::uint16_t> ports;
    for (const auto& listener : open_) ports.push_back(listener->port);
    return ports;
  }

  const std::shared_ptr<SharedWork> shared;

 private:
  struct Listener {
    explicit Listener(const asio::any_io_executor& executor) : acceptor(executor), pause(executor) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    std::uint16_t port = 0;
  };

  Outcome bind(const Endpoint& endpoint) {
    const auto listener = std::make_shared<Listener>(shared->services.executor);
    const tcp::endpoint at(asio::ip::make_address(endpoint.host), endpoint.port);
    error_code error;
    listener->acceptor.open(at.protocol(), error);
    if (!error) listener->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && at.protocol() == tcp::v6()) listener->acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) listener->acceptor.bind(at, error);
    if (!error) listener->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) listener->port = listener->acceptor.local_endpoint(error).port();
    if (error) {
      const bool later = error == asio::error::address_in_use;
      const std::string text = "cannot listen on " + endpoint.host + " port " +
                               std::to_string(endpoint.port) + ": " + error.message();
      return later ? transient(text) : permanent(text);
    }
    open_.push_back(listener);
    return Done{};
  }

  void warn_of_few_descriptors() const {
    rlimit limit{};
    const std::size_t wanted = shared->settings.limits.connections + 64;
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
      shared->services.log.write(sdk::LogLevel::Warn, "HTTP_FEW_DESCRIPTORS",
                                 "open_files_limit=" + std::to_string(limit.rlim_cur) +
                                     " connections=" + std::to_string(shared->settings.limits.connections) +
                                     " advice=\"raise LimitNOFILE= of the unit, or lower max_connections\"");
    }
  }

  static sdk::Awaitable<void> accept(std::shared_ptr<Acceptors> self, std::shared_ptr<Listener> listener) {
    auto pause = kFirstPause;
    while (listener->acceptor.is_open()) {
      auto [error, socket] = co_await listener->acceptor.async_accept(kNoThrow);
      if (!listener->acceptor.is_open()) break;
      if (!error) {
        pause = kFirstPause;
        self->admit(std::move(socket));
        continue;
      }
      // Out of descriptors or memory: what waits in the kernel's queue stays there until some are free again.
      self->shared->count([](ServerCounters& c) { ++c.accept_errors; });
      if (pause == kFirstPause) {
        self->shared->services.log.write(sdk::LogLevel::Warn, "HTTP_ACCEPT_FAILED",
                                         "problem=\"" + error.message() + "\" action=tried_again");
      }
      listener->pause.expires_after(pause);
      co_await listener->pause.async_wait(kNoThrow);
      pause = std::min(pause * 2, kLongestPause);
    }
    --self->accepting_;
    self->quiet_.cancel();
  }

  void admit(tcp::socket socket) {
    error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;  // gone already
    Peer peer;
    peer.address = address_text(remote.address());
    peer.port = remote.port();
    socket.set_option(tcp::no_delay(true), error);
    const ServerLimits& limits = shared->settings.limits;
    const auto of_address = addresses_.find(peer.address);
    const bool too_many = sessions_.size() >= limits.connections;
    const bool too_many_of_one =
        of_address != addresses_.end() && of_address->second >= limits.connections_per_address;
    if (too_many || too_many_of_one) {
      shared->count([&](ServerCounters& c) { ++(too_many ? c.refused_connections : c.refused_per_address); });
      return turn_away(std::move(socket));
    }
    ++addresses_[peer.address];
    const auto session = std::make_shared<Session>(shared, std::move(socket), std::move(peer));
    const auto place = sessions_.insert(sessions_.end(), session);
    shared->count([&](ServerCounters& c) {
      ++c.accepted;
      c.open = sessions_.size();
    });
    auto ended = [self = shared_from_this(), place](std::exception_ptr thrown) {
      self->leave(place, thrown);
    };
    asio::co_spawn(shared->services.executor, serve(session),
                   asio::bind_cancellation_slot(session->cancellation().slot(), std::move(ended)));
  }

  static sdk::Awaitable<void> serve(std::shared_ptr<Session> session) {
    co_await asio::this_coro::throw_if_cancelled(false);  // what is under way says so itself
    co_await session->run();
  }

  void leave(std::list<std::shared_ptr<Session>>::iterator place, const std::exception_ptr& thrown) {
    if (thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        shared->services.log.write(sdk::LogLevel::Error, "HTTP_SESSION_FAILED",
                                   std::string("problem=\"") + error.what() + "\"");
      }
    }
    const auto session = *place;
    session->close();  // however it ended
    const auto of_address = addresses_.find(session->address());
    if (--of_address->second == 0) addresses_.erase(of_address);
    sessions_.erase(place);
    shared->count([&](ServerCounters& c) { c.open = sessions_.size(); });
    // Its cancellation signal is in use until this handler is gone.
    asio::post(shared->services.executor, [session] {});
    quiet_.cancel();
  }

  // A plain peer is told to come later; with TLS that would cost a handshake, which is what we are short of.
  void turn_away(tcp::socket socket) {
    if (shared->tls || refusals_ >= kMostRefusals) return;
    ++refusals_;
    const auto connection = std::make_shared<Connection>(std::move(socket));
    asio::co_spawn(shared->services.executor, say_no(shared_from_this(), connection), asio::detached);
  }

  static sdk::Awaitable<void> say_no(std::shared_ptr<Acceptors> self,
                                     std::shared_ptr<Connection> connection) {
    const std::string text = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: " +
                             std::to_string(self->shared->settings.limits.retry_after.count()) +
                             "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    connection->expire_at(Steady::now() + std::chrono::seconds{1});
    const asio::const_buffer line = asio::buffer(text), nothing;
    co_await connection->write(line, nothing);
    co_await connection->close_gently();
    --self->refusals_;
    self->quiet_.cancel();
  }

  void close() {
    shared->stopping = true;
    for (const auto& listener : open_) {
      error_code ignored;
      listener->acceptor.close(ignored);
      listener->pause.cancel();
    }
    open_.clear();
  }

  [[nodiscard]] bool quiet() const { return sessions_.empty() && accepting_ == 0 && refusals_ == 0; }

  asio::steady_timer quiet_;  // cancelled whenever something ended
  std::vector<std::shared_ptr<Listener>> open_;
  std::list<std::shared_ptr<Session>> sessions_;
  std::map<std::string, std::size_t> addresses_;
  std::size_t accepting_ = 0, refusals_ = 0;
};

Server::Server(ServerSettings settings, sdk::Services services)
    : acceptors_(std::make_shared<Acceptors>(std::move(settings), services)) {}

Server::~Server() {
  acceptors_->abandon();
}

void Server::route(std::string method, std::string path, Handler handler) {
  acceptors_->shared->routes[std::move(path)][std::move(method)] = std::move(handler);
}

sdk::Awaitable<Outcome> Server::start() {
  co_return co_await acceptors_->start();
}

sdk::Awaitable<void> Server::stop() {
  co_await acceptors_->stop();
}

sdk::Awaitable<Outcome> Server::reload_certificates() {
  if (!acceptors_->shared->tls) co_return Done{};
  co_return co_await acceptors_->shared->tls->reload();
}

std::vector<std::uint16_t> Server::ports() const {
  return acceptors_->ports();
}

ServerCounters Server::counters() const {
  const std::lock_guard lock(acceptors_->shared->mutex);
  return acceptors_->shared->counters;
}

}  // namespace ami::http
