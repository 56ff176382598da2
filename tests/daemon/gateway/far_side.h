// The far side of a made-up feed, for tests of whole gateways.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ami::daemon::testing {

// What tests/daemon/support/line_order_family.h talks to. Answers every command with "waiting".
class FarSide {
 public:
  FarSide() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~FarSide() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
    for (std::thread& one : serving_) one.join();
    for (const int socket : sockets_) close(socket);
    close(listener_);
  }
  FarSide(const FarSide&) = delete;
  FarSide& operator=(const FarSide&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int came(const std::string& transaction) {
    const std::lock_guard lock(mutex_);
    return commands_[transaction];
  }
  // Whatever came of that kind, however often: transactions.
  [[nodiscard]] std::vector<std::string> transactions(const std::string& kind) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [of, transaction] : came_) {
      if (of == kind) out.push_back(transaction);
    }
    return out;
  }
  // Through whichever gateway listens now; false: none does.
  bool say(const std::string& line) {
    const std::lock_guard lock(mutex_);
    const std::string text = line + "\n";
    return results_ >= 0 && send(results_, text.data(), text.size(), MSG_NOSIGNAL) > 0;
  }

 private:
  void accept_all() {
    while (true) {
      const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      sockets_.push_back(socket);
      serving_.emplace_back([this, socket] { serve(socket); });
    }
  }
  void serve(int socket) {
    std::string line;
    for (char c = 0; recv(socket, &c, 1, 0) == 1 && c != '\n';) line.push_back(c);
    std::unique_lock lock(mutex_);
    if (line == "RESULTS") {
      results_ = socket;
      lock.unlock();
      for (char c = 0; recv(socket, &c, 1, 0) > 0;) continue;  // until that gateway is gone
      lock.lock();
      if (results_ == socket) results_ = -1;
      return;
    }
    std::istringstream words(line);
    std::string kind, transaction;
    words >> kind >> transaction;
    if (!transaction.empty()) {
      ++commands_[transaction];
      came_.emplace_back(kind, transaction);
    }
    (void)send(socket, "waiting\n", 8, MSG_NOSIGNAL);
  }

  const int listener_;
  int port_ = 0, results_ = -1;
  std::mutex mutex_;
  std::map<std::string, int> commands_;
  std::vector<std::pair<std::string, std::string>> came_;
  std::vector<int> sockets_;
  std::vector<std::thread> serving_;
  std::thread thread_;
};

}  // namespace ami::daemon::testing
