// What the conformance kit has to know of the seventh family: how its far side delivers lines, and how it
// writes them.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <stdexcept>

#include "adapters/millrace/codec/lines.h"
#include "tests/adapter_conformance/bench.h"
#include "tests/adapter_conformance/interfaces.h"

namespace ami::conformance {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// The adapter calls us. Not the family's own far side, which never sends anything damaged.
class LineWay : public Way {
 public:
  explicit LineWay(Bench& bench)
      : bench_(bench),
        acceptor_(bench.host.io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        socket_(bench.host.io) {
    acceptor_.non_blocking(true);
  }

  [[nodiscard]] std::string settings() const override {
    return "port: " + std::to_string(acceptor_.local_endpoint().port()) + "\n";
  }
  // True: each line of it was acknowledged.
  bool send(const std::string& input, std::size_t piece) override {
    connect();
    bool taken = false;
    bench_.run(exchange(input, piece, taken));
    return taken;
  }
  void break_off(const std::string& beginning) override {
    send(beginning, beginning.size() + 1);
    close();
  }

 private:
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  // Open at the other end, and nothing lies here that nobody has read.
  [[nodiscard]] bool alive() {
    if (!socket_.is_open()) return false;
    boost::system::error_code error;
    char none = 0;
    socket_.non_blocking(true, error);
    socket_.receive(asio::buffer(&none, 1), tcp::socket::message_peek, error);
    return error == asio::error::would_block;
  }

  // The newest connection counts. While there is none time passes, so that the adapter calls again.
  void connect() {
    const auto connected = [this] {
      for (;;) {
        boost::system::error_code error;
        tcp::socket next(bench_.host.io);
        acceptor_.accept(next, error);
        if (error) break;
        socket_ = std::move(next);
      }
      if (alive()) return true;
      bench_.host.clock.step(bench_.host.clock.now() + std::chrono::seconds{10});
      return false;
    };
    if (!bench_.until(connected)) throw std::runtime_error("the adapter does not call");
  }

  sdk::Awaitable<void> exchange(const std::string& input, std::size_t piece, bool& taken) {
    boost::system::error_code error;
    for (std::size_t at = 0; at < input.size() && !error; at += piece) {
      const std::string_view next = std::string_view(input).substr(at, piece);
      co_await asio::async_write(socket_, asio::buffer(next),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
    const auto lines = std::count(input.begin(), input.end(), '\n');
    std::string answers;
    auto acknowledged = lines;
    for (auto line = lines; line > 0 && !error; --line) {
      const std::size_t size = co_await asio::async_read_until(
          socket_, asio::dynamic_buffer(answers), '\n', asio::redirect_error(asio::use_awaitable, error));
      if (error || answers.substr(0, size) != millrace::kAck) --acknowledged;
      answers.erase(0, size);
    }
    taken = !error && lines > 0 && acknowledged == lines && input.ends_with('\n');
    if (error || !input.ends_with('\n')) close();  // what has no end yet would go on with the next input
  }

  Bench& bench_;
  tcp::acceptor acceptor_;
  tcp::socket socket_;
};

std::string joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ";") + value;
  return text;
}

}  // namespace

std::vector<Interface> millrace_interfaces() {
  Interface one{.family = "millrace", .key = "lines"};
  const char* source = std::getenv("AMI_SOURCE_DIR");
  const std::string data =
      std::string(source == nullptr ? "." : source) + "/tests/seventh_family/adapters/millrace/";
  one.settings = "mapping: " + data + "millrace.yaml\nevents: " + data + "millrace-events.yaml\n";
  one.way = [](Bench& bench) { return std::make_unique<LineWay>(bench); };
  one.write = [](const std::vector<Reading>& readings) {
    std::string lines;
    for (const Reading& reading : readings)
      lines += millrace::seal("REG|" + reading.meter + "|IMP|" + to_text(reading.at) + "|" + reading.value);
    return lines;
  };
  one.write_block = [](const Block& block) {
    return millrace::seal("INT|" + block.meter + "|IMP|" + to_text(block.first_end) + "|900|" +
                          joined(block.values));
  };
  one.write_result = [](const std::string& transaction, const std::string& meter) {
    return millrace::seal("RES|" + transaction + "|" + meter + "|done");
  };
  one.checksum = true;
  return {one};
}

}  // namespace ami::conformance
