// Checked configuration of the whole gateway: gateway.yaml and all feed files that it lists.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/registration.h"
#include "daemon/config/gateway_schema.h"
#include "daemon/config/notices.h"
#include "daemon/config/switching_config.h"
#include "daemon/log/log.h"
#include "meter_model/approval/service_switch.h"
#include "meter_model/quantity/event_facts.h"
#include "meter_model/vee/vee_config.h"
#include "storage/postgres/retention.h"

namespace ami::daemon {

struct UtilityConfig {
  std::string key, notice, zone;  // empty notice: no regime
  std::vector<approval::SiteEvidence> switch_evidence{};
};

struct DatabaseConfig {
  std::string conninfo;
  std::string migrator_conninfo;
  std::string reader_conninfo;  // empty = conninfo
  bool allow_owner = false;
  bool migrate_on_start = false;
  int connections = 4;
  int lanes = 2;
  std::chrono::milliseconds check_every{2000};
  std::chrono::milliseconds retry_first{200};
  std::chrono::milliseconds retry_longest{15000};
  std::chrono::milliseconds answer_timeout{120000};
};

struct TlsConfig {
  std::string address, certificate, key, client_ca;
};

struct ChangesConfig {
  std::chrono::milliseconds poll{1000}, heartbeat{15000}, store_patience{60000};
  int streams_per_caller = 8;
};

struct RpcConfig {
  std::optional<TlsConfig> tls;
  std::optional<std::string> unix_path;
  std::optional<std::string> plaintext_address;  // loopback, and demo only
  ChangesConfig changes;
};

struct HttpConfig {
  std::string address;
  std::string port_file;  // empty = none
  int connections = 32;
  std::chrono::milliseconds request_timeout{5000};
};

struct RawConfig {
  bool keep = true;
  int keep_months = 13;  // 0 = for ever
};

struct CollectionConfig {
  std::chrono::milliseconds grace{std::chrono::hours{30}};
  std::chrono::milliseconds every{std::chrono::minutes{5}};
  bool registers_daily = false;
  bool backfill = true;
  std::chrono::milliseconds backfill_after{std::chrono::hours{12}}, backfill_pause{std::chrono::hours{6}},
      backfill_longest_pause{std::chrono::days{7}};
  int backfill_per_hour = 600, backfill_tries = 3;
};

struct CommandsConfig {
  int queue = 20'000;        // meters of one feed
  int feeder_in_flight = 8;  // 0 = no bound
  int substation_in_flight = 32, collector_in_flight = 16;  // likewise
  int backfill_percent = 25;
  std::chrono::milliseconds expiry{std::chrono::hours{24}};
  std::chrono::milliseconds reset_lock_out{std::chrono::days{25}};
  bool read_before_reset = true;
  std::chrono::milliseconds read_before_age{std::chrono::minutes{15}};
  int followers = 1000;
  bool operator==(const CommandsConfig&) const = default;
};

struct ValidationConfig {
  std::chrono::milliseconds settle{std::chrono::minutes{15}};
  std::chrono::milliseconds every{std::chrono::seconds{30}};
  std::vector<std::chrono::year_month_day> holidays{};  // civil
};

struct JournalSettings {
  std::string path;
  std::uint64_t max_bytes = std::uint64_t{1} << 30, max_messages = 1'000'000;
};

struct MaintenanceConfig {
  int hour = 3;  // UTC
  int rewrite_after_days = 45;
  std::chrono::milliseconds budget{std::chrono::hours{2}};
};

struct FeedConfig {
  std::string name, utility, file;
  const sdk::AdapterFamily* family = nullptr;  // lives as long as the Families that the load was given
  sdk::Settings settings;
  sdk::FeedPlan plan;
  std::chrono::seconds repeat_window{3600};  // of messages that are dated by their receipt; first_receipt.h
  vee::VeeConfig vee;       // by which its values are judged
  // Changes with the feed file and with any file of data_dir that decides what its content means; how values
  // are judged does not.
  std::string fingerprint;
};

struct GatewayConfig {
  std::string file, data_dir, approvals_dir, state_dir;
  bool demo = false;
  int threads = 2, work_threads = 2;
  std::chrono::milliseconds drain_timeout{20000};
  Level log_level = Level::Info;
  LogFormat log_format = LogFormat::Text;
  DatabaseConfig database;
  std::vector<UtilityConfig> utilities;
  Notices notices;  // all of approvals_dir
  std::vector<FeedConfig> feeds;
  RpcConfig rpc;
  HttpConfig http;
  CollectionConfig collection;
  CommandsConfig commands;
  std::optional<SwitchingConfig> switching;  // absent: this gateway operates no switch
  ValidationConfig validation;
  vee::VeeConfig vee;  // of data_dir, without a feed's overlay
  RawConfig raw;
  EventFacts event_facts;  // which events tell one fact: codes/events.yaml of data_dir
  storage::RetentionRules retention;
  MaintenanceConfig maintenance;
  JournalSettings journal;
};

struct LoadedConfig {
  GatewayConfig config;
  std::vector<sdk::Problem> problems;  // empty = good; all of them, not only the first
};

// Reads and checks everything, feeds and their mapping data included. Touches no network and no database.
LoadedConfig load_gateway_config(const std::string& path, const Families& families);

}  // namespace ami::daemon
