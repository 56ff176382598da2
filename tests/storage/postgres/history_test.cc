// What would have been answered at a moment: corrections, withdrawals, and a comparison with a plain oracle.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

std::string said(const Decimal& value) {
  return value.normalised().to_string();
}

class HistoryTest : public StoreTest {
 protected:
  // Stores the unit; its sources count from `when` on.
  void commit_at(const CommitUnit& unit, UtcInstant when) {
    commit(unit);
    sql("UPDATE source SET stored_at = '" + to_text(when) + "' WHERE name = '" + unit.source.name + "'");
  }
  void withdraw(const std::string& content, UtcInstant when, const std::string& channel = "%") const {
    sql("INSERT INTO withdrawal (channel_id, source_id, at, cause) SELECT channel_id, source_id, '" +
        to_text(when) + "', 'test' FROM channel, source WHERE name = '" + content + ".txt' AND key LIKE '" +
        channel + "'");
  }

  // "channel start length" -> "value quality flag source", over all pages.
  std::map<std::string, std::string> intervals(const std::vector<MeterSpan>& spans,
                                               std::optional<UtcInstant> as_of = {},
                                               std::size_t page_size = 40) {
    std::map<std::string, std::string> out;
    PageRequest page;
    page.size = page_size;
    do {
      const auto got = readers->intervals(spans, {}, page, as_of);
      EXPECT_TRUE(got.ok()) << (got.ok() ? "" : got.refusal().message);
      if (!got.ok()) return out;
      for (const IntervalBlock& block : got->blocks) {
        std::vector<SourceId> sources;
        std::vector<QualityId> qualities;
        for (const auto& run : block.sources) sources.insert(sources.end(), run.count, run.source);
        for (const auto& run : block.qualities) qualities.insert(qualities.end(), run.count, run.quality);
        for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
          if (sources.at(i) == 0) continue;
          const std::string value = block.mantissas[i] == IntervalBlock::kMissing
                                        ? "hole"
                                        : said(Decimal{block.mantissas[i], block.exponent});
          const std::string key = got->dictionary.channels.at(block.channel).key + " " +
                                  to_text(block.first_start + static_cast<std::int64_t>(i) * block.length) +
                                  " " + std::to_string(block.length.count());
          EXPECT_TRUE(out.emplace(key, value + " " + words(got->dictionary, qualities.at(i)) + " " +
                                           got->dictionary.sources.at(sources[i]).name)
                          .second)
              << key << " came twice";
        }
      }
      page.token = got->next_token;
    } while (!page.token.empty());
    return out;
  }

  static std::string words(const Dictionary& names, QualityId id) {
    const ValueQuality& quality = names.qualities.at(id);
    std::string out = "[";
    for (const QualityCode& code : quality.codes) out += code.to_string() + ",";
    return out + quality.vendor_flag + "]";
  }
  static std::string words(const RegisterPage& page, const RegisterRow& row) {
    return row.value.to_string() + " " + words(page.dictionary, row.quality) + " " +
           page.dictionary.sources.at(row.source).name;
  }

  std::map<std::string, std::string> registers(const std::vector<MeterSpan>& spans,
                                               std::optional<UtcInstant> as_of = {}) {
    std::map<std::string, std::string> out;
    PageRequest page;
    page.size = 2;
    do {
      const auto got = readers->registers(spans, {}, page, as_of);
      EXPECT_TRUE(got.ok()) << (got.ok() ? "" : got.refusal().message);
      if (!got.ok()) return out;
      EXPECT_TRUE(got->next_token.empty() || !got->rows.empty());
      for (const RegisterRow& row : got->rows) {
        EXPECT_TRUE(out.emplace(got->dictionary.channels.at(row.channel).key + " " + to_text(row.at),
                                words(*got, row))
                        .second);
      }
      page.token = got->next_token;
    } while (!page.token.empty());
    return out;
  }

  std::map<std::string, std::string> latest(MeterId meter, LatestBy by,
                                            std::optional<UtcInstant> as_of = {}) {
    std::map<std::string, std::string> out;
    const auto got = readers->latest({meter}, {}, by, as_of);
    EXPECT_TRUE(got.ok()) << (got.ok() ? "" : got.refusal().message);
    if (!got.ok()) return out;
    for (const RegisterRow& row : got->rows) {
      EXPECT_TRUE(
          out.emplace(got->dictionary.channels.at(row.channel).key + " " + to_text(row.at), words(*got, row))
              .second);
    }
    return out;
  }
};

using Answers = std::map<std::string, std::string>;

TEST_F(HistoryTest, AnswerOfMayIsStillGivenAfterTheCorrectionOfJune) {
  const MeterId m = meter(north, "m1");
  const UtcInstant day = at("2024-03-05T00:00:00Z");
  CommitUnit may = unit("may");
  const auto c = add_channel(may, m);
  add_run(
      may,
      {.channel = c, .start = day, .values = {100, 200, std::nullopt}, .rank = at("2024-03-06T00:00:00Z")});
  add_run(may, {.channel = c, .start = day + std::chrono::seconds{30}, .values = {7}});  // off the grid
  add_register(may, c, day, {1'500, -1}, at("2024-03-06T00:00:00Z"));
  commit_at(may, at("2024-05-02T08:00:00Z"));
  const MeterSpan all{m, {}};
  const Answers intervals_of_may = intervals({all}), registers_of_may = registers({all});
  EXPECT_EQ(intervals_of_may, (Answers{{"cmep:KWH 2024-03-05T00:00:00Z 900", "100 [] may.txt"},
                                       {"cmep:KWH 2024-03-05T00:00:30Z 900", "7 [] may.txt"},
                                       {"cmep:KWH 2024-03-05T00:15:00Z 900", "200 [] may.txt"}}));
  EXPECT_EQ(registers_of_may, (Answers{{"cmep:KWH 2024-03-05T00:00:00Z", "150.0 [] may.txt"}}));

  CommitUnit june = unit("june");
  add_channel(june, m);
  const auto edited = add_quality(june, "2.7.0", "A");
  add_run(june, {.channel = c,
                 .start = day,
                 .values = {101, 200, 300, 400},
                 .rank = at("2024-06-10T00:00:00Z"),
                 .quality = edited});
  add_run(june, {.channel = c,
                 .start = day + std::chrono::seconds{30},
                 .values = {8},
                 .rank = at("2024-06-10T00:00:00Z")});
  add_register(june, c, day, {1'490, -1}, at("2024-06-10T00:00:00Z"));
  add_register(june, c, day + std::chrono::days{1}, {1'600, -1}, at("2024-06-10T00:00:00Z"));
  commit_at(june, at("2024-06-11T08:00:00Z"));

  const UtcInstant end_of_may = at("2024-05-31T23:59:59Z");
  EXPECT_EQ(intervals({all}, end_of_may), intervals_of_may);
  EXPECT_EQ(registers({all}, end_of_may), registers_of_may);
  EXPECT_EQ(latest(m, LatestBy::DeviceTime, end_of_may), registers_of_may);
  EXPECT_EQ(latest(m, LatestBy::ReceiptTime, end_of_may), registers_of_may);
  EXPECT_EQ(intervals({all}), (Answers{{"cmep:KWH 2024-03-05T00:00:00Z 900", "101 [2.7.0,A] june.txt"},
                                       {"cmep:KWH 2024-03-05T00:00:30Z 900", "8 [] june.txt"},
                                       {"cmep:KWH 2024-03-05T00:15:00Z 900", "200 [2.7.0,A] june.txt"},
                                       {"cmep:KWH 2024-03-05T00:30:00Z 900", "300 [2.7.0,A] june.txt"},
                                       {"cmep:KWH 2024-03-05T00:45:00Z 900", "400 [2.7.0,A] june.txt"}}));
  EXPECT_EQ(intervals({all}, at("2024-06-11T08:00:00Z")), intervals({all}));
  EXPECT_EQ(latest(m, LatestBy::DeviceTime),
            (Answers{{"cmep:KWH 2024-03-06T00:00:00Z", "160.0 [] june.txt"}}));
  // Before the first data, and at the very moment of them.
  EXPECT_EQ(intervals({all}, at("2024-05-02T07:59:59Z")), Answers{});
  EXPECT_EQ(registers({all}, at("1900-01-01T00:00:00Z")), Answers{});
  EXPECT_EQ(latest(m, LatestBy::DeviceTime, at("2024-05-02T07:59:59Z")), Answers{});
  EXPECT_EQ(latest(m, LatestBy::ReceiptTime, at("2024-05-02T07:59:59Z")), Answers{});
  EXPECT_EQ(intervals({all}, at("2024-05-02T08:00:00Z")), intervals_of_may);
  // The span cuts history as it cuts the present.
  EXPECT_EQ(intervals({{m, {day + std::chrono::minutes{10}, day + std::chrono::minutes{30}}}}, end_of_may),
            (Answers{{"cmep:KWH 2024-03-05T00:15:00Z 900", "200 [] may.txt"}}));
}

TEST_F(HistoryTest, WithdrawnStatementsGiveWayToTheNextInRankAndToNothingAtTheEnd) {
  const MeterId m = meter(north, "m1");
  const UtcInstant day = at("2024-03-05T00:00:00Z"), next = at("2024-03-06T00:00:00Z");
  const auto file = [&](const char* content, std::int64_t value, int rank, UtcInstant received) {
    CommitUnit u = unit(content);
    const UtcInstant stamp = at("2024-03-06T00:00:00Z") + std::chrono::hours{rank};
    const auto c = add_channel(u, m);
    u.source.received_at = received;
    add_run(u, {.channel = c, .start = day, .values = {value, 5}, .rank = stamp});
    add_register(u, c, day, {value, 0}, stamp);
    return u;
  };
  commit_at(file("low", 1, 1, at("2024-03-07T03:00:00Z")), at("2024-05-01T00:00:00Z"));
  commit_at(file("high", 3, 3, at("2024-03-07T01:00:00Z")), at("2024-05-02T00:00:00Z"));
  commit_at(file("middle", 2, 2, at("2024-03-07T02:00:00Z")), at("2024-05-03T00:00:00Z"));
  CommitUnit other = unit("other");
  add_register(other, add_channel(other, m), next, {9, 0});
  other.source.received_at = at("2024-03-07T02:30:00Z");
  commit_at(other, at("2024-05-04T00:00:00Z"));

  const MeterSpan all{m, {}};
  const auto first = [&](std::optional<UtcInstant> as_of = {}) {
    const Answers got = intervals({all}, as_of);
    const auto found = got.find("cmep:KWH 2024-03-05T00:00:00Z 900");
    return found == got.end() ? "nothing" : found->second;
  };
  withdraw("high", at("2024-05-10T00:00:00Z"));
  EXPECT_EQ(first(), "2 [] middle.txt");
  EXPECT_EQ(registers({all}).at("cmep:KWH 2024-03-05T00:00:00Z"), "2 [] middle.txt");
  EXPECT_EQ(first(at("2024-05-09T00:00:00Z")), "3 [] high.txt");
  EXPECT_EQ(first(at("2024-05-01T12:00:00Z")), "1 [] low.txt");
  // The same value from a source of another rank: the value stays, its source does not.
  EXPECT_EQ(intervals({all}).at("cmep:KWH 2024-03-05T00:15:00Z 900"), "5 [] middle.txt");
  EXPECT_EQ(latest(m, LatestBy::DeviceTime), (Answers{{"cmep:KWH 2024-03-06T00:00:00Z", "9 [] other.txt"}}));
  EXPECT_EQ(latest(m, LatestBy::ReceiptTime), (Answers{{"cmep:KWH 2024-03-06T00:00:00Z", "9 [] other.txt"}}));
  withdraw("middle", at("2024-05-11T00:00:00Z"));
  // What counts now arrived later than the other reading.
  EXPECT_EQ(latest(m, LatestBy::ReceiptTime), (Answers{{"cmep:KWH 2024-03-05T00:00:00Z", "1 [] low.txt"}}));
  withdraw("low", at("2024-05-12T00:00:00Z"));
  EXPECT_EQ(intervals({all}), Answers{});
  EXPECT_EQ(registers({all}), (Answers{{"cmep:KWH 2024-03-06T00:00:00Z", "9 [] other.txt"}}));
  withdraw("other", at("2024-05-12T00:00:00Z"));
  EXPECT_EQ(latest(m, LatestBy::DeviceTime), Answers{});
  EXPECT_EQ(latest(m, LatestBy::ReceiptTime), Answers{});
  EXPECT_EQ(first(at("2024-05-11T12:00:00Z")), "1 [] low.txt");
  EXPECT_EQ(one("SELECT count(*) FROM interval_value"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM register_value"), "0");
  // A withdrawal that is still to come does not count yet.
  sql("UPDATE withdrawal SET at = now() + interval '1 day'");
  EXPECT_EQ(first(), "3 [] high.txt");
  EXPECT_EQ(one("SELECT count(*) FROM interval_value"), "2");
}

TEST_F(HistoryTest, WithdrawalConcernsItsChannelOnly) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("both");
  const auto a = add_channel(u, m, "cmep:KWH"), b = add_channel(u, m, "cmep:KVARH");
  add_run(u, {.channel = a, .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  add_run(u, {.channel = b, .start = at("2024-03-05T00:00:00Z"), .values = {2}});
  commit_at(u, at("2024-05-01T00:00:00Z"));
  withdraw("both", at("2024-05-02T00:00:00Z"), "cmep:KWH");
  EXPECT_EQ(intervals({{m, {}}}), (Answers{{"cmep:KVARH 2024-03-05T00:00:00Z 900", "2 [] both.txt"}}));
}

TEST_F(HistoryTest, AFlaggedHoleCountsOnlyWhileNoValueIsKnown) {
  const MeterId m = meter(north, "m1");
  CommitUnit hole = unit("hole");
  add_run(hole, {.channel = add_channel(hole, m),
                 .start = at("2024-03-05T00:00:00Z"),
                 .values = {std::nullopt},
                 .rank = at("2024-04-09T00:00:00Z"),
                 .quality = add_quality(hole, "", "N32")});
  commit_at(hole, at("2024-05-01T00:00:00Z"));
  CommitUnit value = unit("value");  // of lower stamp; a value ranks before any hole
  add_run(value, {.channel = add_channel(value, m), .start = at("2024-03-05T00:00:00Z"), .values = {1}});
  commit_at(value, at("2024-05-02T00:00:00Z"));
  const std::string key = "cmep:KWH 2024-03-05T00:00:00Z 900";
  EXPECT_EQ(intervals({{m, {}}}, at("2024-05-01T12:00:00Z")), (Answers{{key, "hole [N32] hole.txt"}}));
  EXPECT_EQ(intervals({{m, {}}}), (Answers{{key, "1 [] value.txt"}}));
  withdraw("value", at("2024-05-03T00:00:00Z"));
  EXPECT_EQ(intervals({{m, {}}}), (Answers{{key, "hole [N32] hole.txt"}}));
  EXPECT_EQ(one("SELECT coalesce(value::text, 'none') || vendor_flag FROM interval_value"), "noneN32");
}

TEST_F(HistoryTest, ADayThatWasReadBeforeIsReadAnewOnceItChanged) {
  const MeterId m = meter(north, "m1");
  const auto tell = [&](const char* content, const char* stamp, std::int64_t value) {
    CommitUnit u = unit(content);
    const auto c = add_channel(u, m);
    add_run(u, {.channel = c, .start = at("2024-03-05T00:00:00Z"), .values = {value}, .rank = at(stamp)});
    add_run(u, {.channel = c, .start = at("2024-03-06T00:00:00Z"), .values = {7}});
    return u;
  };
  const std::string first = "cmep:KWH 2024-03-05T00:00:00Z 900", second = "cmep:KWH 2024-03-06T00:00:00Z 900";
  const MeterSpan days{m, {at("2024-03-05T00:00:00Z"), at("2024-03-08T00:00:00Z")}};
  const auto read = [&] {
    const Answers got = intervals({days});
    return got == intervals({days}, {}, 1) ? got : Answers{};  // one channel-day at a time, and all at once
  };
  commit(tell("one", "2024-04-01T00:00:00Z", 1));
  EXPECT_EQ(read(), (Answers{{first, "1 [] one.txt"}, {second, "7 [] one.txt"}}));
  commit(tell("two", "2024-04-02T00:00:00Z", 2));
  EXPECT_EQ(read(), (Answers{{first, "2 [] two.txt"}, {second, "7 [] one.txt"}}));
  CommitUnit more = unit("more");
  add_run(more, {.channel = add_channel(more, m), .start = at("2024-03-07T00:00:00Z"), .values = {9}});
  commit(more);
  EXPECT_EQ(read().size(), 3U);
  // Gone, and come again with the version that it had: what was known of it is of no use.
  const std::string version = one("SELECT version FROM interval_day WHERE day = '2024-03-06'");
  sql("DELETE FROM interval_day WHERE day > '2024-03-05'");
  EXPECT_EQ(read(), (Answers{{first, "2 [] two.txt"}}));
  CommitUnit again = unit("again");
  add_run(again, {.channel = add_channel(again, m), .start = at("2024-03-06T00:00:00Z"), .values = {8}});
  commit(again);
  ASSERT_EQ(one("SELECT version FROM interval_day WHERE day = '2024-03-06'"), version);
  EXPECT_EQ(read(), (Answers{{first, "2 [] two.txt"}, {second, "8 [] again.txt"}}));
}

TEST_F(HistoryTest, NothingOfAnotherUtilityIsReachedByItsNumber) {
  CommitUnit u = unit("x");
  u.batch.quarantined.push_back({"bad_number", "", "", "r", 0});
  commit(u);
  const std::int64_t row = std::stoll(one("SELECT quarantine_id FROM quarantine"));
  const SourceId source = std::stoll(one("SELECT source_id FROM source"));
  EXPECT_EQ(readers->source(south, source).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(readers->quarantined(south, row).refusal().kind, Refusal::Kind::NotFound);
  EXPECT_EQ(readers->mark_quarantine(south, {row}, QuarantineState::Rejected).value(), 0U);
  EXPECT_EQ(readers->quarantined(north, row)->state, QuarantineState::Open);
  EXPECT_EQ(readers->source(north, source)->name, "x.txt");
}

TEST_F(HistoryTest, NamesAreLookedUpTogether) {
  const MeterId a = meter(north, "a", "badge-a"), b = meter(north, "b");
  meter(south, "a");
  ASSERT_TRUE(
      assets->create_usage_point(north, "p", {{at("2020-01-01T00:00:00Z")}, "America/Regina", "f", "", ""})
          .ok());
  const auto stay = [&](const char* key, const char* from) {
    InstallRequest request;
    request.utility = north;
    request.meter = key;
    request.usage_point = "p";
    request.at = at(from);
    request.multiplier = {40, -1};
    return request;
  };
  ASSERT_TRUE(assets->install(stay("a", "2021-01-01T00:00:00Z")).ok());
  ASSERT_TRUE(assets->remove({north, "a", at("2022-01-01T00:00:00Z"), "", {}}).ok());
  ASSERT_TRUE(assets->install(stay("b", "2022-01-01T00:00:00Z")).ok());

  const auto meters = assets->meters_by_key(north, {"b", "a", "nobody", "a", "badge-a"}).value();
  ASSERT_EQ(meters.size(), 2U);
  const auto& first = meters[meters[0].id == a ? 0 : 1];
  EXPECT_EQ(first.key, "a");
  ASSERT_EQ(first.details.size(), 1U);
  EXPECT_EQ(first.details[0].form, "2S");
  EXPECT_EQ(first.details[0].valid, (Period{at("2020-01-01T00:00:00Z"), UtcInstant::max()}));
  EXPECT_TRUE(assets->meters_by_key(north, {}).value().empty());
  const auto points = assets->usage_points_by_key(north, {"p", "q"}).value();
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].details.at(0).zone, "America/Regina");
  EXPECT_TRUE(assets->usage_points_by_key(south, {"p"}).value().empty());

  const auto expected = assets->installations_of_usage_point(north, "p").value();
  const auto by_point = assets->installations_of({}, {points[0].id}).value();
  const auto both = assets->installations_of({a, b}, {points[0].id}).value();
  ASSERT_EQ(by_point.size(), 2U);
  ASSERT_EQ(both.size(), 2U) << "one stay, found twice, is told once";
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(by_point[i].id, expected[i].id);
    EXPECT_EQ(by_point[i].valid, expected[i].valid);
    EXPECT_EQ(by_point[i].multiplier, (Decimal{40, -1}));
    EXPECT_EQ(by_point[i].meter_key, expected[i].meter_key);
    EXPECT_EQ(both[i].id, expected[i].id);
  }
  EXPECT_EQ(assets->installations_of({b}, {}).value().size(), 1U);
  EXPECT_TRUE(assets->installations_of({}, {}).value().empty());
}

// ---- random histories against an oracle that keeps every statement in a list

struct Statement {
  std::string slot;  // as the readers' maps name it
  bool is_register = false;
  std::optional<Decimal> value;
  std::string code, flag;
  int stamp = 0, mapping = 0, file = 0;

  [[nodiscard]] std::string words() const {
    const std::string shown = !value ? "hole" : is_register ? value->to_string() : said(*value);
    return shown + " [" + (code.empty() ? "" : code + ",") + flag + "] f" + std::to_string(file) + ".txt";
  }
  // Hundredths, so that it does not lean on Decimal's order.
  [[nodiscard]] std::int64_t hundredths() const {
    std::int64_t out = value->mantissa;
    for (int e = value->exponent; e > -2; --e) out *= 10;
    return out;
  }
  // Later = higher. One code of one digit a part at most, so text order is theirs.
  [[nodiscard]] auto rank() const {
    return std::tuple(value.has_value(), stamp, mapping, value ? hundredths() : 0, code, flag,
                      is_register ? -value->exponent : 0);
  }
};

struct File {
  std::string content;
  UtcInstant stored_at, received_at;
  std::map<std::string, UtcInstant> withdrawn;  // by channel key
};

struct Oracle {
  std::vector<Statement> statements;
  std::vector<File> files;

  void say(const Statement& statement) {
    if (!statement.value && statement.code.empty() && statement.flag.empty()) return;
    for (const Statement& known : statements) {
      if (known.slot == statement.slot && known.is_register == statement.is_register &&
          known.rank() == statement.rank())
        return;  // said already: the first source keeps it
    }
    statements.push_back(statement);
  }
  [[nodiscard]] bool counts(const Statement& s, UtcInstant when) const {
    const File& file = files[static_cast<std::size_t>(s.file)];
    const auto withdrawn = file.withdrawn.find(s.slot.substr(0, s.slot.find(' ')));
    return file.stored_at <= when && (withdrawn == file.withdrawn.end() || when < withdrawn->second);
  }
  [[nodiscard]] std::map<std::string, const Statement*> best(bool registers, UtcInstant when) const {
    std::map<std::string, const Statement*> out;
    for (const Statement& s : statements) {
      if (s.is_register != registers || !counts(s, when)) continue;
      const auto [place, fresh] = out.try_emplace(s.slot, &s);
      if (!fresh && s.rank() > place->second->rank()) place->second = &s;
    }
    return out;
  }
  [[nodiscard]] Answers answer(bool registers, UtcInstant when) const {
    Answers out;
    for (const auto& [slot, s] : best(registers, when)) out.emplace(slot, s->words());
    return out;
  }
  [[nodiscard]] Answers latest(LatestBy by, UtcInstant when) const {
    std::map<std::string, std::pair<std::pair<UtcInstant, std::string>, const Statement*>> newest;
    for (const auto& [slot, s] : best(true, when)) {
      const UtcInstant received =
          by == LatestBy::ReceiptTime ? files[static_cast<std::size_t>(s->file)].received_at : UtcInstant{};
      const std::pair key{received, slot.substr(slot.find(' '))};
      const auto [place, fresh] = newest.try_emplace(slot.substr(0, slot.find(' ')), key, s);
      if (!fresh && key > place->second.first) place->second = {key, s};
    }
    Answers out;
    for (const auto& [channel, found] : newest) out.emplace(found.second->slot, found.second->words());
    return out;
  }
};

class RandomHistoryTest : public HistoryTest, public ::testing::WithParamInterface<int> {
 protected:
  static constexpr const char* kChannels[] = {"cmep:KWH", "cmep:KVARH"};
  const UtcInstant epoch = at("2024-05-01T00:00:00Z");  // file i is stored i minutes later

  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  // A file of random statements, told to the store and to the oracle.
  void tell(MeterId m) {
    const int number = static_cast<int>(oracle.files.size());
    CommitUnit u = unit("f" + std::to_string(number));
    u.source.mapping_version = pick(1, 2);
    u.source.received_at = at("2024-03-10T00:00:00Z") + std::chrono::minutes{pick(0, 5)};
    const int stamp = pick(0, 2);
    const UtcInstant rank{std::chrono::hours{stamp}};
    std::uint32_t channels[] = {add_channel(u, m, kChannels[0]), add_channel(u, m, kChannels[1])};
    for (int n = pick(2, 7); n > 0; --n) {
      Statement s;
      s.stamp = stamp;
      s.mapping = u.source.mapping_version;
      s.file = number;
      s.is_register = pick(0, 2) == 0;
      const auto channel = static_cast<std::size_t>(pick(0, 1));
      s.code = pick(0, 3) == 0 ? (pick(0, 1) == 0 ? "2.7.0" : "2.8.0") : "";
      s.flag = pick(0, 3) == 0 ? (pick(0, 1) == 0 ? "N32" : "R0") : "";
      if (s.is_register || pick(0, 4) > 0) s.value = Decimal{pick(-1, 2) * 10, pick(-2, 0)};
      const std::uint32_t quality = s.code.empty() && s.flag.empty() ? 0 : add_quality(u, s.code, s.flag);
      UtcInstant when = at("2024-02-29T23:00:00Z");  // around the end of a month
      std::string length;
      if (s.is_register) {
        when += std::chrono::hours{pick(0, 3)};
        add_register(u, channels[channel], when, *s.value, rank, quality);
      } else {
        const bool odd = pick(0, 3) == 0;
        when += std::chrono::minutes{15 * pick(0, 7)} + std::chrono::seconds{odd ? 30 : 0};
        add_run(u, {.channel = channels[channel],
                    .start = when,
                    .values = {s.value ? std::optional(s.value->mantissa) : std::nullopt},
                    .exponent = s.value ? s.value->exponent : 0,
                    .rank = rank,
                    .quality = quality});
        length = " 900";
      }
      s.slot = std::string(kChannels[channel]) + " " + to_text(when) + length;
      oracle.say(s);
    }
    oracle.files.push_back({u.source.name.substr(0, u.source.name.size() - 4),
                            epoch + std::chrono::minutes{number},
                            u.source.received_at,
                            {}});
    commit_at(u, oracle.files.back().stored_at);
    if (pick(0, 4) == 0) commit(u);  // a repetition changes nothing
  }

  void take_back(int file) {
    const char* channel = kChannels[pick(0, 1)];
    File& of = oracle.files[static_cast<std::size_t>(file)];
    const UtcInstant when = of.stored_at + std::chrono::minutes{pick(1, 20)} + std::chrono::seconds{15};
    if (!of.withdrawn.emplace(channel, when).second) return;
    withdraw(of.content, when, channel);
  }

  Oracle oracle;
  std::mt19937 random_{static_cast<std::uint32_t>(GetParam())};
};

TEST_P(RandomHistoryTest, EveryMomentIsAnsweredAsThePlainListOfStatementsSays) {
  const MeterId m = meter(north, "m1");
  for (int i = 0; i < 30; ++i) tell(m);
  for (int i = 0; i < 12; ++i) take_back(pick(0, 29));
  const MeterSpan all{m, {at("2024-02-29T00:00:00Z"), at("2024-03-02T00:00:00Z")}};
  std::size_t seen = 0;
  for (int minute = -1; minute < 52; minute += 3) {
    const UtcInstant when = epoch + std::chrono::minutes{minute} + std::chrono::seconds{pick(0, 1) * 30};
    SCOPED_TRACE(to_text(when));
    ASSERT_EQ(intervals({all}, when, 2), oracle.answer(false, when));
    ASSERT_EQ(registers({all}, when), oracle.answer(true, when));
    ASSERT_EQ(latest(m, LatestBy::DeviceTime, when), oracle.latest(LatestBy::DeviceTime, when));
    ASSERT_EQ(latest(m, LatestBy::ReceiptTime, when), oracle.latest(LatestBy::ReceiptTime, when));
    seen += oracle.answer(false, when).size() + oracle.answer(true, when).size();
  }
  EXPECT_GT(seen, 100U) << "the histories must say something";
  const UtcInstant now = UtcInstant::max();
  ASSERT_EQ(intervals({all}), oracle.answer(false, now));
  ASSERT_EQ(intervals({all}, {}, 1000), oracle.answer(false, now));
  ASSERT_EQ(registers({all}), oracle.answer(true, now));
  ASSERT_EQ(latest(m, LatestBy::DeviceTime), oracle.latest(LatestBy::DeviceTime, now));
  ASSERT_EQ(latest(m, LatestBy::ReceiptTime), oracle.latest(LatestBy::ReceiptTime, now));

  // The views of analysts agree with the readers.
  const auto view = [&](const std::string& query) {
    Answers out;
    for (const auto& row : sql(query)) {
      const std::string value = row[1] == "-" ? "hole" : row[1];
      out.emplace(row[0], value + " [" + row[2] + "] " + row[3]);
    }
    return out;
  };
  const std::string words = "array_to_string(v.quality || ''::text, ',') || v.vendor_flag, s.name FROM ";
  const std::string time = "to_char(%, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
  const auto time_of = [&](const char* column) {
    return std::string(time).replace(time.find('%'), 1, column);
  };
  EXPECT_EQ(
      view("SELECT channel || ' ' || " + time_of("start_at") + " || ' ' || length_s, trim_scale(value), " +
           words + "interval_value v JOIN source s USING (source_id)"),
      oracle.answer(false, now));
  Answers plain;
  for (const auto& [slot, s] : oracle.best(true, now)) {
    Statement same = *s;
    same.is_register = false;  // trailing zeros do not matter here
    plain.emplace(slot, same.words());
  }
  EXPECT_EQ(view("SELECT channel || ' ' || " + time_of("at") + ", trim_scale(value), " + words +
                 "register_value v JOIN source s USING (source_id)"),
            plain);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHistoryTest, ::testing::Range(1, 4));

}  // namespace
}  // namespace ami::storage
