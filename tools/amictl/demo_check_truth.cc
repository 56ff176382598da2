#include "tools/amictl/demo_check_truth.h"

#include <algorithm>

namespace ami::amictl {

SaidMeter& Truth::of(std::string_view meter) {
  const auto known = meters.find(meter);
  return known == meters.end() ? meters[std::string(meter)] : known->second;
}

void Truth::values(std::string_view meter, std::string_view reading_type, std::string_view unit,
                   std::span<const Statement> said) {
  auto& channels = of(meter).channels;
  auto channel = channels.find(reading_type);
  if (channel == channels.end())
    channel = channels.emplace(std::string(reading_type), SaidChannel{std::string(unit), {}}).first;
  channel->second.said.insert(channel->second.said.end(), said.begin(), said.end());
}

void Truth::event(std::string_view meter, const SaidEvent& event) {
  of(meter).events.push_back(event);
}

void Truth::command(const SaidStep& step) {
  SaidCommand& command = commands[{step.transaction, step.meter}];
  const bool executed = step.step == CommandStep::Done || step.step == CommandStep::Refused;
  if (executed || command.command.empty()) command.command = step.command;
  switch (step.step) {
    case CommandStep::Received:
      ++command.received;
      break;
    case CommandStep::Done:
      ++command.executed;
      break;
    case CommandStep::Refused:
      ++command.refused;
      break;
    case CommandStep::Told:
      ++command.told;
      break;
    case CommandStep::Other:
      break;
  }
}

void Truth::sort() {
  for (auto& [name, meter] : meters) {
    for (auto& [type, channel] : meter.channels) {
      std::stable_sort(channel.said.begin(), channel.said.end(),
                       [](const Statement& a, const Statement& b) { return a.at < b.at; });
    }
  }
}

}  // namespace ami::amictl
