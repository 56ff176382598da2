#include "adapters/millrace/peer/head_end.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace ami::millrace::peer {

namespace asio = boost::asio;
using asio::ip::tcp;

HeadEnd::HeadEnd(asio::any_io_executor executor, ReadMeter read_meter, std::uint16_t port)
    : executor_(executor),
      read_meter_(std::move(read_meter)),
      acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
      gateway_(executor) {
  ++running_;
  asio::co_spawn(executor_, run(), asio::detached);
}

void HeadEnd::push(std::string_view body, Told told) {
  ++waiting_;
  asio::post(executor_, [this, line = Line{seal(body), std::move(told)}]() mutable { queue(std::move(line)); });
}

void HeadEnd::close() {
  closed_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  gateway_.close(ignored);
  for (Line& line : queue_) {
    if (const Told told = std::exchange(line.told, {})) told(false);
  }
}

sdk::Awaitable<void> HeadEnd::run() {
  for (;;) {
    boost::system::error_code error;
    co_await acceptor_.async_accept(gateway_, asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    connected_ = true;
    unanswered_ = false;
    send_next();
    co_await serve();
    connected_ = false;
    boost::system::error_code ignored;
    gateway_.close(ignored);
  }
  --running_;
}

sdk::Awaitable<void> HeadEnd::serve() {
  std::string buffer;
  for (;;) {
    boost::system::error_code error;
    const std::size_t size =
        co_await asio::async_read_until(gateway_, asio::dynamic_buffer(buffer, kLongestLine), '\n',
                                        asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    heed(buffer.substr(0, size));
    buffer.erase(0, size);
  }
}

void HeadEnd::heed(const std::string& line) {
  if (const auto ask = parse_ask(line)) {
    const auto said = read_meter_(*ask);
    waiting_ += said ? 2 : 1;
    if (said) queue({seal(*said), {}});
    queue({seal("RES|" + ask->transaction + "|" + ask->meter + "|" + (said ? "done" : "no_answer")), {}});
    return;
  }
  if (!unanswered_) return;
  unanswered_ = false;
  if (line == kAck) {
    const Told told = std::move(queue_.front().told);
    queue_.pop_front();
    --waiting_;
    if (told) told(true);
  }
  send_next();
}

void HeadEnd::queue(Line line) {
  if (closed_) {
    if (line.told) line.told(false);
    return;
  }
  queue_.push_back(std::move(line));
  send_next();
}

// A failed write shows itself to the reader, too.
void HeadEnd::send_next() {
  if (!connected_ || unanswered_ || queue_.empty()) return;
  unanswered_ = true;
  ++running_;
  asio::async_write(gateway_, asio::buffer(queue_.front().text),
                    [this](const boost::system::error_code&, std::size_t) { --running_; });
}

}  // namespace ami::millrace::peer
