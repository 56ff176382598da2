#include "tests/daemon/support/line_push_family.h"

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
#include <set>

#include "tests/daemon/pipeline/sample_feed.h"

namespace ami::daemon::testing {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kLongestLine = 1 << 20;

class LinePushAdapter final : public sdk::Adapter {
 public:
  LinePushAdapter(const sdk::AdapterInfo& info, std::string port_file, sdk::Services services)
      : info_(info), port_file_(std::move(port_file)), services_(services), acceptor_(services.executor) {}

  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  sdk::Health health() const override {
    sdk::Health health;
    health.state = sdk::HealthState::Healthy;
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
    for (auto* socket : sockets_) socket->close(ignored);
    while (running_ > 0) co_await services_.clock.wait(std::chrono::milliseconds{1});
  }

 private:
  sdk::Awaitable<void> accept() {
    boost::system::error_code error;
    while (!error) {
      tcp::socket socket(services_.executor);
      co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      ++running_;
      asio::co_spawn(services_.executor, serve(std::move(socket)), asio::detached);
    }
    --running_;
  }

  sdk::Awaitable<void> serve(tcp::socket socket) {
    sockets_.insert(&socket);
    std::string buffer;
    boost::system::error_code error;
    while (!error) {
      const auto size =
          co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer, kLongestLine), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      const auto line = buffer.substr(0, size - 1);
      buffer.erase(0, size);
      const auto space = line.find(' ');
      std::string answer = "no key\n";
      if (space != std::string::npos) {
        const auto id = co_await services_.journal->append(line.substr(0, space), line.substr(space + 1));
        answer = id ? "ok " + std::to_string(*id) + "\n"
                    : (id.error().fault == Fault::Transient ? "busy " : "no ") + id.error().message + "\n";
      }
      co_await asio::async_write(socket, asio::buffer(answer),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
    sockets_.erase(&socket);
    --running_;
  }

  const sdk::AdapterInfo& info_;
  const std::string port_file_;
  sdk::Services services_;
  tcp::acceptor acceptor_;
  std::set<tcp::socket*> sockets_;
  int running_ = 0;
};

class LinePushFamily final : public sdk::AdapterFamily {
 public:
  LinePushFamily() {
    info_.family = "line_push";
    info_.interface = "made up for tests";
    info_.capabilities.pushed_messages = true;
    info_.capabilities.registers = true;
    schema_.title = "line_push";
    sdk::SettingDef port_file;
    port_file.key = "port_file";
    port_file.kind = sdk::SettingKind::Path;
    port_file.doc = "Gets the port.";
    port_file.required = true;
    schema_.settings.push_back(port_file);
  }
  const sdk::AdapterInfo& info() const noexcept override { return info_; }
  const sdk::SettingsSchema& schema() const noexcept override { return schema_; }
  Result<sdk::FeedPlan> plan(const sdk::Settings&, const std::string&) const override {
    return sdk::FeedPlan{sample_rules(), "line"};
  }
  std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings, sdk::Services services) const override {
    return std::make_unique<LinePushAdapter>(info_, settings.text("port_file"), services);
  }
  DecodedBatch decode(const sdk::Settings&, std::string_view raw, UtcInstant) const override {
    return decode_sample(raw);
  }

 private:
  sdk::AdapterInfo info_;
  sdk::SettingsSchema schema_;
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> line_push_family() {
  return std::make_unique<LinePushFamily>();
}

}  // namespace ami::daemon::testing
