#include <gtest/gtest.h>

#include <fstream>

#include "tests/daemon/pipeline/reprocess_scene.h"

namespace ami::daemon {
namespace {

using Found = storage::Run;
using storage::RunState;
using testing::CmepLine;
using testing::text_of;

constexpr int kWrong = 200;      // meters whose unit is KWHX
constexpr int kNeighbours = 20;  // meters of the same files whose unit is KWH
constexpr int kDays = 14;
constexpr int kSlots = 8;  // quarter hours a day and meter

std::string two(int n) {
  return (n < 10 ? "0" : "") + std::to_string(n);
}

// What the meter measured in that slot, in Wh; never 0.
int measured(int meter, int day, int slot) {
  return 1 + (meter * 7 + day * 3 + slot) % 50;
}

class Reprocess : public testing::ReprocessScene {
 protected:
  using Table = storage::Table;
  void add_meters() {
    for (int m = 0; m < kWrong; ++m) meter(north, "w" + std::to_string(m), "w" + std::to_string(m));
    for (int m = 0; m < kNeighbours; ++m) meter(north, "n" + std::to_string(m), "n" + std::to_string(m));
  }
  // One file a day, as two weeks of files come in.
  static std::string file_of(int day) {
    std::string text;
    for (int m = 0; m < kWrong + kNeighbours; ++m) {
      CmepLine line;
      line.meter = m < kWrong ? "w" + std::to_string(m) : "n" + std::to_string(m - kWrong);
      line.unit = m < kWrong ? "KWHX" : "KWH";
      line.start = "202603" + two(day + 1) + "0015";
      line.created = "202603" + two(day + 2) + "0000";
      for (int s = 0; s < kSlots; ++s) line.values.push_back(std::to_string(measured(m, day, s)));
      text += text_of(line);
    }
    return text;
  }
  void take_in_two_weeks() {
    for (int day = 0; day < kDays; ++day)
      take_in("day-" + two(day) + ".cmep", file_of(day), "2026-03-" + two(day + 2) + "T06:00:00Z");
  }

  Table neighbours() const {
    return sql(
        "SELECT d.* FROM interval_day d JOIN meter m USING (meter_id) WHERE m.key LIKE 'n%' ORDER BY "
        "d.meter_id,"
        " d.day");
  }
  // Everything that a run could change.
  std::vector<Table> all() const {
    std::vector<Table> out;
    for (const char* table : {"interval_day", "interval_odd", "interval_revision", "register_read", "source",
                              "channel", "withdrawal", "quarantine", "change"})
      out.push_back(sql(std::string("SELECT t.* FROM ") + table + " t ORDER BY t::text"));
    return out;
  }
};

// Dies after the commit that it is told of, before anybody notes that it happened.
class MortalStore final : public storage::IngestStore {
 public:
  struct Died {};
  MortalStore(storage::IngestStore& store, int commits) : store_(store), left_(commits) {}
  Result<storage::CommitCounts> commit(const storage::CommitUnit& unit) override {
    auto counts = store_.commit(unit);
    if (--left_ == 0) throw Died();
    return counts;
  }
  Result<std::vector<UtcInstant>> receipts(std::int32_t utility, const std::string& feed,
                                           const std::string& content_sha256) override {
    return store_.receipts(utility, feed, content_sha256);
  }
  Result<std::optional<std::string>> load_state(const std::string& feed, const std::string& key) override {
    return store_.load_state(feed, key);
  }
  Outcome save_state(const std::string& feed, const std::vector<storage::StateRow>& rows) override {
    return store_.save_state(feed, rows);
  }

 private:
  storage::IngestStore& store_;
  int left_;
};

TEST_F(Reprocess, AWrongScaleFor200MetersFoundAfterTwoWeeks) {
  add_meters();
  take_in_two_weeks();

  // By hand: 200 meters, 14 days, 8 slots; each was stored as 1000 times what it is.
  std::int64_t right = 0;
  std::map<std::string, std::int64_t> right_of, wrong_of;
  for (int m = 0; m < kWrong + kNeighbours; ++m) {
    std::int64_t of_meter = 0;
    for (int day = 0; day < kDays; ++day)
      for (int s = 0; s < kSlots; ++s) of_meter += measured(m, day, s);
    const std::string key = m < kWrong ? "w" + std::to_string(m) : "n" + std::to_string(m - kWrong);
    wrong_of[key] = of_meter * 1000;
    right_of[key] = m < kWrong ? of_meter : of_meter * 1000;
    if (m < kWrong) right += of_meter;
  }
  ASSERT_EQ(energy_wh(), wrong_of);
  const auto stretches = std::stoi(one("SELECT count(DISTINCT (content_sha256, byte_offset)) FROM source"));
  EXPECT_GT(stretches, 14) << "files are stored in several stretches";
  const auto before = all();
  const Table neighbours_before = neighbours();
  const UtcInstant may =
      storage::at((one("SELECT to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")).c_str());

  // The unit is understood now; its version was forgotten: nothing is done, whether asked for in earnest or
  // not.
  map(1000, wh(0));
  fingerprint = "settings-2";
  for (const bool dry_run : {true, false}) {
    const Found refused = run(order(dry_run));
    EXPECT_EQ(refused.state, RunState::Refused);
    EXPECT_EQ(refused.conflicts, kWrong * kDays * kSlots);
    EXPECT_NE(refused.message.find("assume_version"), std::string::npos) << refused.message;
    EXPECT_NE(refused.message.find("meter w"), std::string::npos) << refused.message;
  }
  EXPECT_EQ(all(), before);

  // The dry run says what will happen and does nothing.
  map(1001, wh(0));
  fingerprint = "settings-3";
  const Found dry = run(order(true));
  EXPECT_EQ(dry.state, RunState::Done) << dry.message;
  EXPECT_EQ(all(), before);
  const auto check_diff = [&](const Found& run) {
    EXPECT_EQ(run.contents, kDays);
    EXPECT_EQ(run.contents_checked, kDays);
    EXPECT_EQ(run.contents_unread, 0);
    EXPECT_EQ(run.meters, 200);
    EXPECT_EQ(run.channels, 200);
    EXPECT_EQ(run.counts.intervals_corrected, 22'400);  // 200 * 14 * 8
    EXPECT_EQ(run.counts.intervals_added, 0);
    EXPECT_EQ(run.counts.intervals_retracted, 0);
    EXPECT_EQ(run.counts.registers_corrected, 0);
    ASSERT_EQ(run.units.size(), 1U);
    EXPECT_EQ(run.units[0].unit, "Wh");
    EXPECT_EQ(run.units[0].before, std::to_string(right * 1000));
    EXPECT_EQ(run.units[0].after, std::to_string(right));
    EXPECT_EQ(run.units[0].delta, std::to_string(right - right * 1000));
    ASSERT_EQ(run.top.size(), 20U);
    std::int64_t largest = 0;
    for (const auto& [key, energy] : right_of)
      if (key[0] == 'w') largest = std::max(largest, energy);
    EXPECT_EQ(run.top[0].delta, std::to_string(largest - largest * 1000));
    EXPECT_EQ(run.top[0].counts.intervals_corrected, 112);  // 14 * 8
    EXPECT_EQ(run.top[0].first_at, storage::at("2026-03-01T00:00:00Z"));
    EXPECT_EQ(run.top[0].last_at, storage::at("2026-03-14T01:45:00Z"));
  };
  check_diff(dry);

  // The real run is killed in the middle, once between a commit and the note of it, and once while it checks.
  const auto id = begin(order(false));
  {
    Reprocessor worker = reprocessor();
    for (int i = 0; i < stretches / 2; ++i) ASSERT_TRUE(worker.step().ok());
  }
  {
    MortalStore mortal(*ingest, 5);
    store = &mortal;
    Reprocessor worker = reprocessor();
    EXPECT_THROW(
        {
          while (!worker.step()->idle) {
          }
        },
        MortalStore::Died);
    store = ingest.get();
  }
  const Found middle = storage::ReprocessRuns(*database).get(north, id).value();
  EXPECT_EQ(middle.state, RunState::Writing);
  EXPECT_LT(middle.contents_written, kDays);
  check_diff(middle);
  const Found real = end(id);
  EXPECT_EQ(real.state, RunState::Done) << real.message;
  EXPECT_EQ(real.contents_written, kDays);
  check_diff(real);

  // Corrected, neighbours untouched, what we knew before stays known.
  EXPECT_EQ(energy_wh(), right_of);
  EXPECT_EQ(neighbours(), neighbours_before);
  EXPECT_EQ(energy_wh(may), wrong_of) << "an answer as of then";
  EXPECT_EQ(one("SELECT count(*) FROM interval_revision"), "22400") << "each old value once, nothing doubled";
  EXPECT_EQ(one("SELECT count(DISTINCT cause) FROM source WHERE cause <> ''"), "1");
  EXPECT_EQ(one("SELECT DISTINCT cause FROM source WHERE cause <> ''"),
            "reprocess " + std::to_string(id) + " by alice: KWHX is Wh, not kWh");
  EXPECT_EQ(one("SELECT count(*) FROM withdrawal"), "0");
  EXPECT_EQ(one("SELECT sum(s.n) FROM (SELECT count(*) * 8 AS n FROM change WHERE (kinds & 2) <> 0) s"),
            "22400")
      << "subscribers hear of each corrected day once";

  const auto after = all();
  const Found second = run(order(false));
  EXPECT_EQ(second.state, RunState::Done);
  EXPECT_EQ(second.counts.intervals_corrected, 0);
  EXPECT_EQ(second.contents_to_write, 0);
  EXPECT_EQ(all(), after);
}

TEST_F(Reprocess, AnotherQuantityMovesToAnotherChannelAndSubscribersHearOfTheRetraction) {
  const auto m1 = meter(north, "m1", "b1");
  meter(north, "m2", "b2");
  const std::string sha = take_in("a.cmep",
                                  text_of({"b1", "KWHX", "202603010015", {"1", "2", "3", "4"}}) +
                                      text_of({"b2", "KWH", "202603010015", {"5", "5", "5", "5"}}),
                                  "2026-03-02T06:00:00Z");
  ASSERT_EQ(energy_wh().at("m1"), 10'000);
  const UtcInstant before =
      storage::at((one("SELECT to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")).c_str());
  map(2000, "0.0.{period}.4.1.1.12.0.0.0.0.0.0.0.0.0.73.0");  // varh
  fingerprint = "settings-2";
  const Found done = run(order(false));
  ASSERT_EQ(done.state, RunState::Done) << done.message;
  EXPECT_EQ(done.meters, 1);
  EXPECT_EQ(done.channels, 1);
  EXPECT_EQ(done.counts.intervals_added, 4);
  EXPECT_EQ(done.counts.intervals_retracted, 4);
  ASSERT_EQ(done.units.size(), 2U);
  EXPECT_EQ(done.units[0].unit, "Wh");
  EXPECT_EQ(done.units[0].delta, "-10000");
  EXPECT_EQ(done.units[1].unit, "varh");
  EXPECT_EQ(done.units[1].delta, "10");
  EXPECT_EQ(one("SELECT count(*) FROM withdrawal w JOIN channel c USING (channel_id) JOIN source s USING "
                "(source_id)"
                " WHERE c.unit = 'Wh' AND s.content_sha256 = '" +
                sha + "' AND w.cause LIKE 'reprocess % by alice: %'"),
            "1");
  EXPECT_FALSE(energy_wh().contains("m1")) << "readers leave withdrawn values out";
  EXPECT_EQ(energy_wh().at("m2"), 20'000);
  EXPECT_EQ(energy_wh(before).at("m1"), 10'000);
  // Slots 0 to 3 of the day, each with what it was: 1000, 2000, … Wh, and the only quality, "R".
  EXPECT_EQ(sql("SELECT entity, day::text, interval_s, slots::text, old::text FROM change c JOIN channel "
                "USING (channel_id)"
                " WHERE kinds = 16 AND c.meter_id = " +
                std::to_string(m1)),
            (storage::Table{{"1", "2026-03-01", "900", "{0,4,16}", "{1,3,1,2,3,1,3,3,1,4,3,1}"}}));
  EXPECT_EQ(run(order(false)).contents_to_write, 0);
}

TEST_F(Reprocess, AMeterThatGotItsNameLaterGetsItsReadsAtTheTimeOfTheRun) {
  meter(north, "m1", "b1");
  take_in("a.cmep",
          text_of({"b1", "KWH", "202603010015", {"1"}}) + text_of({"b2", "KWH", "202603010015", {"7"}}),
          "2026-03-02T06:00:00Z");
  ASSERT_EQ(one("SELECT reason FROM quarantine WHERE state = 'OPEN'"), "unknown_meter");
  const UtcInstant before =
      storage::at((one("SELECT to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")).c_str());
  meter(north, "m2", "b2");
  const Found done = run(order(false));  // same settings, same mapping: nothing stored is contradicted
  ASSERT_EQ(done.state, RunState::Done) << done.message;
  EXPECT_EQ(done.counts.intervals_added, 1);
  EXPECT_EQ(done.settled, 1);
  EXPECT_EQ(energy_wh().at("m2"), 7000);
  EXPECT_FALSE(energy_wh(before).contains("m2")) << "then we did not know it";
  EXPECT_EQ(one("SELECT state FROM quarantine"), "REPLAYED");
  EXPECT_EQ(run(order(false)).contents_to_write, 0);
}

TEST_F(Reprocess, OnlyWhatIsChosenIsTouched) {
  for (const char* name : {"a", "b", "c"}) meter(north, name, name);
  const std::string first = text_of({"a", "KWHX", "202603010015", {"1", "2", "3", "4"}}) +
                            text_of({"b", "KWHX", "202603010015", {"1", "2", "3", "4"}});
  take_in("first.cmep", first, "2026-03-02T06:00:00Z");
  take_in("second.cmep", text_of({"c", "KWHX", "202603020015", {"9"}, "202603030000"}),
          "2026-03-03T06:00:00Z");
  map(1001, wh(0));
  fingerprint = "settings-2";

  auto chosen = order(true);
  chosen.meters = {std::stoll(one("SELECT meter_id FROM meter WHERE key = 'b'"))};
  chosen.period = {storage::at("2026-03-01T00:15:00Z"), storage::at("2026-03-01T00:45:00Z")};
  EXPECT_EQ(run(chosen).counts.intervals_corrected, 2);
  EXPECT_EQ(run(chosen).meters, 1);

  chosen = order(true);
  chosen.received = {storage::at("2026-03-03T00:00:00Z"), UtcInstant::max()};
  EXPECT_EQ(run(chosen).counts.intervals_corrected, 1);

  chosen = order(false);
  chosen.sources = {std::stoll(one("SELECT source_id FROM source WHERE name = 'second.cmep'"))};
  EXPECT_EQ(run(chosen).counts.intervals_corrected, 1);
  EXPECT_EQ(energy_wh(), (std::map<std::string, std::int64_t>{{"a", 10'000}, {"b", 10'000}, {"c", 9}}));
}

TEST_F(Reprocess, ContentThatCannotBeReadIsToldAndTheRestIsDone) {
  for (const char* name : {"a", "b", "c"}) meter(north, name, name);
  const std::string corrupt =
      take_in("corrupt.cmep", text_of({"a", "KWHX", "202603010015", {"1"}}), "2026-03-02T06:00:00Z");
  const std::string gone =
      take_in("gone.cmep", text_of({"b", "KWHX", "202603010015", {"1"}}), "2026-03-02T07:00:00Z");
  take_in("good.cmep", text_of({"c", "KWHX", "202603010015", {"1"}}), "2026-03-02T08:00:00Z");
  std::ofstream(folder / "raw" / corrupt.substr(0, 2) / (corrupt + ".zst"), std::ios::binary)
      << "not what it was";
  ASSERT_TRUE(files->remove(gone).ok());
  map(1001, wh(0));
  fingerprint = "settings-2";
  const Found done = run(order(false));
  EXPECT_EQ(done.state, RunState::Done);
  EXPECT_EQ(done.contents_unread, 2);
  ASSERT_EQ(done.problems.size(), 2U);
  EXPECT_EQ(done.problems[0].name, "corrupt.cmep");
  EXPECT_NE(done.problems[0].what.find("corrupt"), std::string::npos);
  EXPECT_NE(done.problems[1].what.find("not kept"), std::string::npos);
  EXPECT_EQ(energy_wh(), (std::map<std::string, std::int64_t>{{"a", 1000}, {"b", 1000}, {"c", 1}}));
}

TEST_F(Reprocess, ARunIsOfOneMappingAndEndsWhenTheSettingsChange) {
  meter(north, "a", "a");
  take_in("a.cmep", text_of({"a", "KWHX", "202603010015", {"1"}}), "2026-03-02T06:00:00Z");
  map(1001, wh(0));
  fingerprint = "settings-2";
  const auto id = begin(order(false));
  fingerprint = "settings-3";
  const Found ended = end(id);
  EXPECT_EQ(ended.state, RunState::Failed);
  EXPECT_NE(ended.message.find("order it again"), std::string::npos);
  EXPECT_EQ(energy_wh().at("a"), 1000);
}

TEST_F(Reprocess, ACancelledRunWritesNoMoreAndStaysCancelled) {
  meter(north, "a", "a");
  take_in("a.cmep", text_of({"a", "KWHX", "202603010015", {"1"}}), "2026-03-02T06:00:00Z");
  map(1001, wh(0));
  fingerprint = "settings-2";
  const auto id = begin(order(false));
  storage::ReprocessRuns runs(*database);
  EXPECT_EQ(runs.cancel(north, id)->state, RunState::Cancelled);
  EXPECT_EQ(end(id).state, RunState::Cancelled);
  EXPECT_EQ(energy_wh().at("a"), 1000);
  EXPECT_EQ(runs.cancel(south, id).refusal().kind, storage::Refusal::Kind::NotFound) << "another utility's";
  EXPECT_EQ(runs.get(south, id).refusal().kind, storage::Refusal::Kind::NotFound);
}

TEST_F(Reprocess, AnOrderThatChoosesNothingIsRefused) {
  meter(north, "a", "a");
  take_in("a.cmep", text_of({"a", "KWHX", "202603010015", {"1"}}), "2026-03-02T06:00:00Z");
  storage::ReprocessRuns runs(*database);
  auto nothing = order(true);
  nothing.feed = "feed-2";
  EXPECT_EQ(runs.order(nothing, {}).refusal().kind, storage::Refusal::Kind::Invalid);
  nothing = order(true);
  nothing.sources = {4711};
  EXPECT_EQ(runs.order(nothing, {}).refusal().kind, storage::Refusal::Kind::NotFound);
  nothing = order(true);
  nothing.utility = south;
  nothing.sources = {std::stoll(one("SELECT min(source_id) FROM source"))};
  EXPECT_EQ(runs.order(nothing, {}).refusal().kind, storage::Refusal::Kind::NotFound) << "another utility's";
  EXPECT_EQ(one("SELECT count(*) FROM reprocess_run"), "0");
}

// A switch notification without a time of its own, received as two facts and several times as each.
TEST_F(Reprocess, WhatIsDatedByItsReceiptIsReadAgainAtEachReceiptThatDatedAFact) {
  const auto m = meter(north, "a", "a");
  const std::string text = "a Opened";
  message = [](std::string_view raw, UtcInstant received_at) {
    DecodedBatch batch;
    EventObservation event;
    event.meter = batch.text(raw.substr(0, 1));
    event.code = batch.text(raw.substr(2));
    event.raw = batch.text(raw);
    event.time = parse_stated_time(batch.text(to_text(received_at))).value();
    event.time_source = TimeSource::Receipt;
    batch.observations.emplace_back(event);
    return batch;
  };
  map(1001, wh(3));
  const std::string sha256 =
      "4cc3e353f502472d52170d4df2ebb026865f92d93dcf3e5a9bdd5824a79c510f";  // printf 'a Opened' | sha256sum
  for (const char* received : {"2026-03-02T06:00:00Z", "2026-03-02T06:00:00Z", "2026-03-02T09:00:00Z"}) {
    const UtcInstant received_at = storage::at(received);
    const Outcome kept = keeper->keep({north, "feed-1", sha256, "journal/1", text.size(), 0, received_at},
                                      [&text](char* into, std::size_t size, std::uint64_t offset) {
                                        const std::size_t n =
                                            std::min<std::size_t>(size, text.size() - offset);
                                        std::copy_n(text.data() + offset, n, into);
                                        return Result<std::size_t>(n);
                                      });
    ASSERT_TRUE(kept.ok()) << kept.error().message;
    storage::CommitUnit u = unit("message");
    u.source.feed = "feed-1";
    u.source.content_sha256 = sha256;
    u.source.length = text.size();
    u.source.mapping_version = rules.mapping.version;
    u.source.received_at = received_at;
    u.batch.events = {{m, received_at, "UNMAPPED", "", "", "Opened", "", TimeSource::Receipt, 0}};
    commit(u);
  }
  ASSERT_EQ(one("SELECT count(*) FROM event"), "2");
  map(2001, wh(3));
  auto events =
      EventMap::parse("version: 1\nkinds: {SWITCH_OPENED: 3.31.0.68}\n",
                      "version: 1\nvendor: \"\"\nevents: [{code: Opened, kind: SWITCH_OPENED}]\n", "events");
  ASSERT_TRUE(events.ok()) << events.error().message;
  rules.events = *events;
  fingerprint = "settings-2";
  const auto done = run(order(false));
  EXPECT_EQ(done.state, RunState::Done) << done.message;
  EXPECT_EQ(done.events, 2);
  EXPECT_EQ(
      sql("SELECT at::text, kind FROM event ORDER BY at"),
      (Table{{"2026-03-02 06:00:00+00", "SWITCH_OPENED"}, {"2026-03-02 09:00:00+00", "SWITCH_OPENED"}}));
  EXPECT_EQ(run(order(false)).events, 0) << "found as it was written";
}

TEST_F(Reprocess, AStoreThatIsAwayEndsNoRun) {
  meter(north, "a", "a");
  take_in("a.cmep", text_of({"a", "KWHX", "202603010015", {"1"}}), "2026-03-02T06:00:00Z");
  map(1001, wh(0));
  fingerprint = "settings-2";
  const auto id = begin(order(false));
  class Away final : public storage::IngestStore {
   public:
    Result<storage::CommitCounts> commit(const storage::CommitUnit&) override { return transient("away"); }
    Result<std::vector<UtcInstant>> receipts(std::int32_t, const std::string&, const std::string&) override {
      return transient("away");
    }
    Result<std::optional<std::string>> load_state(const std::string&, const std::string&) override {
      return transient("away");
    }
    Outcome save_state(const std::string&, const std::vector<storage::StateRow>&) override {
      return transient("away");
    }
  } away;
  store = &away;
  {
    Reprocessor worker = reprocessor();
    bool failed = false;
    for (int i = 0; i < 10 && !failed; ++i) failed = !worker.step().ok();
    EXPECT_TRUE(failed);
  }
  store = ingest.get();
  EXPECT_EQ(end(id).state, RunState::Done);
  EXPECT_EQ(energy_wh().at("a"), 1);
}

}  // namespace
}  // namespace ami::daemon
