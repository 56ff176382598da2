// What the conformance kit has to know of one published interface of a family: a feed to configure, and how
// its far side writes readings. Whoever adds an adapter adds one of these, and every check runs on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "meter_model/time/instant.h"

namespace ami::conformance {

class Bench;

// A dial reading, and consecutive intervals; values in the unit that the interface is written in.
struct Reading {
  std::string meter;
  UtcInstant at;  // whole minutes
  std::string value;
};
struct Block {
  std::string meter;
  UtcInstant first_end;
  std::vector<std::string> values;  // of 15 minutes each
};

// How the far side of one running feed delivers an input: a file, a message.
class Way {
 public:
  virtual ~Way() = default;
  // Lines of the feed file that only this run knows (a port).
  [[nodiscard]] virtual std::string settings() const { return {}; }
  // Delivers one input, `piece` bytes at a time. True: the adapter has taken it for good.
  virtual bool send(const std::string& input, std::size_t piece) = 0;
  // Delivers the beginning of an input and breaks off.
  virtual void break_off(const std::string& beginning) = 0;
  // What the sender of an input that was not taken does later.
  virtual bool finish(const std::string& input) { return send(input, input.size()); }
};

// How much one bad byte may cost, beside its own record. No wire of the six has a checksum: there a changed
// digit is another digit, and no reader can tell. Then the kit asks that the neighbours are whole, that
// nothing vanishes without a word, and that everything stays bounded.
enum class Cost : std::uint8_t {
  Neighbour,  // lines: a line end that is gone costs the next line
  Rest,       // one document: it ends where it is damaged, and says so
};

struct Interface {
  std::string family{}, key{};
  std::string zone = "America/Toronto";  // of the feed; also the one whose short and long days are sent
  std::string settings{};          // lines of the feed file beside name, utility, family, interface, zone
  std::string smallest_batches{};  // lines that make commits as small as a feed can say

  // Absent: the interface asks, and nobody delivers to it.
  std::function<std::unique_ptr<Way>(Bench&)> way{};
  // One input that holds these readings, in this order. Absent: it has no registers.
  std::function<std::string(const std::vector<Reading>&)> write{};
  std::function<std::string(const Block&)> write_block{};  // absent: it has no intervals
  // What became of a command. Absent: it has no commands.
  std::function<std::string(const std::string& transaction, const std::string& meter)> write_result{};

  // Canonical type of those readings and intervals, and the power of ten from the written to the canonical
  // unit.
  std::string register_type = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
  std::string interval_type = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
  std::int32_t power = 3;

  bool local_times = false;  // written without an offset: the repeated hour of autumn cannot be told apart
  bool checksum = false;     // a damaged value is always found
  // Fields are optional and named in each record, and unknown ones are passed over: a field whose name is
  // damaged is one that was not sent.
  bool open_names = false;
  bool header_line = false;  // the first line names the columns of all others
  Cost cost = Cost::Neighbour;
};

// Every interface of the families that are built in, and the seventh's.
std::vector<Interface> described_interfaces();

}  // namespace ami::conformance
