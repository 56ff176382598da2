// What arrives is kept before anything of it is stored; and when a known content is read again.
#include "tests/adapters/wire/drop_folder/drop_folder_scene.h"

#include "adapters/wire/drop_folder/file_state.h"

namespace ami::wire {
namespace {

using std::chrono::seconds;
using Codes = std::vector<std::string>;

class FakeRaw : public sdk::RawStore {
 public:
  explicit FakeRaw(sdk::testing::FakeStore& store) : store_(store) {}
  sdk::Awaitable<Outcome> keep(sdk::RawContent content) override {
    if (error) co_return *error;
    std::string bytes(content.size + 1, '\0');
    const Result<std::size_t> got = content.read(bytes.data(), bytes.size(), 0);
    if (!got) co_return got.error();
    bytes.resize(*got);
    kept.push_back({content.name, bytes});
    commits_before.push_back(store_.attempts());
    co_return Done{};
  }
  std::optional<Error> error;
  std::vector<std::pair<std::string, std::string>> kept;
  std::vector<std::size_t> commits_before;

 private:
  sdk::testing::FakeStore& store_;
};

class Keeping : public DropFolderScene {
 protected:
  Keeping() { again("mark-1"); }
  // What a restart with these settings would see.
  void again(const std::string& mark) {
    if (adapter) stop();
    sdk::Services services = host.services();
    services.raw = &raw;
    services.settings_mark = mark;
    adapter = std::make_unique<FileFedAdapter>(sdk::AdapterInfo{"lines", "test", {.files = true}}, config,
                                               services, [] { return std::make_unique<LineReader>(); });
    ASSERT_TRUE(start().ok());
    host.run_until_idle();
  }
  std::vector<std::int64_t> readings() const {
    std::vector<std::int64_t> out;
    for (const auto& batch : host.store.committed) out.push_back(batch.source.read_again);
    return out;
  }

  FakeRaw raw{host.store};
};

TEST_F(Keeping, AFileIsKeptWholeBeforeItsFirstBatchIsCommitted) {
  config.batch_bytes = 4;
  config.chunk_bytes = 8;
  again("mark-1");
  drop("a.txt", "one\ntwo\nthree\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "two", "three"}));
  ASSERT_EQ(raw.kept.size(), 1U);
  EXPECT_EQ(raw.kept[0], (std::pair<std::string, std::string>{"a.txt", "one\ntwo\nthree\n"}));
  EXPECT_EQ(raw.commits_before, std::vector<std::size_t>{0});
}

TEST_F(Keeping, AFileThatCannotBeKeptWaitsAndIsReadOnceThereIsRoom) {
  raw.error = transient("the content cannot be kept: No space left on device");
  drop("a.txt", "one\n");
  host.run_until_idle();
  host.advance(seconds(60));
  EXPECT_TRUE(stored().empty());
  EXPECT_EQ(host.store.attempts(), 0U);
  EXPECT_TRUE(in_inbox("a.txt"));
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Degraded);
  EXPECT_NE(adapter->health().reason.find("No space left"), std::string::npos) << adapter->health().reason;
  raw.error.reset();
  host.advance(seconds(60));
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_TRUE(in_done("a.txt"));
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Healthy);
}

TEST_F(Keeping, TheSameFileAgainIsKeptAgainButNotRead) {
  drop("a.txt", "one\n");
  host.run_until_idle();
  drop("b.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_EQ(raw.kept.size(), 2U) << "so that a content whose time was over can come back";
  EXPECT_EQ(readings(), std::vector<std::int64_t>{0});
}

TEST_F(Keeping, WithOtherSettingsTheSameFileIsReadAgainUnderANumberOfItsOwn) {
  drop("a.txt", "one\n");
  host.run_until_idle();
  again("mark-2");
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "one"}));
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "one"})) << "known with these settings";
  again("mark-3");
  drop("a.txt", "one\n");
  host.run_until_idle();
  const auto numbers = readings();
  ASSERT_EQ(numbers.size(), 3U);
  EXPECT_EQ(numbers[0], 0);
  EXPECT_LT(numbers[1], -(std::int64_t{1} << 61)) << "apart from every number of a run";
  EXPECT_LT(numbers[2], -(std::int64_t{1} << 61));
  EXPECT_NE(numbers[1], numbers[2]);
}

TEST_F(Keeping, AFileThatIsReadAgainKeepsItsNumberOverAStop) {
  config.batch_bytes = 4;
  config.chunk_bytes = 8;
  drop("a.txt", "one\ntwo\nthree\n");
  host.run_until_idle();
  host.advance(seconds(30));
  again("mark-2");
  host.store.fail_after(1, transient("stopping"));
  drop("a.txt", "one\ntwo\nthree\n");
  host.run_until_idle();
  host.store.accept();
  again("mark-2");
  host.advance(seconds(60));
  const auto numbers = readings();
  EXPECT_EQ(stored(), (Codes{"one", "two", "three", "one", "two", "three"}));
  ASSERT_GE(numbers.size(), 3U);
  EXPECT_NE(numbers.back(), 0);
  EXPECT_EQ(numbers.back(), numbers[numbers.size() - 2]);
}

TEST_F(Keeping, ANoteFromBeforeSettingsWereNotedMeansThatTheFileIsReadAgain) {
  again("");
  drop("a.txt", "one\n");
  host.run_until_idle();
  again("mark-1");
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), (Codes{"one", "one"}));
}

TEST_F(Keeping, WithoutAStoreForItNothingIsKeptAndAllElseIsTheSame) {
  restart();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_TRUE(raw.kept.empty());
}

// Reads a first stretch and throws on the second.
class ThrowingReader : public LineReader {
 public:
  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset, bool last,
                             DecodedBatch& out) override {
    if (offset > 0 && throws_once) {
      throws_once = false;
      throw std::bad_alloc();
    }
    return LineReader::read(std::move(bytes), offset, last, out);
  }
  static inline bool throws_once = false;
};

TEST_F(Keeping, AFailureToReadOnWaitsForTheCommitUnderWay) {
  config.batch_bytes = 4;
  config.chunk_bytes = 4;
  stop();
  ThrowingReader::throws_once = true;
  adapter =
      std::make_unique<FileFedAdapter>(sdk::AdapterInfo{"lines", "test", {.files = true}}, config,
                                       host.services(), [] { return std::make_unique<ThrowingReader>(); });
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  host.store.hold();
  drop("a.txt", "one\ntwo\n");
  host.run_until_idle();
  EXPECT_EQ(host.store.held(), 1U);
  host.advance(seconds(60));  // long enough for another look at the folder
  EXPECT_EQ(host.store.most_at_once(), 1U) << "never two commits at once";
  host.store.release();
  host.run_until_idle();
  host.advance(seconds(60));
  EXPECT_EQ(stored(), (Codes{"one", "two"})) << "goes on where it was stored";
  EXPECT_EQ(host.store.most_at_once(), 1U);
  EXPECT_TRUE(in_done("a.txt"));
}

// A commit whose answer was lost: stored, but reported as not.
class InDoubtSink : public sdk::ObservationSink {
 public:
  explicit InDoubtSink(sdk::testing::FakeStore& store) : store_(store) {}
  sdk::Awaitable<Result<sdk::CommitReceipt>> commit(sdk::SourceSpan source, DecodedBatch batch,
                                                    std::vector<sdk::StateChange> state) override {
    auto receipt = co_await store_.commit(std::move(source), std::move(batch), std::move(state));
    if (lose_answer) co_return transient("stopping; the answer was lost");
    co_return receipt;
  }
  bool lose_answer = false;

 private:
  sdk::testing::FakeStore& store_;
};

TEST_F(Keeping, TheLogOfFinishedFilesLosesNoneWhenACommitsAnswerIsLost) {
  stop();
  InDoubtSink sink(host.store);
  const sdk::Services given = host.services();
  sdk::Services services{given.executor, given.clock,   sink,      given.state,
                         given.meters,   given.offload, given.log, nullptr};
  adapter = std::make_unique<FileFedAdapter>(sdk::AdapterInfo{"lines", "test", {.files = true}}, config,
                                             services, [] { return std::make_unique<LineReader>(); });
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  sink.lose_answer = true;
  drop("a.txt", "one\n");
  host.run_until_idle();
  sink.lose_answer = false;
  drop("b.txt", "two\n");
  host.run_until_idle();
  host.advance(seconds(60));
  EXPECT_TRUE(in_done("a.txt"));
  EXPECT_TRUE(in_done("b.txt"));
  EXPECT_EQ(host.store.state.at("filelog:next"), "2");
  std::set<std::string> logged;
  for (const char* key : {"filelog:0", "filelog:1"}) logged.insert(host.store.state.at(key).substr(0, 64));
  EXPECT_EQ(logged.size(), 2U) << "else the first content would be known for ever";
  stop();
  adapter.reset();
}

class WhoWrites : public DropFolderScene {
 protected:
  void ask(Writers answer) {
    config.ask_writers = [this, answer](const std::filesystem::path& file) {
      asked.push_back(file.filename());
      return answer;
    };
    drop("a.txt", "one\n");  // before anybody watches: nobody saw it closed
    restart();
    ASSERT_TRUE(start().ok());
    host.run_until_idle();
  }
  std::vector<std::string> asked;
};

TEST_F(WhoWrites, WhereTheSystemSaysNobodyAFileIsTakenWhenItSettled) {
  ask(Writers::None);
  host.advance(seconds(5));
  EXPECT_EQ(stored(), Codes{"one"});
  EXPECT_EQ(asked, std::vector<std::string>{"a.txt"});
}

TEST_F(WhoWrites, WhereTheSystemDoesNotSayAFileMustRestForFiveMinutes) {
  ask(Writers::Unknown);
  host.advance(seconds(295));
  EXPECT_TRUE(stored().empty());
  host.advance(seconds(10));
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(WhoWrites, WhereTheSystemDoesNotSayAFileThatWasSeenToBeClosedIsTakenAtOnce) {
  config.ask_writers = [](const std::filesystem::path&) { return Writers::Unknown; };
  restart();
  ASSERT_TRUE(start().ok());
  host.run_until_idle();
  drop("a.txt", "one\n");
  host.run_until_idle();
  EXPECT_EQ(stored(), Codes{"one"});
}

TEST_F(WhoWrites, AFileThatSomebodyWritesIsLeftAloneHoweverLongItRests) {
  ask(Writers::Some);
  host.advance(seconds(3600));
  EXPECT_TRUE(stored().empty());
  EXPECT_TRUE(in_inbox("a.txt"));
}

}  // namespace
}  // namespace ami::wire
