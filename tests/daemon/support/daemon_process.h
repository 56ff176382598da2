// A running ami-gatewayd, watched from outside: its log, its exit, its HTTP answers.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ami::daemon::testing {

class DaemonProcess {
 public:
  // Starts build/bin/ami-gatewayd (AMI_BIN_DIR), or another program beside it, with these arguments.
  explicit DaemonProcess(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment = {},
                         const std::string& program_name = "ami-gatewayd");
  ~DaemonProcess();  // kills what still runs
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  void signal(int number) const;
  // Reads output until a line with `text` comes (true), or the process ends or a minute has passed (false).
  // Lines that were read before do not count.
  bool wait_for_line(const std::string& text);
  int wait_for_exit();  // reads all output; exit code, or 128 + signal; -1 when it does not end within a
                        // minute
  [[nodiscard]] const std::string& output() const noexcept { return output_; }

 private:
  bool read_more(int timeout_ms);  // false: end of output or time is up
  pid_t pid_ = -1;
  int pipe_ = -1;
  std::string output_;
  std::size_t seen_ = 0;
};

// Body and status of one GET on loopback; nullopt when nobody answers.
struct HttpReply {
  int status = 0;
  std::string body;
};
std::optional<HttpReply> http_get(const std::string& port, const std::string& path);

// The datagram socket that systemd would listen on.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path);
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;
  // Reads messages until one has this line; false after a minute. What came before is in `before`.
  bool wait_for(const std::string& line, std::vector<std::string>* before = nullptr) const;

 private:
  int socket_ = -1;
};

}  // namespace ami::daemon::testing
