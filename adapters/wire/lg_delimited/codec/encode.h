// Writes Command Center files: for tests and for simulated feeds. What is put in is written, including what
// the decoder refuses; only what a field cannot hold is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/wire/lg_delimited/codec/lg_delimited.h"
#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::lg_delimited {

// The columns of EMED01 as documented, in their order.
std::vector<std::string> documented_columns();

// One line, its fields joined by '~', ended with CRLF: a header or a record of EMED01. Permanent, with `out`
// as it was, when a field holds '~' or a character that is not printable ASCII.
Outcome encode_line(const std::vector<std::string>& fields, std::string& out);

struct IntervalRecord {  // MEPMD01
  struct Value {
    std::string value, status;
  };
  std::string version, premise, esi, provisioned, meter, purpose = "OK", commodity = "E", units, constant;
  std::chrono::minutes interval{15};  // 1 min to 99 days
  CivilTime first_start;              // whole seconds
  std::vector<Value> values;
};

// Permanent, with `out` as it was, for what encode_line() refuses, a time that is not whole seconds of the
// years 1 to 9999, and an interval out of range.
Outcome encode(const IntervalRecord& record, Intervals::Order order, std::string& out);

}  // namespace ami::lg_delimited
