// May this module operate this meter's service switch? What is not stated is no, until a site shows evidence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meter_model/approval/installation.h"
#include "meter_model/approval/stated.h"
#include "meter_model/approval/verdict.h"

namespace ami::approval {

// A site's own proof that a module operates the switch, where the notice is silent.
struct SiteEvidence {
  std::string module;    // name, alias or family that it is for
  std::string author;    // who answers for it
  std::string document;  // where it is written
};

struct SwitchVerdict {
  bool allowed = false;
  Answer answer = Answer::Unknown;    // Allowed exactly when `allowed`
  Stated stated = Stated::NotStated;  // what the notice says of the module
  bool by_site_evidence = false;      // allowed because of it
  std::string notice, revision;       // in force as of the day asked; empty = none
  std::string reason;                 // for a person, with the clause that refuses
  std::vector<Finding> findings;      // what speaks against; empty when allowed
  Grounds grounds;
};

// Allowed when the model has the switch, nothing excludes the installation, all facts that this takes are
// known, and the notice states the module's remote disconnect, or is silent and `evidence` names the module,
// an author and a document. Evidence never overrules a stated NO. Without a notice only evidence counts.
SwitchVerdict may_operate_switch(const Notice* notice, const Device& device,
                                 const std::optional<SiteEvidence>& evidence = {}, AsOf as_of = {});

}  // namespace ami::approval
