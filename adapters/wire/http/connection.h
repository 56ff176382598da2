// One TCP connection, plain or TLS, with a deadline: what server and client have in common. Private: heavy.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/message.h"

namespace ami::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Steady = std::chrono::steady_clock;

struct Io {
  error_code error;
  std::size_t bytes = 0;
};

// Deadlines run on Asio's own timers, not on sdk::Clock: they guard a socket, and the kernel knows no virtual
// time.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(tcp::socket socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  enum class Then { Cancel, Close };  // what happens at the deadline
  // What is under way then, and what begins later, ends with asio::error::timed_out until the next call of
  // expire_at() or never_expire(). Close is for a connection that rests with nobody at it.
  void expire_at(Steady::time_point when, Then then = Then::Cancel);
  void never_expire() { expire_at(Steady::time_point::max()); }
  [[nodiscard]] bool expired() const noexcept { return expired_; }

  // Tries one endpoint after another.
  sdk::Awaitable<error_code> connect(std::span<const tcp::endpoint> endpoints);
  sdk::Awaitable<error_code> accept_tls(std::shared_ptr<asio::ssl::context> context);
  // Checks the peer's certificate against `server_name`, a DNS name or a numeric address.
  sdk::Awaitable<error_code> connect_tls(std::shared_ptr<asio::ssl::context> context,
                                         std::string server_name);

  sdk::Awaitable<Io> read_some(asio::mutable_buffer into);
  // All of both. bytes: how many were handed to the system (plain), or at least begun (TLS).
  sdk::Awaitable<Io> write(asio::const_buffer head, asio::const_buffer body);

  // Closed here or by the peer, or with bytes in it that nobody asked for. Asks the system, does not wait.
  [[nodiscard]] bool dead();
  void close();
  // Ends our side, then reads and drops for a moment, so that the peer can still read our last answer.
  sdk::Awaitable<void> close_gently();

  [[nodiscard]] bool tls() const noexcept { return tls_ != nullptr; }
  [[nodiscard]] std::optional<ClientCertificate> peer_certificate();
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  void arm();
  void due();
  [[nodiscard]] error_code told(error_code error) const;

  tcp::socket socket_;
  std::shared_ptr<asio::ssl::context> context_;  // outlives a reload for as long as we use it
  std::unique_ptr<asio::ssl::stream<tcp::socket&>> tls_;
  asio::steady_timer timer_;
  Steady::time_point deadline_ = Steady::time_point::max();
  Then then_ = Then::Cancel;
  bool armed_ = false, expired_ = false;
  std::uint64_t received_ = 0, sent_ = 0;
};

// "connection refused", or what OpenSSL says.
std::string text_of(const error_code& error);

}  // namespace ami::http
