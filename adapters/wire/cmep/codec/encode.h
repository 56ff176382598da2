// Writes CMEP records: for tests and for the feeder of the demo.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "meter_model/result.h"
#include "meter_model/time/instant.h"

namespace ami::cmep {

struct EncodeHeader {
  std::string version = "19970819";
  std::string sender;
  std::string sender_customer;
  std::string receiver;
  std::string receiver_customer;
  std::optional<CivilTime> created;  // times: whole minutes, in whatever zone the feed uses
  std::string meter;                 // field 8
  std::string purpose = "OK";
  std::string commodity = "E";
  std::string units;
  std::string constant;
};

struct Mepmd01 : EncodeHeader {
  struct Reading {
    std::optional<CivilTime> time;  // nullopt = one interval after the reading before
    std::string flag;
    std::string value;  // as it shall stand in the record; empty = missing
  };
  std::chrono::minutes interval{0};  // 0 = left empty; below 100 days
  std::vector<Reading> readings;
};

struct Mepmd02 : EncodeHeader {
  struct Reading {
    std::string label;
    std::string flag;
    std::string value;
  };
  std::string season;
  std::optional<CivilTime> start;
  std::optional<CivilTime> end;
  std::vector<Reading> readings;
};

// Appends one record with CRLF. Quotes a field that needs it. Permanent, with `out` as it was: a time that is
// not whole minutes of the years 1 to 9999, an interval out of range, or text that is not printable ASCII.
Outcome encode(const Mepmd01& record, std::string& out);
Outcome encode(const Mepmd02& record, std::string& out);

}  // namespace ami::cmep
