// Rows of section `switching`.
#include "daemon/config/switching_config.h"

namespace ami::daemon {
namespace {

using sdk::SettingDef;
using K = sdk::SettingKind;

SettingDef row(std::string key, K kind, std::string default_value, std::string doc, std::string assumed = {}) {
  SettingDef out;
  out.key = std::move(key);
  out.kind = kind;
  out.default_value = std::move(default_value);
  out.doc = std::move(doc);
  out.assumed = std::move(assumed);
  return out;
}

SettingDef needed(std::string key, std::string doc) {
  SettingDef out = row(std::move(key), K::Text, "", std::move(doc));
  out.required = true;
  return out;
}

SettingDef number(std::string key, std::int64_t min, std::int64_t max, std::string default_value, std::string doc) {
  SettingDef out = row(std::move(key), K::Integer, std::move(default_value), std::move(doc));
  out.min = min;
  out.max = max;
  return out;
}

SettingDef section(std::string key, std::vector<SettingDef> parts, std::string doc) {
  SettingDef out = row(std::move(key), K::Section, "", std::move(doc));
  out.section = std::move(parts);
  return out;
}

SettingDef rows(std::string key, std::vector<SettingDef> parts, std::string doc) {
  SettingDef out = row(std::move(key), K::List, "", std::move(doc));
  out.section = std::move(parts);
  out.list_of_sections = true;
  return out;
}

SettingDef evidence_rows() {
  return rows(
      "evidence",
      {row("feed", K::Text, "", "Feed that it is of; or `family`."),
       row("family", K::Text, "", "Adapter family that it is of, for all its feeds that no row names."),
       number("minimum", 1, 4, "1", "Level of evidence that an operation takes to be VERIFIED: docs/switching.md."),
       row("reports_device_time", K::Boolean, "false",
           "Whether the time in an asynchronous report of the position is the device's own. Without it such a "
           "report proves nothing.",
           "the site must have seen that the time is the meter's"),
       row("minimum_load_w", K::Text, "100",
           "What an occupied premises draws at least, in watts: how long a register must stand still, or "
           "intervals be zero, follows from it.",
           "100 W"),
       row("register_step_kwh", K::Text, "",
           "Resolution of the register that is read, in kWh. Empty: no register tells anything."),
       row("interval", K::Duration, "", "Length of the intervals that arrive. Absent: none do."),
       row("interval_step_kwh", K::Text, "0.001", "Resolution of their values, in kWh.")},
      "What shows that a switch did what it was told. What no row says is no.");
}

SettingDef shown_rows() {
  return rows(
      "shown",
      {needed("family", "Adapter family that it is of."),
       needed("firmware", "Firmware of the meter, exactly; \"*\" for any, which the document must bear out."),
       row("open", K::Boolean, "false", "That it opens."), row("close", K::Boolean, "false", "That it closes."),
       row("arm", K::Boolean, "false", "That it can be armed, and the customer closes it."),
       row("rely_on_meter_interlock", K::Boolean, "false",
           "That the meter itself refuses to close on voltage behind its switch. Without it a way back whose "
           "voltage cannot be read is a truck roll."),
       row("module", K::Text, "", "Communication module, where the notice is silent about its disconnect."),
       needed("author", "Who answers for it."), needed("document", "Where it is written.")},
      "What the site has shown of its own meters. It may narrow what an interface states, not widen it.");
}

}  // namespace

std::vector<SettingDef> switching_settings() {
  return {
      needed("conninfo",
             "libpq string of a login in role ami_switch, which alone writes the book of operations: "
             "docs/database-roles.md."),
      number("threads", 1, 64, "4", "Threads that wait for the book for callers, and as many for what leaves; each may use a connection."),
      row("lease", K::Duration, "10s",
          "How long a gateway that is gone still holds the right to send: one of several sends. 2s to 10m."),
      row("expiry", K::Duration, "24h", "How long an order without not_after may wait to leave."),
      row("longest_wait", K::Duration, "7d", "From asking to not_after, at most. 90d at most."),
      row("verify", K::Duration, "15m",
          "From the far side's word that it is done to evidence; then the operation is UNCERTAIN."),
      row("unresolved", K::Duration, "15m", "Until a person is told of one whose outcome is not known."),
      row("incident", K::Duration, "24h", "Until that is an incident."),
      row("armed", K::Duration, "30m", "How long a meter stays armed; then a person is told.",
          "no interface tells the figure"),
      row("retry", K::Duration, "5s", "Pause after an attempt that surely has not left. 100ms at least."),
      row("send_deadline", K::Duration, "5s",
          "From asking whether it may leave to its first byte; later nothing is sent. 100ms to 1m."),
      rows("utilities",
           {needed("utility", "Key of a utility of this file. One that is not listed has no evidence."),
            evidence_rows(), shown_rows()},
           "What each utility knows of its own meters."),
      row("reconcile", K::Duration, "24h",
          "How often where each switch is meant to be is compared with what was told of it. What differs is raised, never "
          "corrected. 10m to 7d."),
      section("audit",
              {row("head_dir", K::Path, "",
                   "Folder outside the database in which a signed head of the audit is kept each day and at each stop. "
                   "Without it a cut-off end of the audit cannot be proved, and an alert says so each day."),
               row("key_file", K::Path, "",
                   "Ed25519 private key in PEM that signs them, for its owner's eyes only; deploy/audit-key makes one.")},
              "The sealed audit of the switch: docs/audit.md."),
      row("limits_conninfo", K::Text, "",
          "libpq string of a login in role ami_limits, by which two persons change limits: docs/switching-policy.md. "
          "Empty: not through this gateway. A gateway that also switches then holds both logins; keep them apart "
          "where that matters."),
      row("rules_dir", K::Path, "",
          "Folder of the rules that forbid an operation by reason, law, weather, list and hold: "
          "docs/switching-policy.md. Empty: none beyond the engine's own. Read at start."),
  };
}

}  // namespace ami::daemon
