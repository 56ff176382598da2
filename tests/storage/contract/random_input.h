// Random input that collides as often as it can, from a seed alone.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/storage/contract/contract_fixture.h"

namespace ami::storage::contract {

// One thing that a file says.
struct Fact {
  int file = 0;
  int place = 0;  // in its file: two units that split it differently have other offsets
  enum class Kind { Interval, Register, Event, Quarantined } kind = Kind::Interval;
  Block run;
  Register read;
  const char* when = "";
  std::string event_kind, raw_code;
  TimeSource clock = TimeSource::Device;
};
std::string describe(const Fact& fact);

inline constexpr int kFiles = 5;
std::vector<Fact> random_facts(std::mt19937& random, int count);

// Facts of one file (and so of one utility and mapping) as a unit.
CommitUnit unit_of_facts(const std::vector<Fact>& facts, std::int64_t directory_version);

// The same said over again, until there are so many series that a store may spread them over lanes.
CommitUnit padded(CommitUnit unit);

// Every file whole, in order.
std::vector<std::vector<Fact>> whole_files(const std::vector<Fact>& facts);
// Cut anywhere, repeated in part, facts and units in any order.
std::vector<std::vector<Fact>> scrambled(std::vector<Fact> facts, std::mt19937& random);

}  // namespace ami::storage::contract
