#include "adapters/wire/cim/link/reply_server.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "adapters/wire/cim/codec/encode.h"
#include "adapters/wire/cim/link/incoming.h"
#include "meter_model/quantity/quoted.h"

namespace ami::cim {
namespace {

constexpr std::size_t kLongestKey = 128;
// A larger message is read off the strand, so that it does not hold up what else the adapter does.
constexpr std::size_t kReadInPlace = 16 << 10;
// No message that means something has more elements or attributes than a place of this size each; one of
// "<a/>" alone would take many times its size in memory.
constexpr std::size_t kBytesAnElement = 16;

xml::TreeLimits bounded(xml::TreeLimits limits, std::size_t body_bytes) {
  const std::size_t most = std::max<std::size_t>(1'000, body_bytes / kBytesAnElement);
  limits.bytes = std::min(limits.bytes, body_bytes);
  limits.elements = std::min(limits.elements, most);
  limits.attributes = std::min(limits.attributes, most);
  return limits;
}

// Both parts are compared, whatever the first says.
bool shows(const Message& message, const http::BasicCredentials& asked) {
  const Credentials nothing;
  const bool same = constant_time_equal(asked, message.credentials ? *message.credentials : nothing);
  return message.credentials.has_value() & same;
}

http::Response written(int status, const Message& message) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", message.soap == Soap::None  ? "application/xml; charset=utf-8"
                                       : message.soap == Soap::V11 ? "text/xml; charset=utf-8"
                                                                   : "application/soap+xml; charset=utf-8");
  response.body = encode(message);
  return response;
}

}  // namespace

ReplyServer::ReplyServer(ReplyServerSettings settings, sdk::Services services)
    : settings_(std::move(settings)),
      services_(services),
      limits_(bounded(settings_.options.limits, settings_.server.limits.body_bytes)),
      server_(settings_.server, services_) {
  for (const std::string& path : settings_.paths)
    server_.route("POST", path, [this](http::Request request) { return take(std::move(request)); });
}

sdk::Awaitable<Outcome> ReplyServer::start() {
  co_return co_await server_.start();
}

sdk::Awaitable<void> ReplyServer::stop() {
  co_await server_.stop();
}

ReplyServerCounters ReplyServer::counters() const {
  ReplyServerCounters copy;
  {
    const std::lock_guard lock(mutex_);
    copy = counters_;
  }
  copy.http = server_.counters();
  return copy;
}

void ReplyServer::count(std::uint64_t ReplyServerCounters::*what) {
  const std::lock_guard lock(mutex_);
  ++(counters_.*what);
}

void ReplyServer::complain(http::LinePerMinute& lines, std::string_view id, const std::string& address,
                           std::string text) {
  const auto held = lines.admit(address, services_.clock.now());
  if (!held) return;
  services_.log.write(sdk::LogLevel::Warn, id,
                      "peer=" + address + " more_since=" + std::to_string(*held) + " " + text);
}

// A SOAP Fault where the message came in SOAP (SOAP 1.1, 6.2: with 500), else a reply FAILED.
http::Response ReplyServer::refuse(int status, const Message& to, std::string words) const {
  Message message = reply_to(to, {});
  message.header.timestamp = to_text(services_.clock.now());
  message.header.source = settings_.source;
  if (to.soap != Soap::None) {
    message.kind = Kind::Fault;
    message.reply.reset();
    message.fault = std::move(words);
    return written(status == 400 ? 500 : status, message);
  }
  ReplyError error;
  error.level = "FATAL";
  error.reason = std::move(words);
  message.reply = Reply{"FAILED", {error}};
  return written(status, message);
}

sdk::Awaitable<http::Response> ReplyServer::take(http::Request request) {
  Result<Opened> read = permanent("not read");
  const auto open = [&] { read = open_message(request.body, limits_); };
  if (request.body.size() <= kReadInPlace) {
    open();
  } else {
    const std::function<void()> work = open;
    co_await services_.offload.run(work);
  }
  const std::size_t bytes = std::exchange(request.body, {}).size();  // what counts of it is in `read`
  if (!read) {
    count(&ReplyServerCounters::unreadable);
    complain(unreadable_lines_, "CIM_MESSAGE_UNREADABLE", request.peer.address,
             "bytes=" + std::to_string(bytes) + " error=" + quoted(read.error().message, 200));
    Message to;
    const std::string* type = request.headers.find("Content-Type");
    if (type != nullptr && type->starts_with("text/xml")) to.soap = Soap::V11;
    if (type != nullptr && type->starts_with("application/soap+xml")) to.soap = Soap::V12;
    co_return refuse(400, to, read.error().message);
  }
  Opened& opened = read.value();
  if (const auto& asked = settings_.server.in_message; asked && !shows(opened.message, *asked)) {
    count(&ReplyServerCounters::unauthenticated);
    complain(unauthenticated_lines_, "CIM_CREDENTIALS_WRONG", request.peer.address,
             "advice=\"compare header_user and header_password_file with what the head-end sends\"");
    co_return refuse(403, opened.message, "user or password is wrong or not there");
  }
  if (!opened.tells) {
    count(&ReplyServerCounters::not_ours);
    co_return refuse(400, opened.message,
                     "only replies, readings and events are taken here, and this message holds none");
  }
  std::string key = opened.message.header.correlation_id.empty() ? opened.message.header.message_id
                                                                 : opened.message.header.correlation_id;
  key.resize(std::min(key.size(), kLongestKey));
  const Result<std::uint64_t> id = co_await services_.journal->append(std::move(key), std::move(opened.kept));
  if (!id && id.error().fault == Fault::Permanent) {
    count(&ReplyServerCounters::too_large);
    co_return http::plain(413, "the message is larger than the journal takes\n");
  }
  if (!id) {
    count(&ReplyServerCounters::pushed_back);
    http::Response response = http::plain(503, "the message could not be kept now: send it again\n");
    response.headers.add("Retry-After", std::to_string(settings_.server.limits.retry_after.count()));
    co_return response;
  }
  {
    const std::lock_guard lock(mutex_);
    ++counters_.taken;
    counters_.last_taken = services_.clock.now();
  }
  Message reply = reply_to(opened.message, {"OK", {}});
  reply.header.timestamp = to_text(services_.clock.now());
  reply.header.source = settings_.source;
  co_return written(200, reply);
}

}  // namespace ami::cim
