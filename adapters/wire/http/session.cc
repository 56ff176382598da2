#include "adapters/wire/http/session.h"

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cstdio>
#include <exception>
#include <utility>

namespace ami::http {
namespace {

namespace beast_http = boost::beast::http;

constexpr std::size_t kFirstRead = 512;  // what a resting connection holds
constexpr std::size_t kHeaderRead = 4 << 10;
constexpr std::size_t kBodyRead = 32 << 10;
constexpr std::size_t kMaxChunkLine = 16 << 10;  // a chunk's size line, or the trailers

struct Target {
  std::string path, query;
};

// "/path?query", or the whole URL as a proxy would send it (RFC 9112 3.2.2).
Target split(const std::string& target) {
  std::string_view rest = target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!rest.starts_with(scheme)) continue;
    const std::size_t slash = rest.find('/', scheme.size());
    rest = slash == std::string_view::npos ? "/" : rest.substr(slash);
    break;
  }
  const std::size_t question = rest.find('?');
  Target parts;
  parts.path = rest.substr(0, question);
  if (question != std::string_view::npos) parts.query = rest.substr(question + 1);
  return parts;
}

Response refusal_of(const error_code& error) {
  if (error == beast_http::error::header_limit)
    return plain(431, "the header is larger than this server takes");
  if (error == beast_http::error::body_limit) return plain(413, "the body is larger than this server takes");
  if (error == beast_http::error::bad_version) return plain(505, "this server speaks HTTP/1.0 and HTTP/1.1");
  return plain(400, "this is not a well-formed HTTP/1.1 request: " + error.message());
}

std::chrono::milliseconds time_for(std::size_t bytes, const ServerLimits& limits) {
  const auto rate = std::max<std::size_t>(1, limits.min_rate);
  return limits.rate_grace + std::chrono::milliseconds{bytes * 1000 / rate};
}

}  // namespace

std::string http_date(UtcInstant instant) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(instant - day));
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays.at(std::chrono::weekday(day).c_encoding()), static_cast<unsigned>(date.day()),
                kMonths.at(static_cast<unsigned>(date.month()) - 1), static_cast<int>(date.year()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

// Given back when the request is done with, however it ends.
class Session::Buffered {
 public:
  explicit Buffered(SharedWork& shared) : shared_(shared) {}
  Buffered(const Buffered&) = delete;
  Buffered& operator=(const Buffered&) = delete;
  ~Buffered() { grow_to(0); }

  void grow_to(std::size_t bytes) {
    shared_.buffered += bytes;
    shared_.buffered -= bytes_;
    bytes_ = bytes;
    shared_.count([&](ServerCounters& c) { c.buffered_bytes = shared_.buffered; });
  }

 private:
  SharedWork& shared_;
  std::size_t bytes_ = 0;
};

Session::Session(std::shared_ptr<SharedWork> shared, tcp::socket socket, Peer peer)
    : shared_(std::move(shared)),
      connection_(std::make_shared<Connection>(std::move(socket))),
      peer_(std::move(peer)) {}

void Session::stop() {
  if (resting_) connection_->close();
}

void Session::close() {
  connection_->close();
}

void Session::abort() {
  close();
  cancellation_.emit(asio::cancellation_type::terminal);
}

void Session::settle_bytes() {
  shared_->count([&](ServerCounters& c) {
    c.bytes_received += connection_->received() - told_received_;
    c.bytes_sent += connection_->sent() - told_sent_;
  });
  told_received_ = connection_->received();
  told_sent_ = connection_->sent();
}

sdk::Awaitable<void> Session::run() {
  bool good = true;
  if (shared_->tls) good = co_await handshake();
  const std::uint64_t most = shared_->settings.limits.requests_per_connection;
  for (std::uint64_t served = 1; good; ++served) {
    if (buffer_.size() == 0) good = co_await first_bytes();
    if (!good) break;
    resting_ = false;
    good = co_await one_request(served >= most);
    settle_bytes();
    resting_ = true;
  }
  settle_bytes();
}

sdk::Awaitable<bool> Session::handshake() {
  connection_->expire_at(Steady::now() + shared_->settings.limits.header_time);
  const Result<TlsContext> context = co_await shared_->tls->current();
  error_code error = asio::error::access_denied;
  if (context) error = co_await connection_->accept_tls(*context);
  if (!error) {
    peer_.tls = true;
    peer_.certificate = connection_->peer_certificate();
    co_return true;
  }
  const bool late = connection_->expired();
  shared_->count([&](ServerCounters& c) { ++(late ? c.timeout_handshake : c.tls_failed); });
  shared_->services.log.write(sdk::LogLevel::Debug, "HTTP_TLS_REFUSED",
                              "peer=" + peer_.address + " problem=\"" + text_of(error) + "\"");
  // With TLS 1.3 the request is on its way already; closed at once, the alert that says why would be lost.
  if (!late) co_await connection_->close_gently();
  connection_->close();
  co_return false;
}

// Waits for a request to begin. A resting connection holds no more than this small buffer.
sdk::Awaitable<bool> Session::first_bytes() {
  buffer_ = boost::beast::flat_buffer();
  if (shared_->stopping) co_return false;
  connection_->expire_at(Steady::now() + shared_->settings.limits.idle_time);
  const asio::mutable_buffer space = buffer_.prepare(kFirstRead);
  const Io io = co_await connection_->read_some(space);
  buffer_.commit(io.bytes);
  if (!io.error) co_return true;
  if (connection_->expired()) {
    shared_->count([](ServerCounters& c) { ++c.timeout_idle; });
    co_await connection_->close_gently();
  }
  connection_->close();
  co_return false;
}

sdk::Awaitable<Session::Step> Session::more(bool body) {
  const asio::mutable_buffer space = buffer_.prepare(body ? kBodyRead : kHeaderRead);
  const Io io = co_await connection_->read_some(space);
  buffer_.commit(io.bytes);
  Step step;
  if (!io.error) co_return step;
  if (connection_->expired()) {
    shared_->count([&](ServerCounters& c) { ++(body ? c.timeout_body : c.timeout_header); });
    step.refusal = plain(408, body ? "the body came too slowly" : "the header did not come in time");
  } else {
    shared_->count([](ServerCounters& c) { ++c.cut; });
    step.ended = true;
  }
  co_return step;
}

Session::Step Session::feed(RequestParser& parser, bool& more_needed) {
  error_code error;
  const std::size_t used = parser.put(buffer_.cdata(), error);
  buffer_.consume(used);
  more_needed = error == beast_http::error::need_more;
  Step step;
  if (more_needed) error = {};
  // Nothing was used of so much: a line without an end.
  if (more_needed && parser.is_header_done() && buffer_.size() > kMaxChunkLine) {
    step.refusal = plain(400, "a chunk's first line, or the trailers, have no end");
  } else if (error) {
    step.refusal = refusal_of(error);
  }
  return step;
}

sdk::Awaitable<Session::Step> Session::read_header(RequestParser& parser) {
  for (;;) {
    bool more_needed = false;
    Step step = feed(parser, more_needed);
    if (step.refusal || parser.is_header_done()) co_return step;
    step = co_await more(false);
    if (step.ended || step.refusal) co_return step;
  }
}

sdk::Awaitable<Session::Step> Session::read_body(RequestParser& parser, Buffered& buffered,
                                                 Steady::time_point begun) {
  const ServerLimits& limits = shared_->settings.limits;
  const auto body_begun = Steady::now();
  Step step;
  while (!parser.is_done()) {
    bool more_needed = buffer_.size() == 0;
    if (!more_needed) step = feed(parser, more_needed);
    buffered.grow_to(parser.body.size());
    if (!step.refusal && shared_->buffered > limits.buffered_bytes) {
      step.refusal = saturated("this server holds as many bodies as it can");
    }
    if (step.refusal) break;
    if (!more_needed) continue;
    connection_->expire_at(
        std::min(begun + limits.request_time, body_begun + time_for(parser.body.size(), limits)));
    step = co_await more(true);
    if (step.ended || step.refusal) break;
  }
  co_return step;
}

Response Session::saturated(const char* why) const {
  Response response = plain(503, std::string(why) + "; send it again later");
  response.headers.add("Retry-After", std::to_string(shared_->settings.limits.retry_after.count()));
  return response;
}

// What can be said from the header alone, before a body is read.
std::optional<Response> Session::refuse(RequestParser& parser, const Handler*& handler) const {
  const Headers& headers = parser.headers;
  const ServerSettings& settings = shared_->settings;
  if (parser.version > 11) return plain(505, "this server speaks HTTP/1.0 and HTTP/1.1");
  if (headers.count("Host") > 1 || (parser.version == 11 && headers.count("Host") == 0)) {
    return plain(400, "an HTTP/1.1 request has one Host header");
  }
  if (const std::string* coding = headers.find("Transfer-Encoding")) {
    // Framing that a proxy before us may read in another way is not guessed at (RFC 9112 6.1).
    if (parser.version < 11) return plain(400, "HTTP/1.0 knows no Transfer-Encoding");
    if (!same_name(*coding, "chunked")) return plain(501, "the only transfer coding here is chunked");
  }
  const Target target = split(parser.target);
  const auto path = shared_->routes.find(target.path);
  if (path == shared_->routes.end()) return plain(404, "nothing is served at this path");
  const auto method = path->second.find(parser.method);
  if (method == path->second.end()) {
    Response response = plain(405, "this path has no such method");
    std::string allowed;
    for (const auto& [name, unused] : path->second) allowed += (allowed.empty() ? "" : ", ") + name;
    response.headers.add("Allow", allowed);
    return response;
  }
  handler = &method->second;
  if (settings.basic) {
    const std::string* shown = headers.find("Authorization");
    const auto credentials = shown != nullptr ? parse_basic(*shown) : std::nullopt;
    if (!constant_time_equal(credentials.value_or(BasicCredentials{}), *settings.basic)) {
      Response response = plain(401, "user and password are asked for here");
      response.headers.add("WWW-Authenticate", "Basic realm=\"ami\", charset=\"UTF-8\"");
      return response;
    }
  }
  if (const std::string* coding = headers.find("Content-Encoding");
      coding != nullptr && !same_name(*coding, "identity")) {
    Response response = plain(415, "compressed bodies are not taken");
    response.headers.add("Accept-Encoding", "identity");
    return response;
  }
  if (const auto length = parser.content_length(); length && *length > settings.limits.body_bytes) {
    return plain(413, "the body is larger than this server takes");
  }
  const std::string* expect = headers.find("Expect");
  if (expect != nullptr && !same_name(*expect, "100-continue"))
    return plain(417, "only 100-continue is known");
  if (shared_->stopping) return saturated("this server is stopping");
  if (shared_->in_work >= settings.limits.requests_in_work)
    return saturated("this server is at work to its limit");
  return std::nullopt;
}

Request Session::take(RequestParser& parser) const {
  Request request;
  Target target = split(parser.target);
  request.method = std::move(parser.method);
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  if (const std::string* shown = parser.headers.find("Authorization"))
    request.credentials = parse_basic(*shown);
  parser.headers.erase("Authorization");
  request.headers = std::move(parser.headers);
  request.body = std::move(parser.body);
  request.peer = peer_;
  return request;
}

sdk::Awaitable<Response> Session::handle(const Handler& handler, Request request) {
  struct Place {
    explicit Place(SharedWork& of) : shared(of) { set(shared.in_work + 1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { set(shared.in_work - 1); }
    void set(std::size_t in_work) {
      shared.in_work = in_work;
      shared.count([&](ServerCounters& c) { c.in_work = in_work; });
    }
    SharedWork& shared;
  };
  const Place place(*shared_);
  std::string problem;
  try {
    Response response = co_await handler(std::move(request));
    problem = response.headers.problem();
    if (response.status < 200 || response.status > 599) {
      problem = "a handler gave status " + std::to_string(response.status);
    }
    if (problem.empty()) co_return response;
  } catch (const std::exception& error) {
    problem = error.what();
  }
  shared_->count([](ServerCounters& c) { ++c.handler_errors; });
  shared_->services.log.write(sdk::LogLevel::Error, "HTTP_HANDLER_FAILED", "problem=\"" + problem + "\"");
  co_return plain(500, "this server failed on the request");
}

// True: the connection is ready for another request.
sdk::Awaitable<bool> Session::one_request(bool last) {
  const ServerLimits& limits = shared_->settings.limits;
  const auto begun = Steady::now();
  RequestParser parser(limits.header_bytes, limits.body_bytes);
  Buffered buffered(*shared_);
  connection_->expire_at(std::min(begun + limits.header_time, begun + limits.request_time));

  Step step = co_await read_header(parser);
  if (step.ended) co_return false;
  const Handler* handler = nullptr;
  if (!step.refusal) {
    shared_->count([](ServerCounters& c) { ++c.requests; });
    step.refusal = refuse(parser, handler);
    parser.eager(true);
    if (!step.refusal && parser.version == 11 && parser.headers.find("Expect") != nullptr &&
        !parser.is_done() && buffer_.size() == 0) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      connection_->expire_at(begun + limits.header_time);
      const asio::const_buffer line = asio::buffer(kContinue), nothing;
      co_await connection_->write(line, nothing);  // a failure shows when the body is read
    }
  }
  if (!step.refusal) {
    step = co_await read_body(parser, buffered, begun);
    if (step.ended) co_return false;
  }
  const bool head = parser.method == "HEAD";
  // Nothing of a refused request may be taken for the next one.
  const bool keep = parser.is_done() && parser.keep_alive() && !last;
  if (!step.refusal && shared_->in_work >= limits.requests_in_work) {
    step.refusal = saturated("this server is at work to its limit");  // since the header came
  }
  connection_->never_expire();  // a handler takes the time it takes
  Response response;
  if (step.refusal) {
    response = std::move(*step.refusal);
  } else {
    Request request = take(parser);
    response = co_await handle(*handler, std::move(request));
  }
  co_return co_await answer(std::move(response), keep, head);
}

sdk::Awaitable<bool> Session::answer(Response response, bool keep, bool without_body) {
  keep = keep && !response.close && !shared_->stopping;
  for (const char* own : {"Content-Length", "Connection", "Date", "Transfer-Encoding"})
    response.headers.erase(own);
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                     std::string(reason_of(response.status)) +
                     "\r\nDate: " + http_date(shared_->services.clock.now()) + "\r\n";
  for (const Header& header : response.headers.all()) head += header.name + ": " + header.value + "\r\n";
  const bool no_content = response.status == 204 || response.status == 304;
  if (!no_content) head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  head += keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (no_content || without_body) response.body.clear();

  shared_->count([&](ServerCounters& c) { ++c.answers[response.status]; });
  connection_->expire_at(Steady::now() +
                         time_for(head.size() + response.body.size(), shared_->settings.limits));
  const asio::const_buffer first = asio::buffer(head), second = asio::buffer(response.body);
  const Io io = co_await connection_->write(first, second);
  if (io.error) {
    const bool late = connection_->expired();
    shared_->count([&](ServerCounters& c) { ++(late ? c.timeout_answer : c.cut); });
    connection_->close();
    co_return false;
  }
  if (!keep) co_await connection_->close_gently();
  co_return keep;
}

}  // namespace ami::http
