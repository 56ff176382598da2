// What a scenario's keys do, told by small fields with and without them.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/tools/fieldsim/support/told_field.h"

namespace ami::fieldsim::effect {

using testing::ToldField;

struct Case {
  const char* key;  // "networks[].lost"
  std::function<void()> shows;
};
const std::vector<Case>& of_the_run();
const std::vector<Case>& of_networks();
const std::vector<Case>& of_troubles();

inline const UtcInstant kStart = parse_instant("2024-01-15T05:00:00Z").value();

// Three hours of one network with two Gridstream meters, unless it says otherwise.
struct Field {
  std::string top, network;  // further lines, further keys of the network
  std::string head = "seed: 5\nstart: 2024-01-15T05:00:00Z\nlength: 3h\ntime_factor: 100000\n";
  std::string family = "family: gridstream, meters: 2, callback: \"@CALLBACK@\"";
};
ToldField told(const Field& of);
ToldField with(const std::string& network);
ToldField under(const std::string& top);
const ToldField& plain();
ToldField meters(int count, const std::string& top);
// Two networks, the second one of TS2 meters that report every hour.
ToldField both(const std::string& top);

std::set<UtcInstant> instants(const ToldField& field, const char* kind, const char* key);

}  // namespace ami::fieldsim::effect
