// The callback server on a fake host with real sockets; a sender of raw bytes at the other end, which does
// not use the code under test to write or read HTTP.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "adapters/wire/multispeak/link/callback_server.h"
#include "tests/adapters/wire/http/http_scene.h"

namespace ami::multispeak::testing {

struct HttpAnswer {
  int status = 0;  // 0: the connection ended without an answer
  std::string head, body;
};
HttpAnswer parse_answer(const std::string& bytes);

inline constexpr const char* kText = "text/xml; charset=utf-8";
inline constexpr const char* kSoap12 = "application/soap+xml; charset=utf-8";

std::string http_post(const std::string& body, const std::string& type = kText,
                      const std::string& path = "/multispeak");

class CallbackScene : public http::HttpScene {
 public:
  ~CallbackScene() override;

  static CallbackSettings plain();
  CallbackServer& open(CallbackSettings settings = plain());
  CallbackServer& server() { return *callbacks_; }
  [[nodiscard]] std::uint16_t at() const { return callbacks_->ports().at(0); }

  // On a connection of its own.
  std::string exchange(std::string bytes);
  HttpAnswer post(const std::string& body, const std::string& type = kText);
  // A callback that was never sent before is taken, and is in the journal: the server has recovered.
  void expect_taking();

  std::vector<std::string> keys() const;      // of the journal, in order
  std::vector<std::string> messages() const;  // likewise

 private:
  std::unique_ptr<CallbackServer> callbacks_;
  int fresh_ = 0;
};

}  // namespace ami::multispeak::testing
