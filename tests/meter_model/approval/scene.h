// The shipped notice, and meters to ask about.
#pragma once

#include <string>
#include <vector>

#include "meter_model/approval/installation.h"
#include "meter_model/approval/notice.h"
#include "meter_model/approval/quantity.h"
#include "meter_model/quantity/reading_type.h"

namespace ami::approval {

std::string shipped_text();  // config/approvals/ae-1641.yaml
const Notice& ae1641();      // the same, parsed once
Date day(const std::string& text);
Decimal number(const std::string& text);

// A FOCUS AXR-SD, 2S, 1.5 elements, 3 wires, class 200, firmware 5.33, with this module.
Device meter(const std::string& module);
Device meter(const std::string& model, const std::string& elements, int wires, int class_a,
             const std::string& module);

ReadingType type(const std::string& text);
inline const std::string kDelivered = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0";
inline const std::string kReceived = "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0";
inline const std::string kNet = "0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.3.72.0";
inline const std::string kTotal = "0.0.0.1.20.1.12.0.0.0.0.0.0.0.0.3.72.0";
inline const std::string kQuarterHour = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline const std::string kDemand = "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0";
inline const std::string kTierB = "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0";
inline const std::string kGas = "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0";
inline const std::string kWater = "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.128.0";

std::vector<int> numbers(const Grounds& grounds);             // of the questions
std::vector<std::string> keys(const Grounds& grounds);        // of the clauses
std::vector<std::string> inferences(const Grounds& grounds);  // their keys
std::vector<std::string> rules(const std::vector<Finding>& findings);

}  // namespace ami::approval
