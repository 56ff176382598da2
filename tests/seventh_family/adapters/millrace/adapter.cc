#include "adapters/millrace/adapter.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <utility>

#include "adapters/millrace/codec/lines.h"
#include "adapters/wire/drop_folder/event.h"

namespace ami::millrace {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using sdk::HealthState;

class MillraceAdapter final : public sdk::Adapter {
 public:
  MillraceAdapter(sdk::AdapterInfo info, Link link, sdk::Services services)
      : info_(std::move(info)),
        link_(std::move(link)),
        services_(services),
        socket_(services.executor),
        wake_(services.executor),
        turn_(services.executor),
        quiet_(services.executor) {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] sdk::Health health() const override {
    const std::lock_guard lock(mutex_);
    return health_;
  }

  sdk::Awaitable<Outcome> start() override {
    if (services_.journal == nullptr) co_return permanent("millrace needs the journal, and was given none");
    stopping_ = false;
    set_health(HealthState::Starting, "the head-end has not been reached yet");
    ++running_;
    asio::co_spawn(services_.executor, keep_connected(), asio::detached);
    co_return Done{};
  }

  sdk::Awaitable<void> stop() override {
    stopping_ = true;
    hang_up();
    wake_.notify();
    while (running_ > 0) co_await quiet_.wait();
    set_health(HealthState::Stopped, "");
  }

  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) override {
    if (attempt.kind != sdk::CommandKind::Read) {
      co_return answers(attempt, sdk::AttemptState::Failed, "not_stated");
    }
    if (!connected_) co_return answers(attempt, sdk::AttemptState::Failed, "unreachable");
    ++running_;
    auto result = answers(attempt, sdk::AttemptState::Failed, "not_sent");
    const Outcome may_leave = co_await attempt.before_send();
    if (may_leave && connected_) {
      std::string lines;
      for (const std::string& meter : attempt.meters) lines += encode({attempt.transaction, meter});
      const bool written = co_await write(std::move(lines));
      result = written ? answers(attempt, sdk::AttemptState::Waiting, "")
                       : answers(attempt, sdk::AttemptState::Unknown, "no_answer");
    }
    --running_;
    quiet_.notify();
    co_return result;
  }

 private:
  static std::vector<sdk::AttemptAnswer> answers(const sdk::Attempt& attempt, sdk::AttemptState state,
                                                 const char* reason) {
    sdk::AttemptAnswer answer;
    answer.state = state;
    answer.reason = reason;
    return std::vector<sdk::AttemptAnswer>(attempt.meters.size(), answer);
  }

  sdk::Awaitable<void> keep_connected() {
    using namespace asio::experimental::awaitable_operators;
    const tcp::endpoint head_end(asio::ip::make_address(link_.address), link_.port);
    while (!stopping_) {
      boost::system::error_code error;
      co_await socket_.async_connect(head_end, asio::redirect_error(asio::use_awaitable, error));
      if (!error && !stopping_) {
        connected_ = true;
        set_health(HealthState::Healthy, "");
        co_await listen();
      }
      hang_up();
      if (stopping_) break;
      set_health(HealthState::Degraded, "no connection with the head-end; it is called again");
      co_await (services_.clock.wait(link_.retry) || wake_.wait());
    }
    --running_;
    quiet_.notify();
  }

  // Until the connection ends, or a line that is too long ends it.
  sdk::Awaitable<void> listen() {
    std::string buffer;
    for (;;) {
      boost::system::error_code error;
      const std::size_t size =
          co_await asio::async_read_until(socket_, asio::dynamic_buffer(buffer, kLongestLine), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      std::string line = buffer.substr(0, size);
      buffer.erase(0, size);
      std::string answer = co_await keep(std::move(line));
      const bool written = co_await write(std::move(answer));
      if (!written) co_return;
    }
  }

  // On disk first, then acknowledged. A damaged line is kept, too: an operator should see that lines break.
  sdk::Awaitable<std::string> keep(std::string line) {
    const bool sound = unseal(line).has_value();
    std::string key = sound ? std::string(meter_of(line)) : "damaged";
    const Result<std::uint64_t> kept = co_await services_.journal->append(std::move(key), std::move(line));
    if (!kept && kept.error().fault == Fault::Transient) co_return std::string(kBusy);
    if (kept) count(sound);
    co_return std::string(kept && sound ? kAck : kNak);
  }

  // Answers and questions share the connection: one at a time. False: it is gone.
  sdk::Awaitable<bool> write(std::string text) {
    while (writing_) co_await turn_.wait();
    if (!connected_) {
      turn_.notify();
      co_return false;
    }
    writing_ = true;
    boost::system::error_code error;
    co_await asio::async_write(socket_, asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
    writing_ = false;
    turn_.notify();
    co_return !error;
  }

  void hang_up() {
    connected_ = false;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  void set_health(HealthState state, std::string reason) {
    const std::lock_guard lock(mutex_);
    health_.state = state;
    health_.reason = std::move(reason);
  }
  void count(bool sound) {
    const std::lock_guard lock(mutex_);
    ++(sound ? health_.records : health_.malformed);
    health_.last_success = services_.clock.now();
  }

  const sdk::AdapterInfo info_;
  const Link link_;
  const sdk::Services services_;
  tcp::socket socket_;
  wire::Event wake_, turn_, quiet_;
  int running_ = 0;  // coroutines
  bool stopping_ = false, connected_ = false, writing_ = false;
  mutable std::mutex mutex_;
  sdk::Health health_;
};

}  // namespace

std::unique_ptr<sdk::Adapter> make_adapter(sdk::AdapterInfo info, Link link, sdk::Services services) {
  return std::make_unique<MillraceAdapter>(std::move(info), std::move(link), services);
}

}  // namespace ami::millrace
