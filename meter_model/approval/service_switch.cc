#include "meter_model/approval/service_switch.h"

#include <utility>

#include "meter_model/approval/judge.h"

namespace ami::approval {
namespace {

using Kind = Finding::Kind;

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// Empty = the evidence serves for this module; otherwise what it lacks.
std::string lack(const SiteEvidence& evidence, const Notice* notice, const std::string& module) {
  if (blank(evidence.author)) return "the site's evidence names no author";
  if (blank(evidence.document)) return "the site's evidence names no document";
  const Module* meant = notice == nullptr ? nullptr : notice->module_named(evidence.module);
  const bool same = meant != nullptr ? meant == notice->module_named(module)
                                     : !folded(module).empty() && folded(evidence.module) == folded(module);
  return same ? "" : "the site's evidence is for another module";
}

class Decision {
 public:
  Decision(const Notice& notice, SwitchVerdict& verdict) : notice_(notice), verdict_(verdict) {}

  void against(Kind kind, const char* rule, std::string message, const Basis& basis) {
    Finding finding{kind, rule, std::move(message), {}};
    finding.grounds.add(notice_, basis);
    verdict_.grounds.add(finding.grounds);
    verdict_.findings.push_back(std::move(finding));
  }

  void judge_model(const Model& model) {
    const StatedFact& fact = model.service_switch;
    verdict_.grounds.add(notice_, fact.basis);
    if (fact.stated == Stated::Yes) return;
    against(fact.stated == Stated::No ? Kind::Excluded : Kind::NotListed, "NO_SERVICE_SWITCH",
            model.name + (fact.stated == Stated::No ? " has no service switch"
                                                    : ": whether it has a service switch is not stated"),
            fact.basis);
  }

  void judge_module(const Module& module, const std::optional<SiteEvidence>& evidence,
                    const std::string& module_raw) {
    const StatedFact& fact = module.remote_disconnect;
    verdict_.stated = fact.stated;
    verdict_.grounds.add(notice_, fact.basis);
    if (fact.stated == Stated::Yes) return;
    if (fact.stated == Stated::No) {
      against(Kind::Excluded, "DISCONNECT_EXCLUDED", module.name + " may not operate the switch", fact.basis);
      return;
    }
    const std::string missing =
        evidence ? lack(*evidence, &notice_, module_raw) : "and the site has configured no evidence";
    if (missing.empty()) {
      verdict_.by_site_evidence = true;
      return;
    }
    against(Kind::NotListed, "DISCONNECT_NOT_STATED",
            "whether " + module.name + " may operate the switch is not stated, " + missing, fact.basis);
  }

 private:
  const Notice& notice_;
  SwitchVerdict& verdict_;
};

std::string credit(const SiteEvidence& evidence) {
  return "allowed by the site's evidence: " + evidence.document + ", " + evidence.author;
}

}  // namespace

SwitchVerdict may_operate_switch(const Notice* notice, const Device& device,
                                 const std::optional<SiteEvidence>& evidence, AsOf as_of) {
  SwitchVerdict verdict;
  if (notice == nullptr) {
    const std::string missing =
        evidence ? lack(*evidence, nullptr, device.module) : "the site has configured no evidence";
    verdict.allowed = verdict.by_site_evidence = missing.empty();
    verdict.answer = verdict.allowed ? Answer::Allowed : Answer::NoRegime;
    verdict.reason = verdict.allowed ? credit(*evidence) : "no notice binds the utility, and " + missing;
    return verdict;
  }
  verdict.notice = notice->name;
  if (const Revision* revision = notice->in_force(as_of)) verdict.revision = revision_name(revision->number);
  Judged judged = judge_installation(*notice, device, Ask::MeterAndModule, as_of);
  verdict.findings = std::move(judged.findings);
  verdict.grounds = std::move(judged.grounds);
  Decision decision(*notice, verdict);
  if (judged.model != nullptr) decision.judge_model(*judged.model);
  if (judged.module != nullptr) decision.judge_module(*judged.module, evidence, device.module);
  verdict.answer = answer_of(verdict.findings);
  verdict.allowed = verdict.answer == Answer::Allowed;
  verdict.by_site_evidence = verdict.by_site_evidence && verdict.allowed;
  for (const Finding& finding : verdict.findings) {
    if (verdict.answer == Answer::Refused && finding.kind == Kind::Missing) continue;
    verdict.reason += (verdict.reason.empty() ? "" : "; ") + finding.message;
    if (!finding.grounds.clauses.empty())
      verdict.reason += " (" + finding.grounds.clauses.front().section + ")";
  }
  if (verdict.allowed)
    verdict.reason = verdict.by_site_evidence ? credit(*evidence)
                                              : "the notice states that the module operates the switch";
  return verdict;
}

}  // namespace ami::approval
