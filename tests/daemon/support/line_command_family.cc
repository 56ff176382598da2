#include "tests/daemon/support/line_command_family.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/daemon/pipeline/sample_feed.h"

namespace ami::daemon::testing {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kLongestLine = 1 << 20;

// Of one far side. What is written goes out in order, whoever writes.
struct Line {
  explicit Line(tcp::socket s) : socket(std::move(s)) {}
  tcp::socket socket;
  std::string out;
  bool writing = false;
};
using LinePtr = std::shared_ptr<Line>;

sdk::Awaitable<void> write_out(LinePtr line) {
  boost::system::error_code error;
  while (!line->out.empty() && !error) {
    const std::string part = std::exchange(line->out, {});
    co_await asio::async_write(line->socket, asio::buffer(part),
                               asio::redirect_error(asio::use_awaitable, error));
  }
  line->writing = false;
}

class LineCommandAdapter final : public sdk::Adapter {
 public:
  LineCommandAdapter(const sdk::AdapterInfo& info, std::string port_file, sdk::Services services)
      : info_(info), port_file_(std::move(port_file)), services_(services), acceptor_(services.executor) {}

  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  sdk::Health health() const override {
    sdk::Health health;
    health.state = sdk::HealthState::Healthy;
    health.facts = {{"head-end", "made up for tests"}, {"connected", connected_ ? "yes" : "no"}};
    return health;
  }

  sdk::Awaitable<Outcome> start() override {
    boost::system::error_code error;
    const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    acceptor_.open(any.protocol(), error);
    if (!error) acceptor_.bind(any, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (error) co_return transient(error.message());
    std::ofstream(port_file_ + ".new") << acceptor_.local_endpoint().port() << '\n';
    std::filesystem::rename(port_file_ + ".new", port_file_);
    ++running_;
    asio::co_spawn(services_.executor, accept(), asio::detached);
    co_return Done{};
  }

  sdk::Awaitable<void> stop() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    if (line_) line_->socket.close(ignored);
    while (running_ > 0) co_await services_.clock.wait(std::chrono::milliseconds{1});
  }

  sdk::Awaitable<std::vector<sdk::AttemptAnswer>> attempt(sdk::Attempt attempt) override {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Failed;
    answer.reason = "unreachable";
    if (line_) {
      const Outcome may = co_await attempt.before_send();
      answer.reason = "not_sent";
      if (may && line_) {
        std::string asked;
        for (const std::string& meter : attempt.meters)
          asked += "ASK " + std::string(name_of(attempt.kind)) + " " + attempt.transaction + " " + meter + "\n";
        say(line_, asked);
        answer.state = sdk::AttemptState::Waiting;
        answer.reason.clear();
      }
    }
    co_return std::vector<sdk::AttemptAnswer>(attempt.meters.size(), answer);
  }

 private:
  void say(const LinePtr& line, const std::string& text) {
    line->out += text;
    if (std::exchange(line->writing, true)) return;
    asio::co_spawn(services_.executor, write_out(line), asio::detached);
  }

  sdk::Awaitable<void> accept() {
    boost::system::error_code error;
    while (!error) {
      tcp::socket socket(services_.executor);
      co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      boost::system::error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      if (line_) line_->socket.close(ignored);
      line_ = std::make_shared<Line>(std::move(socket));
      connected_ = true;
      ++running_;
      asio::co_spawn(services_.executor, serve(line_), asio::detached);
    }
    --running_;
  }

  sdk::Awaitable<void> serve(LinePtr line) {
    std::string buffer;
    boost::system::error_code error;
    while (!error) {
      const auto size =
          co_await asio::async_read_until(line->socket, asio::dynamic_buffer(buffer, kLongestLine), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      const std::string said = buffer.substr(0, size - 1);
      buffer.erase(0, size);
      const auto space = said.find(' ', 4);
      if (!said.starts_with("SAY ") || space == std::string::npos) {
        say(line, "no such line\n");
        continue;
      }
      const std::string key = said.substr(4, space - 4), message = said.substr(space + 1);
      const auto id = co_await services_.journal->append(key, message);
      say(line, id ? "ok " + std::to_string(*id) + "\n"
                   : (id.error().fault == Fault::Transient ? "busy " : "no ") + id.error().message + "\n");
    }
    if (line_ == line) {
      line_.reset();
      connected_ = false;
    }
    --running_;
  }

  const sdk::AdapterInfo& info_;
  const std::string port_file_;
  sdk::Services services_;
  tcp::acceptor acceptor_;
  LinePtr line_;
  std::atomic<bool> connected_{false};
  int running_ = 0;
};

class LineCommandFamily final : public sdk::AdapterFamily {
 public:
  LineCommandFamily(std::string_view name, bool switches) {
    info_.family = name;
    info_.interface = "made up for tests";
    auto& can = info_.capabilities;
    can.pushed_messages = can.registers = can.read_on_demand = can.ping = can.demand_reset = true;
    can.switch_open = can.switch_close = can.switch_arm = switches;
    schema_.title = name;
    sdk::SettingDef port_file, in_flight;
    port_file.key = "port_file";
    port_file.kind = sdk::SettingKind::Path;
    port_file.doc = "Gets the port.";
    port_file.required = true;
    in_flight.key = "in_flight";
    in_flight.kind = sdk::SettingKind::Integer;
    in_flight.doc = "Meters that are asked at once.";
    in_flight.default_value = "16";
    schema_.settings = {port_file, in_flight};
  }
  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  const sdk::SettingsSchema& schema() const noexcept override { return schema_; }
  Result<sdk::FeedPlan> plan(const sdk::Settings&, const std::string&) const override {
    return sdk::FeedPlan{sample_rules(), "line"};
  }
  std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings, sdk::Services services) const override {
    return std::make_unique<LineCommandAdapter>(info_, settings.text("port_file"), services);
  }

  DecodedBatch decode(const sdk::Settings&, std::string_view raw, UtcInstant) const override {
    DecodedBatch batch;
    for (std::size_t begin = 0; begin <= raw.size();) {
      const std::size_t end = std::min(raw.find(';', begin), raw.size());
      const std::string_view record = raw.substr(begin, end - begin);
      if (record.starts_with("RESULT ")) {
        std::istringstream words{std::string(record.substr(7))};
        std::string transaction, meter, word, time;
        words >> transaction >> meter >> word >> time;
        ResultObservation result;
        result.transaction = batch.text(transaction);
        result.meter = batch.text(meter);
        result.word = batch.text(word);
        if (!time.empty()) result.time = parse_stated_time(batch.text(time)).value();
        result.raw = batch.text(record);
        batch.results.push_back(result);
      } else {
        add_record(batch, record, begin);
      }
      begin = end + 1;
    }
    return batch;
  }

  sdk::AttemptAnswer verdict(const sdk::Settings&, sdk::CommandKind,
                             const ResultObservation& result) const override {
    sdk::AttemptAnswer answer;
    answer.state = sdk::AttemptState::Succeeded;
    answer.position = result.word == "opened"   ? sdk::SwitchPosition::Open
                      : result.word == "closed" ? sdk::SwitchPosition::Closed
                      : result.word == "armed"  ? sdk::SwitchPosition::Armed
                                                : sdk::SwitchPosition::Unknown;
    if (answer.position != sdk::SwitchPosition::Unknown) {
      if (result.time.present() && result.time.utc_offset)
        answer.at = UtcInstant((result.time.civil - *result.time.utc_offset).time_since_epoch());
    } else if (result.word == "powered") {
      answer.power = sdk::PowerState::Powered;
    } else if (result.word == "silent") {
      answer.power = sdk::PowerState::NoAnswer;
    } else if (result.word == "failed") {
      answer.state = sdk::AttemptState::Failed;
      answer.reason = "failed";
    } else if (result.word != "done") {
      answer.state = sdk::AttemptState::Unknown;
      answer.reason = "unreadable_answer";
    }
    return answer;
  }

  // More than can pass in a test, so that only in_flight bounds it.
  sdk::CommandLimits command_limits(const sdk::Settings& settings) const override {
    sdk::CommandLimits limits;
    limits.in_flight = static_cast<std::size_t>(settings.integer("in_flight"));
    limits.per_minute = 1e9;
    return limits;
  }

 private:
  sdk::AdapterInfo info_;
  sdk::SettingsSchema schema_;
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> line_command_family() {
  return std::make_unique<LineCommandFamily>("line_command", false);
}

std::unique_ptr<sdk::AdapterFamily> line_switch_family() {
  return std::make_unique<LineCommandFamily>("line_switch", true);
}

}  // namespace ami::daemon::testing
