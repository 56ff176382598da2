// Verdicts and notices as JSON.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meter_model/approval/installation.h"
#include "meter_model/approval/quantity.h"
#include "meter_model/approval/service_switch.h"
#include "meter_model/quantity/reading_type.h"

namespace ami::amictl {

// What `approval check` found out.
struct CheckReport {
  approval::Device device;
  approval::AsOf as_of;
  approval::CarryVerdict carry;
  std::optional<std::string> firmware_problem;  // why the firmware given is not one of the notice's
  approval::SwitchVerdict service_switch;
  struct Asked {
    ReadingType type;
    approval::QuantityVerdict verdict;
  };
  std::vector<Asked> quantities;

  // The installation may be, and each quantity asked for is APPROVED, NOT_SUBJECT or under no regime.
  [[nodiscard]] bool allowed() const;
};

std::string to_json(const CheckReport& report);  // one line

// The parts of a notice that `approval show` knows by name, in the order in which it prints them.
const std::vector<std::string>& notice_parts();
// Its statements, and as such the facts that stand in no other part: temperature, seal check and the like.
std::vector<approval::Statement> all_statements(const approval::Notice& notice);
// One line: the whole notice, or an object with the one part named.
std::string to_json(const approval::Notice& notice, const std::string& part);
std::string to_json(const approval::Notice& notice, const approval::Module& module);

}  // namespace ami::amictl
