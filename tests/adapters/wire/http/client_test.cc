// The client with good peers: what it writes, which connections it keeps, when it stops.
#include <gmock/gmock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "tests/adapters/wire/http/http_scene.h"

namespace ami::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpClient : public HttpScene {
 public:
  // Notes the requests that it gets.
  Script noting(std::string bytes) {
    return [this, bytes](RawConnection& peer) -> sdk::Awaitable<void> {
      for (;;) {
        const std::string request = co_await peer.message();
        if (request.empty()) co_return;
        requests.push_back(request);
        const bool sent = co_await peer.send(bytes);
        if (!sent) co_return;
      }
    };
  }
  std::vector<std::string> requests;
};

TEST_F(HttpClient, WritesWhatItIsToldAndGivesTheAnswer) {
  ScriptedPeer peer(host.io,
                    {noting("HTTP/1.1 202 Fine\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 4\r\n\r\nbody")});
  ClientSettings settings = client_of(peer.port());
  settings.url.target = "/MR_Server";
  settings.headers.add("SOAPAction", "\"default\"");
  settings.headers.add("X-Site", "7");
  settings.basic = BasicCredentials{"Aladdin", Secret("open sesame")};
  connect(settings);
  Call call;
  call.headers.add("SOAPAction", "\"one\"");
  call.body = "<x/>";
  const Answer answer = send(call);
  ASSERT_TRUE(answer.ok()) << answer.failure->error.message;
  EXPECT_EQ(answer.reply->status, 202);
  EXPECT_EQ(answer.reply->body, "body");
  EXPECT_EQ(answer.reply->headers.count("X-A"), 2U);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(
      requests[0],
      StartsWith("POST /MR_Server HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) + "\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nSOAPAction: \"one\"\r\n"));
  EXPECT_THAT(requests[0], Not(HasSubstr("default")));
  EXPECT_THAT(requests[0], HasSubstr("\r\nX-Site: 7\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_TRUE(requests[0].ends_with("\r\n\r\n<x/>"));
}

TEST_F(HttpClient, ReadsChunksInterimAnswersAndBodiesThatEndWithTheConnection) {
  ScriptedPeer peer(
      host.io,
      {
          answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\nT: 1\r\n\r\n"),
      });
  connect(client_of(peer.port()));
  EXPECT_EQ(send(get()).reply->body, "abcde");
  EXPECT_EQ(send(get()).reply->body, "abcde");
  EXPECT_EQ(peer.connections(), 1U);
  ScriptedPeer to_eof(host.io, {[](RawConnection& at) -> sdk::Awaitable<void> {
                        co_await at.message();
                        co_await at.send("HTTP/1.0 200 OK\r\n\r\nall of it");
                      }});
  connect(client_of(to_eof.port()));
  EXPECT_EQ(send(get()).reply->body, "all of it");
  ScriptedPeer no_content(host.io, {answering("HTTP/1.1 204 No Content\r\n\r\n")});
  connect(client_of(no_content.port()));
  EXPECT_EQ(send(get()).reply->status, 204);
  EXPECT_EQ(send(get()).reply->body, "");
  EXPECT_EQ(no_content.connections(), 1U);
}

TEST_F(HttpClient, KeepsConnectionsButNotThoseThatThePeerWillClose) {
  ScriptedPeer keeping(host.io, {answering(ok("a"))});
  connect(client_of(keeping.port()));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(send(get()).ok());
  EXPECT_EQ(keeping.connections(), 1U);
  EXPECT_EQ(client_->metrics().reused, 2U);
  EXPECT_EQ(client_->metrics().idle, 1U);
  for (const char* last_word : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                                "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore than that"}) {
    ScriptedPeer closing(host.io, {answering(last_word)});
    connect(client_of(closing.port()));
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(send(get()).ok());
    EXPECT_EQ(closing.connections(), 2U) << last_word;
    EXPECT_EQ(client_->metrics().idle, 0U);
  }
}

TEST_F(HttpClient, DoesNotSendOnAKeptConnectionThatThePeerClosedMeanwhile) {
  ScriptedPeer peer(host.io, {[](RawConnection& at) -> sdk::Awaitable<void> {
                                co_await at.message();
                                co_await at.send(ok("first"));  // and closes, without having said so
                              },
                              answering(ok("second"))});
  connect(client_of(peer.port()));
  EXPECT_EQ(send(get()).reply->body, "first");
  host.run_until_idle();  // the peer's FIN is here
  Call call;              // not safe to repeat
  const Answer answer = send(call);
  ASSERT_TRUE(answer.ok()) << answer.failure->error.message;
  EXPECT_EQ(answer.reply->body, "second");
  EXPECT_EQ(client_->metrics().stale, 1U);
  EXPECT_EQ(client_->metrics().sent_again, 0U);
}

// Reads the second request of a kept connection and hangs up without a word.
Script hanging_up_on_the_second() {
  return [](RawConnection& at) -> sdk::Awaitable<void> {
    co_await at.message();
    co_await at.send(ok("first"));
    co_await at.message();
  };
}

TEST_F(HttpClient, LeavesInDoubtWhatAKeptConnectionLostUnlessItIsSafeToRepeat) {
  ScriptedPeer peer(host.io,
                    {hanging_up_on_the_second(), hanging_up_on_the_second(), answering(ok("third"))});
  connect(client_of(peer.port()));
  EXPECT_TRUE(send(get()).ok());
  const Answer lost = send(Call{});
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.failure->kind, FailureKind::Cut);
  EXPECT_EQ(lost.failure->error.fault, Fault::InDoubt);
  EXPECT_TRUE(lost.failure->sent);
  EXPECT_EQ(peer.connections(), 1U);  // not sent again

  EXPECT_TRUE(send(get()).ok());
  Call safe = get();
  safe.safe_to_repeat = true;
  EXPECT_EQ(send(safe).reply->body, "third");
  EXPECT_EQ(peer.connections(), 3U);
  EXPECT_EQ(client_->metrics().sent_again, 1U);
}

TEST_F(HttpClient, UsesAConnectionOfItsOwnWhereAsked) {
  ScriptedPeer peer(host.io, {answering(ok("x"))});
  connect(client_of(peer.port()));
  EXPECT_TRUE(send(get()).ok());
  Call call;
  call.fresh_connection = true;
  EXPECT_TRUE(send(call).ok());
  EXPECT_EQ(peer.connections(), 2U);
}

TEST_F(HttpClient, AsksBeforeTheFirstByteLeaves) {
  ScriptedPeer peer(host.io, {noting(ok("x"))});
  connect(client_of(peer.port()));
  std::size_t asked = 0, connected = 0, requests_then = 99;
  Call call;
  call.before_send = [&]() -> sdk::Awaitable<Outcome> {
    ++asked;
    connected = peer.connections();
    requests_then = requests.size();
    co_return Done{};
  };
  EXPECT_TRUE(send(call).ok());
  EXPECT_EQ(asked, 1U);
  EXPECT_EQ(requests_then, 0U);
  call.before_send = []() -> sdk::Awaitable<Outcome> { co_return permanent("not in this state"); };
  const Answer refused = send(call);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure->kind, FailureKind::NotSent);
  EXPECT_EQ(refused.failure->error.message, "not in this state");
  EXPECT_FALSE(refused.failure->sent);
  EXPECT_EQ(requests.size(), 1U);
  EXPECT_TRUE(send(get()).ok());  // the connection was kept
  EXPECT_EQ(peer.connections(), 1U);
}

TEST_F(HttpClient, AsksOnceAlsoWhenItSendsAgainAndNotWhenNothingCanBeSent) {
  ScriptedPeer peer(host.io, {hanging_up_on_the_second(), answering(ok("again"))});
  connect(client_of(peer.port()));
  EXPECT_TRUE(send(get()).ok());
  int asked = 0;
  Call call = get();
  call.safe_to_repeat = true;
  call.before_send = [&]() -> sdk::Awaitable<Outcome> {
    ++asked;
    co_return Done{};
  };
  EXPECT_EQ(send(call).reply->body, "again");
  EXPECT_EQ(asked, 1);
  std::uint16_t nobody = 0;
  { nobody = ScriptedPeer(host.io, {answering("")}).port(); }
  connect(client_of(nobody));
  EXPECT_FALSE(send(call).ok());
  EXPECT_EQ(asked, 1);
}

TEST_F(HttpClient, TakesANewConnectionWhenThePeerHangsUpBeforeTheFirstByte) {
  bool closed = false;
  ScriptedPeer peer(host.io, {[&](RawConnection& at) -> sdk::Awaitable<void> {
                                at.close();
                                closed = true;
                                co_return;
                              },
                              noting(ok("fine"))});
  connect(client_of(peer.port()));
  Call call;
  call.before_send = [&]() -> sdk::Awaitable<Outcome> {
    asio::steady_timer turn(host.io);
    while (!closed) {
      turn.expires_after(std::chrono::milliseconds{1});
      co_await turn.async_wait(asio::use_awaitable);
    }
    co_return Done{};
  };
  const Answer answer = send(call);
  ASSERT_TRUE(answer.ok()) << answer.failure->error.message;
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(HttpClient, WaitsInLineForAConnectionAndRefusesALongerLine) {
  std::vector<RawConnection*> waiting;
  ScriptedPeer peer(host.io, {[&](RawConnection& at) -> sdk::Awaitable<void> {
                      for (;;) {
                        const std::string request = co_await at.message();
                        if (request.empty()) co_return;
                        waiting.push_back(&at);
                        co_await at.until("go on");  // never comes from the client: the test closes
                      }
                    }});
  ClientSettings settings = client_of(peer.port());
  settings.limits.connections = 2;
  settings.limits.waiting = 1;
  connect(settings);
  std::vector<Answer> answers;
  auto ask = [](HttpClient& scene, std::vector<Answer>& into, Call call) -> sdk::Awaitable<void> {
    into.push_back(co_await scene.client_->send(std::move(call)));
  };
  for (int i = 0; i < 2; ++i) asio::co_spawn(host.io, ask(*this, answers, get()), [](std::exception_ptr) {});
  run_until([&] { return waiting.size() == 2; });
  Call hurried = get();
  hurried.deadline = std::chrono::milliseconds{50};
  const Answer late = send(hurried);
  EXPECT_EQ(late.failure->kind, FailureKind::PoolBusy);
  EXPECT_EQ(late.failure->error.fault, Fault::Transient);
  EXPECT_FALSE(late.failure->sent);
  asio::co_spawn(host.io, ask(*this, answers, get()), [](std::exception_ptr) {});
  run_until([&] { return client_->metrics().waiting == 1; });
  const Answer full = send(get());
  EXPECT_EQ(full.failure->kind, FailureKind::PoolBusy);
  EXPECT_EQ(peer.connections(), 2U);
  waiting[0]->close();
  run_until([&] { return peer.connections() == 3; });  // the one in line got the place
  drive_void(client_->stop());
  EXPECT_EQ(answers.size(), 3U);
  EXPECT_EQ(client_->metrics().in_use, 0U);
}

TEST_F(HttpClient, StopsByCuttingOffWhatIsUnderWayAndTakesNothingMore) {
  bool got = false;
  ScriptedPeer peer(host.io, {[&](RawConnection& at) -> sdk::Awaitable<void> {
                      co_await at.message();
                      got = true;
                      co_await at.ended();
                    }});
  connect(client_of(peer.port()));
  std::optional<Answer> answer;
  auto ask = [](HttpClient& scene, std::optional<Answer>& into) -> sdk::Awaitable<void> {
    into = co_await scene.client_->send(Call{});
  };
  asio::co_spawn(host.io, ask(*this, answer), [](std::exception_ptr) {});
  run_until([&] { return got; });
  drive_void(client_->stop());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure->kind, FailureKind::Stopped);
  EXPECT_EQ(answer->failure->error.fault, Fault::InDoubt);
  const Answer after = send(get());
  EXPECT_EQ(after.failure->kind, FailureKind::Stopped);
  EXPECT_EQ(after.failure->error.fault, Fault::Transient);
}

TEST_F(HttpClient, EndsACancelledCallWithWhatIsKnown) {
  bool got = false;
  ScriptedPeer peer(host.io, {[&](RawConnection& at) -> sdk::Awaitable<void> {
                                co_await at.message();
                                got = true;
                                co_await at.ended();
                              },
                              answering(ok("next"))});
  connect(client_of(peer.port()));
  std::optional<Answer> answer;
  bool done = false;
  asio::cancellation_signal cancel;
  auto ask = [](HttpClient& scene, std::optional<Answer>& into) -> sdk::Awaitable<void> {
    auto call = scene.client_->send(Call{});
    into = co_await std::move(call);
  };
  asio::co_spawn(host.io, ask(*this, answer),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { done = true; }));
  run_until([&] { return got; });
  cancel.emit(asio::cancellation_type::terminal);
  run_until([&] { return done; });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure->kind, FailureKind::Cancelled);
  EXPECT_EQ(answer->failure->error.fault, Fault::InDoubt);
  EXPECT_EQ(send(get()).reply->body, "next");
}

TEST_F(HttpClient, RefusesACallThatCannotBeWritten) {
  ScriptedPeer peer(host.io, {noting(ok("x"))});
  connect(client_of(peer.port()));
  Call split = get(), blank = get("/a b"), relative = get("a"), method = get();
  split.headers.add("X", "a\r\nX-Evil: b");
  method.method = "GET /evil HTTP/1.1\r\nX:";
  for (const Call& bad : {split, blank, relative, method}) {
    const Answer answer = send(bad);
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.failure->kind, FailureKind::BadCall);
    EXPECT_EQ(answer.failure->error.fault, Fault::Permanent);
  }
  EXPECT_EQ(peer.connections(), 0U);
  ClientSettings open_password = client_of(peer.port());
  open_password.url.host = "192.0.2.1";
  open_password.basic = BasicCredentials{"u", Secret("p")};
  connect(open_password);
  EXPECT_EQ(send(get()).failure->kind, FailureKind::BadCall);
}

TEST_F(HttpClient, LeavesADeadPeerAloneAndComesBackToIt) {
  std::uint16_t at = 0;
  {
    ScriptedPeer gone(host.io, {answering("")});
    at = gone.port();
  }
  ClientSettings settings = client_of(at);
  settings.breaker.failures = 3;
  settings.breaker.open_for = std::chrono::seconds{30};
  connect(settings);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(get()).failure->kind, FailureKind::ConnectFailed);
  const Answer left_alone = send(get());
  EXPECT_EQ(left_alone.failure->kind, FailureKind::BreakerOpen);
  EXPECT_EQ(left_alone.failure->error.fault, Fault::Transient);
  EXPECT_EQ(client_->metrics().breaker.state, BreakerState::Open);
  EXPECT_EQ(client_->metrics().failed.at(FailureKind::ConnectFailed), 3U);
  serve([&] {
    ServerSettings back = plain_server();
    back.listen = {{"127.0.0.1", at}};
    return back;
  }());
  host.advance(std::chrono::seconds{30});
  EXPECT_TRUE(send(get("/peer")).ok());
  EXPECT_EQ(client_->metrics().breaker.state, BreakerState::Closed);
}

TEST_F(HttpClient, DoesNotTakeASoapFaultForADeadPeer) {
  ScriptedPeer peer(host.io, {answering("HTTP/1.1 500 Fault\r\nContent-Length: 5\r\n\r\nfault")});
  ClientSettings settings = client_of(peer.port());
  settings.breaker.failures = 1;
  connect(settings);
  for (int i = 0; i < 3; ++i) {
    const Answer answer = send(Call{});
    EXPECT_EQ(answer.failure->kind, FailureKind::ServerError);
    EXPECT_EQ(answer.failure->error.fault, Fault::InDoubt);
    EXPECT_EQ(answer.reply->body, "fault");
  }
  EXPECT_EQ(client_->metrics().breaker.state, BreakerState::Closed);
  EXPECT_EQ(peer.connections(), 1U);
}

TEST_F(HttpClient, SpeaksWithTheServer) {
  Server& server = serve(plain_server());
  connect(client_of(port()));
  Call call;
  call.target = "/echo";
  call.body = std::string(3 << 20, 'b');
  const Answer answer = send(call);
  ASSERT_TRUE(answer.ok()) << answer.failure->error.message;
  EXPECT_EQ(answer.reply->body, call.body);
  const Answer missing = send(get("/none"));
  EXPECT_EQ(missing.failure->kind, FailureKind::Refused);
  call.body = std::string(9 << 20, 'b');
  const Answer large = send(call);
  EXPECT_EQ(large.failure->kind, FailureKind::Refused) << large.failure->error.message;
  EXPECT_EQ(large.reply->status, 413);
  EXPECT_TRUE(send(get("/peer")).ok());
  EXPECT_EQ(server.counters().requests, 4U);
}

}  // namespace
}  // namespace ami::http
