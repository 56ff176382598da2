// The seventh family by itself: lines and their checksum (computed apart, by Python's binascii.crc_hqx), and
// an adapter that speaks with its simulated far side.
#include <gmock/gmock.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "adapters/millrace/codec/lines.h"
#include "adapters/millrace/family.h"
#include "adapters/millrace/peer/head_end.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kImp = " 0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh ";

class Millrace : public testing::FamilyScene {
 protected:
  Millrace()
      : FamilyScene(interfaces()), head_end(host.io.get_executor(), [](const Ask& ask) {
          return ask.meter == "M1" ? std::optional<std::string>("REG|M1|IMP|2026-01-15T05:00:00Z|12.5")
                               : std::nullopt;
        }) {
    meters = {{"M1", 1}};
  }
  ~Millrace() override {
    if (adapter) host.stop(*adapter);
    head_end.close();
    host.run_until_idle();
  }

  sdk::LoadedFeed loaded(const std::string& more = "") {
    const char* source = std::getenv("AMI_SOURCE_DIR");
    const std::string data =
        std::string(source == nullptr ? "." : source) + "/tests/seventh_family/adapters/millrace/";
    return feed(
        "name: mill\nutility: u\nfamily: millrace\nzone: UTC\nport: " + std::to_string(head_end.port()) +
        "\nmapping: " + data + "millrace.yaml\nevents: " + data + "millrace-events.yaml\n" + more);
  }
  void begin() {
    running.emplace(loaded());
    ASSERT_EQ(problems(*running), "");
    adapter = running->family->make(running->settings, host.services());
    ASSERT_TRUE(host.start(*adapter).ok());
    reach([&] { return adapter->health().state == sdk::HealthState::Healthy; });
  }
  // Sockets decide when: runs until it is so.
  void reach(const std::function<bool()>& so) {
    const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!so()) {
      ASSERT_LT(std::chrono::steady_clock::now(), bound) << "what the test waits for did not come";
      host.io.restart();
      host.io.run_one_for(std::chrono::milliseconds{20});
    }
  }
  sdk::AttemptAnswer ask(const std::string& meter, sdk::CommandKind kind = sdk::CommandKind::Read) {
    sdk::Attempt attempt;
    attempt.transaction = "t-1";
    attempt.kind = kind;
    attempt.meters = {meter};
    attempt.before_send = [this]() -> sdk::Awaitable<Outcome> {
      ++marked;
      if (head_end_goes) {
        head_end.close();
        while (adapter->health().state != sdk::HealthState::Degraded)
          co_await boost::asio::post(host.io, boost::asio::use_awaitable);
      }
      co_return allowed;
    };
    std::vector<sdk::AttemptAnswer> answers;
    auto work = [](sdk::Adapter& of, sdk::Attempt what,
                   std::vector<sdk::AttemptAnswer>& into) -> sdk::Awaitable<void> {
      auto asking = of.attempt(std::move(what));
      into = co_await std::move(asking);
    };
    host.run(work(*adapter, std::move(attempt), answers));
    return answers.at(0);
  }
  std::vector<std::string> journal() const {
    std::vector<std::string> all;
    for (const auto& [id, entry] : host.journal.entries) all.push_back(entry.key + ": " + entry.message);
    return all;
  }

  peer::HeadEnd head_end;
  std::optional<sdk::LoadedFeed> running;
  std::unique_ptr<sdk::Adapter> adapter;
  Outcome allowed = Done{};
  int marked = 0;
  bool head_end_goes = false;  // while leave is asked for
};

TEST_F(Millrace, LinesBecomeReadingsEventsAndResults) {
  EXPECT_EQ(problems(loaded()), "");
  EXPECT_EQ(can(loaded()), "pushed registers intervals events read");
  EXPECT_THAT(
      message(loaded(),
              "REG|M1|IMP|2026-01-15T05:00:00Z|12.5*14A4\n"
              "INT|M1|IMP|2026-01-15T05:15:00Z|900|0.25;;0.5*37E9\n"
              "EVT|M1|PF|2026-01-15T05:01:02-05:00|lost supply*E15F\n"
              "RES|t-1|M1|done*C5AE\n",
              "2026-01-16T00:00:00Z"),
      ElementsAre(std::string("reg 1 millrace:IMP") + kImp + "2026-01-15T05:00:00Z 12500 []",
                  "int 1 millrace:IMP 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:00:00Z +900 250",
                  "int 1 millrace:IMP 0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0 Wh 2026-01-15T05:30:00Z +900 500",
                  "event 1 OUTAGE 3.26.0.47 2026-01-15T10:01:02Z \"PF\" \"lost supply\"",
                  "result M1 t-1 done/", "! M1 empty_value"));  // a hole, never a zero
}

TEST_F(Millrace, TheChecksumIsCcittFalse) {
  EXPECT_EQ(seal("123456789"), "123456789*29B1\n");
  EXPECT_EQ(unseal("123456789*29B1\n"), "123456789");
  for (const char* damaged :
       {"", "\n", "*FFFF", "123456789*29B1", "123456789*29b1\n", "123456788*29B1\n", "123456789*29B1\r\n"})
    EXPECT_EQ(unseal(damaged), std::nullopt) << damaged;
}

TEST_F(Millrace, ABadLineCostsItselfAndSaysWhy) {
  const std::string good = seal("REG|M1|IMP|2026-01-15T05:00:00Z|12.5");
  const std::pair<std::string, const char*> bad[] = {
      {seal("XYZ|M1"), reason::kUnknownKind},
      {seal(""), reason::kUnknownKind},
      {seal("REG|M1|IMP|2026-01-15T05:00:00Z"), reason::kFieldCount},
      {seal("REG||IMP|2026-01-15T05:00:00Z|1"), reason::kMissingMeter},
      {seal("RES|t-1||done"), reason::kMissingMeter},
      {seal("REG|M1|IMP|2026-01-15T05:00:00|1"), reason::kBadTime},
      {seal("REG|M1|IMP|2026-02-30T05:00:00Z|1"), reason::kBadTime},
      {seal("REG|M1|IMP|2026-01-15T05:00:00Z|12,5"), reason::kBadNumber},
      {seal("INT|M1|IMP|2026-01-15T05:00:00Z|900|1;x"), reason::kBadNumber},
      {seal("INT|M1|IMP|2026-01-15T05:00:00Z|0|1"), reason::kBadLength},
      {seal("INT|M1|IMP|2026-01-15T05:00:00Z|86401|1"), reason::kBadLength},
      {seal("INT|M1|IMP|2026-01-15T05:00:00Z|9e2|1"), reason::kBadLength},
      {"REG|M1|IMP|2026-01-15T05:00:00Z|12.5*0000\n", reason::kBadChecksum},
      {"\n", reason::kBadChecksum},
      {std::string(kLongestLine, 'x') + "\n", reason::kLineTooLong},
  };
  for (const auto& [line, why] : bad) {
    DecodedBatch out;
    decode(good + line + good, out);
    EXPECT_EQ(out.observations.size(), 2U) << line;
    ASSERT_EQ(out.malformed.size(), 1U) << line;
    EXPECT_STREQ(out.malformed[0].reason, why) << line;
    EXPECT_EQ(out.malformed[0].offset, good.size());
  }
  DecodedBatch cut;
  decode(good.substr(0, good.size() - 1), cut);
  ASSERT_EQ(cut.malformed.size(), 1U);
  EXPECT_STREQ(cut.malformed[0].reason, reason::kLineEndMissing);
}

TEST_F(Millrace, AMappingThatDoesNotKnowARegisterQuarantinesIt) {
  EXPECT_THAT(message(loaded(), seal("REG|M1|HEAT|2026-01-15T05:00:00Z|1"), "2026-01-16T00:00:00Z"),
              ElementsAre("! M1 unknown_unit"));
}

TEST_F(Millrace, AnAddressThatIsNoneIsSaidWithItsLine) {
  EXPECT_THAT(problems(loaded("address: head-end.example\n")),
              ::testing::HasSubstr(":8: address: not an IP address"));
  EXPECT_THAT(problems(loaded("adress: 10.0.0.7\n")), ::testing::HasSubstr("address"));
}

TEST_F(Millrace, ALineIsInTheJournalWhenItIsAcknowledged) {
  begin();
  head_end.push("REG|M1|IMP|2026-01-15T05:00:00Z|12.5");
  reach([&] { return head_end.waiting() == 0; });
  EXPECT_THAT(journal(), ElementsAre("M1: " + seal("REG|M1|IMP|2026-01-15T05:00:00Z|12.5")));
}

TEST_F(Millrace, AFullJournalIsToldAndTheLineComesAgain) {
  begin();
  host.journal.fail(transient("full"));
  head_end.push("REG|M1|IMP|2026-01-15T05:00:00Z|12.5");
  for (int i = 0; i < 100; ++i) {
    host.io.restart();
    host.io.run_one_for(std::chrono::milliseconds{20});
  }
  EXPECT_EQ(head_end.waiting(), 1U);
  host.journal.accept();
  reach([&] { return head_end.waiting() == 0; });
  EXPECT_EQ(host.journal.entries.size(), 1U);
}

TEST_F(Millrace, AReadIsAnsweredByTheMetersLineAndAResult) {
  begin();
  const auto answer = ask("M1");
  EXPECT_EQ(answer.state, sdk::AttemptState::Waiting) << answer.reason;
  EXPECT_EQ(marked, 1);
  reach([&] { return host.journal.entries.size() == 2; });
  EXPECT_THAT(journal(), ElementsAre("M1: " + seal("REG|M1|IMP|2026-01-15T05:00:00Z|12.5"),
                                     "M1: " + seal("RES|t-1|M1|done")));
}

TEST_F(Millrace, AMeterThatDoesNotAnswerFailsTheRead) {
  begin();
  EXPECT_EQ(ask("M2").state, sdk::AttemptState::Waiting);
  reach([&] { return host.journal.entries.size() == 1; });
  DecodedBatch said;
  decode(host.journal.entries.begin()->second.message, said);
  ASSERT_EQ(said.results.size(), 1U);
  const auto verdict = running->family->verdict(running->settings, sdk::CommandKind::Read, said.results[0]);
  EXPECT_EQ(verdict.state, sdk::AttemptState::Failed);
  EXPECT_EQ(verdict.reason, "no_answer");
}

TEST_F(Millrace, AWordThatIsNotInTheBookDecidesNothing) {
  const auto of = loaded();
  ResultObservation result;
  result.word = "perhaps";
  EXPECT_EQ(of.family->verdict(of.settings, sdk::CommandKind::Read, result).state,
            sdk::AttemptState::Unknown);
  result.word = "done";
  EXPECT_EQ(of.family->verdict(of.settings, sdk::CommandKind::Read, result).state,
            sdk::AttemptState::Succeeded);
}

TEST_F(Millrace, NothingLeavesWithoutLeave) {
  begin();
  allowed = transient("no");
  const auto answer = ask("M1");
  EXPECT_EQ(answer.state, sdk::AttemptState::Failed);
  EXPECT_EQ(answer.reason, "not_sent");
  EXPECT_EQ(ask("M1", sdk::CommandKind::SwitchOpen).reason, "not_stated");
  EXPECT_EQ(marked, 1) << "nothing was marked as sent for what is not stated";
}

// The connection goes while leave is asked for: nothing has left.
TEST_F(Millrace, AHeadEndThatGoesIsUnreachableAndIsCalledAgain) {
  begin();
  head_end_goes = true;
  EXPECT_EQ(ask("M1").reason, "not_sent");
  EXPECT_EQ(ask("M1").reason, "unreachable");
  EXPECT_EQ(marked, 1);
  EXPECT_EQ(host.clock.waiting(), 1U) << "it waits to call again";
  EXPECT_THAT(journal(), IsEmpty());
}

}  // namespace
}  // namespace ami::millrace
