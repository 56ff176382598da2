// The two ways in which the six families are delivered to: a file into a folder, a message by HTTP POST.
// Neither uses the code under test to write.
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

#include "tests/adapter_conformance/bench.h"

namespace ami::conformance {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class FolderWay : public Way {
 public:
  explicit FolderWay(Bench& bench) : bench_(bench) { std::filesystem::create_directory(bench.folder / "in"); }

  [[nodiscard]] std::string settings() const override { return "folder: in\n"; }

  bool send(const std::string& input, std::size_t piece) override {
    name_ = "kit-" + std::to_string(++files_);
    const std::size_t commits = bench_.host.store.committed.size();
    {
      std::ofstream out(bench_.folder / "in" / name_, std::ios::binary);
      for (std::size_t at = 0; at < input.size(); at += piece) {
        out.write(input.data() + at, static_cast<std::streamsize>(std::min(piece, input.size() - at)));
        if (piece >= input.size()) continue;
        out.flush();
        bench_.host.run_until_idle();
        // It may rest for longer than a file has to: while it is being written it is nobody's.
        if (at <= input.size() / 2 && at + piece > input.size() / 2) bench_.pass(std::chrono::seconds{60});
        EXPECT_EQ(bench_.host.store.committed.size(), commits)
            << "something was read of a file that is being written";
      }
    }
    return finish(input);
  }
  void break_off(const std::string& beginning) override { send(beginning, beginning.size() + 1); }
  // It lies there.
  bool finish(const std::string& /*input*/) override {
    bench_.host.run_until_idle();
    if (bench_.runs()) bench_.pass(std::chrono::seconds{40});  // longer than it takes to look again
    return std::filesystem::exists(bench_.folder / "in" / "done" / name_);
  }

 private:
  Bench& bench_;
  std::string name_;
  int files_ = 0;
};

class PostWay : public Way {
 public:
  PostWay(Bench& bench, std::string path, std::string message_id, std::string key)
      : bench_(bench), path_(std::move(path)), message_id_(std::move(message_id)), key_(std::move(key)) {}

  bool send(const std::string& input, std::size_t piece) override {
    const std::string answer = exchange(whole(input), piece, true);
    return answer.starts_with("HTTP/1.1 200");
  }
  void break_off(const std::string& beginning) override {
    const std::string cut = whole(beginning + "and more");
    exchange(cut.substr(0, cut.size() - 8), cut.size(), false);
  }

 private:
  [[nodiscard]] std::string whole(const std::string& body) const {
    return "POST " + path_ + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml; charset=utf-8\r\n" +
           "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  std::string exchange(const std::string& bytes, std::size_t piece, bool to_the_end) {
    std::string answer;
    auto work = [](asio::io_context& io, std::uint16_t port, std::string_view out, std::size_t part,
                   bool listen, std::string& into) -> sdk::Awaitable<void> {
      boost::system::error_code error;
      tcp::socket socket(io);
      const tcp::endpoint server(asio::ip::address_v4::loopback(), port);
      co_await socket.async_connect(server, asio::redirect_error(asio::use_awaitable, error));
      socket.set_option(tcp::no_delay(true), error);
      for (std::size_t at = 0; at < out.size() && !error; at += part) {
        const std::string_view next = out.substr(at, part);
        co_await asio::async_write(socket, asio::buffer(next),
                                   asio::redirect_error(asio::use_awaitable, error));
      }
      // A server that has refused may not have read all: what it says still counts.
      if (listen)
        co_await asio::async_read(socket, asio::dynamic_buffer(into),
                                  asio::redirect_error(asio::use_awaitable, error));
    };
    bench_.run(work(bench_.host.io, bench_.logged_port(message_id_, key_), bytes, piece, to_the_end, answer));
    bench_.host.run_until_idle();
    return answer;
  }

  Bench& bench_;
  const std::string path_, message_id_, key_;
};

}  // namespace

std::unique_ptr<Way> into_folder(Bench& bench) {
  return std::make_unique<FolderWay>(bench);
}

std::unique_ptr<Way> by_post(Bench& bench, const char* path, const char* message_id, const char* key) {
  return std::make_unique<PostWay>(bench, path, message_id, key);
}

}  // namespace ami::conformance
