// The part of a feed's settings that says how to understand the vendor's words: mapping file, zone,
// assumptions.
#pragma once

#include <string>
#include <vector>

#include "adapters/sdk/settings.h"
#include "meter_model/normaliser/normaliser.h"
#include "meter_model/result.h"

namespace ami::sdk {

// zone, mapping, events, assume, assume_version, snap_tolerance, future_tolerance, clock_tolerance. The settings must also
// hold the common `name` of a feed.
std::vector<SettingDef> mapping_settings(const std::string& default_mapping,
                                         const std::string& default_events);

// Reads the files that the settings name, relative to `config_dir`, and lays the assumptions over the
// mapping. All problems at once, each with file and line.
Result<FeedRules> load_feed_rules(const Settings& settings, const std::string& config_dir);

}  // namespace ami::sdk
