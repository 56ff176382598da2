// Any order, any split, any repetition of what came in ends in the same tables.
#include <algorithm>
#include <random>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

struct Fact {
  enum class Kind { Run, Register, Event } kind = Kind::Run;
  int file = 0;
  RunSpec run;
  int meter = 0;
  std::string channel, code, flag, event_kind;
  Decimal value;
  UtcInstant when{};
};

class IngestOrderTest : public StoreTest {
 protected:
  static constexpr int kFiles = 4;

  std::vector<Fact> make_facts(std::mt19937& random) {
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    const UtcInstant midnight = at("2024-02-29T00:00:00Z");  // around the end of a month
    std::vector<Fact> facts;
    for (int i = 0; i < 60; ++i) {
      Fact fact;
      fact.file = pick(0, kFiles - 1);
      fact.meter = pick(0, 1);
      fact.channel = pick(0, 1) == 0 ? "cmep:KWH" : "ssn:lp:1";
      const UtcInstant rank{std::chrono::seconds{pick(0, 2) * 3600}};
      if (pick(0, 2) > 0) {
        fact.code = pick(0, 1) == 0 ? "2.8.0" : "";
        fact.flag = pick(0, 1) == 0 ? "N32" : "R0";
      }
      const int kind = pick(0, 5);
      if (kind <= 3) {
        const int length = pick(0, 3) == 0 ? 3600 : 900;
        fact.run.length_s = length;
        fact.run.start = midnight + std::chrono::seconds{length * pick(90, 97) * (length == 900 ? 1 : 0) +
                                                         length * pick(0, 3)};
        if (pick(0, 4) == 0) fact.run.start += std::chrono::seconds{30};
        fact.run.exponent = pick(-2, 1);
        fact.run.rank = rank;
        for (int n = pick(1, 6); n > 0; --n) {
          const int what = pick(0, 9);
          if (what == 0)
            fact.run.values.emplace_back(std::nullopt);
          else if (what == 1)
            fact.run.values.emplace_back(3'000'000'000 + pick(0, 1));
          else if (what == 2)
            fact.run.values.emplace_back(9'000'000'000'000'000'000);
          else
            fact.run.values.emplace_back(pick(0, 2) * 10);
        }
      } else if (kind == 4) {
        fact.kind = Fact::Kind::Register;
        fact.when = midnight + std::chrono::hours{pick(0, 2)};
        fact.value = Decimal{pick(0, 2) * 10, pick(-1, 0)};
        fact.run.rank = rank;
      } else {
        fact.kind = Fact::Kind::Event;
        fact.when = midnight + std::chrono::hours{pick(0, 1)};
        fact.event_kind = pick(0, 1) == 0 ? "OUTAGE" : "UNMAPPED";
      }
      facts.push_back(std::move(fact));
    }
    return facts;
  }

  void say(const std::vector<Fact>& facts, const std::vector<MeterId>& meters, int file) {
    CommitUnit u = unit("file" + std::to_string(file));
    u.source.mapping_version = 1 + file % 2;
    for (const Fact& fact : facts) {
      const MeterId m = meters[static_cast<std::size_t>(fact.meter)];
      if (fact.kind == Fact::Kind::Event) {
        u.batch.events.push_back({m, fact.when, fact.event_kind, "", "v", "C", "text",
                                  fact.meter == 0 ? TimeSource::Device : TimeSource::Collector, 0});
        continue;
      }
      const auto channel = add_channel(u, m, fact.channel);
      const auto quality = fact.flag.empty() ? 0 : add_quality(u, fact.code, fact.flag);
      if (fact.kind == Fact::Kind::Register) {
        add_register(u, channel, fact.when, fact.value, fact.run.rank, quality);
      } else {
        RunSpec run = fact.run;
        run.channel = channel;
        run.quality = quality;
        add_run(u, run);
      }
    }
    u.batch.quarantined.push_back({"bad_number", "", "B", "raw" + std::to_string(file), 0});
    commit(u);
  }
};

TEST_F(IngestOrderTest, TablesDoNotDependOnOrderSplitOrRepetition) {
  std::vector<unsigned> seeds{1, 2, 3, 4};
  for (const unsigned seed : seeds) {
    std::mt19937 random(seed);
    const auto facts = make_facts(random);
    std::optional<std::string> first;
    for (int order = 0; order < 4; ++order) {
      SetUp();  // a database of its own
      const std::vector<MeterId> meters{meter(north, "m0"), meter(north, "m1")};
      std::vector<Fact> shuffled = facts;
      if (order > 0) {
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        const std::vector<Fact> repeated(shuffled.begin(), shuffled.begin() + 10);
        shuffled.insert(shuffled.end(), repeated.begin(), repeated.end());
      }
      // Split: consecutive facts of one file are a unit, of at most `size`.
      const std::size_t size = order == 0 ? 1000 : static_cast<std::size_t>(order) * 3;
      std::stable_sort(shuffled.begin(), shuffled.end(),
                       [&](const Fact& a, const Fact& b) { return order < 2 ? a.file < b.file : false; });
      std::vector<Fact> pending;
      for (std::size_t i = 0; i < shuffled.size(); ++i) {
        pending.push_back(shuffled[i]);
        if (i + 1 == shuffled.size() || shuffled[i + 1].file != shuffled[i].file || pending.size() == size) {
          say(pending, meters, shuffled[i].file);
          pending.clear();
        }
      }
      const std::string dump = canonical_dump();
      if (!first) {
        first = dump;
        ASSERT_NE(dump.find("slot|"), std::string::npos);
        ASSERT_NE(dump.find("revision|"), std::string::npos);
        ASSERT_NE(dump.find("register|"), std::string::npos);
      }
      ASSERT_EQ(dump, *first) << "seed " << seed << ", order " << order;
    }
  }
}

}  // namespace
}  // namespace ami::storage
