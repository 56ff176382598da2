// Bad senders, many senders: each case ends with a good callback that is taken, without a restart.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffers_iterator.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

#include "adapters/wire/http/client.h"
#include "tests/adapters/wire/multispeak/link/callback_scene.h"
#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak {
namespace {

using namespace testing;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string outage(const std::string& meter) {
  return soap(operation("ODEventNotification",
                        "<ODEvents><outageDetectionEvent><eventTime>2026-01-15T11:58:03-05:00</eventTime>"
                        "<outageEventType>Outage</outageEventType><outageLocation><meterNo>" +
                            meter + "</meterNo></outageLocation></outageDetectionEvent></ODEvents>"));
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

class BadSender : public CallbackScene {};

struct Refused {
  const char* what;
  std::string body;
  const char* word;  // in the fault
};

TEST_F(BadSender, OfABombOrGarbageGetsAFaultAndItsNeighboursAreTaken) {
  open();
  const std::string lol =
      "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
      "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">]>";
  const std::string whole = outage("M1");
  const Refused cases[] = {
      {"a billion laughs", lol + "<l>&d;</l>", "entity_declaration"},
      {"a file from this machine",
       "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><l>&f;</l>",
       "entity_declaration"},
      {"a document type alone", "<!DOCTYPE l SYSTEM \"http://127.0.0.1:1/x.dtd\"><l/>", "entity_declaration"},
      {"deep nesting", repeated("<a>", 100'000), "too_deep"},
      {"elements and nothing in them", "<l>" + repeated("<a/>", 1'500'000) + "</l>", "too_many_elements"},
      {"one start tag of attributes",
       "<l " +
           [] {
             std::string all;
             for (int i = 0; i < 600'000; ++i) all += "a" + std::to_string(i) + "=\"\" ";
             return all;
           }() +
           "/>",
       "too_many_attributes"},
      {"half a message", whole.substr(0, whole.size() / 2), "truncated"},
      {"nothing", "", "empty_file"},
      {"no XML", "\x16\x03\x01\x02 hello {\"json\": 1}", "not_well_formed"},
      {"another encoding", "<?xml version=\"1.0\" encoding=\"utf-16\"?><l/>", "unsupported_encoding"},
      {"no SOAP", "<html><body>502 Bad Gateway</body></html>", "unknown_namespace"},
      {"an empty envelope", soap(""), "no_operation"},
      {"a fault", soap("<soap:Fault><faultcode>soap:Server</faultcode></soap:Fault>"), "unknown_operation"},
  };
  std::uint64_t refused = 0;
  for (const Refused& bad : cases) {
    const HttpAnswer answer = post(bad.body);
    EXPECT_EQ(answer.status, 500) << bad.what << answer.head;
    EXPECT_THAT(answer.body, HasSubstr(bad.word)) << bad.what;
    EXPECT_EQ(server().counters().unreadable, ++refused) << bad.what;
    expect_taking();
  }
  EXPECT_EQ(host.log.count("MULTISPEAK_CALLBACK_UNREADABLE"), 1U) << "one line a minute";
}

TEST_F(BadSender, OfMoreThanTheLimitIsToldSoBeforeItIsRead) {
  CallbackSettings settings = plain();
  settings.server.limits.body_bytes = 2'000;
  open(std::move(settings));
  EXPECT_THAT(exchange("POST /multispeak HTTP/1.1\r\nHost: g\r\nContent-Length: 2001\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(exchange("POST /multispeak HTTP/1.1\r\nHost: g\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  expect_taking();
}

TEST_F(BadSender, OfAByteAtATimeIsEndedWithoutHoldingUpOthers) {
  CallbackSettings settings = plain();
  settings.server.limits.rate_grace = std::chrono::milliseconds{100};
  settings.server.limits.min_rate = 1 << 20;
  settings.server.limits.header_time = std::chrono::milliseconds{300};
  open(std::move(settings));
  // Both send as long as anybody listens: one its header, the other its body.
  auto drip = [](BadSender& scene, std::string first, std::string& heard) -> sdk::Awaitable<void> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(scene.at());
    co_await connection.send(std::move(first));
    boost::asio::steady_timer pause(scene.host.io);
    for (int i = 0; i < 1'000; ++i) {
      pause.expires_after(std::chrono::milliseconds{5});
      co_await pause.async_wait(boost::asio::use_awaitable);
      const bool open = co_await connection.send("x");
      if (!open) break;
    }
    heard = co_await connection.rest();
    heard += "ended";
  };
  std::string of_header, of_body;
  boost::asio::co_spawn(host.io, drip(*this, "POST /multispeak HTTP/1.1\r\nHost: ", of_header),
                        boost::asio::detached);
  boost::asio::co_spawn(
      host.io,
      drip(*this, "POST /multispeak HTTP/1.1\r\nHost: g\r\nContent-Length: 1000000\r\n\r\n", of_body),
      boost::asio::detached);
  run_until([&] { return server().counters().http.open == 2; });
  expect_taking();
  run_until([&] { return !of_header.empty() && !of_body.empty(); });
  EXPECT_EQ(server().counters().http.timeout_header, 1U);
  EXPECT_EQ(server().counters().http.timeout_body, 1U);
  expect_taking();
  EXPECT_THAT(host.journal.entries, SizeIs(2));
}

TEST_F(BadSender, ThatClosesInMidBodyLeavesNothingBehind) {
  open();
  const std::string whole = http_post(outage("M1"));
  auto cut = [](BadSender& scene, std::string part, bool reset) -> sdk::Awaitable<void> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(scene.at());
    co_await connection.send(std::move(part));
    reset ? connection.reset() : connection.close();
  };
  for (const std::size_t part : {whole.size() - 1, whole.size() / 2, std::size_t{40}}) {
    for (const bool reset : {false, true}) drive_void(cut(*this, whole.substr(0, part), reset));
  }
  run_until([&] { return server().counters().http.open == 0; });
  EXPECT_THAT(host.journal.entries, SizeIs(0)) << "not even that which lacks one byte";
  EXPECT_EQ(server().counters().http.buffered_bytes, 0U);
  expect_taking();
}

TEST_F(BadSender, ThatGoesAwayBeforeItsAnswerHasItsCallbackKeptAndMaySendItAgain) {
  open();
  host.journal.hold();
  auto leave = [](BadSender& scene) -> sdk::Awaitable<void> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(scene.at());
    std::string request = http_post(outage("M1"));
    co_await connection.send(std::move(request));
    // The journal has it in hand when the sender goes.
    while (scene.server().counters().http.in_work == 0) {
      boost::asio::steady_timer pause(scene.host.io, std::chrono::milliseconds{1});
      co_await pause.async_wait(boost::asio::use_awaitable);
    }
    connection.reset();
  };
  drive_void(leave(*this));
  host.journal.release();
  run_until([&] { return host.journal.entries.size() == 1; });
  EXPECT_EQ(post(outage("M1")).status, 200);
  EXPECT_THAT(host.journal.entries, SizeIs(1)) << "the same message";
  expect_taking();
}

TEST_F(BadSender, WithWrongCredentialsByTheHundredDoesNotHoldUpTheRightOne) {
  CallbackSettings settings = plain();
  settings.server.in_message = http::BasicCredentials{"hes", http::Secret(kPassword)};
  open(std::move(settings));
  std::string wrong = outage("M1");
  wrong.replace(wrong.find(kPassword), std::string(kPassword).size(), "guess");
  const std::string answers = exchange(repeated(http_post(wrong), 500));
  std::size_t faults = 0;
  for (auto at = answers.find("not_authenticated"); at != std::string::npos;
       at = answers.find("not_authenticated", at + 1))
    ++faults;
  EXPECT_EQ(faults, 500U);
  EXPECT_EQ(host.log.count("MULTISPEAK_CALLBACK_UNAUTHENTICATED"), 1U);
  expect_taking();
}

// Says yes and keeps only how many there were, so that what grows is the server's own.
class CountingJournal : public sdk::Journal {
 public:
  sdk::Awaitable<Result<std::uint64_t>> append(std::string, std::string) override { co_return ++count; }
  std::uint64_t count = 0;
};

// Twenty thousand last gasps at once, and a command to the head-end in the midst of them, all on one strand:
// its answer waits for at most one message of each connection, not for those behind.
TEST_F(BadSender, AStormOfOutagesDoesNotDelayTheAnswerToACommand) {
  constexpr int kConnections = 200, kEach = 100;
  CountingJournal journal;
  sdk::Services services = host.services();
  services.journal = &journal;
  CallbackSettings settings = plain();
  settings.server.limits.requests_in_work = 1'000;
  CallbackServer server(std::move(settings), services);
  ASSERT_TRUE(drive(server.start()).ok());
  http::ScriptedPeer head_end(host.io, {http::answering(http::ok("read"))});
  http::Client& client = connect(client_of(head_end.port()));

  int answered = 0, ended = 0;
  auto gasps = [](BadSender& scene, std::uint16_t port, int sender,
                  int& answered_by_all) -> sdk::Awaitable<void> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(port);
    for (int i = 0; i < kEach; ++i) {
      std::string request = http_post(outage("M" + std::to_string(sender * kEach + i)));
      co_await connection.send(std::move(request));
      const std::string heard = co_await connection.message();
      if (heard.starts_with("HTTP/1.1 200 ")) ++answered_by_all;
    }
  };
  for (int sender = 0; sender < kConnections; ++sender) {
    boost::asio::co_spawn(host.io, gasps(*this, server.ports().at(0), sender, answered),
                          [&](std::exception_ptr) { ++ended; });
  }
  run_until([&] { return answered >= 2'000; });
  int at_ask = answered, at_answer = -1;
  auto command = [](http::Client& to) -> sdk::Awaitable<http::Answer> {
    http::Call call = get();
    co_return co_await to.send(std::move(call));
  };
  boost::asio::co_spawn(host.io, command(client), [&](std::exception_ptr, http::Answer answer) {
    EXPECT_TRUE(answer.ok());
    at_answer = answered;
  });
  run_until([&] { return at_answer >= 0; });
  // A request and its answer are a few turns of the executor (connect, send, accept, read, answer, read), and
  // in each turn every connection moves on by one message at most.
  EXPECT_LE(at_answer - at_ask, 12 * kConnections) << "of " << kConnections * kEach;
  run_until([&] { return ended == kConnections; });
  EXPECT_EQ(answered, kConnections * kEach);
  EXPECT_EQ(journal.count, static_cast<std::uint64_t>(kConnections * kEach));
  EXPECT_EQ(server.counters().http.buffered_bytes, 0U);
  drive_void(server.stop());
}

// The server in a process of its own, for what needs many descriptors on either side.
class ServerProcess {
 public:
  ServerProcess() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    process_ = ::fork();
    if (process_ == 0) run(ends[1]);
    ::close(ends[1]);
    const bool told = ::read(ends[0], &port_, sizeof port_) == sizeof port_;
    ::close(ends[0]);
    if (!told) throw std::runtime_error("the server did not start");
  }
  ~ServerProcess() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  [[nodiscard]] http::tcp::endpoint at() const { return {boost::asio::ip::address_v4::loopback(), port_}; }
  [[nodiscard]] double resident_mb() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/statm");
    double pages = 0;
    file >> pages >> pages;
    return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
  }

 private:
  [[noreturn]] static void run(int out) {
    sdk::testing::FakeHost host;
    CountingJournal journal;
    sdk::Services services = host.services();
    services.journal = &journal;
    CallbackSettings settings = CallbackScene::plain();
    settings.server.limits.connections = 10'050;
    settings.server.limits.connections_per_address = 10'050;
    settings.server.limits.requests_in_work = 1'000;
    settings.server.limits.idle_time = std::chrono::hours{1};
    CallbackServer server(std::move(settings), services);
    auto start = [](CallbackServer& starting) -> sdk::Awaitable<void> {
      const Outcome started = co_await starting.start();
      if (!started) ::_exit(1);
    };
    host.run(start(server));
    const std::uint16_t port = server.ports().at(0);
    if (::write(out, &port, sizeof port) != sizeof port) ::_exit(1);
    host.io.restart();
    host.io.run();
    ::_exit(0);
  }
  pid_t process_ = 0;
  std::uint16_t port_ = 0;
};

std::string ask(boost::asio::ip::tcp::socket& socket, const std::string& request) {
  boost::asio::write(socket, boost::asio::buffer(request));
  std::string answer(15, '\0');  // "HTTP/1.1 200 OK"
  boost::asio::read(socket, boost::asio::buffer(answer));
  return answer;
}

TEST(CallbackServerProcess, HoldsTenThousandConnectionsAndTakesCallbacksBesideThem) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  constexpr rlim_t kWanted = 10'200;
  if (limit.rlim_max < kWanted) GTEST_SKIP() << "the hard limit of descriptors is " << limit.rlim_max;
  limit.rlim_cur = std::max(limit.rlim_cur, kWanted);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);

  const ServerProcess server;
  boost::asio::io_context io;
  const double empty_mb = server.resident_mb();
  std::vector<boost::asio::ip::tcp::socket> resting;
  for (int i = 0; i < 10'000; ++i) {
    resting.emplace_back(io).connect(server.at());
    // Each tenth has begun a message that it never ends.
    if (i % 10 == 0) {
      const std::string begun = http_post(outage("M")).substr(0, 100);
      boost::asio::write(resting.back(), boost::asio::buffer(begun));
    }
  }
  boost::asio::ip::tcp::socket fresh(io);
  fresh.connect(server.at());
  EXPECT_EQ(ask(fresh, http_post(outage("M1"))), "HTTP/1.1 200 OK");
  EXPECT_LT(server.resident_mb() - empty_mb, 200.0);
  resting.clear();
  boost::asio::ip::tcp::socket after(io);
  after.connect(server.at());
  EXPECT_EQ(ask(after, http_post(outage("M2"))), "HTTP/1.1 200 OK");
}

TEST(CallbackServerProcess, GrowsNoFurtherInAStormOfOutages) {
  const ServerProcess server;
  boost::asio::io_context io;
  std::vector<boost::asio::ip::tcp::socket> senders;
  for (int i = 0; i < 50; ++i) senders.emplace_back(io).connect(server.at());
  // As many as fit into the sockets are sent before an answer is read.
  const auto storm = [&](int from, int to) {
    for (int i = from; i < to; i += 50) {
      for (int s = 0; s < 50; ++s) {
        const std::string request = http_post(outage("M" + std::to_string(i + s)));
        boost::asio::write(senders.at(static_cast<std::size_t>(s)), boost::asio::buffer(request));
      }
      for (auto& sender : senders) {
        boost::asio::streambuf answer;
        const auto head = boost::asio::read_until(sender, answer, "\r\n\r\n");
        const std::string text(boost::asio::buffers_begin(answer.data()),
                               boost::asio::buffers_begin(answer.data()) + static_cast<std::ptrdiff_t>(head));
        ASSERT_THAT(text, StartsWith("HTTP/1.1 200 ")) << i;
        const auto at = text.find("Content-Length: ");
        const std::size_t whole = head + std::stoul(text.substr(at + 16));
        if (answer.size() < whole)
          boost::asio::read(sender, answer, boost::asio::transfer_exactly(whole - answer.size()));
      }
    }
  };
  storm(0, 5'000);
  const double after_a_quarter = server.resident_mb();
  storm(5'000, 20'000);
  EXPECT_LT(server.resident_mb() - after_a_quarter, 8.0) << "from " << after_a_quarter;
}

}  // namespace
}  // namespace ami::multispeak
