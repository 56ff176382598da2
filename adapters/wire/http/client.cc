#include "adapters/wire/http/client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <charconv>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "adapters/wire/http/parser.h"
#include "adapters/wire/http/pool.h"
#include "adapters/wire/http/tls_context.h"

namespace ami::http {
namespace {

namespace beast_http = boost::beast::http;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kRead = 16 << 10;
constexpr int kMostInterim = 8;  // 1xx answers before the real one
constexpr std::size_t kMaxChunkLine = 16 << 10;

// With TLS 1.3 a peer refuses our certificate only after our first bytes left; it reads none of them then.
bool refused_our_certificate(const error_code& error) {
  if (error.category() != asio::error::get_ssl_category()) return false;
  switch (ERR_GET_REASON(static_cast<unsigned long>(error.value()))) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return true;
    default:
      return false;
  }
}

// "timeout=5, max=100"
std::optional<std::chrono::seconds> keep_alive_hint(const Headers& headers) {
  const std::string* text = headers.find("Keep-Alive");
  if (text == nullptr) return std::nullopt;
  constexpr std::string_view kKey = "timeout=";
  const std::size_t at = text->find(kKey);
  int seconds = 0;
  if (at == std::string::npos ||
      std::from_chars(text->data() + at + kKey.size(), text->data() + text->size(), seconds).ec !=
          std::errc()) {
    return std::nullopt;
  }
  return std::chrono::seconds{seconds};
}

std::string problem_of(const Call& call) {
  if (!is_token(call.method)) return "the method is not a token";
  if (!call.target.empty() && call.target.front() != '/') return "the target must begin with /";
  if (std::any_of(call.target.begin(), call.target.end(), [](char c) { return c <= 0x20 || c == 0x7F; })) {
    return "the target has blanks, controls or letters beyond ASCII: write them as %XX";
  }
  return call.headers.problem();
}

std::string problem_of(const ClientSettings& settings) {
  const bool shown = settings.basic || settings.message_credentials;
  if (shown && !settings.url.tls && !settings.plain_credentials && !is_loopback(settings.url.host)) {
    return "user and password would cross the network in clear text to " + settings.url.host +
           ": use https, or plain_credentials: true where the network is trusted";
  }
  return settings.headers.problem();
}

std::string head_of(const ClientSettings& settings, const Call& call) {
  Headers headers = settings.headers;
  for (const Header& header : call.headers.all()) headers.set(header.name, header.value);
  for (const char* own : {"Host", "Content-Length", "Connection", "Transfer-Encoding"}) headers.erase(own);
  std::string head = call.method + " " + (call.target.empty() ? settings.url.target : call.target) +
                     " HTTP/1.1\r\nHost: " + settings.url.authority() + "\r\n";
  if (settings.basic) head += "Authorization: " + to_authorization(*settings.basic).reveal() + "\r\n";
  if (headers.find("Accept-Encoding") == nullptr) head += "Accept-Encoding: identity\r\n";
  for (const Header& header : headers.all()) head += header.name + ": " + header.value + "\r\n";
  if (!call.body.empty() || (call.method != "GET" && call.method != "HEAD")) {
    head += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

}  // namespace

Outcome check(const ClientSettings& settings) {
  if (const std::string bad = problem_of(settings); !bad.empty()) return permanent(bad);
  if (!settings.url.tls) return Done{};
  const Result<TlsContext> context = load_tls(TlsSide::Client, settings.tls);
  if (!context) return context.error();
  return Done{};
}

class Client::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(ClientSettings settings, sdk::Services services)
      : settings_(std::move(settings)),
        services_(services),
        peer_(settings_.url.peer()),
        bad_settings_(problem_of(settings_)),
        pool_(services_.executor, settings_.limits, [this] { note([](ClientMetrics&) {}); }),
        tls_(TlsSide::Client, settings_.tls, services_),
        breaker_(settings_.breaker, services_.clock) {}

  sdk::Awaitable<Answer> send(Call call) {
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    note([](ClientMetrics& m) { ++m.calls; });
    Answer answer = co_await guarded(call);
    note([&](ClientMetrics& m) { ++(answer.ok() ? m.succeeded : m.failed[answer.failure->kind]); });
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return answer;
  }

  sdk::Awaitable<void> stop() {
    stopping_ = true;
    pool_.close_all();
    co_await pool_.quiet();
    pool_.close_all();
  }

  void abandon() {
    stopping_ = true;
    pool_.close_all();
  }

  ClientMetrics metrics() const {
    const std::lock_guard lock(mutex_);
    return metrics_;
  }

 private:
  // Of one attempt. The head of the request lives here, since it must outlast the write.
  struct Attempt {
    const Call& call;
    asio::cancellation_state caller;
    Steady::time_point deadline;
    bool hooked = false;                    // before_send was awaited
    bool stale = false;                     // a kept connection ended before the first byte of an answer
    std::chrono::milliseconds keep_for{0};  // the connection may serve another request within

    [[nodiscard]] bool is_cancelled() const { return caller.cancelled() != asio::cancellation_type::none; }
  };
  // What is true of the peer, or of the way there, whatever it says of this request.
  enum class Evidence { Alive, Failing, None };

  static Answer failed(FailureKind kind, Error error, bool sent) {
    Answer answer;
    answer.failure = Failure{kind, std::move(error), sent, std::nullopt};
    return answer;
  }

  // Why nothing was sent, with the reasons that come from ourselves first.
  Answer unsent(const Attempt& attempt, FailureKind kind, const std::string& text) const {
    if (stopping_) return failed(FailureKind::Stopped, transient(peer_ + ": the client is stopping"), false);
    if (attempt.is_cancelled()) {
      return failed(FailureKind::Cancelled, transient(peer_ + ": cancelled before anything was sent"), false);
    }
    return failed(kind, transient(peer_ + ": " + text + "; nothing was sent"), false);
  }

  // No complete answer though bytes may have left.
  Answer unanswered(const Attempt& attempt, FailureKind kind, std::string text) const {
    if (stopping_) {
      kind = FailureKind::Stopped;
      text = "the client is stopping";
    } else if (attempt.is_cancelled()) {
      kind = FailureKind::Cancelled;
      text = "cancelled while it waited for the answer";
    }
    return failed(kind, in_doubt(peer_ + ": " + text + "; the request may have been carried out"), true);
  }

  static Evidence evidence_of(const Answer& answer) {
    if (answer.ok()) return Evidence::Alive;
    switch (answer.failure->kind) {
      case FailureKind::BadCall:
      case FailureKind::Stopped:
      case FailureKind::Cancelled:
      case FailureKind::BreakerOpen:
      case FailureKind::PoolBusy:
      case FailureKind::NotSent:
        return Evidence::None;
      case FailureKind::Redirected:
      case FailureKind::Unauthorized:
      case FailureKind::Refused:
        return Evidence::Alive;
      case FailureKind::ServerError:  // 500 is how SOAP says no: somebody is there and thinks
        return answer.reply && answer.reply->status == 500 ? Evidence::Alive : Evidence::Failing;
      default:
        return Evidence::Failing;
    }
  }

  sdk::Awaitable<Answer> guarded(const Call& call) {
    const std::string bad = bad_settings_.empty() ? problem_of(call) : bad_settings_;
    if (!bad.empty()) co_return failed(FailureKind::BadCall, permanent(peer_ + ": " + bad), false);
    const asio::cancellation_state caller = co_await asio::this_coro::cancellation_state;
    Attempt attempt{call, caller, Steady::now() + call.deadline.value_or(settings_.limits.request_time)};
    if (stopping_) co_return unsent(attempt, FailureKind::Stopped, "");
    auto permit = breaker_.admit();
    if (!permit) {
      co_return unsent(attempt, FailureKind::BreakerOpen,
                       "it did not answer lately and is left alone for a while");
    }
    Answer answer;
    try {
      answer = co_await one_attempt(attempt, call.fresh_connection);
      const bool cut = attempt.stale && answer.failure && answer.failure->kind == FailureKind::Cut;
      if (cut && (call.safe_to_repeat || !answer.failure->sent)) {
        note([](ClientMetrics& m) { ++m.sent_again; });
        answer = co_await one_attempt(attempt, true);
      }
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      answer = failed(FailureKind::Cut, in_doubt(peer_ + ": " + error.what()), true);
    }
    const Evidence evidence = evidence_of(answer);
    if (evidence == Evidence::Alive) permit->succeeded();
    if (evidence == Evidence::Failing) permit->failed();
    note([](ClientMetrics&) {});
    co_return answer;
  }

  sdk::Awaitable<Answer> one_attempt(Attempt& attempt, bool fresh) {
    Pool::Lease lease;
    const Pool::Wait wait = co_await pool_.place(attempt.deadline, lease);
    if (wait == Pool::Wait::Full) {
      co_return unsent(attempt, FailureKind::PoolBusy, "too many requests wait for a connection");
    }
    if (wait == Pool::Wait::Late)
      co_return unsent(attempt, FailureKind::PoolBusy, "no connection was free in time");
    if (stopping_) co_return unsent(attempt, FailureKind::Stopped, "");
    std::optional<Answer> problem = co_await connect(attempt, fresh, lease);
    if (problem) co_return std::move(*problem);
    if (attempt.call.before_send && !attempt.hooked) {
      const Outcome allowed = co_await attempt.call.before_send();
      attempt.hooked = true;
      if (!allowed) {
        if (!lease->dead()) lease.keep(settings_.limits.idle_time);
        co_return failed(FailureKind::NotSent, allowed.error(), false);
      }
      if (stopping_ || attempt.is_cancelled()) co_return unsent(attempt, FailureKind::Stopped, "");
      // It may have taken long enough for the peer to hang up.
      if (lease->dead()) {
        problem = co_await connect(attempt, true, lease);
        if (problem) co_return std::move(*problem);
      }
    }
    co_return co_await exchange(attempt, lease);
  }

  // Fills the lease with a connection that stands. Gives the failure, if there is one.
  sdk::Awaitable<std::optional<Answer>> connect(Attempt& attempt, bool fresh, Pool::Lease& lease) {
    if (!fresh) {
      std::uint64_t stale = 0;
      auto kept = pool_.take_idle(stale);
      note([&](ClientMetrics& m) { m.stale += stale, m.reused += kept ? 1U : 0U; });
      if (kept) {
        lease.set(std::move(kept), true);
        co_return std::nullopt;
      }
    }
    const auto connect_by = std::min(attempt.deadline, Steady::now() + settings_.limits.connect_time);
    std::vector<tcp::endpoint> endpoints;
    std::optional<Answer> problem = co_await resolve(attempt, connect_by, endpoints);
    if (problem) co_return problem;

    tcp::socket socket(services_.executor);
    lease.set(std::make_shared<Connection>(std::move(socket)), false);
    lease->expire_at(connect_by);
    error_code error = co_await lease->connect(endpoints);
    if (error) {
      const bool late = lease->expired();
      if (late) co_return unsent(attempt, FailureKind::ConnectTimeout, "no connection in time");
      co_return unsent(attempt, FailureKind::ConnectFailed, "cannot be connected to: " + text_of(error));
    }
    note([](ClientMetrics& m) { ++m.connected; });
    if (!settings_.url.tls) co_return std::nullopt;

    const Result<TlsContext> context = co_await tls_.current();
    if (!context) co_return unsent(attempt, FailureKind::TlsFailed, context.error().message);
    lease->expire_at(std::min(attempt.deadline, Steady::now() + settings_.limits.tls_time));
    const std::string& name = settings_.server_name.empty() ? settings_.url.host : settings_.server_name;
    error = co_await lease->connect_tls(*context, name);
    if (error) {
      co_return unsent(attempt, FailureKind::TlsFailed, "no TLS with it: " + text_of(error));
    }
    co_return std::nullopt;
  }

  sdk::Awaitable<std::optional<Answer>> resolve(const Attempt& attempt, Steady::time_point deadline,
                                                std::vector<tcp::endpoint>& out) {
    error_code not_numeric;
    const auto address = asio::ip::make_address(settings_.url.host, not_numeric);
    if (!not_numeric) {
      out.emplace_back(address, settings_.url.port);
      co_return std::nullopt;
    }
    // The system's resolver cannot be interrupted: we stop to wait for it, and it ends when it ends.
    struct Lookup {
      Lookup(const asio::any_io_executor& executor, Steady::time_point until)
          : resolver(executor), timer(executor, until) {}
      tcp::resolver resolver;
      asio::steady_timer timer;
      std::optional<error_code> error;
      std::vector<tcp::endpoint> endpoints;
    };
    const auto lookup = std::make_shared<Lookup>(services_.executor, deadline);
    lookup->resolver.async_resolve(
        settings_.url.host, std::to_string(settings_.url.port), tcp::resolver::numeric_service,
        [lookup](const error_code& error, const tcp::resolver::results_type& found) {
          lookup->error = error;
          for (const auto& entry : found) lookup->endpoints.push_back(entry.endpoint());
          lookup->timer.cancel();
        });
    co_await lookup->timer.async_wait(kNoThrow);
    if (!lookup->error) {
      lookup->resolver.cancel();
      co_return unsent(attempt, FailureKind::NameUnknown, "its name could not be resolved in time");
    }
    if (*lookup->error) {
      co_return unsent(attempt, FailureKind::NameUnknown,
                       "its name could not be resolved: " + lookup->error->message());
    }
    out = lookup->endpoints;
    co_return std::nullopt;
  }

  sdk::Awaitable<Answer> exchange(Attempt& attempt, Pool::Lease& lease) {
    const std::uint64_t received = lease->received(), sent = lease->sent();
    lease->expire_at(attempt.deadline);
    Secret head(head_of(settings_, attempt.call));  // has the password in it: wiped
    const asio::const_buffer first = asio::buffer(head.reveal()), second = asio::buffer(attempt.call.body);
    const Io written = co_await lease->write(first, second);
    Answer answer;
    if (written.error && written.bytes == 0) {
      answer = unsent(attempt, FailureKind::Cut,
                      "the connection broke before the first byte: " + text_of(written.error));
      attempt.stale = lease.reused();
    } else {
      // Also after a broken write: a peer that refuses a body often answers first and hangs up then.
      answer = co_await read_answer(attempt, lease, !written.error);
    }
    note([&, to = lease.has_connection() ? lease->sent() - sent : 0,
          from = lease.has_connection() ? lease->received() - received : 0](ClientMetrics& m) {
      m.bytes_sent += to;
      m.bytes_received += from;
    });
    if (answer.reply && attempt.keep_for > std::chrono::milliseconds{0}) lease.keep(attempt.keep_for);
    co_return answer;
  }

  sdk::Awaitable<Answer> read_answer(Attempt& attempt, Pool::Lease& lease, bool all_written) {
    boost::beast::flat_buffer buffer;
    const std::uint64_t received = lease->received();
    for (int interim = 0; interim <= kMostInterim; ++interim) {
      ResponseParser parser(settings_.limits.header_bytes, settings_.limits.body_bytes);
      if (attempt.call.method == "HEAD") parser.skip(true);
      parser.eager(true);
      error_code error = co_await read_message(parser, buffer, lease);
      if (error) {
        const bool nothing_came = lease->received() == received;
        attempt.stale = lease.reused() && nothing_came && !lease->expired();
        co_return broken(attempt, error, nothing_came && !lease.reused(), lease->expired());
      }
      if (parser.status == 101)
        co_return unanswered(attempt, FailureKind::Garbage, "it changes the protocol unasked");
      if (parser.status < 200) continue;
      Reply reply{parser.status, std::move(parser.headers), std::move(parser.body)};
      const std::string* coding = reply.headers.find("Content-Encoding");
      if (coding != nullptr && !same_name(*coding, "identity")) {
        co_return unanswered(attempt, FailureKind::Garbage,
                             "the answer is compressed, which was not asked for");
      }
      if (all_written && parser.keep_alive() && buffer.size() == 0) {
        attempt.keep_for = settings_.limits.idle_time;
        // A second less than the peer says: what crosses its closing on the way is in doubt.
        if (const auto hint = keep_alive_hint(reply.headers)) {
          attempt.keep_for =
              std::min<std::chrono::milliseconds>(attempt.keep_for, *hint - std::chrono::seconds{1});
        }
      }
      Answer answer;
      answer.failure = judge(reply, peer_, services_.clock.now());
      answer.reply = std::move(reply);
      co_return answer;
    }
    co_return unanswered(attempt, FailureKind::Garbage, "interim answers without end");
  }

  sdk::Awaitable<error_code> read_message(ResponseParser& parser, boost::beast::flat_buffer& buffer,
                                          Pool::Lease& lease) {
    while (!parser.is_done()) {
      error_code error = beast_http::error::need_more;
      if (buffer.size() > 0) {
        buffer.consume(parser.put(buffer.cdata(), error));
        if (parser.is_done()) break;
        if (error && error != beast_http::error::need_more) co_return error;
        if (buffer.size() > settings_.limits.header_bytes + kMaxChunkLine)
          co_return beast_http::error::bad_chunk;
        if (!error && buffer.size() > 0) continue;
      }
      const asio::mutable_buffer space = buffer.prepare(kRead);
      const Io io = co_await lease->read_some(space);
      buffer.commit(io.bytes);
      if (io.error == asio::error::eof && parser.got_some() && parser.is_header_done() && parser.need_eof()) {
        error_code ended;
        parser.put_eof(ended);
        co_return ended;
      }
      if (io.error) co_return io.error;
    }
    co_return error_code();
  }

  // What an error while the answer was awaited means.
  Answer broken(const Attempt& attempt, const error_code& error, bool nothing_came_on_a_new_one,
                bool late) const {
    if (late) return unanswered(attempt, FailureKind::Timeout, "no complete answer in time");
    if (nothing_came_on_a_new_one && refused_our_certificate(error)) {
      return unsent(attempt, FailureKind::TlsFailed, "it does not accept our certificate: " + text_of(error));
    }
    if (error == beast_http::error::header_limit || error == beast_http::error::body_limit) {
      return unanswered(attempt, FailureKind::TooLarge, "the answer is larger than the limit");
    }
    if (error.category() == beast_http::make_error_code(beast_http::error::need_more).category() &&
        error != beast_http::error::partial_message) {
      return unanswered(attempt, FailureKind::Garbage, "what it sent is not HTTP: " + error.message());
    }
    return unanswered(attempt, FailureKind::Cut,
                      "the connection ended before the answer did: " + text_of(error));
  }

  template <class Change>
  void note(Change change) {
    const std::lock_guard lock(mutex_);
    change(metrics_);
    metrics_.in_use = pool_.in_use();
    metrics_.idle = pool_.idle();
    metrics_.waiting = pool_.waiting();
    metrics_.breaker = breaker_.metrics();
  }

  const ClientSettings settings_;
  const sdk::Services services_;
  const std::string peer_, bad_settings_;
  Pool pool_;
  TlsFiles tls_;
  Breaker breaker_;
  bool stopping_ = false;
  mutable std::mutex mutex_;
  ClientMetrics metrics_;
};

Client::Client(ClientSettings settings, sdk::Services services)
    : core_(std::make_shared<Core>(std::move(settings), services)) {}

Client::~Client() {
  core_->abandon();
}

sdk::Awaitable<Answer> Client::send(Call call) {
  const auto core = core_;  // outlives a client that goes before its call
  co_return co_await core->send(std::move(call));
}

sdk::Awaitable<void> Client::stop() {
  co_await core_->stop();
}

ClientMetrics Client::metrics() const {
  return core_->metrics();
}

}  // namespace ami::http
