#include "daemon/config/gateway_schema.h"

#include "daemon/config/switching_config.h"

namespace ami::daemon {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

SettingDef def(std::string key, SettingKind kind, std::string default_value, std::string doc) {
  SettingDef d;
  d.key = std::move(key);
  d.kind = kind;
  d.doc = std::move(doc);
  d.default_value = std::move(default_value);
  return d;
}

SettingDef required(std::string key, SettingKind kind, std::string doc) {
  auto d = def(std::move(key), kind, "", std::move(doc));
  d.required = true;
  return d;
}

SettingDef choice(std::string key, std::vector<std::string> choices, std::string default_value,
                  std::string doc) {
  auto d = def(std::move(key), SettingKind::Choice, std::move(default_value), std::move(doc));
  d.choices = std::move(choices);
  return d;
}

SettingDef integer(std::string key, std::int64_t min, std::int64_t max, std::string default_value,
                   std::string doc) {
  auto d = def(std::move(key), SettingKind::Integer, std::move(default_value), std::move(doc));
  d.min = min;
  d.max = max;
  return d;
}

SettingDef sized(std::string key, std::int64_t min, std::int64_t max, std::string default_value,
                 std::string doc) {
  auto d = integer(std::move(key), min, max, std::move(default_value), std::move(doc));
  d.kind = SettingKind::Bytes;
  return d;
}

SettingDef section(std::string key, std::vector<SettingDef> parts, std::string doc) {
  auto d = def(std::move(key), SettingKind::Section, "", std::move(doc));
  d.section = std::move(parts);
  return d;
}

SettingDef needed(SettingDef d) {
  d.required = true;
  return d;
}

SettingDef list_of(std::string key, std::vector<SettingDef> parts, std::string doc) {
  auto d = required(std::move(key), SettingKind::List, std::move(doc));
  d.section = std::move(parts);
  d.list_of_sections = true;
  return d;
}

SettingDef list_of_own(std::string key, std::vector<SettingDef> parts, std::string doc) {
  auto d = list_of(std::move(key), std::move(parts), std::move(doc));
  d.required = false;
  return d;
}

SettingDef assumed(SettingDef d, std::string what) {
  d.assumed = std::move(what);
  return d;
}

sdk::SettingsSchema make_gateway_schema() {
  using K = SettingKind;
  return {
      "gateway.yaml",
      {
          def("demo", K::Boolean, "false",
              "Allows gRPC without TLS on loopback. For demonstrations only, never at a site."),
          def("data_dir", K::Path, ".",
              "Folder of the mapping data that feeds name (codes/, adapters/). Default: the folder of this "
              "file."),
          def("approvals_dir", K::Path, "",
              "Folder of the notices of approval; every *.yaml in it is read. Default: data_dir/approvals."),
          def("state_dir", K::Path, "/var/lib/ami-gateway",
              "Folder for what the gateway keeps beside the database; writable by its user."),
          integer("threads", 1, 256, "2", "Threads that run adapters, timers and HTTP."),
          integer("work_threads", 1, 256, "2",
                  "Threads for adapters' blocking work: file reading, decoding."),
          def("drain_timeout", K::Duration, "20s",
              "How long a stop waits for work under way. Keep it below the unit's TimeoutStopSec."),
          section(
              "log",
              {choice("level", {"debug", "info", "warn", "error"}, "info", "Lowest level that is written."),
               choice(
                   "format", {"text", "json"}, "text",
                   "text is one line of key=value pairs, json one object a line; both on standard error.")},
              "Logging."),
          needed(section(
              "database",
              {required(
                   "conninfo", K::Text,
                   "libpq key=value string of the role that stores and reads. Passwords stand in a file: "
                   "passfile=${CREDENTIALS_DIRECTORY}/pgpass."),
               def("migrator_conninfo", K::Text, "",
                   "libpq string of the role that owns the schema; only used when migrate_on_start is true. "
                   "Default: conninfo."),
               def("reader_conninfo", K::Text, "",
                   "libpq string of a role in ami_reader, for what callers ask: PostgreSQL then shows each "
                   "call "
                   "the rows of its certificate's utilities only. Default: conninfo. See "
                   "docs/database-roles.md."),
               def("allow_owner", K::Boolean, "false",
                   "Lets the gateway work as the owner of the tables or a superuser, who may change the "
                   "audit "
                   "trail. false: it does not become ready then. demo: true allows it, too."),
               def("migrate_on_start", K::Boolean, "false",
                   "Brings the schema up to date at start. false: a schema that is behind keeps the gateway "
                   "not "
                   "ready, and an operator migrates."),
               integer("connections", 1, 64, "4", "Batches that are stored at once; more wait."),
               integer("lanes", 1, 16, "2",
                       "Into how many transactions a large batch is split by meter, side by side, each on a "
                       "connection of its own: as many as the database has cores for it."),
               def("check_every", K::Duration, "2s", "How often readiness asks the database."),
               def("retry_first", K::Duration, "200ms",
                   "Pause before a batch that could not be stored is tried again; doubles each time, with "
                   "jitter."),
               def("retry_longest", K::Duration, "15s", "Bound of that pause."),
               def("answer_timeout", K::Duration, "120s",
                   "How long one piece of work may take in the database, 1s at least. A server that does not "
                   "answer is then hung up on and the work is done again.")},
              "PostgreSQL 15 or later.")),
          list_of("utilities",
                  {required("key", K::Text,
                            "Short name; part of resource names (utilities/KEY/...) and certificates."),
                   def("notice", K::Text, "",
                       "Notice of approval that its meters stand under, e.g. AE-1641: the name in a file of "
                       "approvals_dir. Empty: no regime."),
                   required("zone", K::Zone, "IANA zone of its civil days, e.g. America/Toronto."),
                   list_of_own(
                       "switch_evidence",
                       {required("module", K::Text, "Communication module that it is for, e.g. RF_MESH."),
                        required("author", K::Text, "Who answers for it."),
                        required("document", K::Text, "Where it is written.")},
                       "The site's own proof that a module operates the service switch, where the notice is "
                       "silent. It never overrules a no.")},
                  "Utilities that this gateway serves. They are created or brought up to date at start; one "
                  "that is "
                  "no longer listed stays in the database."),
          def("adapters", K::List, "",
              "Feed files, one feed each; relative paths are relative to this file. A changed list is "
              "applied by "
              "reload."),
          section(
              "retention",
              {integer(
                   "intervals", 0, 1200, "0",
                   "Months that interval values are kept after their month ended, with what was said of them "
                   "before. 0: for ever, here and below."),
               integer("registers", 0, 1200, "0", "Months of register values."),
               integer("events", 0, 1200, "0", "Months of events."),
               integer("quarantine", 0, 1200, "0", "Months of quarantined records since they last came."),
               integer("access_log", 0, 1200, "0", "Months of the log of who read what."),
               integer("operations", 0, 1200, "0", "Months of commands that were asked for, with their answers."),
               integer("changes_days", 35, 3650, "35",
                       "Days of the change feed, for all utilities alike. Less would break subscribers."),
               list_of_own("utilities",
                           {required("utility", K::Text, "Key of a utility whose rules differ."),
                            integer("intervals", 0, 1200, "", "As above, for this utility."),
                            integer("registers", 0, 1200, "", "As above, for this utility."),
                            integer("events", 0, 1200, "", "As above, for this utility."),
                            integer("quarantine", 0, 1200, "", "As above, for this utility."),
                            integer("access_log", 0, 1200, "", "As above, for this utility."),
                            integer("operations", 0, 1200, "", "As above, for this utility.")},
                           "Rules of single utilities; what one leaves out is as above.")},
              "What is dropped when. A legal hold beats every rule and each drop leaves a certificate: "
              "docs/retention.md. Raw content has its own setting: raw.keep_months."),
          section("maintenance",
                  {integer("hour", 0, 23, "3",
                           "Hour of the day, UTC, at which it begins. One gateway of several does it."),
                   integer("rewrite_after_days", 1, 3650, "45",
                           "Days after its end that a month is written anew, dense; late data still find "
                           "their place."),
                   def("budget", K::Duration, "2h",
                       "How long it may take; what is left waits for the next night.")},
                  "Nightly work in the database: partitions ahead, retention, closed months."),
          section(
              "rpc",
              {section(
                   "tls",
                   {required("address", K::Text, "Numeric address and port, e.g. 0.0.0.0:8443."),
                    required("certificate", K::Text, "PEM chain of the server."),
                    required("key", K::Text,
                             "PEM private key, readable by the gateway's user alone; e.g. "
                             "${CREDENTIALS_DIRECTORY}/server.key."),
                    required("client_ca", K::Text, "PEM of the authority that signs client certificates.")},
                   "gRPC with mutual TLS; roles and utilities come from the client certificate's SAN URIs."),
               def("unix_socket", K::Path, "",
                   "Path of a Unix socket for tools on this host; whoever may open it has every role."),
               section("plaintext", {required("address", K::Text, "Loopback address and port.")},
                       "gRPC without TLS; only with demo: true and only on loopback."),
               section("changes",
                       {def("poll", K::Duration, "1s",
                            "How often an open change stream looks for new changes; 10ms at least."),
                        def("heartbeat", K::Duration, "15s",
                            "Longest silence of a change stream: then it says how far it has come."),
                        def("store_patience", K::Duration, "60s",
                            "How long an open change stream waits for a database that is away before it ends "
                            "with UNAVAILABLE."),
                        integer("streams_per_caller", 1, 64, "8",
                                "Change streams that one certificate may have open.")},
                       "The change feed, see docs/change-feed.md.")},
              "Where gRPC is served. At least one."),
          section(
              "journal",
              {def("path", K::Path, "",
                   "Folder of the durable inbox of pushed messages that are not in the database yet; made "
                   "when a feed needs it. Default: state_dir/journal."),
               sized("max_bytes", 1 << 20, std::int64_t{1} << 40, "1GiB",
                     "Bound of the messages that it keeps; beyond it senders are told to send again later. "
                     "The file is about a fifth larger."),
               integer("max_messages", 1, 50'000'000, "1000000",
                       "Bound of their number; each takes about 200 bytes of memory while it waits.")},
              "What is pushed to the gateway is kept here, synced to disk, before it is acknowledged: see "
              "docs/journal.md."),
          section(
              "raw",
              {def("keep", K::Boolean, "true",
                   "Whether what arrives is kept, compressed, below state_dir/raw. Without it nothing can be "
                   "read again with a corrected mapping. A file is stored only after it was kept."),
               integer(
                   "keep_months", 0, 1200, "13",
                   "Months after the last receipt; then it is dropped unless a legal hold says otherwise. "
                   "0: for ever.")},
              "What arrived, for reading it again; see docs/reprocess.md."),
          section(
              "collection",
              {def("grace", K::Duration, "30h",
                   "How long after its end a civil day is compared with what was expected of it: values come "
                   "late by nature. 60d at most."),
               def("every", K::Duration, "5m", "Pause between two comparisons; 100ms at least."),
               choice("register_expected", {"none", "daily"}, "none",
                      "daily: a register that came on most days of a week is expected once each civil day "
                      "from then on."),
               def("backfill", K::Boolean, "true",
                   "Whether the values of open gaps are asked for again where an interface states that it gives "
                   "recorded values."),
               def("backfill_after", K::Duration, "12h",
                   "How long after a gap was found, so that what comes late has its time; 60d at most."),
               integer("backfill_per_hour", 1, 1'000'000, "600",
                       "Meters of one feed that are asked for so in an hour. People's requests go first all the same."),
               integer("backfill_tries", 1, 100, "3",
                       "How often a gap is asked for before it is given up. What does not leave counts as no try; "
                       "nor does silence, unless the network answers others."),
               def("backfill_pause", K::Duration, "6h", "After the first try; doubles each time. 1h to 30d."),
               def("backfill_longest_pause", K::Duration, "7d", "To which it grows; 90d at most.")},
              "Gaps and completeness, see docs/gaps.md."),
          section(
              "commands",
              {integer("queue", 1, 1'000'000, "20000",
                       "Meters of one feed that wait to be asked, or are; what does not fit is refused. One "
                       "request may have 10,000."),
               integer("feeder_in_flight", 0, 100'000, "8",
                       "Meters of one feeder that are asked at once. 0: no bound. A meter whose feeder is not "
                       "known is only bound by its feed."),
               integer("substation_in_flight", 0, 100'000, "32", "The same of one substation."),
               integer("collector_in_flight", 0, 100'000, "16",
                       "The same of one collector, as asset data say: no interface tells which one reaches a meter."),
               integer("backfill_percent", 1, 100, "25",
                       "Share of what a feed takes, in flight and in a minute, that recorded values may use, and "
                       "only while nobody's request could use it."),
               def("expiry", K::Duration, "24h",
                   "How long a request that says nothing of it waits to be sent; 7d at most. How long an answer is "
                   "waited for is the feed's."),
               assumed(def("reset_lock_out", K::Duration, "25d",
                           "After a demand reset that succeeded, or may have, no other for so long; 400d at most. A "
                           "second one would destroy a billing maximum."),
                       "the figure is the utility's"),
               def("read_before_reset", K::Boolean, "true",
                   "A demand reset is sent only after a read of the meter succeeded. Interfaces that state no reads are "
                   "then refused it."),
               def("read_before_age", K::Duration, "15m",
                   "A demand reset that could not leave so long after that read is not sent any more: it would destroy "
                   "what came about since. 1m to 24h."),
               integer("followers", 1, 100'000, "1000", "Callers that may wait for operations at once.")},
              "Reads, pings, demand resets and recorded values on request, see docs/commands.md."),
          section("switching", switching_settings(),
                  "Service switches, see docs/switching.md. Absent: this gateway operates none."),
          section(
              "validation",
              {def("settle", K::Duration, "15m",
                   "How long a meter's civil day is left alone after its last change, and after its end, before "
                   "it is validated; 24h at most."),
               def("every", K::Duration, "30s",
                   "Pause between two looks for days that are due; 100ms at least."),
               def("holidays", K::List, "",
                   "Civil days as 2026-12-25 that estimation takes for holidays: they learn from each other "
                   "only.")},
              "Validation and estimation; thresholds are a feed's own (`vee` in its file). See docs/vee.md."),
          section("http",
                  {def("address", K::Text, "127.0.0.1:9464",
                       "Numeric address and port of /metrics, /healthz and /readyz. No TLS: keep it on "
                       "loopback."),
                   def("port_file", K::Path, "",
                       "File that gets the port once it listens; for port 0, in tests."),
                   integer("connections", 1, 1000, "32", "Connections at once; more are closed."),
                   def("request_timeout", K::Duration, "5s", "Bound for reading and answering one request.")},
                  "Metrics and health."),
      }};
}

}  // namespace

const sdk::SettingsSchema& gateway_schema() {
  static const sdk::SettingsSchema schema = make_gateway_schema();
  return schema;
}

std::string config_reference(const Families& families) {
  std::string page =
      "# Configuration\n\n"
      "Made by `ami-gatewayd --print-config-reference`; a test keeps this page and the program equal.\n\n"
      "`ami-gatewayd --config FILE --check-config` prints every problem with file and line and ends with "
      "exit code "
      "2, or 0 when there is none. `systemctl reload` applies a changed configuration without losing a read; "
      "one "
      "with problems is refused as a whole and the old one stays in force.\n\n"
      "`${CREDENTIALS_DIRECTORY}` in `rpc.tls` and `database` settings is the folder where systemd puts what "
      "the "
      "unit's `LoadCredential=` names. A private key that others than its owner's group can read is refused, "
      "and so "
      "is a password in this file.\n\n";
  page += "#" + sdk::reference_page(gateway_schema());
  for (const auto& family : families) page += "\n#" + sdk::reference_page(sdk::feed_schema(*family));
  return page;
}

}  // namespace ami::daemon
