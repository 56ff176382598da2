// Metrics and health over HTTP/1.1, for a scraper and a probe beside the process: GET or HEAD of a few paths.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "daemon/log/log.h"
#include "meter_model/result.h"

namespace ami::daemon {

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpLimits {
  std::size_t connections = 32;  // more are closed at once
  std::size_t header_bytes = 8192;
  std::chrono::milliseconds request{5000};  // from the first byte awaited to the last byte answered
  std::size_t requests = 100;               // on one connection
};

// Handlers are called on `executor` and must not block. The executor's context and the log outlive the
// server.
class HttpServer {
 public:
  using Handler = std::function<HttpAnswer()>;
  using Handlers = std::map<std::string, Handler, std::less<>>;  // by path

  // `address` is "127.0.0.1:9464" or "[::1]:0"; port 0 picks a free one.
  static Result<std::unique_ptr<HttpServer>> listen(boost::asio::any_io_executor executor,
                                                    const std::string& address, Handlers handlers,
                                                    HttpLimits limits, const Log& log);
  ~HttpServer();

  [[nodiscard]] std::uint16_t port() const noexcept;
  void stop();  // closes listener and connections; thread-safe

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ami::daemon
