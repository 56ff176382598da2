#include "tests/storage/contract/random_input.h"

#include <algorithm>
#include <limits>
#include <sstream>

namespace ami::storage::contract {
namespace {

constexpr std::int64_t kMax64 = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin64 = std::numeric_limits<std::int64_t>::min();

struct Dice {
  std::mt19937& random;
  int upto(int high) { return std::uniform_int_distribution<int>(0, high)(random); }
  bool one_in(int n) { return upto(n - 1) == 0; }
  template <class T>
  T of(std::initializer_list<T> items) {
    return items.begin()[upto(static_cast<int>(items.size()) - 1)];
  }

  std::int64_t mantissa() {
    if (!one_in(5)) return of<std::int64_t>({0, 1, 2, 10, 20, -10, 300});
    return of<std::int64_t>({2'147'483'647, 2'147'483'648, -2'147'483'648, -2'147'483'647, 3'000'000'000,
                             kMax64, kMin64 + 1, kMin64, 9'000'000'000'000'000'000,
                             1'000'000'000'000'000'000});
  }
  int exponent() { return one_in(12) ? of({-18, -9, 9, 18}) : of({-2, -1, 0, 0, 0, 1}); }
  UtcInstant rank() {
    if (one_in(12)) return at(of({"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}));
    return at(of({"1970-01-01T00:00:00Z", "2024-03-02T00:00:00Z", "2024-03-02T00:00:00.000001Z"}));
  }
  std::string code() {
    return of<std::string>({"", "", "2.8.0", "2.10.0", "2.9.0 1.4.2", "1.4.2 2.9.0 1.4.2"});
  }
  std::string flag() { return of<std::string>({"", "", "", "N32", "R0", "R\xff"}); }
  TimeSource clock() { return one_in(4) ? TimeSource::Collector : TimeSource::Device; }
};

void make_interval(Fact& fact, Dice& dice) {
  Block& run = fact.run;
  run.length_s = dice.of({900, 900, 900, 900, 900, 21'600, 21'600, 86'400, 60, 30, 420, 172'800});
  // Around the end of a leap February and of a year, in few places, so that they meet.
  const UtcInstant day = at(dice.one_in(4) ? "2024-01-01T00:00:00Z" : "2024-03-01T00:00:00Z");
  run.start = day + dice.of({-1, 0, 0, 0, 1}) * std::chrono::seconds{run.length_s};
  if (dice.one_in(6)) run.start += std::chrono::seconds{30};
  if (dice.one_in(30)) run.start += std::chrono::microseconds{1};
  if (dice.one_in(60)) run.start = at("1969-12-31T23:59:00Z");
  run.exponent = dice.exponent();
  run.rank = dice.rank();
  run.code = dice.code();
  run.flag = dice.flag();
  run.clock = dice.clock();
  for (int n = 1 + dice.upto(4); n > 0; --n) {
    if (dice.one_in(6)) {
      run.values.emplace_back(std::nullopt);
    } else {
      run.values.emplace_back(dice.mantissa());
    }
  }
}

void make_register(Fact& fact, Dice& dice) {
  Register& read = fact.read;
  read.at = at(dice.of({"2024-02-29T23:59:59Z", "2024-03-01T00:00:00Z", "2023-12-31T12:00:00Z"}));
  read.value = {dice.mantissa(), dice.exponent()};
  read.rank = dice.rank();
  read.code = dice.code();
  read.flag = dice.flag();
  read.clock = dice.clock();
  if (dice.one_in(4)) read.period_start = at("2024-02-01T00:00:00Z");
  if (dice.one_in(4)) read.occurred_at = at("2024-02-02T00:00:00Z");
}

}  // namespace

std::vector<Fact> random_facts(std::mt19937& random, int count) {
  Dice dice{random};
  std::vector<Fact> facts;
  for (int i = 0; i < count; ++i) {
    Fact fact;
    fact.file = dice.upto(kFiles - 1);
    fact.place = i;
    const int kind = dice.upto(12);
    fact.kind = kind < 6    ? Fact::Kind::Interval
                : kind < 8  ? Fact::Kind::Register
                : kind < 12 ? Fact::Kind::Event
                            : Fact::Kind::Quarantined;
    make_interval(fact, dice);
    make_register(fact, dice);
    // The last file is the other utility's.
    fact.run.meter = fact.read.meter =
        fact.file == kFiles - 1 ? kSouthMeter : dice.of({kMeter, kMeter, kMeter, kOtherMeter});
    fact.run.channel = fact.read.channel = dice.of<std::string>({"KWH", "KWH", "KWH", "lp:1"});
    // Around the end of a month, some of them as far apart as the window of a fact is long.
    fact.when = dice.of({"2024-02-29T12:00:00Z", "2024-02-29T23:59:30Z", "2024-03-01T00:00:00Z",
                         "2024-03-01T00:02:00Z", "2024-03-01T00:04:00.000001Z"});
    fact.event_kind = dice.of<std::string>({"OUTAGE", "UNMAPPED", "LAST_GASP", "RESTORATION", "OPENED"});
    fact.raw_code = dice.of<std::string>({"X", "Y"});
    fact.clock = dice.clock();
    facts.push_back(std::move(fact));
  }
  return facts;
}

std::string describe(const Fact& fact) {
  std::ostringstream out;
  out << "file " << fact.file << " place " << fact.place << ": ";
  const auto value = [](const std::optional<std::int64_t>& mantissa) {
    return mantissa ? std::to_string(*mantissa) : std::string("hole");
  };
  switch (fact.kind) {
    case Fact::Kind::Interval:
      out << "interval meter " << fact.run.meter << ' ' << fact.run.channel << ' ' << to_text(fact.run.start)
          << " of " << fact.run.length_s << " s, e" << fact.run.exponent << ':';
      for (const auto& mantissa : fact.run.values) out << ' ' << value(mantissa);
      out << ", rank " << to_text(fact.run.rank) << ", codes '" << fact.run.code << "' flag '"
          << fact.run.flag << "' clock " << static_cast<int>(fact.run.clock);
      break;
    case Fact::Kind::Register:
      out << "register meter " << fact.read.meter << ' ' << fact.read.channel << ' ' << to_text(fact.read.at)
          << ' ' << fact.read.value.mantissa << 'e' << fact.read.value.exponent << ", rank "
          << to_text(fact.read.rank) << ", codes '" << fact.read.code << "' flag '" << fact.read.flag
          << "' clock " << static_cast<int>(fact.read.clock) << (fact.read.period_start ? " period" : "")
          << (fact.read.occurred_at ? " occurred" : "");
      break;
    case Fact::Kind::Event:
      out << "event meter " << fact.run.meter << ' ' << fact.when << ' ' << fact.event_kind << ' '
          << fact.raw_code << " clock " << static_cast<int>(fact.clock);
      break;
    case Fact::Kind::Quarantined:
      out << "quarantined " << fact.raw_code;
  }
  return out.str();
}

CommitUnit unit_of_facts(const std::vector<Fact>& facts, std::int64_t directory_version) {
  const int file = facts.front().file;
  CommitUnit unit =
      unit_of("file" + std::to_string(file), directory_version, file == kFiles - 1 ? kSouth : kNorth);
  unit.source.mapping_version = 1 + file % 2;
  // Another stretch of the file is another source: its place says which.
  unit.source.offset = 0;
  for (const Fact& fact : facts) {
    unit.source.offset =
        unit.source.offset * 131 % 1'000'000'007 + static_cast<std::uint64_t>(fact.place) + 1;
  }
  unit.state = {{"position of " + unit.source.content_sha256, "done"}};
  for (const Fact& fact : facts) {
    switch (fact.kind) {
      case Fact::Kind::Interval:
        add(unit, fact.run);
        break;
      case Fact::Kind::Register:
        add(unit, fact.read);
        break;
      case Fact::Kind::Event:
        add_event(unit, fact.run.meter, fact.when, fact.event_kind, fact.raw_code, fact.clock);
        break;
      case Fact::Kind::Quarantined:
        add_quarantined(unit, "bad_number", fact.raw_code);
    }
  }
  return unit;
}

CommitUnit padded(CommitUnit unit) {
  constexpr std::size_t kSeries = 260;
  auto& intervals = unit.batch.intervals;
  auto& registers = unit.batch.registers;
  const std::size_t runs = intervals.size(), reads = registers.size();
  if (runs + reads == 0) return unit;
  while (intervals.size() + registers.size() < kSeries) {
    for (std::size_t i = 0; i < runs; ++i) intervals.push_back(IntervalRun(intervals[i]));
    for (std::size_t i = 0; i < reads; ++i) registers.push_back(RegisterReading(registers[i]));
  }
  return unit;
}

std::vector<std::vector<Fact>> whole_files(const std::vector<Fact>& facts) {
  std::map<int, std::vector<Fact>> files;
  for (const Fact& fact : facts) files[fact.file].push_back(fact);
  std::vector<std::vector<Fact>> out;
  for (auto& [file, said] : files) out.push_back(std::move(said));
  return out;
}

std::vector<std::vector<Fact>> scrambled(std::vector<Fact> facts, std::mt19937& random) {
  Dice dice{random};
  std::shuffle(facts.begin(), facts.end(), random);
  const std::vector<Fact> repeated(facts.begin(),
                                   facts.begin() + static_cast<std::ptrdiff_t>(facts.size() / 4));
  facts.insert(facts.end(), repeated.begin(), repeated.end());
  std::shuffle(facts.begin(), facts.end(), random);
  std::vector<std::vector<Fact>> units;
  for (auto& file : whole_files(facts)) {
    for (std::size_t from = 0; from < file.size();) {
      const std::size_t size =
          std::min<std::size_t>(file.size() - from, 1 + static_cast<std::size_t>(dice.upto(7)));
      const auto begin = file.begin() + static_cast<std::ptrdiff_t>(from);
      units.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
      from += size;
    }
  }
  std::shuffle(units.begin(), units.end(), random);
  return units;
}

}  // namespace ami::storage::contract
