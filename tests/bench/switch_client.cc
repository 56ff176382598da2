// Both ends of the service switch, for bench_switch.py: asks for operations over gRPC, and is the head-end that they leave
// to. switch_client SOCKET UTILITY PORT METERS FIRST COUNT PER_SECOND asks for a CLOSE of COUNT meters of the file METERS
// ("METER USAGE_POINT SERIAL" a line) from the line FIRST on: PER_SECOND of them each second whether or not the answers
// come (0: one after the other), and listens on PORT for what the gateway posts. Prints one JSON object: microseconds from
// when a Submit was due to the first byte of its command at the head-end, and to its answer; and how many came twice, or not
// at all.
#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "ami/v1/switch_service.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr int kCallers = 32;            // side by side, where a rate is asked for
constexpr auto kPatience = 60s;         // for the last command to arrive
constexpr std::size_t kFailuresTold = 5;

constexpr const char* kAnswer =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">"
    "<soap:Body><InitiateConnectDisconnectResponse xmlns=\"http://www.multispeak.org/Version_3.0\">"
    "<InitiateConnectDisconnectResult/></InitiateConnectDisconnectResponse></soap:Body></soap:Envelope>";

// Takes every request and remembers when its first byte came, by the meter that it names.
class HeadEnd {
 public:
  explicit HeadEnd(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(socket_, 64) != 0)
      throw std::runtime_error("cannot listen on port " + std::to_string(port));
    std::thread([this] {
      for (int connection = 0; (connection = ::accept(socket_, nullptr, nullptr)) >= 0;)
        std::thread([this, connection] { serve(connection); }).detach();
    }).detach();  // ends with the process
  }

  // False: not all of `meters` were asked within the patience.
  bool wait_for(std::size_t meters) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return came_.size() >= meters; });
  }
  std::map<std::string, Clock::time_point> came() {
    const std::lock_guard lock(mutex_);
    return came_;
  }
  std::size_t twice() {
    const std::lock_guard lock(mutex_);
    return twice_;
  }

 private:
  static std::string header(const std::string& head, const char* name) {
    const std::size_t length = std::strlen(name);
    for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
      if (::strncasecmp(head.c_str() + at + 2, name, length) != 0) continue;
      const std::size_t from = at + 2 + length;
      return head.substr(from, head.find("\r\n", from) - from);
    }
    return {};
  }

  void serve(int connection) {
    const int on = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::string buffer;
    std::vector<char> chunk(65'536);
    Clock::time_point first{};
    for (ssize_t got = 0; (got = ::recv(connection, chunk.data(), chunk.size(), 0)) > 0;) {
      if (buffer.empty()) first = Clock::now();
      buffer.append(chunk.data(), static_cast<std::size_t>(got));
      const std::size_t head_end = buffer.find("\r\n\r\n");
      if (head_end == std::string::npos) continue;
      const std::size_t length = std::strtoul(header(buffer.substr(0, head_end + 2), "content-length:").c_str(), nullptr, 10);
      if (buffer.size() < head_end + 4 + length) continue;
      note(buffer, first);
      buffer.erase(0, head_end + 4 + length);
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: " +
                                 std::to_string(std::strlen(kAnswer)) + "\r\n\r\n" + kAnswer;
      if (::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    ::close(connection);
  }

  void note(const std::string& request, Clock::time_point first) {
    constexpr const char* kMeter = "<meterNo>";
    const std::size_t at = request.find(kMeter);
    if (at == std::string::npos) return;
    const std::size_t from = at + std::strlen(kMeter);
    const std::string meter = request.substr(from, request.find('<', from) - from);
    const std::lock_guard lock(mutex_);
    if (!came_.emplace(meter, first).second) ++twice_;
    changed_.notify_all();
  }

  const int socket_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Clock::time_point> came_;
  std::size_t twice_ = 0;
};

struct House {
  std::string meter, usage_point, serial;
};

std::vector<House> houses_of(const char* path, std::size_t first, std::size_t count) {
  std::ifstream file(path);
  std::vector<House> houses;
  House one;
  for (std::size_t line = 0; houses.size() < count && file >> one.meter >> one.usage_point >> one.serial; ++line)
    if (line >= first) houses.push_back(one);
  if (houses.size() < count) throw std::runtime_error("too few meters in the file");
  return houses;
}

void print(const char* name, std::vector<double> values) {
  if (values.empty()) return;
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * (static_cast<double>(values.size()) - 1))];
  };
  std::printf("\"%s\": {\"median\": %.0f, \"p99\": %.0f, \"max\": %.0f}, ", name, at(0.5), at(0.99), values.back());
}

int run(char** argv) {
  const std::string socket = argv[1], utility = std::string("utilities/") + argv[2];
  HeadEnd head_end(std::atoi(argv[3]));
  const auto first = static_cast<std::size_t>(std::atoll(argv[5])), count = static_cast<std::size_t>(std::atoll(argv[6]));
  const std::vector<House> houses = houses_of(argv[4], first, count);
  const double per_second = std::atof(argv[7]);
  const auto stub = ami::v1::SwitchService::NewStub(
      grpc::CreateChannel("unix:" + socket, grpc::InsecureChannelCredentials()));

  std::vector<Clock::time_point> due(count), answered(count);
  std::atomic<std::size_t> next = 0, failed = 0;
  const Clock::time_point begin = Clock::now() + 100ms;
  const auto call = [&] {
    for (std::size_t i = 0; (i = next++) < count;) {
      if (per_second > 0) {
        due[i] = begin + std::chrono::duration_cast<Clock::duration>(
                             std::chrono::duration<double>(static_cast<double>(i) / per_second));
        std::this_thread::sleep_until(due[i]);
      } else {
        due[i] = Clock::now();
      }
      ami::v1::SubmitSwitchRequest request;
      request.set_meter(utility + "/meters/" + houses[i].meter);
      request.set_usage_point(utility + "/usagePoints/" + houses[i].usage_point);
      request.set_serial_last4(houses[i].serial.substr(houses[i].serial.size() - 4));
      request.set_action(ami::v1::SwitchOperation::CLOSE);
      request.set_reason(ami::v1::SwitchOperation::RECONNECT);
      request.add_attestations(ami::v1::SwitchOperation::CUSTOMER_PRESENT);
      request.set_order_id("bench");
      request.set_request_id("bench-" + houses[i].meter);
      grpc::ClientContext context;
      ami::v1::SwitchOperation operation;
      const grpc::Status status = stub->Submit(&context, request, &operation);
      answered[i] = Clock::now();
      if (!status.ok() && failed++ < kFailuresTold)
        std::fprintf(stderr, "%s: %s\n", houses[i].meter.c_str(), status.error_message().c_str());
    }
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < (per_second > 0 ? kCallers : 1); ++i) callers.emplace_back(call);
  for (std::thread& caller : callers) caller.join();
  const bool all = failed == 0 && head_end.wait_for(count);
  const auto came = head_end.came();

  using Us = std::chrono::duration<double, std::micro>;
  std::vector<double> to_wire, to_answer;
  Clock::time_point last = begin;
  for (std::size_t i = 0; i < count; ++i) {
    to_answer.push_back(Us(answered[i] - due[i]).count());
    const auto there = came.find(houses[i].meter);
    if (there == came.end()) continue;
    to_wire.push_back(Us(there->second - due[i]).count());
    last = std::max(last, there->second);
  }
  std::printf("{\"submitted\": %zu, ", count);
  print("to_first_byte_us", to_wire);
  print("to_answer_us", to_answer);
  std::printf("\"per_second\": %.1f, \"failed\": %zu, \"never_came\": %zu, \"came_twice\": %zu}\n",
              static_cast<double>(to_wire.size()) / std::chrono::duration<double>(last - due[0]).count(), failed.load(),
              count - to_wire.size(), head_end.twice());
  std::fflush(stdout);
  std::_Exit(all && head_end.twice() == 0 ? 0 : 1);  // the head-end's threads wait for connections
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr, "usage: switch_client SOCKET UTILITY PORT METERS FIRST COUNT PER_SECOND\n");
    return 2;
  }
  try {
    return run(argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
