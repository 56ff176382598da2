// Section `switching` of gateway.yaml: whether and how this gateway operates service switches. Checked when it
// is loaded. docs/switching.md
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/settings.h"
#include "meter_model/quantity/decimal.h"

namespace ami::daemon {

// What the meters behind a feed, or behind all feeds of a family, can show of themselves.
struct EvidenceConfig {
  std::string feed, family;                      // one of them
  int minimum = 1;                               // level that VERIFIED takes, 1 to 4
  bool reports_device_time = false;              // assumed
  Decimal minimum_load_w{100, 0};                // assumed: an occupied premises draws at least so much
  std::optional<Decimal> register_step_kwh;      // absent: no register tells anything
  std::optional<std::chrono::seconds> interval;  // of the load profile that arrives; absent = none does
  Decimal interval_step_kwh{1, -3};
  bool operator==(const EvidenceConfig&) const = default;
};

// What a site has shown of its own meters, with who answers for it and where it is written.
struct ShownConfig {
  std::string family, firmware;  // firmware "*" = any
  bool open = false, close = false, arm = false;
  bool rely_on_meter_interlock = false;
  std::string module;
  std::string author, document;
  bool operator==(const ShownConfig&) const = default;
};

struct SwitchingUtility {
  std::string utility;
  std::vector<EvidenceConfig> evidence;
  std::vector<ShownConfig> shown;
  bool operator==(const SwitchingUtility&) const = default;
};

// Where signed heads of the audit are kept. docs/audit.md
struct SwitchAuditConfig {
  std::string head_dir;  // empty = none is kept, which a person is told
  std::string key_file;  // Ed25519 private key in PEM
  bool operator==(const SwitchAuditConfig&) const = default;
};

struct SwitchingConfig {
  std::string conninfo;  // of a login in role ami_switch
  int threads = 4;       // that wait for the book
  std::chrono::seconds expiry{std::chrono::hours{24}}, longest_wait{std::chrono::days{7}};
  std::chrono::seconds verify{900}, unresolved{900}, incident{std::chrono::hours{24}};
  std::chrono::seconds armed{1800};  // assumed
  std::chrono::milliseconds retry{5'000}, lease{10'000}, send_deadline{5'000};
  std::vector<SwitchingUtility> utilities;
  SwitchAuditConfig audit{};
  std::chrono::seconds reconcile{std::chrono::hours{24}};  // between two comparisons of all switches
  std::string limits_conninfo{};  // of a login in role ami_limits; empty = no limit is changed through this gateway
  std::string rules_dir{};  // docs/switching-policy.md; empty = no rules beyond the engine's own
  bool operator==(const SwitchingConfig&) const = default;
};

// Rows of the section for gateway_schema(). Further parts of switching add theirs here.
std::vector<sdk::SettingDef> switching_settings();

// Of a section that stands in the file; adds what is wrong with it. `utilities` and `families` are those that
// there are. `conninfo` is taken as it stands.
SwitchingConfig switching_config(const sdk::Settings& section, const std::vector<std::string>& utilities,
                                 const std::vector<std::string>& families, std::vector<sdk::Problem>& problems);

}  // namespace ami::daemon
