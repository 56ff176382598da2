// What the page asks and is told, as JSON. No sockets.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

struct PageAnswer {
  int status = 200;
  std::string body;
};
PageAnswer page_error(int status, std::string_view words);

// "a=1&b=x%20y". Errors: an escape that is none, a key twice.
Result<std::map<std::string, std::string>> parse_query(std::string_view query);

// nullptr = there is none.
const Shown* network_named(const std::vector<Shown>& shown, std::string_view name);

PageAnswer show_networks(const std::vector<Shown>& shown, SimulatedClock& clock);
// count: at most 500; left out = 100. The meters of the answer stand at the clock's now; whether one is among those
// that are asked for (`state`) is judged by where it stood.
PageAnswer show_meters(const std::vector<Shown>& shown, UtcInstant now, std::string_view query);
// Every meter of a network as one letter, where it stands.
PageAnswer show_field(const std::vector<Shown>& shown, std::string_view query);
PageAnswer show_lately(const std::vector<Shown>& shown, std::string_view query);
PageAnswer act(const std::vector<Shown>& shown, std::string_view body);

}  // namespace ami::fieldsim
