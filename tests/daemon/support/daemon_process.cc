#include "tests/daemon/support/daemon_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace ami::daemon::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};

int left_ms(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

}  // namespace

DaemonProcess::DaemonProcess(const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& environment,
                             const std::string& program_name) {
  const char* folder = std::getenv("AMI_BIN_DIR");
  if (folder == nullptr) throw std::runtime_error("AMI_BIN_DIR is not set");
  const auto program = std::string(folder) + "/" + program_name;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");

  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable(*entry);
    const auto name = variable.substr(0, variable.find('='));
    if (!environment.contains(name) && name != "NOTIFY_SOCKET" && name != "JOURNAL_STREAM")
      variables.push_back(variable);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (auto& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  const int failed = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  pipe_ = ends[0];
  if (failed != 0) throw std::runtime_error(program + ": " + std::strerror(failed));
}

DaemonProcess::~DaemonProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (pipe_ >= 0) close(pipe_);
}

void DaemonProcess::signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

bool DaemonProcess::read_more(int timeout_ms) {
  pollfd ready{pipe_, POLLIN, 0};
  if (poll(&ready, 1, timeout_ms) <= 0) return false;
  char buffer[4096];
  const auto count = read(pipe_, buffer, sizeof buffer);
  if (count <= 0) return false;
  output_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

bool DaemonProcess::wait_for_line(const std::string& text) {
  const auto end = Clock::now() + kPatience;
  while (true) {
    for (auto stop = output_.find('\n', seen_); stop != std::string::npos; stop = output_.find('\n', seen_)) {
      const auto line = output_.substr(seen_, stop - seen_);
      seen_ = stop + 1;
      if (line.find(text) != std::string::npos) return true;
    }
    if (!read_more(left_ms(end))) return false;
  }
}

int DaemonProcess::wait_for_exit() {
  const auto end = Clock::now() + kPatience;
  while (read_more(left_ms(end))) {
  }
  if (Clock::now() >= end) return -1;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::optional<HttpReply> http_get(const std::string& port, const std::string& path) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{10, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string answer;
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (write(descriptor, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (auto count = read(descriptor, buffer, sizeof buffer); count > 0;
           count = read(descriptor, buffer, sizeof buffer)) {
        answer.append(buffer, static_cast<std::size_t>(count));
      }
    }
  }
  close(descriptor);
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || body == std::string::npos) return std::nullopt;
  return HttpReply{std::stoi(answer.substr(9, 3)), answer.substr(body + 4)};
}

NotifySocket::NotifySocket(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(path);
}
NotifySocket::~NotifySocket() {
  close(socket_);
}

bool NotifySocket::wait_for(const std::string& line, std::vector<std::string>* before) const {
  const auto end = Clock::now() + kPatience;
  while (true) {
    pollfd ready{socket_, POLLIN, 0};
    if (poll(&ready, 1, left_ms(end)) <= 0) return false;
    char buffer[4096];
    const auto count = recv(socket_, buffer, sizeof buffer, 0);
    if (count < 0) return false;
    const std::string message(buffer, static_cast<std::size_t>(count));
    if (("\n" + message + "\n").find("\n" + line + "\n") != std::string::npos) return true;
    if (before != nullptr) before->push_back(message);
  }
}

}  // namespace ami::daemon::testing
