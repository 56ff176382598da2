#include "meter_model/approval/judge.h"

#include <algorithm>
#include <string>
#include <utility>

#include "meter_model/quantity/quoted.h"

namespace ami::approval {
namespace {

using Kind = Finding::Kind;

// What restrictions are held against.
struct Facts {
  std::string form;
  std::optional<Decimal> elements;
  std::optional<int> wires;
  std::optional<Decimal> class_a;
  std::optional<Connection> connection;
  bool connection_inferred = false;
  Basis connection_basis;  // when inferred
};

std::string form_word(const std::string& form) {
  std::string out;
  for (const char c : form) {
    if (c != ' ') out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string words(Connection connection) {
  return connection == Connection::SelfContained ? "self-contained" : "transformer-rated";
}

std::string words(const Condition& condition) {
  std::string out;
  const auto append = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (condition.form) append("form " + *condition.form);
  if (condition.elements)
    append(condition.elements->to_string() +
           (*condition.elements == Decimal{1, 0} ? " element" : " elements"));
  if (condition.wires) append(std::to_string(*condition.wires) + " wires");
  if (condition.class_a) append("class " + condition.class_a->to_string());
  if (condition.connection) append(words(*condition.connection));
  return out;
}

// Three answers: a known fact that differs settles it, whatever else is missing.
struct Match {
  bool differs = false;
  std::string missing;  // facts that are asked for and not known
  [[nodiscard]] bool holds() const { return !differs && missing.empty(); }
};

Match match(const Condition& asked, const Facts& facts) {
  Match match;
  const auto compare = [&](const auto& wanted, const auto& known, const char* name) {
    if (!wanted) return;
    if (!known) {
      match.missing += (match.missing.empty() ? "" : ", ") + std::string(name);
    } else if (!(*known == *wanted)) {
      match.differs = true;
    }
  };
  const std::optional<std::string> wanted_form =
      asked.form ? std::optional(form_word(*asked.form)) : std::nullopt;
  const std::optional<std::string> form = facts.form.empty() ? std::nullopt : std::optional(facts.form);
  compare(wanted_form, form, "form");
  compare(asked.elements, facts.elements, "elements");
  compare(asked.wires, facts.wires, "wires");
  compare(asked.class_a, facts.class_a, "class");
  compare(asked.connection, facts.connection, "whether it is self-contained");
  return match;
}

class Judge {
 public:
  Judge(const Notice& notice, const Device& device, AsOf as_of)
      : notice_(notice), device_(device), as_of_(as_of) {}

  Judged run(Ask ask) {
    if (notice_.in_force(as_of_) == nullptr) {
      find(Kind::NotListed, "NOT_IN_FORCE", "no revision of " + notice_.name + " was in force yet", {});
      return std::move(judged_);
    }
    facts_ = {form_word(device_.form),
              device_.elements,
              device_.wires,
              device_.class_a,
              device_.connection,
              false,
              {}};
    judge_model();
    judge_service();
    judge_class();
    rest_on(notice_.pairing);
    if (ask == Ask::MeterAndModule) judge_module();
    if (judged_.model != nullptr) {
      for (const Restriction& rule : judged_.model->restrictions)
        judge_restriction(rule, judged_.model->name, "MODEL_RESTRICTION");
    }
    if (judged_.module != nullptr) {
      for (const Restriction& rule : judged_.module->restrictions)
        judge_restriction(rule, judged_.module->name, "MODULE_RESTRICTION");
    }
    return std::move(judged_);
  }

 private:
  void rest_on(const Basis& basis) { judged_.grounds.add(notice_, basis); }

  void find(Kind kind, const char* rule, std::string message, const std::vector<Basis>& bases) {
    Finding finding{kind, rule, std::move(message), {}};
    for (const Basis& basis : bases) finding.grounds.add(notice_, basis);
    judged_.grounds.add(finding.grounds);
    judged_.findings.push_back(std::move(finding));
  }

  void judge_model() {
    const std::vector<Basis> bases =
        notice_.models.empty() ? std::vector<Basis>{} : std::vector<Basis>{notice_.models.front().basis};
    if (device_.model.empty()) {
      find(Kind::Missing, "MODEL_MISSING", "the model is not known", bases);
      return;
    }
    judged_.model = notice_.model_named(device_.model);
    if (judged_.model != nullptr && !holds(notice_, judged_.model->basis, as_of_)) judged_.model = nullptr;
    if (judged_.model != nullptr) {
      rest_on(judged_.model->basis);
      return;
    }
    std::string listed;
    for (const Model& model : notice_.models) listed += (listed.empty() ? "" : ", ") + model.name;
    find(Kind::NotListed, "MODEL_NOT_LISTED",
         "model " + quoted(device_.model) + " is none of the notice's: " + listed, bases);
  }

  void judge_service() {
    const auto agrees = [&](const Service& service) {
      return holds(notice_, service.basis, as_of_) &&
             (!facts_.elements || *facts_.elements == service.elements) &&
             (!facts_.wires || *facts_.wires == service.wires);
    };
    const auto service = std::ranges::find_if(notice_.services, agrees);
    const std::vector<Basis> bases = {notice_.services.front().basis};
    if (service == notice_.services.end()) {
      const Condition given{{}, facts_.elements, facts_.wires, {}, {}};
      std::string listed;
      for (const Service& one : notice_.services)
        listed += (listed.empty() ? "" : "; ") + words(Condition{{}, one.elements, one.wires, {}, {}});
      find(Kind::NotListed, "SERVICE_NOT_LISTED", words(given) + " is none of the notice's: " + listed,
           bases);
    } else if (!facts_.elements || !facts_.wires) {
      find(Kind::Missing, "SERVICE_MISSING", "elements and wires are not both known", bases);
    } else {
      rest_on(service->basis);
    }
  }

  void judge_class() {
    const std::vector<Basis> bases = {notice_.ranges.front().basis};
    if (!facts_.class_a) {
      find(Kind::Missing, "CLASS_MISSING", "the class is not known", bases);
      return;
    }
    const auto range = std::ranges::find_if(notice_.ranges, [&](const CurrentRange& one) {
      return one.max_a == *facts_.class_a && holds(notice_, one.basis, as_of_);
    });
    if (range == notice_.ranges.end()) {
      std::string listed;
      for (const CurrentRange& one : notice_.ranges)
        listed += (listed.empty() ? "" : ", ") + one.max_a.to_string();
      find(Kind::NotListed, "CLASS_NOT_LISTED",
           "class " + facts_.class_a->to_string() + " is none of the notice's: " + listed + " A", bases);
      return;
    }
    rest_on(range->basis);
    if (!facts_.connection && range->connection) {
      facts_.connection = range->connection;
      facts_.connection_inferred = true;
      facts_.connection_basis = range->connection_basis;
    }
  }

  void judge_module() {
    if (device_.module.empty()) {
      find(Kind::Missing, "MODULE_MISSING", "the module is not known", {notice_.module_list});
      return;
    }
    const Module* module = notice_.module_named(device_.module);
    if (module == nullptr) {
      std::string listed;
      for (const Module& one : notice_.modules) listed += (listed.empty() ? "" : ", ") + one.name;
      find(Kind::NotListed, "MODULE_NOT_LISTED",
           "module " + quoted(device_.module) + " is none of the notice's: " + listed, {notice_.module_list});
    } else if (!holds(notice_, module->basis, as_of_)) {
      find(Kind::NotListed, "MODULE_NOT_YET_APPROVED",
           module->name + " was not approved yet on " + to_text(*as_of_), {module->basis});
    } else {
      judged_.module = module;
      rest_on(module->basis);
    }
  }

  void judge_restriction(const Restriction& rule, const std::string& whose, const char* name) {
    if (!holds(notice_, rule.basis, as_of_)) return;
    const Match met = match(rule.condition, facts_);
    std::vector<Basis> bases = {rule.basis};
    if (rule.condition.connection && facts_.connection_inferred) bases.push_back(facts_.connection_basis);
    const bool only = rule.kind == Restriction::Kind::Only;
    const std::string terms =
        (only ? " is approved only on: " : " is approved except on: ") + words(rule.condition);
    if (only ? met.differs : met.holds()) {
      const Condition given{facts_.form.empty() ? std::nullopt : std::optional(facts_.form), facts_.elements,
                            facts_.wires, facts_.class_a,
                            rule.condition.connection ? facts_.connection : std::nullopt};
      find(Kind::Excluded, name, whose + terms + "; this is " + words(given), bases);
    } else if (!met.differs && !met.missing.empty()) {
      find(Kind::Missing, name, whose + terms + "; not known: " + met.missing, bases);
    } else {
      for (const Basis& basis : bases) rest_on(basis);
    }
  }

  const Notice& notice_;
  const Device& device_;
  const AsOf as_of_;
  Facts facts_;
  Judged judged_;
};

}  // namespace

bool holds(const Notice& notice, const Basis& basis, AsOf as_of) {
  if (!as_of) return true;
  const Revision* revision =
      basis.revision ? notice.revision_numbered(*basis.revision) : &notice.revisions.back();
  return revision != nullptr && revision->effective <= *as_of;
}

Judged judge_installation(const Notice& notice, const Device& device, Ask ask, AsOf as_of) {
  return Judge(notice, device, as_of).run(ask);
}

std::optional<Finding> judge_firmware(const Notice& notice, const Device& device, AsOf as_of,
                                      Grounds& grounds) {
  const auto listed = std::ranges::find(notice.firmware, device.firmware, &Firmware::version);
  const bool known = listed != notice.firmware.end();
  if (known && holds(notice, listed->basis, as_of)) {
    grounds.add(notice, listed->basis);
    return std::nullopt;
  }
  Finding finding{Kind::Missing, "UNKNOWN_FIRMWARE", {}, {}};
  if (device.firmware.empty()) {
    finding.message = "the firmware is not known";
  } else if (known && !listed->basis.revision) {
    finding.message = "no revision says since when firmware " + device.firmware + " is approved";
  } else if (known) {
    finding.message = "firmware " + device.firmware + " was not approved yet on " + to_text(*as_of);
  } else {
    finding.message = "firmware " + quoted(device.firmware) + " is none of the notice's:";
    for (const Firmware& one : notice.firmware) finding.message += " " + one.version;
  }
  finding.grounds.add(notice, known ? listed->basis : notice.firmware_basis);
  grounds.add(finding.grounds);
  return finding;
}

Answer answer_of(const std::vector<Finding>& findings) {
  Answer answer = Answer::Allowed;
  for (const Finding& finding : findings) {
    if (finding.kind != Kind::Missing) return Answer::Refused;
    answer = Answer::Unknown;
  }
  return answer;
}

}  // namespace ami::approval
