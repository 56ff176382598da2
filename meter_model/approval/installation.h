// May this meter carry this module? Pure functions over a notice.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/approval/notice.h"
#include "meter_model/approval/verdict.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/result.h"

namespace ami::approval {

// What is known of a meter and the module in it. Empty or nullopt = not known.
struct Device {
  std::string model;                // "FOCUS AXR-SD" or "AXR-SD"
  std::string form;                 // "2S"
  std::optional<Decimal> elements;  // 1 or 1.5
  std::optional<int> wires;
  std::optional<Decimal> class_a;        // maximum amperes: 200
  std::string firmware;                  // "5.33"
  std::string module;                    // name, alias or adapter family; raw, as given
  std::optional<Connection> connection;  // where the site knows it; else read from the class (an inference)
};

// "200", "CL200", "200 A", "200A" -> 200. Error: no such number, or not above zero.
Result<Decimal> parse_class(std::string_view text);
// "1", "1.0", "1.5" -> the number. Error: no number above zero.
Result<Decimal> parse_elements(std::string_view text);

struct CarryVerdict {
  Answer answer = Answer::Unknown;  // Refused outranks Unknown
  std::string notice, revision;     // in force as of the day asked; empty = none
  std::string model, module;        // normalised; empty = not known to the notice
  std::string model_raw, module_raw;
  std::vector<Finding> findings;  // empty when allowed
  Grounds grounds;                // all that the verdict rests on, findings included
  // A firmware that the notice does not list makes the answer Unknown (rule UNKNOWN_FIRMWARE). One that is
  // not given is not judged here: false.
  bool firmware_judged = false;
};

// `notice` nullptr = no regime. Model, elements, wires and class must each be listed, and each restriction of
// model and module must hold; a fact that is needed and not known gives Unknown, never a yes.
CarryVerdict may_carry(const Notice* notice, const Device& device, AsOf as_of = {});

// The findings by which the notice excludes the installation (kinds Excluded and NotListed); empty = none.
// What is merely unknown is no nonconformity. For a planned installation: refuse; for one that is on the
// wall: mark it NONCONFORMING.
std::vector<Finding> nonconformities(const Notice* notice, const Device& device, AsOf as_of = {});

}  // namespace ami::approval
