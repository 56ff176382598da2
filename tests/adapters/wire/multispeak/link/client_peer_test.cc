// The whole way against the simulated head-end: order, callback, journal, batch, verdict; in both versions.
#include <fstream>

#include "adapters/wire/http/client.h"
#include "adapters/wire/multispeak/peer/head_end.h"
#include "tests/adapters/wire/multispeak/link/client_scene.h"

namespace ami::multispeak::testing {
namespace {

using sdk::AttemptState;
using sdk::CommandKind;
using sdk::PowerState;
using sdk::SwitchPosition;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// M1 answers; OUT is without power; DEAD does not answer.
class ThreeMeters final : public peer::Field {
 public:
  std::optional<MeterRead> read(const std::string& meter) override {
    if (meter != "M1") return std::nullopt;
    return showing("4711", "");
  }
  peer::Power power(const std::string& meter) override {
    if (meter == "M1") return peer::Power::On;
    return meter == "OUT" ? peer::Power::Off : peer::Power::Silent;
  }
  peer::Switched act(const std::string&, const std::string& load_action) override {
    acts.push_back(load_action);
    // Closing from open needs the customer: it ends in Armed.
    return {load_action == "Connect" ? "Armed" : load_action, ""};
  }
  bool reset(const std::string&) override {
    ++resets;
    return true;
  }
  std::string position(const std::string& meter) override { return meter == "M1" ? "Opened" : "Closed"; }
  std::vector<MeterRead> recorded(const std::string& meter, UtcInstant from, UtcInstant) override {
    MeterRead one = showing("7", to_text(from));
    one.meter.number = meter;
    return {one, one, one};
  }
  std::vector<std::string> acts;
  int resets = 0;

 private:
  // As both versions can say it.
  static MeterRead showing(const std::string& kwh, const std::string& at) {
    MeterRead read;
    read.reading_date = at;
    read.values.emplace_back();
    read.values[0].units = read.values[0].field_name = "kWh";
    read.values[0].value = kwh;
    read.values[0].time = at;
    return read;
  }
};

class MultiSpeakWholeWay : public ClientScene, public ::testing::WithParamInterface<Version> {
 protected:
  ~MultiSpeakWholeWay() override {
    end();
    if (head_end_) drive(head_end_->stop());
    if (forward_) drive(forward_->stop());
    if (onward_) drive(onward_->stop());
  }

  // The callback server's port is known only when it runs, and the head-end has to be told before: this
  // passes on.
  void forward() {
    http::ServerSettings settings;
    settings.listen = {{"127.0.0.1", 0}};
    forward_ = std::make_unique<http::Server>(settings, host.services());
    forward_->route("POST", "/back", [this](http::Request request) -> sdk::Awaitable<http::Response> {
      http::Call call;
      if (const std::string* type = request.headers.find("Content-Type"))
        call.headers.set("Content-Type", *type);
      call.body = std::move(request.body);
      auto sending = onward_->send(std::move(call));
      const http::Answer answer = co_await std::move(sending);
      http::Response response;
      response.status = answer.reply ? answer.reply->status : 502;
      if (answer.reply) response.body = answer.reply->body;
      co_return response;
    });
    start(*forward_);
  }
  template <class Startable>
  void start(Startable& what) {
    auto work = [](Startable& of) -> sdk::Awaitable<void> {
      auto starting = of.start();
      const Outcome started = co_await std::move(starting);
      EXPECT_TRUE(started.ok()) << started.error().message;
    };
    drive(work(what));
  }

  void open(const std::string& more = "", peer::HeadEndSettings settings = {}) {
    settings.version = GetParam();
    settings.server.listen = {{"127.0.0.1", 0}};
    settings.user = "gateway";
    settings.password = Secret(kSecret);
    head_end_ = std::make_unique<peer::HeadEnd>(std::move(settings), host.services(), field);
    for (const char* meter : {"M1", "OUT", "DEAD"}) head_end_->know({{meter}, "", ""});
    start(*head_end_);
    forward();
    std::string text = yaml("", {"response_url"});
    for (const std::string role : {"mr", "cd", "od"}) {
      const std::string url = "127.0.0.1:" + std::to_string(far_port) + "/" + role;
      text.replace(text.find(url), url.size(),
                   "127.0.0.1:" + std::to_string(head_end_->ports().at(0)) + "/multispeak");
    }
    begin(text + "response_url: http://127.0.0.1:" + std::to_string(forward_->ports().at(0)) +
          "/back\nversion: \"" + std::string(name_of(GetParam())) + "\"\n" + more);
    const std::string callbacks = fact("callbacks");
    http::ClientSettings client;
    client.url =
        http::parse_url("http://127.0.0.1:" + callbacks.substr(5, callbacks.find(',') - 5) + "/multispeak")
            .value();
    onward_ = std::make_unique<http::Client>(client, host.services());
  }

  // Order, then everything that comes back, as verdicts.
  std::vector<sdk::AttemptAnswer> carry_out(CommandKind kind, std::vector<std::string> of) {
    const std::size_t before = host.journal.entries.size();
    const std::size_t many = of.size();
    for (const sdk::AttemptAnswer& answer : attempt(kind, std::move(of)))
      EXPECT_EQ(answer.state, AttemptState::Waiting) << answer.reason << answer.words;
    run_until([&] { return host.journal.entries.size() >= before + many && head_end_->under_way() == 0; });
    return verdicts(kind);
  }
  std::vector<sdk::AttemptAnswer> verdicts(CommandKind kind) {
    const std::size_t before = host.store.committed.size();
    EXPECT_TRUE(host.drain(*feed->family, feed->settings).ok());
    std::vector<sdk::AttemptAnswer> out;
    for (std::size_t i = before; i < host.store.committed.size(); ++i) {
      for (const ResultObservation& result : host.store.committed[i].batch.results) {
        EXPECT_EQ(result.transaction, "t-1");
        meters.emplace_back(result.meter);
        out.push_back(feed->family->verdict(feed->settings, kind, result));
      }
    }
    return out;
  }

  ThreeMeters field;
  std::unique_ptr<peer::HeadEnd> head_end_;
  std::unique_ptr<http::Server> forward_;
  std::unique_ptr<http::Client> onward_;
  std::vector<std::string> meters;  // of the results
};

INSTANTIATE_TEST_SUITE_P(Versions, MultiSpeakWholeWay, ::testing::Values(Version::V30, Version::V41),
                         [](const auto& param) { return param.param == Version::V30 ? "V30" : "V41"; });

// Rule 2: any of the three notifications carries the transaction, and the readings.
TEST_P(MultiSpeakWholeWay, AReadComesBackByEachOfTheThreeNotifications) {
  open();
  for (const Operation carrier :
       {Operation::ReadingChanged, Operation::IntervalData, Operation::FormattedBlock}) {
    peer::Orders orders;
    orders.carrier = carrier;
    head_end_->order("M1", orders);
    const std::size_t before = host.store.committed.size();
    const auto said = carry_out(CommandKind::Read, {"M1"});
    ASSERT_GE(said.size(), 1U);
    EXPECT_EQ(said[0].state, AttemptState::Succeeded);
    EXPECT_FALSE(host.store.committed.at(before).batch.observations.empty());
  }
}

// Rule 4: a failed read is no empty read.
TEST_P(MultiSpeakWholeWay, AReadThatFailsSaysWhyAndStoresNothing) {
  open();
  peer::Orders orders;
  orders.error = "module is being replaced";
  head_end_->order("M1", orders);
  auto said = carry_out(CommandKind::Read, {"M1"});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].state, AttemptState::Failed);
  EXPECT_EQ(said[0].words, "module is being replaced");
  EXPECT_TRUE(host.store.committed.back().batch.observations.empty());
}

// Rule 3, this side's part: what comes after the expiry is stored like any reading, and its result handed on.
TEST_P(MultiSpeakWholeWay, ALateAnswerIsStoredAndItsResultHandedOn) {
  open();
  peer::Orders orders;
  orders.late_by = std::chrono::minutes{10};
  head_end_->order("M1", orders);
  EXPECT_EQ(ask(CommandKind::Read).state, AttemptState::Waiting);
  pass(minutes{20}, [&] { return host.journal.entries.size() == 1; });
  const auto said = verdicts(CommandKind::Read);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].state, AttemptState::Succeeded);
  EXPECT_EQ(host.store.committed.back().batch.observations.size(), 1U);
}

// Rule 8, this side's part: a repeat is taken each time, and says the same.
TEST_P(MultiSpeakWholeWay, ARepeatedCallbackSaysTheSame) {
  open();
  peer::Orders orders;
  orders.copies = 3;
  head_end_->order("M1", orders);
  EXPECT_EQ(ask(CommandKind::Read).state, AttemptState::Waiting);
  run_until([&] { return head_end_->under_way() == 0; });
  for (const auto& answer : verdicts(CommandKind::Read)) EXPECT_EQ(answer.state, AttemptState::Succeeded);
}

TEST_P(MultiSpeakWholeWay, APingTellsPowerFromSilence) {
  open();
  const auto said = carry_out(CommandKind::Ping, {"M1", "OUT", "DEAD"});
  ASSERT_EQ(said.size(), 3U);
  std::map<std::string, PowerState> power;
  for (std::size_t i = 0; i < said.size(); ++i) power[meters.at(i)] = said[i].power;
  EXPECT_EQ(power["M1"], PowerState::Powered);
  EXPECT_EQ(power["OUT"], PowerState::NoAnswer);
  EXPECT_EQ(power["DEAD"], PowerState::NoAnswer);
}

TEST_P(MultiSpeakWholeWay, ASwitchOpensAndAnOrderToCloseThatEndsInArmedHasNotClosedIt) {
  open();
  auto said = carry_out(CommandKind::SwitchOpen, {"M1"});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].state, AttemptState::Succeeded);
  EXPECT_EQ(said[0].position, SwitchPosition::Open);
  said = carry_out(CommandKind::SwitchClose, {"M1"});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].state, AttemptState::Unknown);  // it may yet close
  EXPECT_EQ(said[0].position, SwitchPosition::Armed);
  EXPECT_THAT(field.acts, ElementsAre("Disconnect", "Connect"));
}

TEST_P(MultiSpeakWholeWay, ASwitchsStateIsAskedForAndComesBack) {
  open();
  const auto said = carry_out(CommandKind::SwitchState, {"M1"});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].position, SwitchPosition::Open);
}

TEST_P(MultiSpeakWholeWay, AMeterThatIsInNoBooksIsRejectedAndTheOtherRead) {
  open();
  const auto said = attempt(CommandKind::Read, {"M1", "M7"});
  EXPECT_EQ(said[0].state, AttemptState::Waiting);
  EXPECT_EQ(said[1].reason, "rejected");
}

TEST_P(MultiSpeakWholeWay, GetMethodsNamesWhatIsNotImplementedByLeavingItOut) {
  peer::HeadEndSettings settings;
  settings.without = {Operation::InitiateDemandReset};
  open("", std::move(settings));
  pass(std::chrono::seconds{10}, [&] { return adapter->health().state == sdk::HealthState::Healthy; });
  const auto said = ask(CommandKind::DemandReset);
  EXPECT_EQ(said.reason, "not_stated");
  EXPECT_THAT(said.words, HasSubstr("InitiateDemandReset"));
  EXPECT_EQ(field.resets, 0);
}

TEST_P(MultiSpeakWholeWay, ABrokerThatAnswersInTheOtherVersionIsUnderstood) {
  peer::HeadEndSettings settings;
  settings.answers = GetParam() == Version::V30 ? Version::V41 : Version::V30;
  open("", std::move(settings));
  peer::Orders orders;
  orders.other_namespace = true;
  head_end_->order("M1", orders);
  const auto said = carry_out(CommandKind::Read, {"M1"});
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].state, AttemptState::Succeeded);
  pass(std::chrono::seconds{10}, [&] { return adapter->health().state == sdk::HealthState::Healthy; });
  EXPECT_THAT(fact("head-end mr"),
              HasSubstr(GetParam() == Version::V30 ? "MultiSpeak 4.1" : "MultiSpeak 3.0"));
}

TEST_P(MultiSpeakWholeWay, ABackfillGoesThroughThePagesOfTheHeadEnd) {
  peer::HeadEndSettings settings;
  settings.page = 2;
  open("", std::move(settings));
  sdk::Attempt attempt;
  attempt.transaction = "t-1";
  attempt.kind = CommandKind::Backfill;
  attempt.meters = {"M1"};
  attempt.expires_at = host.clock.now() + minutes{5};
  attempt.from = host.clock.now() - std::chrono::hours{24};
  attempt.to = host.clock.now();
  const auto said = this->attempt(attempt);
  EXPECT_EQ(said[0].state, AttemptState::Succeeded) << said[0].words;
  std::size_t reads = 0;
  for (const auto& commit : host.store.committed) reads += commit.batch.observations.size();
  EXPECT_EQ(reads, 9U);  // three of each of three meters, a meter a page
  EXPECT_EQ(host.store.committed.size(), 3U);
}

TEST_P(MultiSpeakWholeWay, AWrongPasswordIsTheHeadEndsToSay) {
  peer::HeadEndSettings settings;
  open("", std::move(settings));
  end();
  std::filesystem::permissions(folder / "password", std::filesystem::perms::owner_all);
  std::ofstream(folder / "password") << "another-pass\n";
  std::filesystem::permissions(folder / "password", std::filesystem::perms::owner_read);
  adapter = feed->family->make(feed->settings, host.services());
  start(*adapter);
  const auto said = ask(CommandKind::Read);
  EXPECT_NE(said.state, AttemptState::Waiting);
  EXPECT_EQ(everything_told().find("another-pass"), std::string::npos);
}

}  // namespace
}  // namespace ami::multispeak::testing
