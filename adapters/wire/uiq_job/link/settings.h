// Settings of a feed that speaks with UtilityIQ in jobs.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/registration.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/http/retry.h"
#include "adapters/wire/uiq_job/codec/site_template.h"
#include "meter_model/time/zone.h"

namespace ami::uiq_job {

struct JobSettings {
  std::shared_ptr<const SiteTemplate> site;
  http::ClientSettings head_end;
  http::RetrySettings retry;  // of the search for a device, which changes nothing
  AliasKind names = AliasKind::Badge;
  std::chrono::milliseconds mac_age{};
  std::chrono::milliseconds grace{};
  std::size_t max_jobs = 64;
  std::size_t polls_at_once = 4;
  std::chrono::milliseconds poll_first{}, poll_longest{};
  std::chrono::milliseconds keep_asking{};
  std::string retries, priority;
  bool activate_jobs = false;
};

std::vector<sdk::SettingDef> job_settings();

// The template that the settings name, below `config_dir`. Permanent: what is wrong, with file and line.
// Blocks.
Result<std::shared_ptr<const SiteTemplate>> load_template(const sdk::Settings& settings,
                                                          const std::string& config_dir);

// Reads the password file and the certificates (blocks). Permanent: what is wrong, with file and line.
Result<JobSettings> job_config(const sdk::Settings& settings, std::shared_ptr<const SiteTemplate> site);

sdk::CommandLimits limits_of(const sdk::Settings& settings);

// What a template has the operations for. A switch is only stated by a template that the site has compared
// with its WSDL: as long as it says `assumed`, nothing opens or closes by it. By names other than MAC ids it
// also needs the field `meter` in the answer of find_device: else nobody knows whose module was found.
sdk::Capabilities capabilities_of(const SiteTemplate& site, AliasKind names = AliasKind::Badge);

}  // namespace ami::uiq_job
