// A feed, its meters and its observations, for tests of the normaliser. Values are written as a vendor writes
// them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "meter_model/normaliser/mapping_yaml.h"
#include "meter_model/normaliser/normaliser.h"

namespace ami::testing {

// flag and value; `time` empty = the vendor wrote none.
struct Said {
  std::string value;
  std::string flag;
  std::string time;
  std::string raw_count;
};

class Scene {
 public:
  Scene();

  // A meter that has the id during [from, to).
  void meter(const std::string& id, MeterId meter, const std::string& form = "", const std::string& from = {},
             const std::string& to = {});

  SeriesObservation& registers(const std::string& meter, const std::string& unit,
                               const std::vector<Said>& values);
  SeriesObservation& intervals(const std::string& meter, const std::string& unit, std::chrono::seconds length,
                               const std::vector<Said>& values);
  EventObservation& event(const std::string& meter, const std::string& code, const std::string& text,
                          const std::string& time);
  StatedTime stated(const std::string& text);

  NormalisedBatch run();

  FeedRules rules;
  UtcInstant received_at;
  DecodedBatch batch;

 private:
  SeriesObservation& series(const std::string& meter, const std::string& unit,
                            const std::vector<Said>& values);

  struct Assignment {
    MeterId meter;
    std::string form;
    UtcInstant from, to;
  };
  std::map<std::string, std::vector<Assignment>> meters_;
};

// What a batch says, without indices: one line a value, sorted.
//   "reg 1 cmep:KWHREG 0.0.0.1… Wh 2026-01-15T05:00:00Z 698000 [2.0.0] R0"
//   "int 1 cmep:KWH 0.0.2.4… Wh 2026-01-15T05:00:00Z +900s 250.0 [2.0.0]"; a hole has "-" for its value
std::vector<std::string> lines(const NormalisedBatch& batch);
// "reason" of every quarantined item, sorted.
std::vector<std::string> reasons(const NormalisedBatch& batch);

}  // namespace ami::testing
