#include "daemon/config/gateway_schema.h"

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
               def("migrate_on_start", K::Boolean, "false",
                   "Brings the schema up to date at start. false: a schema that is behind keeps the gateway "
                   "not "
                   "ready, and an operator migrates."),
               integer("connections", 1, 64, "4",
                       "Connections for storing; as many batches are stored at once, more wait."),
               def("check_every", K::Duration, "2s", "How often readiness asks the database."),
               def("retry_first", K::Duration, "200ms",
                   "Pause before a batch that could not be stored is tried again; doubles each time, with "
                   "jitter."),
               def("retry_longest", K::Duration, "15s", "Bound of that pause.")},
              "PostgreSQL 15 or later.")),
          list_of("utilities",
                  {required("key", K::Text,
                            "Short name; part of resource names (utilities/KEY/...) and certificates."),
                   def("notice", K::Text, "",
                       "Notice of approval that its meters stand under, e.g. AE-1641. Empty: no regime."),
                   required("zone", K::Zone, "IANA zone of its civil days, e.g. America/Toronto.")},
                  "Utilities that this gateway serves. They are created or brought up to date at start; one "
                  "that is "
                  "no longer listed stays in the database."),
          def("adapters", K::List, "",
              "Feed files, one feed each; relative paths are relative to this file. A changed list is "
              "applied by "
              "reload."),
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
                       "gRPC without TLS; only with demo: true and only on loopback.")},
              "Where gRPC is served. At least one."),
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
