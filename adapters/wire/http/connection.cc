#include "adapters/wire/http/connection.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace ami::http {
namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kGoodbye{2};
constexpr std::size_t kMostDropped = 16 << 20;  // bytes of an unwanted body that are read before we hang up

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string text_of_name(const X509_NAME* name) {
  const Bio memory(BIO_new(BIO_s_mem()), BIO_free);
  if (!memory || X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
    return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

ClientCertificate facts_of(X509* certificate) {
  ClientCertificate facts;
  facts.subject = text_of_name(X509_get_subject_name(certificate));
  using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_DNS && type != GEN_URI) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
    // A name with a NUL in it reads differently to different readers: not taken.
    if (name.find('\0') != std::string::npos) continue;
    (type == GEN_DNS ? facts.dns_names : facts.uris).push_back(std::move(name));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  constexpr std::string_view kHex = "0123456789abcdef";
  for (unsigned int i = 0; i < size; ++i) {
    facts.sha256 += kHex[digest[i] >> 4];
    facts.sha256 += kHex[digest[i] & 15];
  }
  return facts;
}

}  // namespace

Connection::Connection(tcp::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

void Connection::expire_at(Steady::time_point when, Then then) {
  expired_ = false;
  deadline_ = when;
  then_ = then;
  // A deadline that moves away leaves the timer as it is: due() looks again. So keep-alive costs no timer.
  if (when != Steady::time_point::max() && (!armed_ || when < timer_.expiry())) arm();
}

void Connection::arm() {
  armed_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    if (error == asio::error::operation_aborted) return;
    if (const auto self = weak.lock()) self->due();
  });
}

void Connection::due() {
  armed_ = false;
  if (deadline_ == Steady::time_point::max()) return;
  if (Steady::now() < deadline_) return arm();
  expired_ = true;
  error_code ignored;
  if (then_ == Then::Close) {
    close();
  } else {
    socket_.cancel(ignored);
  }
}

error_code Connection::told(error_code error) const {
  return error && expired_ ? error_code(asio::error::timed_out) : error;
}

sdk::Awaitable<error_code> Connection::connect(std::span<const tcp::endpoint> endpoints) {
  error_code error = asio::error::host_not_found;
  for (const tcp::endpoint& endpoint : endpoints) {
    if (expired_) co_return asio::error::timed_out;
    close();
    std::tie(error) = co_await socket_.async_connect(endpoint, kNoThrow);
    if (!error) {
      socket_.set_option(tcp::no_delay(true), error);
      co_return error_code();
    }
    if (error == asio::error::operation_aborted) break;
  }
  co_return told(error);
}

sdk::Awaitable<error_code> Connection::accept_tls(std::shared_ptr<asio::ssl::context> context) {
  context_ = std::move(context);
  tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, *context_);
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kNoThrow);
  co_return told(error);
}

sdk::Awaitable<error_code> Connection::connect_tls(std::shared_ptr<asio::ssl::context> context,
                                                   std::string server_name) {
  context_ = std::move(context);
  tls_ = std::make_unique<asio::ssl::stream<tcp::socket&>>(socket_, *context_);
  SSL* ssl = tls_->native_handle();
  error_code not_numeric;
  asio::ip::make_address(server_name, not_numeric);
  // SSL_set_tlsext_host_name without its old cast.
  const bool set = not_numeric ? SSL_set1_host(ssl, server_name.c_str()) == 1 &&
                                     SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                              server_name.data()) == 1
                               : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str()) == 1;
  // Without the name the check would pass for every certificate of that CA.
  if (!set) co_return asio::error::invalid_argument;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kNoThrow);
  co_return told(error);
}

sdk::Awaitable<Io> Connection::read_some(asio::mutable_buffer into) {
  if (expired_) co_return Io{asio::error::timed_out, 0};
  Io io;
  if (tls_) {
    std::tie(io.error, io.bytes) = co_await tls_->async_read_some(into, kNoThrow);
  } else {
    std::tie(io.error, io.bytes) = co_await socket_.async_read_some(into, kNoThrow);
  }
  received_ += io.bytes;
  io.error = told(io.error);
  co_return io;
}

sdk::Awaitable<Io> Connection::write(asio::const_buffer head, asio::const_buffer body) {
  if (expired_) co_return Io{asio::error::timed_out, 0};
  const std::array<asio::const_buffer, 2> buffers{head, body};
  Io io;
  if (tls_) {
    std::tie(io.error, io.bytes) = co_await asio::async_write(*tls_, buffers, kNoThrow);
    sent_ += io.bytes;
    // A record may have left in part before the error: nobody can tell from here.
    if (io.error && io.bytes == 0) io.bytes = 1;
  } else {
    std::tie(io.error, io.bytes) = co_await asio::async_write(socket_, buffers, kNoThrow);
    sent_ += io.bytes;
  }
  io.error = told(io.error);
  co_return io;
}

bool Connection::dead() {
  if (!socket_.is_open()) return true;
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

sdk::Awaitable<void> Connection::close_gently() {
  expire_at(Steady::now() + kGoodbye);
  if (tls_ && socket_.is_open()) co_await tls_->async_shutdown(kNoThrow);
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  std::array<char, 4096> dropped{};
  std::size_t total = 0;
  while (!error && !expired_ && total < kMostDropped) {
    std::size_t bytes = 0;
    std::tie(error, bytes) = co_await socket_.async_read_some(asio::buffer(dropped), kNoThrow);
    total += bytes;
  }
  close();
}

std::optional<ClientCertificate> Connection::peer_certificate() {
  if (!tls_) return std::nullopt;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  const Certificate certificate(SSL_get1_peer_certificate(tls_->native_handle()), X509_free);
  if (!certificate || SSL_get_verify_result(tls_->native_handle()) != X509_V_OK) return std::nullopt;
  return facts_of(certificate.get());
}

std::string text_of(const error_code& error) {
  if (error == asio::ssl::error::stream_truncated) return "connection cut without a TLS close";
  if (error == asio::error::eof) return "connection closed";
  return error.message();
}

}  // namespace ami::http
