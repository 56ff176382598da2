// Readings in pages: pulls on a schedule with a durable position, and backfills.
#include "tests/adapters/wire/multispeak/link/client_scene.h"

#include "adapters/wire/multispeak/link/puller.h"

namespace ami::multispeak::testing {
namespace {

using sdk::CommandKind;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Keeps what it is given, or refuses.
class FakeRaw final : public sdk::RawStore {
 public:
  sdk::Awaitable<Outcome> keep(sdk::RawContent content) override {
    if (full) co_return transient("the disk is full");
    std::string bytes(content.size, '\0');
    std::size_t at = 0;
    while (at < bytes.size()) at += content.read(bytes.data() + at, 7, at).value();  // in small pieces
    kept[content.sha256] = bytes;
    co_return Done{};
  }
  std::map<std::string, std::string> kept;
  bool full = false;
};

class MultiSpeakPull : public ClientScene {
 protected:
  MultiSpeakPull() { raw = &store; }
  ~MultiSpeakPull() override { end(); }  // before the store goes
  static MessageHeader more(std::int64_t remaining, const std::string& last_sent) {
    MessageHeader header;
    header.objects_remaining = remaining;
    header.last_sent = last_sent;
    return header;
  }
  std::string pulling(const std::string& more = "") {
    const std::string overlap = more.find("overlap") == std::string::npos ? "    overlap: 0s\n" : "";
    return yaml(
        "pull:\n  - what: readings_by_date\n    every: 1h\n    lag: 0s\n    window: 1d\n" + overlap + more,
        {"cd", "od"});
  }
  // Meters of all that is stored, in order.
  std::vector<std::string> stored() const {
    std::vector<std::string> meters;
    for (const auto& commit : host.store.committed) {
      for (const Observation& said : commit.batch.observations)
        meters.emplace_back(std::get<SeriesObservation>(said).meter);
    }
    return meters;
  }
  std::string position() const {
    const auto found = host.store.state.find("pull:readings_by_date");
    return found == host.store.state.end() ? "" : found->second;
  }
  sdk::Attempt period() {
    sdk::Attempt attempt;
    attempt.transaction = "t-1";
    attempt.kind = CommandKind::Backfill;
    attempt.meters = {"M1", "M2"};
    attempt.expires_at = host.clock.now() + minutes{5};
    attempt.from = host.clock.now() - hours{48};
    attempt.to = host.clock.now() - hours{24};
    return attempt;
  }
  FakeRaw store;
};

// Rule 9.
TEST_F(MultiSpeakPull, GoesThroughThePagesAndRemembersHowFarItCame) {
  pages({{"", {more(2, "M1"), {read("M1", "1", "2026-01-14T12:00:00Z")}}},
         {"M1", {more(1, "M2"), {read("M2", "2", "2026-01-14T12:00:00Z")}}},
         {"M2", {more(0, "M3"), {read("M3", "3", "2026-01-14T12:00:00Z")}}}});
  begin(pulling());
  pass(seconds{30}, [&] { return stored().size() == 3 && position().find(' ') == std::string::npos; });
  EXPECT_THAT(stored(), ElementsAre("M1", "M2", "M3"));
  const Asked& first = *std::find_if(asked.begin(), asked.end(), [](const Asked& one) {
    return one.message.operation == Operation::GetReadingsByDate;
  });
  const UtcInstant start = host.clock.now();
  const auto from = parse_instant(first.message.request->start),
             to = parse_instant(first.message.request->end);
  ASSERT_TRUE(from.ok() && to.ok());
  EXPECT_EQ(*to - *from, hours{24});
  EXPECT_LT(start - *to, seconds{30});
  EXPECT_EQ(position(), to_text(*to));
  EXPECT_EQ(fact("pulled until (readings_by_date)"), to_text(*to));
  // Each page is kept before it is stored, without its header, and known by its content.
  ASSERT_EQ(store.kept.size(), 3U);
  for (const auto& commit : host.store.committed) {
    ASSERT_TRUE(store.kept.contains(commit.source.content_sha256));
    EXPECT_EQ(store.kept.at(commit.source.content_sha256).size(), commit.source.length);
    EXPECT_EQ(store.kept.at(commit.source.content_sha256).find("MsgHeader"), std::string::npos);
    ASSERT_EQ(commit.state.size(), 1U);
  }
  // The kept bytes say the same again.
  const DecodedBatch again =
      feed->family->decode(feed->settings, store.kept.begin()->second, host.clock.now());
  EXPECT_EQ(again.observations.size(), 1U);
}

TEST_F(MultiSpeakPull, TheNextOneGoesOnWhereTheFirstEnded) {
  pages({{"", {MessageHeader(), {}}}});
  begin(pulling());
  pass(seconds{30}, [&] { return !position().empty(); });
  const std::string until = position();
  pass(minutes{61}, [&] { return count(Operation::GetReadingsByDate) == 2; });
  EXPECT_EQ(last(Operation::GetReadingsByDate).message.request->start, until);
  EXPECT_TRUE(store.kept.empty());  // an empty page is nothing to keep
}

TEST_F(MultiSpeakPull, AfterALongPauseItAsksWindowByWindowWithTheOverlap) {
  pages({{"", {MessageHeader(), {}}}});
  host.store.state["pull:readings_by_date"] = to_text(host.clock.now() - hours{50});
  begin(pulling("    overlap: 4h\n"));
  pass(seconds{30}, [&] {
    const auto at = parse_instant(position());
    return at.ok() && host.clock.now() - *at < seconds{60};
  });
  ASSERT_EQ(count(Operation::GetReadingsByDate), 3U);  // 20 + 20 + 10 hours on
  for (const Asked& one : asked) {
    if (one.message.operation != Operation::GetReadingsByDate) continue;
    EXPECT_LE(*parse_instant(one.message.request->end) - *parse_instant(one.message.request->start),
              hours{24});
  }
}

// The page and the place behind it are stored together: nothing is lost and nothing is there twice.
TEST_F(MultiSpeakPull, ACrashBetweenPagesRepeatsNone) {
  pages({{"", {more(1, "M1"), {read("M1", "1", "2026-01-14T12:00:00Z")}}},
         {"M1", {more(0, ""), {read("M2", "2", "2026-01-14T12:00:00Z")}}}});
  host.store.fail_after(1, transient("the host is stopping"));
  begin(pulling());
  pass(seconds{30}, [&] { return host.store.attempts() == 2; });
  EXPECT_THAT(stored(), ElementsAre("M1"));
  EXPECT_THAT(position(), HasSubstr(" M1"));
  end();
  host.store.accept();
  asked.clear();
  // What is read meanwhile, in the period behind: nothing.
  pages({{"", {MessageHeader(), {}}}, {"M1", {more(0, ""), {read("M2", "2", "2026-01-14T12:00:00Z")}}}});
  begin(pulling());
  pass(seconds{30}, [&] { return stored().size() == 2 && position().find(' ') == std::string::npos; });
  EXPECT_THAT(stored(), ElementsAre("M1", "M2"));
  std::vector<std::string> places;
  for (const Asked& one : asked) {
    if (one.message.operation == Operation::GetReadingsByDate)
      places.push_back(one.message.request->last_received);
  }
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places[0], "M1");
  EXPECT_EQ(std::count(places.begin(), places.end(), "M1"), 1);
}

TEST_F(MultiSpeakPull, AHeadEndThatForgotThePlaceIsAskedFromTheBeginningOfThePeriod) {
  pages({{"", {more(0, ""), {read("M1", "1", "2026-01-14T12:00:00Z")}}}});
  const std::string until = to_text(host.clock.now() - hours{5});
  host.store.state["pull:readings_by_date"] =
      until + " " + to_text(host.clock.now() - hours{1}) + " lost place";
  begin(pulling());
  pass(minutes{5}, [&] { return stored().size() >= 1; });
  EXPECT_EQ(asked.empty(), false);
  EXPECT_EQ(last(Operation::GetReadingsByDate).message.request->start, until);
  EXPECT_EQ(host.log.count("PULL_TROUBLE"), 1U);
}

TEST_F(MultiSpeakPull, PagesWithoutAnEndAreATroubleAndNotALoop) {
  const std::vector<
      std::pair<const char*, std::map<std::string, std::pair<MessageHeader, std::vector<MeterRead>>>>>
      bad = {
          {"in a circle",
           {{"", {more(9, "A"), {read("M1", "1", "2026-01-14T12:00:00Z")}}},
            {"A", {more(9, "B"), {read("M2", "2", "2026-01-14T12:00:00Z")}}},
            {"B", {more(9, "A"), {read("M3", "3", "2026-01-14T12:00:00Z")}}}}},
          {"no place to go on", {{"", {more(9, ""), {read("M1", "1", "2026-01-14T12:00:00Z")}}}}},
          {"the same place", {{"", {more(9, "A"), {}}}, {"A", {more(9, "A"), {}}}}},
      };
  for (const auto& [name, by_place] : bad) {
    asked.clear();
    host.store.state.clear();
    host.log.entries.clear();
    pages(by_place);
    begin(pulling());
    pass(seconds{8}, [&] { return host.log.count("PULL_TROUBLE") == 1; });
    EXPECT_LE(count(Operation::GetReadingsByDate), 3U) << name;
    EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded) << name;
    EXPECT_EQ(position().find('A'), std::string::npos) << name;
    end();
  }
  // What came before is stored all the same.
  EXPECT_THAT(stored(), ::testing::Contains("M3"));
}

TEST_F(MultiSpeakPull, NothingIsStoredThatCouldNotBeKeptAndItIsTriedAgain) {
  store.full = true;
  pages({{"", {more(0, ""), {read("M1", "1", "2026-01-14T12:00:00Z")}}}});
  begin(pulling());
  pass(seconds{30}, [&] { return host.log.count("PULL_TROUBLE") == 1; });
  EXPECT_TRUE(stored().empty());
  EXPECT_THAT(adapter->health().reason, HasSubstr("the disk is full"));
  store.full = false;
  pass(minutes{30}, [&] { return stored().size() == 1; });
  pass(minutes{30}, [&] { return adapter->health().state == sdk::HealthState::Healthy; });
}

TEST_F(MultiSpeakPull, ThePositionSurvivesTextAndNonsenseBeginsAnew) {
  const UtcInstant a = parse_instant("2026-01-15T00:00:00Z").value(), b = a + hours{1};
  for (const PullPosition& position :
       {PullPosition{a, {}, ""}, PullPosition{a, b, ""}, PullPosition{a, b, "last one  with blanks "},
        PullPosition{{}, b, "x"}}) {
    const auto back = PullPosition::parse(position.to_text());
    ASSERT_TRUE(back.has_value()) << position.to_text();
    EXPECT_EQ(back->until, position.until);
    EXPECT_EQ(back->to, position.to);
    EXPECT_EQ(back->last_received, position.last_received);
  }
  for (const char* nonsense : {"", "yesterday", "2026-01-15T00:00:00Z yesterday x", "2026-01-15T00:00:00Z -"})
    EXPECT_FALSE(PullPosition::parse(nonsense).has_value()) << nonsense;
}

TEST_F(MultiSpeakPull, BillingCyclesAreAskedOnceADayEachWithItsFields) {
  answers[Operation::GetReadingsByBillingCycle] = [this](const Asked& to) {
    ResponseContent content;
    BlockOfRows block;
    block.separator = ",";
    block.syntax = {{"meterNo", "1", ""}, {"readingDate", "2", ""}, {"posKWh", "3", "kWh"}};
    block.rows = {"M" + to.message.request->billing_cycle + ",2026-01-14T12:00:00Z,5"};
    content.blocks.push_back(block);
    return respond(to, content);
  };
  begin(
      yaml("pull:\n  - what: billing_cycle\n    every: 1h\n    billing_cycles: [\"07\", \"08\"]\n"
           "    kwh_look_back: 3\n    fields: [posKWh]\n",
           {"cd", "od"}));
  pass(hours{5}, [&] { return stored().size() == 2; });
  const Asked& request = last(Operation::GetReadingsByBillingCycle);
  // The scene's zone is Toronto's and its clock stands at midnight UTC: it is still the 14th there.
  EXPECT_EQ(request.message.request->billing_date, "2026-01-14T00:00:00-05:00");
  EXPECT_EQ(request.message.request->kwh_look_back_days, 3);
  EXPECT_THAT(request.message.request->field_names, ElementsAre("posKWh"));
  EXPECT_EQ(host.store.state.at("pull:billing_cycle:07"), "2026-01-14T00:00:00Z");
  host.advance(hours{3});
  EXPECT_EQ(count(Operation::GetReadingsByBillingCycle), 2U);
  pass(hours{30}, [&] { return count(Operation::GetReadingsByBillingCycle) == 4; });
}

// A head-end that says no inside a good answer has not given the period: it is asked again, not passed over.
TEST_F(MultiSpeakPull, APageOfRejectionsOrOfFailuresOnlyDoesNotMoveThePosition) {
  const auto page = [](const std::string& inside) {
    return "<e:Envelope "
           "xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><GetReadingsByDateResponse "
           "xmlns='http://www.multispeak.org/Version_3.0'><GetReadingsByDateResult>" +
           inside + "</GetReadingsByDateResult></GetReadingsByDateResponse></e:Body></e:Envelope>";
  };
  const std::string good =
      "<meterRead><meterNo>M1</meterNo><readingDate>2026-01-14T12:00:00Z</readingDate>"
      "<posKWh>1</posKWh></meterRead>";
  const std::string failure = "<meterRead objectID='M2' errorString='archive is being rebuilt'/>";
  const std::string until = to_text(host.clock.now() - hours{5});
  const std::pair<std::string, const char*> bad[] = {
      {"<errorObject objectID='' errorString='archive is being rebuilt'/>", "archive is being rebuilt"},
      {good + "<errorObject objectID='M2'/>", "without words"},
      {failure, "archive is being rebuilt"}};
  for (const auto& [inside, words] : bad) {
    host.store.state["pull:readings_by_date"] = until;
    host.log.entries.clear();
    const std::string body = page(inside);
    answers[Operation::GetReadingsByDate] = [body](const Asked&) { return text(200, body); };
    begin(pulling());
    pass(seconds{30}, [&] { return host.log.count("PULL_TROUBLE") == 1; });
    EXPECT_THAT(adapter->health().reason, HasSubstr(words));
    EXPECT_EQ(position(), until);
    end();
  }
  EXPECT_THAT(stored(), ::testing::Contains("M1"));  // what came is stored all the same
  // A failure beside readings is that meter's.
  const std::string mixed = page(good + failure);
  answers[Operation::GetReadingsByDate] = [mixed](const Asked&) { return text(200, mixed); };
  begin(pulling());
  pass(minutes{20}, [&] { return position() != until; });
}

TEST_F(MultiSpeakPull, ABackfillThatIsRejectedInAGoodAnswerHasFailed) {
  answers[Operation::GetReadingsByDate] = [](const Asked&) {
    return text(
        200,
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><GetReadingsByDateResponse "
        "xmlns='http://www.multispeak.org/Version_3.0'><GetReadingsByDateResult><errorObject "
        "errorString='not today'/></GetReadingsByDateResult></GetReadingsByDateResponse></e:Body>"
        "</e:Envelope>");
  };
  begin(yaml("", {"cd", "od"}));
  const auto said = attempt(period());
  EXPECT_EQ(said[0].state, sdk::AttemptState::Failed);
  EXPECT_THAT(said[0].words, HasSubstr("not today"));
}

TEST_F(MultiSpeakPull, APositionOfAClockThatWasAheadIsGoneBackFrom) {
  pages({{"", {MessageHeader(), {}}}});
  const UtcInstant now = host.clock.now();
  host.store.state["pull:readings_by_date"] = to_text(now + hours{24 * 30});
  begin(pulling());
  pass(seconds{30},
       [&] { return count(Operation::GetReadingsByDate) > 0 && position().find("2026-01-1") == 0; });
  EXPECT_EQ(host.log.count("PULL_POSITION_AHEAD"), 1U);
  const Asked& first = *std::find_if(asked.begin(), asked.end(), [](const Asked& one) {
    return one.message.operation == Operation::GetReadingsByDate;
  });
  EXPECT_LE(*parse_instant(first.message.request->start), now - hours{23});
  EXPECT_LE(*parse_instant(position()), host.clock.now());
  end();
  // A clock that was set right by a little is none that was wrong.
  host.log.entries.clear();
  asked.clear();
  const std::string little = to_text(host.clock.now() + minutes{4});
  host.store.state["pull:readings_by_date"] = little;
  begin(pulling());
  host.advance(seconds{30});
  EXPECT_EQ(host.log.count("PULL_POSITION_AHEAD"), 0U);
  EXPECT_EQ(position(), little);
  // So is the end of a period that was begun then.
  end();
  host.store.state["pull:readings_by_date"] =
      to_text(host.clock.now() - hours{2}) + " " + to_text(host.clock.now() + hours{400}) + " place";
  begin(pulling());
  pass(seconds{30}, [&] { return position().find(' ') == std::string::npos; });
  EXPECT_LE(*parse_instant(position()), host.clock.now());
}

TEST_F(MultiSpeakPull, APlaceThatAlwaysFailsIsGivenUpAndThenThePeriodHalved) {
  answers[Operation::GetReadingsByDate] = [](const Asked& to) {
    const auto& request = *to.message.request;
    const bool small = *parse_instant(request.end) - *parse_instant(request.start) <= hours{3};
    if (!request.last_received.empty() || !small) return text(400, "Bad Request");
    return text(
        200,
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><GetReadingsByDateResponse "
        "xmlns='http://www.multispeak.org/Version_3.0'><GetReadingsByDateResult/></GetReadingsByDateResponse>"
        "</e:Body></e:Envelope>");
  };
  const UtcInstant now = host.clock.now();
  host.store.state["pull:readings_by_date"] =
      to_text(now - hours{10}) + " " + to_text(now - hours{1}) + " stale place";
  begin(pulling("    overlap: 0s\n"));
  pass(hours{6}, [&] {
    const auto until = parse_instant(position());
    return until.ok() && *until > now - hours{1};
  });
  // Three times with the place, then without.
  std::size_t with_place = 0;
  for (const Asked& one : asked) {
    if (one.message.operation == Operation::GetReadingsByDate)
      with_place += one.message.request->last_received.empty() ? 0U : 1U;
  }
  EXPECT_EQ(with_place, 3U);
}

TEST_F(MultiSpeakPull, AHeadEndThatIsAwayIsAskedTheSameAgain) {
  answers[Operation::GetReadingsByDate] = [](const Asked&) {
    http::Response busy = text(503, "later");
    busy.headers.set("Retry-After", "1");
    return busy;
  };
  const std::string stands =
      to_text(host.clock.now() - hours{10}) + " " + to_text(host.clock.now() - hours{1}) + " place";
  host.store.state["pull:readings_by_date"] = stands;
  begin(pulling());
  pass(hours{3}, [&] { return count(Operation::GetReadingsByDate) >= 5; });
  EXPECT_EQ(position(), stands);
}

TEST_F(MultiSpeakPull, WithoutAnOverlapOfTheSitesADayIsAskedForAgain) {
  pages({{"", {MessageHeader(), {}}}});
  const UtcInstant until = host.clock.now() - hours{1};
  host.store.state["pull:readings_by_date"] = to_text(until);
  begin(yaml("pull:\n  - what: readings_by_date\n    lag: 0s\n", {"cd", "od"}));
  pass(seconds{30}, [&] { return count(Operation::GetReadingsByDate) == 1; });
  EXPECT_EQ(last(Operation::GetReadingsByDate).message.request->start, to_text(until - hours{24}));
}

TEST_F(MultiSpeakPull, ABackfillEndsWhenItsTimeIsOver) {
  // A head-end that always has one more page, and takes two minutes for each.
  std::size_t page = 0;
  answers[Operation::GetReadingsByDate] = [&](const Asked& to) {
    const UtcInstant then = host.clock.now() + minutes{2};
    while (host.clock.step(then)) {
    }
    ResponseContent content;
    content.reads = {read("M1", "1", "2026-01-13T12:00:00Z")};
    return respond(to, content, {}, more(1, "P" + std::to_string(++page)));
  };
  begin(yaml("", {"cd", "od"}));
  const auto said = attempt(period());  // expires in five minutes
  EXPECT_EQ(said[0].state, sdk::AttemptState::Failed);
  EXPECT_EQ(said[0].reason, "expired");
  EXPECT_THAT(said[0].words, HasSubstr("after 3 pages"));
  EXPECT_EQ(page, 3U);
}

TEST_F(MultiSpeakPull, AWordThatTheHeadEndDoesNotListIsNotAskedFor) {
  answers[Operation::GetMethods] = [this](const Asked& to) {
    ResponseContent content;
    content.methods = {"PingURL", "GetMethods"};
    return respond(to, content);
  };
  host.store.state["methods:mr"] = "PingURL\nGetMethods\n";
  begin(pulling());
  pass(minutes{2}, [&] { return host.log.count("PULL_TROUBLE") == 1; });
  EXPECT_THAT(adapter->health().reason, HasSubstr("GetReadingsByDate"));
  EXPECT_EQ(count(Operation::GetReadingsByDate), 0U);
}

TEST_F(MultiSpeakPull, ABackfillIsDoneWhenAllItsPagesAreStored) {
  pages({{"", {more(1, "M1"), {read("M1", "1", "2026-01-13T12:00:00Z")}}},
         {"M1", {more(0, ""), {read("M2", "2", "2026-01-13T12:00:00Z")}}}});
  begin(yaml("", {"cd", "od"}));
  const auto said = attempt(period());
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].state, sdk::AttemptState::Succeeded);
  EXPECT_EQ(said[1].state, sdk::AttemptState::Succeeded);
  EXPECT_THAT(said[0].words, HasSubstr("2 pages"));
  EXPECT_EQ(marked, 1U);
  EXPECT_THAT(stored(), ElementsAre("M1", "M2"));
  EXPECT_EQ(last(Operation::GetReadingsByDate).message.request->start, "2026-01-13T00:00:00Z");
  EXPECT_EQ(last(Operation::GetReadingsByDate).message.request->end, "2026-01-14T00:00:00Z");
  EXPECT_TRUE(host.store.state.empty());  // a pull's position is not a backfill's
}

TEST_F(MultiSpeakPull, ABackfillThatBreaksOffSaysHowFarItCameAndOneThatNeverBeganWhy) {
  pages({{"", {more(1, "M1"), {read("M1", "1", "2026-01-13T12:00:00Z")}}}});
  begin(yaml("", {"cd", "od"}));
  auto said = attempt(period());
  EXPECT_EQ(said[0].state, sdk::AttemptState::Failed);
  EXPECT_EQ(said[0].reason, "failed");
  EXPECT_THAT(said[0].words, ::testing::AllOf(HasSubstr("after 1 pages"), HasSubstr("no such page")));
  EXPECT_THAT(stored(), ElementsAre("M1"));

  answers[Operation::GetReadingsByDate] = [](const Asked&) { return text(403, ""); };
  said = attempt(period());
  EXPECT_EQ(said[1].reason, "rejected");
  allowed = transient("not now");
  said = attempt(period());
  EXPECT_EQ(said[1].reason, "not_sent");
  sdk::Attempt backwards = period();
  std::swap(backwards.from, backwards.to);
  said = attempt(backwards);
  EXPECT_EQ(said[0].reason, "not_sent");
}

TEST_F(MultiSpeakPull, ARecordThatCannotBeReadCostsNoNeighbour) {
  pages({{"",
          {more(0, ""),
           {read("M1", "one", "2026-01-13T12:00:00Z"), read("M2", "2", "2026-01-13T12:00:00Z")}}}});
  begin(yaml("", {"cd", "od"}));
  EXPECT_EQ(attempt(period())[0].state, sdk::AttemptState::Succeeded);
  EXPECT_THAT(stored(), ElementsAre("M2"));
  EXPECT_EQ(host.store.committed[0].batch.malformed.size(), 1U);
  EXPECT_EQ(adapter->health().malformed, 1U);
}

TEST_F(MultiSpeakPull, AStopInTheMiddleOfAPageLosesNothing) {
  pages({{"", {more(0, ""), {read("M1", "1", "2026-01-14T12:00:00Z")}}}});
  host.store.hold();
  begin(pulling());
  pass(seconds{30}, [&] { return host.store.held() == 1; });
  end();
  EXPECT_TRUE(stored().empty());
  EXPECT_EQ(position(), "");
  host.store.release();
  begin(pulling());
  pass(seconds{30}, [&] { return stored().size() == 1; });
}

}  // namespace
}  // namespace ami::multispeak::testing
