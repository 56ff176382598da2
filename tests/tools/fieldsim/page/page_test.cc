// The page over real sockets on loopback: what it shows, what it lets people do, and whom it turns away.
#include "tools/fieldsim/page/page.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <fstream>

#include "tests/adapters/wire/http/http_scene.h"
#include "tools/fieldsim/page/page_json.h"

namespace ami::fieldsim {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

class QuietSide : public FarSide {
 public:
  sdk::Awaitable<Outcome> start() override { co_return Done{}; }
  sdk::Awaitable<void> stop() override { co_return; }
  sdk::Awaitable<void> report(UtcInstant) override { co_return; }
  [[nodiscard]] Status status() const override {
    Status status;
    status.reports = 4;
    status.requests = 9;
    status.under_way = 2;
    status.last_report = at("2024-01-15T06:00:00Z");
    status.words = "<b>a trouble</b>";
    return status;
  }
};

class PageTest : public http::HttpScene {
 protected:
  PageTest() {
    ledger.emplace(Ledger::open((folder / "ledger").string(), [] { return at("2024-02-01T00:00:00Z"); }).value());
    WorldPlan plan;
    plan.network = "north";
    virtual_meter::Plan of{virtual_meter::Site::create({}).value()};
    plan.plan = virtual_meter::Plan::create(std::move(of)).value();
    for (std::uint32_t i = 0; i < 3; ++i) {
      MeterPlan meter;
      meter.name = "TS0000000" + std::to_string(i);
      meter.setup.number = 1 + i;
      meter.setup.start = begin;
      meter.setup.model.disconnect = i != 2;
      if (i == 1) meter.feeder = "F-7";
      plan.meters.push_back(std::move(meter));
    }
    plan.meters[0].installed = begin + std::chrono::hours{9};
    world = World::create(std::move(plan), clock, *ledger).value();
    courier.emplace(CourierSetup{}, host.services(), clock, *ledger);
    http::ServerSettings settings;
    settings.listen = {{"127.0.0.1", 0}};
    page = std::make_unique<Page>(std::vector<Shown>{{"north", "ts2", *world, side, *courier}}, clock,
                                  std::move(settings), host.services());
    const Outcome started = drive(page->start());
    EXPECT_TRUE(started.ok()) << (started ? "" : started.error().message);
    connect(client_of(page->port()));
  }
  ~PageTest() override { drive_void(page->stop()); }

  http::Reply shown(const std::string& target) { return send(get(target)).reply.value(); }
  json::object object(const http::Reply& reply) { return json::parse(reply.body).as_object(); }
  http::Reply acted(const std::string& body, const std::string& type = "application/json",
                    const http::Headers& headers = {}) {
    http::Call call;
    call.target = "/act";
    call.headers = headers;
    if (!type.empty()) call.headers.add("Content-Type", type);
    call.body = body;
    return send(std::move(call)).reply.value();
  }
  static std::string order(const std::string& action, const std::string& meter = "TS00000001") {
    return json::serialize(json::object{{"network", "north"}, {"meter", meter}, {"action", action}});
  }
  std::string own_origin() const { return "http://127.0.0.1:" + std::to_string(page->port()); }
  std::string raw(const std::string& head) {
    const auto talk = [](boost::asio::io_context& io, std::uint16_t port, std::string bytes) -> sdk::Awaitable<std::string> {
      http::RawConnection connection(io);
      co_await connection.open(port);
      co_await connection.send(std::move(bytes));
      co_return co_await connection.message();
    };
    return drive(talk(host.io, page->port(), head + "Connection: close\r\n\r\n"));
  }

  void brought() {
    run_until([&] { return courier->counts().waiting + courier->counts().on_the_wire == 0; });
  }

  const UtcInstant begin = at("2024-01-15T05:00:00Z");
  SimulatedClock clock{begin, 60};
  std::optional<Ledger> ledger;
  std::unique_ptr<World> world;
  QuietSide side;
  std::optional<Courier> courier;
  std::unique_ptr<Page> page;
};

TEST_F(PageTest, ThePageIsServedWholeAndNothingMayFrameOrFeedIt) {
  const http::Reply reply = shown("/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(reply.body, HasSubstr("</html>"));
  EXPECT_THAT(*reply.headers.find("Content-Type"), HasSubstr("text/html"));
  EXPECT_THAT(*reply.headers.find("Content-Security-Policy"), HasSubstr("frame-ancestors 'none'"));
  EXPECT_EQ(*reply.headers.find("X-Frame-Options"), "DENY");
}

TEST_F(PageTest, ThePageFetchesNothingFromElsewhereAndPutsInNoMarkup) {
  const std::string body = shown("/").body;
  for (const char* word : {"http://", "https://", "src=", "@import", "url(", "innerHTML", "document.write", "eval("})
    EXPECT_THAT(body, Not(HasSubstr(word)));
}

TEST_F(PageTest, NetworksAreShownWithWhatBecameOfTheirMessages) {
  const json::object all = object(shown("/networks"));
  EXPECT_EQ(all.at("now"), "2024-01-15T05:00:00Z");
  EXPECT_EQ(all.at("factor"), 60.0);
  ASSERT_EQ(all.at("networks").as_array().size(), 1U);
  const json::object& north = all.at("networks").at(0).as_object();
  EXPECT_EQ(north.at("name"), "north");
  EXPECT_EQ(north.at("family"), "ts2");
  EXPECT_EQ(north.at("meters"), 3);
  EXPECT_EQ(north.at("reports"), 4);
  EXPECT_EQ(north.at("last_report"), "2024-01-15T06:00:00Z");
  EXPECT_EQ(north.at("requests"), 9);
  EXPECT_EQ(north.at("under_way"), 2);
  EXPECT_EQ(north.at("sent"), 0);
  EXPECT_EQ(north.at("states"), (json::object{{"away", 1}, {"dark", 0}, {"jammed", 0}, {"armed", 0}, {"open", 0}}));
  EXPECT_EQ(north.at("trouble"), "<b>a trouble</b>");
}

TEST_F(PageTest, MetersAreShownWithPowerAndSwitch) {
  const json::object all = object(shown("/meters?network=north"));
  EXPECT_EQ(all.at("total"), 3);
  EXPECT_TRUE(all.at("next").is_null());
  const json::array& meters = all.at("meters").as_array();
  ASSERT_EQ(meters.size(), 3U);
  EXPECT_EQ(meters[0].at("in_service"), false);
  EXPECT_FALSE(meters[0].as_object().contains("powered")) << "who is not installed has nothing to say";
  EXPECT_EQ(meters[1].at("name"), "TS00000001");
  EXPECT_EQ(meters[1].at("feeder"), "F-7");
  EXPECT_EQ(meters[1].at("powered"), true);
  EXPECT_EQ(meters[1].at("switch"), "CLOSED");
  EXPECT_EQ(meters[1].at("jammed"), false);
  EXPECT_GT(meters[1].at("power_w").as_int64(), 0);
  EXPECT_TRUE(meters[2].at("switch").is_null());
}

TEST_F(PageTest, MetersComeInPagesAndAreFoundByTheirName) {
  const json::object first = object(shown("/meters?network=north&count=2"));
  EXPECT_EQ(first.at("meters").as_array().size(), 2U);
  EXPECT_EQ(first.at("next"), 2);
  const json::object last = object(shown("/meters?network=north&count=2&from=2"));
  EXPECT_EQ(last.at("meters").as_array().size(), 1U);
  EXPECT_TRUE(last.at("next").is_null());
  const json::object found = object(shown("/meters?network=north&find=%3000002"));
  ASSERT_EQ(found.at("meters").as_array().size(), 1U);
  EXPECT_EQ(found.at("meters").at(0).at("name"), "TS00000002");
  EXPECT_EQ(object(shown("/meters?network=north&from=999")).at("meters").as_array().size(), 0U);
}

// The first is not installed yet, the third has no switch.
TEST_F(PageTest, TheFieldIsAPictureAndMetersAreFoundByTheirState) {
  EXPECT_EQ(object(shown("/field?network=north")).at("meters"), ".cc");
  EXPECT_TRUE(world->act(1, virtual_meter::SwitchInput::Disconnect, "t", "test").ok());
  EXPECT_EQ(object(shown("/field?network=north")).at("meters"), ".oc");
  EXPECT_TRUE(world->act(1, virtual_meter::SwitchInput::Arm, "t", "test").ok());
  EXPECT_TRUE(world->cut_power(2, "test").ok());
  EXPECT_EQ(object(shown("/field?network=north")).at("meters"), ".ad");
  EXPECT_TRUE(world->jam(1, true, "test").ok());
  EXPECT_EQ(object(shown("/field?network=north")).at("meters"), ".jd");
  const auto named = [&](const std::string& query) {
    std::string names;
    const json::object page_of = object(shown("/meters?network=north&" + query));
    for (const json::value& meter : page_of.at("meters").as_array())
      names += std::string(meter.at("name").as_string()) + " ";
    return names;
  };
  EXPECT_EQ(named("state=away"), "TS00000000 ");
  EXPECT_EQ(named("state=armed"), "TS00000001 ");
  EXPECT_EQ(named("state=jammed"), "TS00000001 ");
  EXPECT_EQ(named("state=open"), "");
  EXPECT_EQ(named("state=dark"), "TS00000002 ");
  EXPECT_EQ(named("state=dark&find=00001"), "");
  EXPECT_EQ(named("find=F-7"), "TS00000001 ") << "by its feeder";
  const json::object states = object(shown("/networks")).at("networks").at(0).at("states").as_object();
  EXPECT_EQ(states, (json::object{{"away", 1}, {"dark", 1}, {"jammed", 1}, {"armed", 1}, {"open", 0}}));
}

TEST_F(PageTest, WhatWasSentAndDoneLatelyIsShownTheNewestFirst) {
  const auto sending = [](bool taken) {
    return [taken]() -> sdk::Awaitable<bool> { co_return taken; };
  };
  for (std::size_t i = 0; i <= Courier::kLately; ++i) {
    Parcel parcel{"old-" + std::to_string(i), "file", sending(true), Content("north")};
    courier->carry(std::move(parcel), Fate{});
    brought();
  }
  Content two("north");
  Content::Event event;
  event.meter = "TS00000001";
  two.add(event);
  two.add(event);
  Fate twice;
  twice.copies = 2;
  courier->carry(Parcel{"new-1", "callback", sending(false), two}, twice);
  brought();
  Fate lost;
  lost.lost = true;
  courier->carry(Parcel{"<i>new-2", "callback", sending(true), Content("north")}, lost);
  EXPECT_TRUE(world->cut_power(1, "page").ok());
  EXPECT_EQ(world->act(1, virtual_meter::SwitchInput::Disconnect, "t", "callback request").result, "no_power");

  const json::object lately = object(shown("/lately?network=north"));
  const json::array& sent = lately.at("sent").as_array();
  ASSERT_EQ(sent.size(), Courier::kLately);
  EXPECT_EQ(sent[0].at("message"), "<i>new-2");
  EXPECT_EQ(sent[0].at("delivery"), "lost");
  EXPECT_EQ(sent[0].at("copies"), 0);
  EXPECT_EQ(sent[1].as_object(), (json::object{{"at", "2024-01-15T05:00:00Z"},
                                               {"message", "new-1"},
                                               {"via", "callback"},
                                               {"delivery", "unsure"},
                                               {"copies", 2},
                                               {"records", 2}}));
  EXPECT_EQ(sent[2].at("message").as_string(), "old-" + std::to_string(Courier::kLately));
  EXPECT_EQ(sent[2].at("delivery"), "sent");
  const json::array& done = lately.at("done").as_array();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].at("command"), "open");
  EXPECT_EQ(done[0].at("result"), "no_power");
  EXPECT_EQ(done[0].at("by"), "callback request");
  EXPECT_EQ(done[1].as_object(), (json::object{{"at", "2024-01-15T05:00:00Z"},
                                               {"meter", "TS00000001"},
                                               {"command", "cut_power"},
                                               {"by", "page"},
                                               {"result", "done"},
                                               {"switch", "CLOSED"}}));
}

TEST_F(PageTest, WhatIsAskedWronglyIsSaidSo) {
  EXPECT_EQ(shown("/meters").status, 404);
  EXPECT_EQ(shown("/meters?network=south").status, 404);
  for (const char* query : {"count=0", "count=501", "count=x", "from=-1", "find=%zz", "find=%2", "what=1", "find=a&find=b",
                            "state=happy", "state=c"}) {
    const http::Reply reply = shown(std::string("/meters?network=north&") + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_FALSE(object(reply).at("error").as_string().empty());
  }
  for (const char* path : {"/field", "/lately"}) {
    EXPECT_EQ(shown(std::string(path) + "?network=south").status, 404) << path;
    EXPECT_EQ(shown(std::string(path) + "?network=north&from=1").status, 400) << path;
  }
  EXPECT_EQ(shown("/secrets").status, 404);
  EXPECT_EQ(shown("/act").status, 405);
}

TEST_F(PageTest, PowerIsCutAndRestoredAndTheLedgerHasTheHand) {
  EXPECT_EQ(object(acted(order("cut_power"))).at("result"), "done");
  EXPECT_EQ(object(shown("/meters?network=north")).at("meters").at(1).at("powered"), false);
  EXPECT_EQ(object(acted(order("cut_power"))).at("result"), "already_there");
  EXPECT_EQ(object(acted(order("restore_power"))).at("result"), "done");
  EXPECT_EQ(object(shown("/meters?network=north")).at("meters").at(1).at("powered"), true);
  ledger->flush();
  std::ifstream in(folder / "ledger");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_THAT(text, HasSubstr(R"("command":"cut_power","transaction":"","by":"page","result":"done")"));
}

TEST_F(PageTest, ASwitchIsJammedAndFreedAndAButtonPressed) {
  EXPECT_EQ(object(acted(order("jam"))).at("result"), "done");
  EXPECT_EQ(object(shown("/meters?network=north")).at("meters").at(1).at("jammed"), true);
  EXPECT_EQ(object(acted(order("unjam"))).at("result"), "done");
  EXPECT_TRUE(world->act(1, virtual_meter::SwitchInput::Disconnect, "t", "test").ok());
  EXPECT_TRUE(world->act(1, virtual_meter::SwitchInput::Arm, "t", "test").ok());
  const json::object pressed = object(acted(order("press_button")));
  EXPECT_EQ(pressed.at("result"), "done");
  EXPECT_EQ(pressed.at("switch"), "CLOSED");
  EXPECT_EQ(object(acted(order("jam", "TS00000002"))).at("result"), "no_switch");
  EXPECT_TRUE(object(acted(order("jam", "TS00000002"))).at("switch").is_null());
}

TEST_F(PageTest, AnOrderThatIsNoneDoesNothing) {
  EXPECT_EQ(acted("").status, 400);
  EXPECT_EQ(acted("[]").status, 400);
  EXPECT_EQ(acted("{\"network\":\"north\"}").status, 400);
  EXPECT_EQ(acted(R"({"network":1,"meter":"TS00000001","action":"jam"})").status, 400);
  EXPECT_EQ(acted(order("explode")).status, 400);
  EXPECT_EQ(acted(order("jam", "TS99999999")).status, 404);
  EXPECT_EQ(acted(R"({"network":"south","meter":"TS00000001","action":"jam"})").status, 404);
  EXPECT_FALSE(world->jammed(1));
}

TEST_F(PageTest, AnotherSiteCannotLayHandsOnTheField) {
  const std::string cut = order("cut_power");
  EXPECT_EQ(acted(cut, "text/plain").status, 403) << "a form can send this";
  EXPECT_EQ(acted(cut, "application/x-www-form-urlencoded").status, 403);
  EXPECT_EQ(acted(cut, "").status, 403);
  EXPECT_EQ(acted(cut, "application/json", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(acted(cut, "application/json", {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(acted(cut, "application/json", {{"Origin", "https" + own_origin().substr(4)}}).status, 403);
  EXPECT_EQ(acted(cut, "application/json", {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(acted(cut, "application/json", {{"Sec-Fetch-Site", "same-site"}}).status, 403);
  EXPECT_TRUE(world->powered(1));
  EXPECT_EQ(acted(cut, "application/json; charset=utf-8",
                  {{"Origin", own_origin()}, {"Sec-Fetch-Site", "same-origin"}})
                .status,
            200);
  EXPECT_FALSE(world->powered(1));
}

TEST_F(PageTest, ANameThatWasMadeToMeanThisMachineIsTurnedAway) {
  const std::string port = std::to_string(page->port());
  EXPECT_THAT(raw("GET / HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\n"), HasSubstr(" 200 "));
  EXPECT_THAT(raw("GET / HTTP/1.1\r\nHost: localhost:" + port + "\r\n"), HasSubstr(" 200 "));
  for (const char* path : {"/", "/networks", "/meters?network=north", "/field?network=north", "/lately?network=north"}) {
    const std::string line = std::string("GET ") + path + " HTTP/1.1\r\n";
    EXPECT_THAT(raw(line + "Host: rebound.example:" + port + "\r\n"), HasSubstr(" 403 ")) << path;
    EXPECT_THAT(raw(line + "Host: 127.0.0.1:1\r\n"), HasSubstr(" 403 ")) << path;
  }
}

TEST_F(PageTest, ItListensOnLoopbackOnly) {
  http::ServerSettings settings;
  settings.listen = {{"0.0.0.0", 0}};
  Page other({}, clock, std::move(settings), host.services());
  const Outcome started = drive(other.start());
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("loopback only"));
}

TEST(PageQuery, IsTakenApartAndBadEscapesAreErrors) {
  const auto query = parse_query("a=1&b=x%20y+z&c&&d=%41");
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(*query, (std::map<std::string, std::string>{{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"d", "A"}}));
  for (const char* bad : {"a=%", "a=%4", "a=%4g", "%zz=1", "a=1&a=2"}) EXPECT_FALSE(parse_query(bad).ok()) << bad;
  EXPECT_TRUE(parse_query("").value().empty());
}

}  // namespace
}  // namespace ami::fieldsim
