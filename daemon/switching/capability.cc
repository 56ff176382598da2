#include "daemon/switching/capability.h"

#include <algorithm>
#include <optional>

namespace ami::daemon::switching {
namespace {

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

const SiteShown* shown_for(const CapabilityFacts& facts) {
  const SiteShown* any = nullptr;
  for (const SiteShown& row : facts.shown) {
    if (row.family != facts.family || facts.family.empty()) continue;
    if (!row.firmware.empty() && row.firmware == facts.device.firmware) return &row;
    if (row.firmware == "*" && any == nullptr) any = &row;
  }
  return any;
}

std::string cited(const approval::Grounds& grounds) {
  std::string out;
  for (const approval::Citation& clause : grounds.clauses) {
    out += (out.empty() ? "" : "; ") + clause.notice + " " + clause.revision + ", " + clause.section;
  }
  return out;
}

CapabilityLine approval_line(const CapabilityFacts& facts, const SiteShown* shown) {
  if (!facts.missing_notice.empty()) {
    return {"approval", false, "notice " + facts.missing_notice + " is not among the notices of this gateway",
            ""};
  }
  std::optional<approval::SiteEvidence> evidence = facts.evidence;
  if (shown != nullptr) {
    evidence = approval::SiteEvidence{shown->module.empty() ? facts.device.module : shown->module,
                                      shown->author, shown->document};
  }
  const auto verdict = approval::may_operate_switch(facts.notice, facts.device, evidence, facts.as_of);
  return {"approval", verdict.allowed, verdict.reason, cited(verdict.grounds)};
}

CapabilityLine firmware_line(const CapabilityFacts& facts, const SiteShown* shown) {
  const std::string& firmware = facts.device.firmware;
  if (shown != nullptr && shown->firmware == "*")
    return {"firmware", true, "the site has shown it for any: " + shown->document + ", " + shown->author, ""};
  if (blank(firmware)) return {"firmware", false, "the meter's firmware is not known", ""};
  if (shown != nullptr)
    return {"firmware", true, firmware + " was shown by the site: " + shown->document + ", " + shown->author,
            ""};
  if (!facts.missing_notice.empty())
    return {"firmware", false, "notice " + facts.missing_notice + " is not among the notices of this gateway",
            ""};
  if (facts.notice == nullptr)
    return {"firmware", false, "nothing says that " + firmware + " operates the switch", ""};
  const auto carry = approval::may_carry(facts.notice, facts.device, facts.as_of);
  const auto unknown = std::ranges::find(carry.findings, "UNKNOWN_FIRMWARE", &approval::Finding::rule);
  if (!carry.firmware_judged || unknown != carry.findings.end())
    return {"firmware", false, firmware + " is not one of the notice's, and the site has shown nothing of it",
            ""};
  return {"firmware", true, firmware + " is one of the notice's", ""};
}

struct Way {
  SwitchAction action;
  bool adapter, site;
};

}  // namespace

bool Capability::allows(SwitchAction action) const noexcept {
  switch (action) {
    case SwitchAction::Open:
      return open;
    case SwitchAction::Close:
      return close;
    case SwitchAction::Arm:
      return arm;
  }
  return false;
}

std::string Capability::refusal(SwitchAction action) const {
  if (allows(action)) return {};
  std::string out;
  for (const CapabilityLine& line : lines) {
    if (line.yes || (line.source != "approval" && line.source != "adapter" && line.source != "firmware" &&
                     line.source != "site" && line.source != storage::name_of(action)))
      continue;
    out += (out.empty() ? "" : "; ") + line.source + ": " + line.words;
  }
  return out.empty() ? "nothing states it" : out;
}

Capability capability_of(const CapabilityFacts& facts) {
  Capability out;
  const SiteShown* shown = shown_for(facts);
  if (shown != nullptr && (blank(shown->author) || blank(shown->document))) {
    out.lines.push_back(
        {"site", false, "the site's evidence names no author or no document: it does not count", ""});
    shown = nullptr;
  }
  out.lines.push_back(approval_line(facts, shown));
  if (facts.family.empty()) {
    out.lines.push_back({"adapter", false, "no adapter reaches the meter", ""});
  } else {
    const bool any = facts.can.switch_open || facts.can.switch_close || facts.can.switch_arm;
    out.lines.push_back({"adapter", any,
                         any ? "the interface of " + facts.family + " states switching"
                             : "the interface of " + facts.family + " states no switching",
                         ""});
  }
  out.lines.push_back(firmware_line(facts, shown));
  if (shown != nullptr) {
    out.meter_interlock = shown->meter_interlock;
    out.lines.push_back({"site", true, "shown: " + shown->document + ", " + shown->author, ""});
  }
  const bool all = std::ranges::all_of(out.lines, &CapabilityLine::yes);
  for (const Way way : {Way{SwitchAction::Open, facts.can.switch_open, shown == nullptr || shown->open},
                        Way{SwitchAction::Close, facts.can.switch_close, shown == nullptr || shown->close},
                        Way{SwitchAction::Arm, facts.can.switch_arm, shown == nullptr || shown->arm}}) {
    const bool yes = all && way.adapter && way.site;
    (way.action == SwitchAction::Open    ? out.open
     : way.action == SwitchAction::Close ? out.close
                                         : out.arm) = yes;
    const std::string name(storage::name_of(way.action));
    if (!way.adapter) {
      out.lines.push_back({name, false, "the interface does not state it", ""});
    } else if (!way.site) {
      out.lines.push_back({name, false, "the site's evidence does not cover it", ""});
    }
  }
  return out;
}

}  // namespace ami::daemon::switching
