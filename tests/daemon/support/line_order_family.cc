#include "tests/daemon/support/line_order_family.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <sstream>

#include "meter_model/failpoint.h"
#include "tests/daemon/pipeline/sample_feed.h"

namespace ami::daemon::testing {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kLongestLine = 1 << 16;

class LineOrderAdapter final : public sdk::Adapter {
 public:
  LineOrderAdapter(const sdk::AdapterInfo& info, const sdk::Settings& settings, sdk::Services services)
      : info_(info),
        far_(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(settings.integer("far_port"))),
        services_(services),
        results_(services.executor) {}

  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  sdk::Health health() const override {
    sdk::Health health;
    health.state = sdk::HealthState::Healthy;
    return health;
  }
  sdk::Awaitable<Outcome> start() override {
    ++running_;
    asio::co_spawn(services_.executor, listen(), asio::detached);
    co_return Done{};
  }
  sdk::Awaitable<void> stop() override {
    stopping_ = true;
    boost::system::error_code ignored;
    results_.close(ignored);
    while (running_ > 0) co_await services_.clock.wait(std::chrono::milliseconds{1});
  }

  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) override {
    std::vector<sdk::AttemptAnswer> answers(attempt.meters.size());
    const auto all = [&](sdk::AttemptState state, const char* reason) {
      for (sdk::AttemptAnswer& answer : answers) {
        answer.state = state;
        answer.reason = reason;
      }
    };
    tcp::socket socket(services_.executor);
    boost::system::error_code error;
    co_await socket.async_connect(far_, asio::redirect_error(asio::use_awaitable, error));
    all(sdk::AttemptState::Failed, "unreachable");
    if (error) co_return answers;
    const Outcome may = co_await attempt.before_send();
    all(sdk::AttemptState::Failed, "not_sent");
    if (!may) co_return answers;
    std::string line(name_of(attempt.kind));
    line += " " + attempt.transaction;
    for (const std::string& meter : attempt.meters) line += " " + meter;
    line += "\n";
    co_await asio::async_write(socket, asio::buffer(line), asio::redirect_error(asio::use_awaitable, error));
    failpoint("test.command_left");
    all(sdk::AttemptState::Unknown, "no_answer");
    if (error) co_return answers;
    std::string buffer;
    co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer, kLongestLine), '\n',
                                    asio::redirect_error(asio::use_awaitable, error));
    if (!error && buffer == "waiting\n") all(sdk::AttemptState::Waiting, "");
    if (!error && buffer == "done\n") all(sdk::AttemptState::Succeeded, "");
    co_return answers;
  }

 private:
  sdk::Awaitable<void> listen() {
    while (!stopping_) {
      boost::system::error_code error;
      co_await results_.async_connect(far_, asio::redirect_error(asio::use_awaitable, error));
      const std::string greeting = "RESULTS\n";
      if (!error) {
        co_await asio::async_write(results_, asio::buffer(greeting),
                                   asio::redirect_error(asio::use_awaitable, error));
      }
      std::string buffer;
      while (!error) {
        const auto size =
            co_await asio::async_read_until(results_, asio::dynamic_buffer(buffer, kLongestLine), '\n',
                                            asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        co_await store(buffer.substr(0, size - 1));
        buffer.erase(0, size);
      }
      boost::system::error_code ignored;
      results_.close(ignored);
      if (!stopping_) co_await services_.clock.wait(std::chrono::milliseconds{20});
    }
    --running_;
  }

  sdk::Awaitable<void> store(std::string line) {
    std::istringstream words(line);
    std::string transaction, meter, word, time;
    words >> transaction >> meter >> word >> time;
    DecodedBatch batch;
    ResultObservation result;
    result.transaction = batch.text(transaction);
    result.meter = batch.text(meter);
    result.word = batch.text(word);
    if (!time.empty()) result.time = parse_stated_time(batch.text(time)).value();
    batch.results.push_back(result);
    std::string digits;
    for (const char c : line) {
      digits += "0123456789abcdef"[static_cast<unsigned char>(c) % 16];
      digits += "0123456789abcdef"[static_cast<unsigned char>(c) / 16];
    }
    digits.resize(64, '0');
    sdk::SourceSpan source;
    source.name = "results";
    source.content_sha256 = digits;
    source.length = line.size();
    source.received_at = services_.clock.now();
    (void)co_await services_.sink.commit(source, std::move(batch), {});
  }

  const sdk::AdapterInfo& info_;
  const tcp::endpoint far_;
  sdk::Services services_;
  tcp::socket results_;
  bool stopping_ = false;
  int running_ = 0;
};

class LineOrderFamily final : public sdk::AdapterFamily {
 public:
  LineOrderFamily() {
    info_.family = "line_order";
    info_.interface = "made up for tests";
    auto& can = info_.capabilities;
    can.read_on_demand = can.demand_reset = can.switch_open = can.switch_close = can.switch_arm = true;
    schema_.title = "line_order";
    sdk::SettingDef port, expiry, in_flight;
    in_flight.key = "in_flight";
    in_flight.kind = sdk::SettingKind::Integer;
    in_flight.doc = "Meters that are asked at once.";
    in_flight.default_value = "1";
    port.key = "far_port";
    port.kind = sdk::SettingKind::Integer;
    port.doc = "Of the far side.";
    port.required = true;
    expiry.key = "expiry";
    expiry.kind = sdk::SettingKind::Duration;
    expiry.doc = "Of a command.";
    expiry.default_value = "1s";
    schema_.settings = {port, expiry, in_flight};
  }
  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  const sdk::SettingsSchema& schema() const noexcept override { return schema_; }
  Result<sdk::FeedPlan> plan(const sdk::Settings&, const std::string&) const override {
    return sdk::FeedPlan{sample_rules(), "line"};
  }
  std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings, sdk::Services services) const override {
    return std::make_unique<LineOrderAdapter>(info_, settings, services);
  }
  DecodedBatch decode(const sdk::Settings&, std::string_view raw, UtcInstant) const override {
    return decode_sample(raw);
  }
  sdk::AttemptAnswer verdict(const sdk::Settings&, sdk::CommandKind,
                             const ResultObservation& result) const override {
    sdk::AttemptAnswer answer;
    const bool opened = result.word == "opened", closed = result.word == "closed";
    answer.state = result.word == "done" || opened || closed ? sdk::AttemptState::Succeeded : sdk::AttemptState::Failed;
    if (opened || closed) answer.position = opened ? sdk::SwitchPosition::Open : sdk::SwitchPosition::Closed;
    if (result.time.present() && result.time.utc_offset)
      answer.at = UtcInstant((result.time.civil - *result.time.utc_offset).time_since_epoch());
    if (answer.state == sdk::AttemptState::Failed) answer.reason = "failed";
    return answer;
  }
  sdk::CommandLimits command_limits(const sdk::Settings& settings) const override {
    sdk::CommandLimits limits;
    limits.expiry = std::chrono::ceil<std::chrono::seconds>(settings.duration("expiry"));
    limits.grace = std::chrono::seconds{1};
    limits.in_flight = static_cast<std::size_t>(settings.integer("in_flight"));
    limits.per_minute = 1e6;
    return limits;
  }

 private:
  sdk::AdapterInfo info_;
  sdk::SettingsSchema schema_;
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> line_order_family() {
  return std::make_unique<LineOrderFamily>();
}

}  // namespace ami::daemon::testing
