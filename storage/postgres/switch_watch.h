// Later evidence and the daily comparison: questions to the book, to asset data and to events, by a login of role
// ami_switch.
#pragma once

#include "storage/contract/switch_watch.h"
#include "storage/postgres/database.h"

namespace ami::storage {

class PostgresSwitchWatch final : public SwitchWatch {
 public:
  explicit PostgresSwitchWatch(Database& database) : database_(database) {}
  Answer<std::vector<WatchedSwitch>> watched(UtcInstant late) override;
  Answer<std::vector<ToldPosition>> positions(MeterId meter, UtcInstant from, UtcInstant until) override;
  Answer<std::vector<SwitchMeter>> meters(std::int32_t utility, MeterId after, std::size_t limit) override;
  Answer<std::map<MeterId, SwitchOperation>> last_asked(const std::vector<MeterId>& meters) override;
  Answer<std::map<MeterId, ToldPosition>> newest_told(const std::vector<MeterId>& meters,
                                                      UtcInstant since) override;

  // Texts of the questions, so that a test can ask for their plans.
  static const char* events_of_meter();   // $1 meter, $2 times
  static const char* newest_events();     // $1 meters, $2 times
  static const char* watched_condition();  // on switch_operation o; $1 times

 private:
  Database& database_;
};

}  // namespace ami::storage
