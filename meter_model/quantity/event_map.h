// End-device events: our kinds, their CIM codes (type.domain.subdomain.action; metrology reference 4.4), and
// the versioned many-to-one maps from vendors' codes. Unmapped events are kept as UNMAPPED and counted.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami {

struct EventMeaning {
  std::string kind;  // OUTAGE, RESTORATION, …, UNMAPPED
  std::string code;  // canonical CIM code; empty for UNMAPPED and for kinds without a known code
};

// YAML:  version: 1
//        vendor: ssn
//        kinds:  {OUTAGE: 3.26.0.47, …}              # only in the table of record, config/codes/events.yaml
//        codes:  {3.26.17.185: OUTAGE, …}            # accepted synonyms, table of record only
//        told_again: …                               # table of record only; see event_facts.h
//        events: [{code: METER_HAN_COMM_FAILURE, text: "*", kind: HAN_FAULT}, …]   # first that fits wins
// `text` is a prefix and must end in "*"; left out = any. A kind for which no code is known has the code "".
// look_up: the vendor's rules in order, then the code as one of the table of record, else UNMAPPED.
class EventMap {
 public:
  EventMap() = default;
  // `table_of_record` holds kinds and codes; `vendor_map` the events of one vendor (may be empty).
  static Result<EventMap> parse(std::string_view table_of_record, std::string_view vendor_map,
                                const std::string& name_for_errors);

  [[nodiscard]] const EventMeaning& look_up(std::string_view vendor_code, std::string_view text) const;
  [[nodiscard]] const std::string& vendor() const noexcept { return vendor_; }
  [[nodiscard]] int version() const noexcept { return version_; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& kinds() const noexcept {
    return kinds_;
  }

 private:
  struct Rule {
    std::string code;
    std::string text_prefix;
    EventMeaning meaning;
  };
  int version_ = 0;
  std::string vendor_;
  std::map<std::string, std::string, std::less<>> kinds_;
  std::map<std::string, EventMeaning, std::less<>> codes_;
  std::vector<Rule> rules_;
  EventMeaning unmapped_{"UNMAPPED", ""};
};

}  // namespace ami
