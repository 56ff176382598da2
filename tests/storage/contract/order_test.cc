// Any order, any split, any repetition, any interleaving of what came in ends in the same tables, and in
// those of the other store.
#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/storage/contract/random_input.h"

namespace ami::storage {
namespace {
using namespace contract;

constexpr int kFacts = 90;

// Always the same, unless the program is asked for others: --gtest_shuffle --gtest_random_seed=N
// [--gtest_repeat=M].
unsigned nth_seed(unsigned n) {
  return n + 1000 * static_cast<unsigned>(::testing::UnitTest::GetInstance()->random_seed());
}

using Units = std::vector<std::vector<Fact>>;

// Empty, or why it was refused. Transient is tried again, as the pipeline does.
std::string try_commit(IngestStore& store, const CommitUnit& unit) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto counts = store.commit(unit);
    if (counts.ok()) return counts->directory_changed ? "the directory has not changed" : "";
    if (counts.error().fault != Fault::Transient) return counts.error().message;
  }
  return "transient a hundred times";
}

// In one transaction a unit, or large enough for lanes.
enum class Size { Small, Padded };

CommitUnit make_unit(const std::vector<Fact>& facts, std::int64_t version, Size size) {
  CommitUnit unit = unit_of_facts(facts, version);
  return size == Size::Padded ? padded(std::move(unit)) : unit;
}

std::string commit_all(StoreUnderTest& to, const Units& units, Size size = Size::Small) {
  const std::int64_t version = to.directory_version();
  for (const auto& facts : units) {
    if (std::string why = try_commit(to.store(), make_unit(facts, version, size)); !why.empty()) return why;
  }
  return {};
}

std::string commit_at_once(StoreUnderTest& to, const Units& units, std::size_t writers,
                           Size size = Size::Small) {
  const std::int64_t version = to.directory_version();
  std::vector<std::string> why(writers);
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      for (std::size_t i = next++; i < units.size() && why[writer].empty(); i = next++) {
        why[writer] = try_commit(to.store(), make_unit(units[i], version, size));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& reason : why) {
    if (!reason.empty()) return reason;
  }
  return {};
}

// In groups of one to `most`, each handed in at once.
std::string commit_together(StoreUnderTest& to, const Units& units, std::mt19937& random, unsigned most) {
  const std::int64_t version = to.directory_version();
  for (std::size_t from = 0; from < units.size();) {
    std::vector<CommitUnit> group;
    for (unsigned left = 1 + static_cast<unsigned>(random()) % most; left > 0 && from < units.size(); --left)
      group.push_back(make_unit(units[from++], version, Size::Small));
    const auto counts = to.store().commit_all(group);
    if (!counts) return counts.error().message;
    if (counts->size() != group.size()) return "not a count for each unit";
  }
  return {};
}

// Changes of one unit are not one transaction where it was written in lanes.
std::map<std::string, Section> without_commit_numbers(std::map<std::string, Section> history) {
  Section& changes = history.at("change");
  for (auto& row : changes.rows) row.at(0) = "-";
  sort_rows(changes);
  return history;
}

class Order : public ::testing::Test {
 protected:
  explicit Order(const std::string& postgres = kPostgres)
      : size_(postgres == kPostgresInLanes ? Size::Padded : Size::Small),
        memory_(&shared_store(kMemory)),
        postgres_(&shared_store(postgres)) {}

  // What is wrong after these units, one after the other: against the truth, and against the other store.
  std::string sequential(const Units& units, const Dump& truth) {
    memory_->clear();
    postgres_->clear();
    if (std::string why = commit_all(*memory_, units, size_); !why.empty()) return "memory: " + why;
    if (std::string why = commit_all(*postgres_, units, size_); !why.empty()) return "postgres: " + why;
    const Dump memory = memory_->dump(), postgres = postgres_->dump();
    std::string out;
    const auto check = [&](const char* what, const std::string& found) {
      if (!found.empty()) out += std::string(what) + "\n" + found;
    };
    check("left the truth, right memory", difference(truth.truth, memory.truth));
    check("left memory, right postgres", difference(memory.truth, postgres.truth));
    check("left memory, right postgres", difference(memory.sources, postgres.sources));
    if (size_ == Size::Small) {
      check("left memory, right postgres", difference(memory.history, postgres.history));
    } else {
      check("left memory, right postgres",
            difference(without_commit_numbers(memory.history), without_commit_numbers(postgres.history)));
    }
    return out;
  }

  static Dump truth_of(const std::vector<Fact>& facts) {
    const auto fresh = memory_store();
    EXPECT_EQ(commit_all(*fresh, whole_files(facts)), "");
    return fresh->dump();
  }

  // Takes facts away as long as it stays wrong, so that what is printed can be read.
  std::string shrunk(Units units) {
    const auto wrong = [&](const Units& some) {
      std::vector<Fact> facts;
      for (const auto& unit : some) facts.insert(facts.end(), unit.begin(), unit.end());
      return some.empty() ? std::string() : sequential(some, truth_of(facts));
    };
    std::string found = wrong(units);
    for (bool smaller = !found.empty(); smaller;) {
      smaller = false;
      for (std::size_t u = 0; u < units.size(); ++u) {
        for (std::size_t f = 0; u < units.size() && f < units[u].size();) {
          Units fewer = units;
          fewer[u].erase(fewer[u].begin() + static_cast<std::ptrdiff_t>(f));
          if (fewer[u].empty()) fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(u));
          if (std::string still = wrong(fewer); !still.empty()) {
            units = std::move(fewer);
            found = std::move(still);
            smaller = true;
          } else {
            ++f;
          }
        }
      }
    }
    for (const auto& unit : units) {
      found += "unit\n";
      for (const Fact& fact : unit) found += "  " + describe(fact) + "\n";
    }
    return found;
  }

  void check_any_order(unsigned first_seed, unsigned seeds) {
    for (unsigned n = 0; n < seeds; ++n) {
      const unsigned seed = nth_seed(first_seed + n);
      std::mt19937 random(seed);
      const auto facts = random_facts(random, kFacts);
      const Dump truth = truth_of(facts);
      ASSERT_GT(truth.pick("slot", "value").size(), 10U);
      ASSERT_GT(truth.pick("revision", "value").size(), 3U);
      ASSERT_GT(truth.pick("register_revision", "at").size() + truth.pick("event", "at").size(), 0U);
      for (int variant = 0; variant < 3; ++variant) {
        const Units units = variant == 0 ? whole_files(facts) : scrambled(facts, random);
        const std::string wrong = sequential(units, truth);
        ASSERT_EQ(wrong, "") << "seed " << seed << ", variant " << variant << "; the least that is wrong:\n"
                             << shrunk(units);
      }
    }
  }

  void check_at_once(unsigned first_seed, unsigned seeds, std::size_t writers) {
    for (unsigned n = 0; n < seeds; ++n) {
      const unsigned seed = nth_seed(first_seed + n);
      std::mt19937 random(seed);
      const auto facts = random_facts(random, kFacts);
      const Dump truth = truth_of(facts);
      const Units units = scrambled(facts, random);
      for (StoreUnderTest* store : {memory_, postgres_}) {
        store->clear();
        ASSERT_EQ(commit_at_once(*store, units, writers, size_), "") << "seed " << seed;
        ASSERT_EQ(difference(truth.truth, store->dump().truth), "") << "left as it should be; seed " << seed;
      }
    }
  }

  Size size_;
  StoreUnderTest *memory_, *postgres_;
};

TEST_F(Order, AnyOrderSplitAndRepetitionGivesTheSameTablesInBothStores) {
  check_any_order(1, 8);
}

TEST_F(Order, UnitsOfSeveralWritersAtOnceGiveTheSameTables) {
  check_at_once(101, 8, 6);
}

TEST_F(Order, UnitsThatAreHandedInTogetherAreStoredAsOneAfterTheOther) {
  for (unsigned n = 501; n <= 508; ++n) {
    const unsigned seed = nth_seed(n);
    std::mt19937 random(seed);
    const auto facts = random_facts(random, kFacts);
    const Dump truth = truth_of(facts);
    const Units units = scrambled(facts, random);
    memory_->clear();
    ASSERT_EQ(commit_all(*memory_, units), "");
    const Dump alone = memory_->dump();
    for (StoreUnderTest* store : {memory_, postgres_}) {
      store->clear();
      ASSERT_EQ(commit_together(*store, units, random, 7), "") << "seed " << seed;
      const Dump together = store->dump();
      ASSERT_EQ(difference(truth.truth, together.truth), "") << "seed " << seed;
      ASSERT_EQ(difference(alone.sources, together.sources), "") << "seed " << seed;
      ASSERT_EQ(difference(without_commit_numbers(alone.history), without_commit_numbers(together.history)), "")
          << "seed " << seed;
    }
  }
}

TEST_F(Order, SameUnitsFromSeveralWritersAtOnceAreStoredOnce) {
  std::mt19937 random(nth_seed(7));
  const auto facts = random_facts(random, kFacts);
  const Dump truth = truth_of(facts);
  Units units;
  for (int repetition = 0; repetition < 4; ++repetition) {
    const Units whole = whole_files(facts);
    units.insert(units.end(), whole.begin(), whole.end());
  }
  std::sort(units.begin(), units.end(),
            [](const auto& a, const auto& b) { return a.front().file < b.front().file; });
  for (StoreUnderTest* store : {memory_, postgres_}) {
    store->clear();
    ASSERT_EQ(commit_at_once(*store, units, 4), "");
    const Dump dump = store->dump();
    EXPECT_EQ(difference(truth.truth, dump.truth), "");
    EXPECT_EQ(difference(truth.sources, dump.sources), "");
  }
}

TEST_F(Order, EveryEarlierAnswerIsStillKnown) {
  for (unsigned n = 201; n <= 204; ++n) {
    const unsigned seed = nth_seed(n);
    std::mt19937 random(seed);
    const Units units = scrambled(random_facts(random, kFacts), random);
    memory_->clear();
    postgres_->clear();
    std::vector<std::pair<UtcInstant, UtcInstant>> moments;  // of memory, of postgres
    std::vector<Dump> answers;
    for (const auto& unit : units) {
      ASSERT_EQ(commit_all(*memory_, {unit}), "");
      ASSERT_EQ(commit_all(*postgres_, {unit}), "");
      moments.emplace_back(memory_->now(), postgres_->now());
      answers.push_back(memory_->dump());
    }
    for (std::size_t i = 0; i < moments.size(); i += 3) {
      const Section memory = memory_->as_of(moments[i].first), postgres = postgres_->as_of(moments[i].second);
      ASSERT_EQ(difference({{"as_of", memory}}, {{"as_of", postgres}}), "")
          << "seed " << seed << ", unit " << i;
      Dump then;
      then.history["as_of"] = memory;
      std::vector<std::string> said =
          then.pick("as_of", "what channel at length value quality flag stamp mapping");
      std::erase_if(said, [](const std::string& line) { return line[0] == 'r'; });
      std::vector<std::string> answered =
          answers[i].pick("slot", "channel start length value quality flag stamp mapping");
      for (auto& line : answered) line = "interval " + line;
      std::sort(said.begin(), said.end());
      std::sort(answered.begin(), answered.end());
      ASSERT_EQ(said, answered) << "seed " << seed << ", unit " << i;
    }
  }
}

class OrderInLanes : public Order {
 protected:
  OrderInLanes() : Order(kPostgresInLanes) {}
};

TEST_F(OrderInLanes, AnyOrderSplitAndRepetitionGivesTheSameTables) {
  check_any_order(301, 4);
}

TEST_F(OrderInLanes, UnitsOfSeveralWritersAtOnceGiveTheSameTables) {
  check_at_once(401, 4, 4);
}

}  // namespace
}  // namespace ami::storage
