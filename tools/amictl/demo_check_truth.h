// What a ledger, or a part of it, says by meter: in memory, for the comparison.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/amictl/demo_check_ledger.h"

namespace ami::amictl {

struct SaidChannel {
  std::string unit;
  std::vector<Statement> said;  // by time, after sort()
};

struct SaidMeter {
  std::map<std::string, SaidChannel, std::less<>> channels;  // by reading type
  std::vector<SaidEvent> events;
};

// What became of one order at one meter.
struct SaidCommand {
  std::string command;
  std::uint32_t received = 0, executed = 0, refused = 0, told = 0;  // executed: done, or already so
};

class Truth : public LedgerSink {
 public:
  std::map<std::string, SaidMeter, std::less<>> meters;
  std::map<std::pair<std::string, std::string>, SaidCommand> commands;  // by transaction and meter; not a hand's

  void values(std::string_view meter, std::string_view reading_type, std::string_view unit,
              std::span<const Statement> said) override;
  void event(std::string_view meter, const SaidEvent& event) override;
  void command(const SaidStep& step) override;
  void sort();  // once all is there

 private:
  SaidMeter& of(std::string_view meter);
};

}  // namespace ami::amictl
