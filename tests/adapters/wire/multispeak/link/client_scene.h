// An adapter of a MultiSpeak interface on a fake host, and over real sockets a far side that answers as the
// test says. Everything runs in one thread; the adapter's own time is the virtual clock's.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/http/server.h"
#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/multispeak/codec/notification.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::multispeak::testing {

inline constexpr const char* kSecret = "pa55-of-the-header";

// What came to the far side.
struct Asked {
  std::string path, soap_action, content_type;
  Incoming message;
  std::size_t connection = 0;  // port that it came from
};

class ClientScene : public ::testing::Test {
 public:
  ClientScene();
  ~ClientScene() override;

  // All that an interface can state, 3.0 and 4.1.
  static Profile profile();
  // A feed with the far side as mr, cd and od, a callback server on a free port, and these lines. Lines that
  // begin with "without:" take a section away: "without: od".
  std::string yaml(const std::string& more = "", const std::vector<std::string>& without = {});
  sdk::LoadedFeed load(const std::string& text);
  sdk::LoadedFeed load(const std::string& text, Profile with);
  // Text of every problem, of the file and of plan(); "" = good.
  std::string problems(const std::string& text, Profile with);
  std::string problems(const std::string& text) { return problems(text, profile()); }

  // Starts the adapter of that feed.
  void begin(const std::string& text) { begin(text, profile()); }
  void begin(const std::string& text, Profile with);
  void end();

  // Answers of the far side, by operation. What is not listed here answers as a good one does: no rejections,
  // no methods, no readings.
  using Answering = std::function<http::Response(const Asked&)>;
  std::map<Operation, Answering> answers;
  std::vector<Asked> asked;  // in order
  [[nodiscard]] std::size_t count(Operation operation) const;
  [[nodiscard]] const Asked& last(Operation operation) const;
  http::Response respond(const Asked& to, const ResponseContent& content, std::optional<Version> in = {},
                         MessageHeader header = {});
  http::Response fault(const Asked& to, SoapFault fault, int status = 500);
  static http::Response text(int status, std::string body);
  // One read of that meter, as 3.0 has it.
  static MeterRead read(const std::string& meter, const std::string& kwh, const std::string& at);
  // A page of readings: the answer that follows the page "last" (of lastReceived).
  void pages(std::map<std::string, std::pair<MessageHeader, std::vector<MeterRead>>> by_last_received);

  std::vector<sdk::AttemptAnswer> attempt(sdk::CommandKind kind, std::vector<std::string> meters);
  std::vector<sdk::AttemptAnswer> attempt(sdk::Attempt attempt);
  sdk::AttemptAnswer ask(sdk::CommandKind kind) { return attempt(kind, {"M1"}).at(0); }
  // What the next attempts' before_send says, and how often it was asked.
  Outcome allowed = Done{};
  std::size_t marked = 0;

  // Lets everything happen that waits for sockets, until that is so; throws after 30 s.
  void run_until(const std::function<bool()>& reached);
  void drive(sdk::Awaitable<void> work);
  // Virtual time passes, also for what then waits for sockets.
  void pass(std::chrono::milliseconds span, const std::function<bool()>& reached);
  [[nodiscard]] std::string fact(const std::string& name) const;  // of health; "" = there is none
  // Every log line, health and answer so far: for the password.
  [[nodiscard]] std::string everything_told() const;

  std::filesystem::path folder;
  sdk::testing::FakeHost host;
  std::uint16_t far_port = 0;
  std::unique_ptr<http::Server> far;
  std::vector<std::unique_ptr<sdk::AdapterFamily>> families;
  std::optional<sdk::LoadedFeed> feed;
  std::unique_ptr<sdk::Adapter> adapter;
  sdk::RawStore* raw = nullptr;
  std::string told;  // words of all answers
};

}  // namespace ami::multispeak::testing
