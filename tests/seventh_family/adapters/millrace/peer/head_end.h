// The far side of the millrace family, for tests and simulated fields: waits for the gateway on 127.0.0.1,
// sends it each line until it is acknowledged, and answers its questions.
//
// Threads: runs on `executor`; push() and waiting() may be called from any thread.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/millrace/codec/lines.h"
#include "adapters/sdk/adapter.h"

namespace ami::millrace::peer {

class HeadEnd {
 public:
  // What a meter says when it is asked: the body of a line. nullopt = the meter does not answer.
  using ReadMeter = std::function<std::optional<std::string>(const Ask& ask)>;
  // On the executor, once: true = the line was acknowledged; false = it was not before close(), and may have arrived.
  using Told = std::function<void(bool acknowledged)>;

  // Listens at once; port 0 = a free one. Throws what Asio throws.
  HeadEnd(boost::asio::any_io_executor executor, ReadMeter read_meter, std::uint16_t port = 0);

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void push(std::string_view body, Told told = {});
  // Lines that are not acknowledged yet.
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  // On the executor: no connection is taken any more, that with the gateway ends.
  void close();
  // On the executor, after close(): nothing of it runs any more.
  [[nodiscard]] bool quiet() const { return running_ == 0; }

 private:
  struct Line {
    std::string text;
    Told told;
  };
  sdk::Awaitable<void> run();
  sdk::Awaitable<void> serve();
  void heed(const std::string& line);
  void queue(Line line);
  void send_next();

  boost::asio::any_io_executor executor_;
  ReadMeter read_meter_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::socket gateway_;
  bool connected_ = false;
  bool unanswered_ = false;  // the first of queue_ is on its way
  bool closed_ = false;
  int running_ = 0;  // the coroutine, and a write
  std::deque<Line> queue_;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace ami::millrace::peer
