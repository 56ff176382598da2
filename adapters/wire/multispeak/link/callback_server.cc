#include "adapters/wire/multispeak/link/callback_server.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "adapters/wire/http/line_per_minute.h"
#include "adapters/wire/multispeak/link/callback_answers.h"
#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

// A larger message is read off the strand, so that it does not hold up what else the adapter does.
constexpr std::size_t kReadInPlace = 16 << 10;
// Nothing that means something has more elements or attributes than a place of this size each: a message of
// "<a/>" would take twenty times its size in memory otherwise.
constexpr std::size_t kBytesAnElement = 16;

Options bounded(Options options, std::size_t body_bytes) {
  xml::TreeLimits& limits = options.limits;
  const std::size_t most = std::max<std::size_t>(1'000, body_bytes / kBytesAnElement);
  limits.bytes = std::min(limits.bytes, body_bytes);
  limits.elements = std::min(limits.elements, most);
  limits.attributes = std::min(limits.attributes, most);
  return options;
}

std::string listed(const auto& items) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ',';
    if constexpr (std::is_integral_v<std::decay_t<decltype(item)>>) {
      text += std::to_string(item);
    } else {
      text += item;
    }
  }
  return text;
}

}  // namespace

class CallbackServer::Core {
 public:
  Core(CallbackSettings settings, sdk::Services services)
      : settings_(std::move(settings)),
        services_(services),
        options_(bounded(settings_.options, settings_.server.limits.body_bytes)),
        answers_(settings_.company, settings_.app_name,
                 std::to_string(settings_.server.limits.retry_after.count())),
        server_(settings_.server, services) {
    for (const std::string& path : settings_.paths) {
      server_.route("POST", path, [this](http::Request request) { return serve(std::move(request)); });
    }
  }

  sdk::Awaitable<Outcome> start() {
    if (services_.journal == nullptr) {
      co_return permanent("callbacks need the journal, and this feed was given none");
    }
    Outcome started = co_await server_.start();
    if (started) {
      log(sdk::LogLevel::Info, "MULTISPEAK_CALLBACKS_OPEN",
          "ports=" + listed(server_.ports()) + " paths=" + listed(settings_.paths));
    }
    co_return started;
  }
  sdk::Awaitable<void> stop() { co_await server_.stop(); }
  [[nodiscard]] std::vector<std::uint16_t> ports() const { return server_.ports(); }

  [[nodiscard]] CallbackCounters counters() const {
    CallbackCounters counters;
    {
      const std::lock_guard lock(mutex_);
      counters = counters_;
    }
    counters.http = server_.counters();
    return counters;
  }

 private:
  sdk::Awaitable<http::Response> serve(http::Request request) {
    Result<Incoming> read = permanent("not read");
    const auto decode = [&] { read = decode_request(request.body, options_); };
    if (request.body.size() <= kReadInPlace) {
      decode();
    } else {
      const std::function<void()> work = decode;
      co_await services_.offload.run(work);
    }
    const UtcInstant now = services_.clock.now();
    if (!read) {
      count(&CallbackCounters::unreadable);
      complain("MULTISPEAK_CALLBACK_UNREADABLE", unreadable_lines_, request.peer.address,
               "problem=" + quoted(read.error().message, 200));
      const std::string* type = request.headers.find("Content-Type");
      co_return answers_.fault(request.body, type == nullptr ? "" : *type, read.error(), now);
    }
    request.body = {};  // what counts of it is in `read`; the journal may take its time
    Incoming incoming = std::move(read).value();
    if (settings_.server.in_message && !shows(incoming.header, *settings_.server.in_message)) {
      count(&CallbackCounters::unauthenticated);
      complain("MULTISPEAK_CALLBACK_UNAUTHENTICATED", unauthenticated_lines_, request.peer.address,
               "advice=\"compare header_user and header_password_file with what the head-end sends\"");
      co_return answers_.fault(incoming,
                               permanent("not_authenticated: the message header does not show the"
                                         " UserID and Pwd that are asked for here"),
                               now);
    }
    if (is_notification(incoming.operation)) co_return co_await keep(incoming);
    if (const auto refusal = not_for_us(incoming)) {
      count(&CallbackCounters::unreadable);
      complain("MULTISPEAK_CALLBACK_UNREADABLE", unreadable_lines_, request.peer.address,
               "problem=" + quoted(refusal->message, 200));
      co_return answers_.fault(incoming, *refusal, now);
    }
    co_return answer_at_once(incoming, now);
  }

  http::Response answer_at_once(const Incoming& incoming, UtcInstant now) {
    if (incoming.operation == Operation::GetMethods) {
      count(&CallbackCounters::methods_asked);
      return answers_.methods(incoming, now);
    }
    if (incoming.operation == Operation::PingUrl) count(&CallbackCounters::pings);
    if (incoming.operation == Operation::MeterExchange) {
      log(sdk::LogLevel::Info, "MULTISPEAK_METER_EXCHANGE",
          "exchanges=" + std::to_string(incoming.request->changes.size()) +
              " action=\"none: the utility's own books say which meter is where\"");
    }
    return answers_.taken(incoming, now);
  }

  sdk::Awaitable<http::Response> keep(Incoming& incoming) {
    const std::size_t bytes = incoming.journal.size();
    std::string key = journal_key(incoming);
    const Result<std::uint64_t> id =
        co_await services_.journal->append(std::move(key), std::move(incoming.journal));
    const UtcInstant now = services_.clock.now();
    if (!id && id.error().fault == Fault::Permanent) {
      count(&CallbackCounters::unreadable);
      co_return answers_.fault(incoming, id.error(), now);
    }
    if (!id) {
      count(&CallbackCounters::pushed_back);
      co_return answers_.later(incoming, id.error(), now);
    }
    count(&CallbackCounters::notifications);
    log(sdk::LogLevel::Debug, "MULTISPEAK_NOTIFICATION",
        "operation=" + std::string(name_of(incoming.operation, incoming.version)) + " version=" +
            std::string(name_of(incoming.version)) + " transaction=" + quoted(incoming.transaction, 64) +
            " bytes=" + std::to_string(bytes) + " journal=" + std::to_string(*id));
    co_return answers_.taken(incoming, now);
  }

  void count(std::uint64_t CallbackCounters::*which) {
    const std::lock_guard lock(mutex_);
    ++(counters_.*which);
  }
  void log(sdk::LogLevel level, std::string_view id, std::string text) {
    services_.log.write(level, id, std::move(text));
  }
  void complain(std::string_view id, http::LinePerMinute& lines, const std::string& address,
                std::string text) {
    const auto held = lines.admit(address, services_.clock.now());
    if (!held) return;
    log(sdk::LogLevel::Warn, id, "peer=" + address + " more_since=" + std::to_string(*held) + " " + text);
  }

  const CallbackSettings settings_;
  const sdk::Services services_;
  const Options options_;
  const CallbackAnswers answers_;
  http::Server server_;
  http::LinePerMinute unreadable_lines_, unauthenticated_lines_;
  mutable std::mutex mutex_;
  CallbackCounters counters_;
};

CallbackServer::CallbackServer(CallbackSettings settings, sdk::Services services)
    : core_(std::make_shared<Core>(std::move(settings), services)) {}
CallbackServer::~CallbackServer() = default;

sdk::Awaitable<Outcome> CallbackServer::start() {
  return core_->start();
}
sdk::Awaitable<void> CallbackServer::stop() {
  return core_->stop();
}
std::vector<std::uint16_t> CallbackServer::ports() const {
  return core_->ports();
}
CallbackCounters CallbackServer::counters() const {
  return core_->counters();
}

}  // namespace ami::multispeak
