// Both ends of on-demand reads, for bench_on_demand.py: calls ReadNow over gRPC, and answers as the far side
// of the feed. on_demand_client SOCKET FAR_PORT METERS CALLS prints one JSON object: microseconds from the
// call to the request's arrival at the far side, from the answer's first byte to the end of the call, and
// their sum.
#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ami/v1/command_service.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;

class FarSide {
 public:
  explicit FarSide(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect to the gateway's feed");
    thread_ = std::thread([this] { answer_all(); });
  }
  ~FarSide() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  FarSide(const FarSide&) = delete;
  FarSide& operator=(const FarSide&) = delete;

  struct Times {
    Clock::time_point asked, answered;
  };
  Times last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  void answer_all() {
    std::string buffer;
    char chunk[4096];
    int value = 0;
    const std::time_t started = std::time(nullptr);
    for (ssize_t got = 0; (got = ::recv(socket_, chunk, sizeof chunk, 0)) > 0;) {
      const Clock::time_point asked = Clock::now();
      buffer.append(chunk, static_cast<std::size_t>(got));
      for (std::size_t end = 0; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1)) {
        const std::string line = buffer.substr(0, end);
        if (!line.starts_with("ASK read ")) continue;
        const std::size_t space = line.rfind(' ');
        const std::string transaction = line.substr(9, space - 9), meter = line.substr(space + 1);
        char stamp[32];
        const std::time_t now = started - 7200 + value;  // another for each, and of late
        std::tm utc{};
        gmtime_r(&now, &utc);
        std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
        const std::string said = "SAY " + meter + " " + meter + " " + std::to_string(++value) + " " + stamp +
                                 ";RESULT " + transaction + " " + meter + " done\n";
        {
          const std::lock_guard lock(mutex_);
          last_ = {asked, Clock::now()};
        }
        if (::send(socket_, said.data(), said.size(), MSG_NOSIGNAL) < 0) return;
      }
    }
  }

  const int socket_;
  std::thread thread_;
  std::mutex mutex_;
  Times last_;
};

void print(const char* name, std::vector<double> values, const char* end) {
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * (static_cast<double>(values.size()) - 1))];
  };
  std::printf("\"%s\": {\"median\": %.0f, \"p99\": %.0f, \"max\": %.0f}%s", name, at(0.5), at(0.99),
              values.back(), end);
}

int run(const std::string& socket, int port, int meters, int calls) {
  FarSide far(port);
  const auto stub = ami::v1::CommandService::NewStub(
      grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials()));
  std::vector<double> to_far_side, to_caller, both;
  const int warm_up = calls / 10;
  int readings = 0;
  for (int i = 0; i < calls + warm_up; ++i) {
    ami::v1::ReadNowRequest request;
    request.set_meter("utilities/bench/meters/M" + std::to_string(i % meters));
    request.set_request_id("bench-" + std::to_string(i));
    request.set_purpose("benchmark");
    request.mutable_wait()->set_seconds(30);
    grpc::ClientContext context;
    ami::v1::Operation operation;
    const Clock::time_point begin = Clock::now();
    const grpc::Status status = stub->ReadNow(&context, request, &operation);
    const Clock::time_point end = Clock::now();
    if (!status.ok() || !operation.done() || operation.targets(0).state() != ami::v1::Target::SUCCEEDED) {
      std::fprintf(stderr, "read %d failed: %s\n%s", i, status.error_message().c_str(),
                   operation.DebugString().c_str());
      return 1;
    }
    readings += operation.targets(0).readings_size();
    if (i < warm_up) continue;
    const FarSide::Times there = far.last();
    using Us = std::chrono::duration<double, std::micro>;
    to_far_side.push_back(Us(there.asked - begin).count());
    to_caller.push_back(Us(end - there.answered).count());
    both.push_back(to_far_side.back() + to_caller.back());
  }
  std::printf("{\"calls\": %d, \"readings\": %d, ", calls, readings);
  print("to_far_side_us", to_far_side, ", ");
  print("to_caller_us", to_caller, ", ");
  print("overhead_us", both, "}\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: on_demand_client SOCKET FAR_PORT METERS CALLS\n");
    return 2;
  }
  try {
    return run(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
