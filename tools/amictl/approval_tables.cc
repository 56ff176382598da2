#include "tools/amictl/approval_tables.h"

#include <cctype>

#include "meter_model/quantity/reading_type_names.h"
#include "meter_model/quantity/unit.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using namespace approval;

std::string joined(const std::vector<std::string>& list, const char* between = ", ") {
  std::string out;
  for (const std::string& word : list) out += (out.empty() ? "" : between) + word;
  return out;
}

std::string since(const Basis& basis) {
  return basis.revision ? revision_name(*basis.revision) : "not stated";
}

// Question numbers, and inferences by name.
std::string doubts(const Basis& basis) {
  std::vector<std::string> list;
  for (const int number : basis.questions) list.push_back("question " + std::to_string(number));
  list.insert(list.end(), basis.inferences.begin(), basis.inferences.end());
  return joined(list);
}

std::string doubts(const Grounds& grounds) {
  Basis basis;
  for (const Question& one : grounds.questions) basis.questions.push_back(one.number);
  for (const Inference& one : grounds.inferences) basis.inferences.push_back(one.key);
  return doubts(basis);
}

std::string condition_words(const Restriction& rule) {
  const Condition& asked = rule.condition;
  std::vector<std::string> list;
  if (asked.form) list.push_back("form " + *asked.form);
  if (asked.elements) list.push_back("elements " + asked.elements->to_string());
  if (asked.wires) list.push_back("wires " + std::to_string(*asked.wires));
  if (asked.class_a) list.push_back("class " + asked.class_a->to_string());
  if (asked.connection) list.emplace_back(name_of(*asked.connection));
  return (rule.kind == Restriction::Kind::Only ? "only " : "except ") + joined(list);
}

std::string restriction_words(const std::vector<Restriction>& rules) {
  std::vector<std::string> list;
  for (const Restriction& rule : rules) list.push_back(condition_words(rule));
  return joined(list, "; ");
}

std::string match_words(const QuantityMatch& match) {
  std::string out(name_of_code(measurement_kind_names(), match.kind));
  if (match.flow) out += " " + std::string(name_of_code(flow_direction_names(), *match.flow));
  std::vector<std::string> ways;
  for (const std::int32_t code : match.accumulations)
    ways.emplace_back(name_of_code(accumulation_names(), code));
  if (!ways.empty()) out += " (" + joined(ways, " or ") + ")";
  return out;
}

std::string transmits_words(const Transmits& says) {
  if (says.scope == Transmits::Scope::NotStated) return "NOT_STATED";
  if (says.scope == Transmits::Scope::Outside) return "outside the approval";
  return says.words;
}

Table table_of(const Notice& notice, const std::string& part) {
  if (part == "models") {
    Table table({"MODEL", "RECORDER", "SERVICE SWITCH", "RESTRICTION", "ALIASES", "SINCE"});
    for (const Model& one : notice.models)
      table.row({one.name, std::string(name_of(one.recorder.stated)),
                 std::string(name_of(one.service_switch.stated)), restriction_words(one.restrictions),
                 joined(one.aliases), since(one.basis)});
    return table;
  }
  if (part == "services") {
    Table table({"ELEMENTS", "WIRES", "PHASE", "CLAUSE", "SINCE"});
    for (const Service& one : notice.services)
      table.row({one.elements.to_string(), std::to_string(one.wires), one.phase, joined(one.basis.clauses),
                 since(one.basis)});
    return table;
  }
  if (part == "ranges") {
    Table table({"FROM A", "TO A (CLASS)", "READ AS", "CLAUSE", "DOUBTS"});
    for (const CurrentRange& one : notice.ranges)
      table.row({one.min_a.to_string(), one.max_a.to_string(),
                 one.connection ? std::string(name_of(*one.connection)) : "", joined(one.basis.clauses),
                 doubts(one.connection_basis)});
    return table;
  }
  if (part == "modules") {
    Table table({"MODULE", "NAME", "FAMILY", "TRANSMITS", "UNIT", "TWO-WAY", "ZIGBEE", "DISCONNECT",
                 "RESTRICTION", "SINCE"});
    for (const Module& one : notice.modules)
      table.row({one.key, one.name, joined(one.families), transmits_words(one.transmits),
                 one.unit.stated == Stated::Yes ? one.unit.words : std::string(name_of(one.unit.stated)),
                 std::string(name_of(one.two_way.stated)), std::string(name_of(one.zigbee.stated)),
                 std::string(name_of(one.remote_disconnect.stated)), restriction_words(one.restrictions),
                 since(one.basis)});
    return table;
  }
  if (part == "firmware") {
    Table table({"FIRMWARE", "CLAUSES", "SINCE", "DOUBTS"});
    for (const Firmware& one : notice.firmware)
      table.row({one.version, joined(one.basis.clauses), since(one.basis), doubts(one.basis)});
    return table;
  }
  if (part == "quantities") {
    Table table({"QUANTITY", "UNIT", "TYPE APPROVAL", "CLAUSES", "DOUBTS"});
    for (const QuantityRule& one : notice.quantities)
      table.row({match_words(one.match), one.match.unit ? std::string(unit_symbol(*one.match.unit)) : "any",
                 std::string(name_of(one.status)), joined(one.basis.clauses), doubts(one.basis)});
    return table;
  }
  if (part == "revisions") {
    Table table({"REVISION", "ISSUED", "COUNTS FROM", "CONTENT", "NOTE"});
    for (const Revision& one : notice.revisions)
      table.row({revision_name(one.number), one.issued ? approval::to_text(*one.issued) : "no date",
                 approval::to_text(one.effective), one.content, one.note});
    return table;
  }
  if (part == "questions") {
    Table table({"QUESTION", "TEXT", "UNTIL ANSWERED"});
    for (const Question& one : notice.questions)
      table.row({std::to_string(one.number), one.text, one.handling});
    return table;
  }
  if (part == "inferences") {
    Table table({"INFERENCE", "TEXT"});
    for (const Inference& one : notice.inferences) table.row({one.key, one.text});
    return table;
  }
  if (part == "statements") {
    Table table({"TOPIC", "STATEMENT", "CLAUSE", "DOUBTS"});
    for (const Statement& one : all_statements(notice))
      table.row({one.topic, one.text, joined(one.basis.clauses), doubts(one.basis)});
    return table;
  }
  Table table({"CLAUSE", "SECTION", "SINCE", "TEXT"});
  for (const Clause& one : notice.clauses)
    table.row({one.key, one.section, revision_name(one.revision), one.text});
  return table;
}

void print_grounds(const Grounds& grounds, const char* indent, std::ostream& out) {
  for (const Citation& one : grounds.clauses)
    out << indent << one.notice << ", " << one.revision << ", " << one.section << ": " << one.text << '\n';
  if (const std::string open = doubts(grounds); !open.empty()) out << indent << "open: " << open << '\n';
}

}  // namespace

void print(const CheckReport& report, std::ostream& out) {
  const CarryVerdict& carry = report.carry;
  out << name_of(carry.answer);
  if (!carry.notice.empty())
    out << " by " << carry.notice << ", " << (carry.revision.empty() ? "not in force" : carry.revision);
  if (report.as_of) out << " as of " << approval::to_text(*report.as_of);
  out << '\n';
  for (const Finding& finding : carry.findings) {
    out << "  " << finding.message << " (" << finding.rule << ")\n";
    print_grounds(finding.grounds, "    ", out);
  }
  if (carry.findings.empty()) print_grounds(carry.grounds, "  ", out);
  out << "service switch: " << name_of(report.service_switch.answer) << ": " << report.service_switch.reason
      << '\n';
  for (const CheckReport::Asked& asked : report.quantities) {
    out << describe(asked.type) << ": " << name_of(asked.verdict.status) << ": " << asked.verdict.reason
        << '\n';
    for (const Aspect& aspect : asked.verdict.aspects)
      out << "    " << name_of(aspect.of) << ' ' << name_of(aspect.status) << ": " << aspect.message << '\n';
    print_grounds(asked.verdict.grounds, "    ", out);
  }
}

void print(const Notice& notice, const std::string& part, std::ostream& out) {
  if (!part.empty()) {
    table_of(notice, part).print(out);
    return;
  }
  out << notice.name << ' ' << revision_name(notice.revision) << ", signed "
      << approval::to_text(notice.signed_on) << "\n"
      << notice.device_type << "\n"
      << notice.authority << "\napplicant: " << notice.applicant << "\nmanufacturer: " << notice.manufacturer
      << '\n';
  for (const std::string& each : notice_parts()) {
    std::string head = each;
    head.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(head.front())));
    out << '\n' << head << '\n';
    table_of(notice, each).print(out);
  }
}

void print(const Notice& notice, const Module& module, std::ostream& out) {
  Table table({"FACT", "STATED", "WORDS", "CLAUSES", "SINCE", "DOUBTS"});
  const auto row = [&](const char* fact, const std::string& stated, const std::string& words,
                       const Basis& basis) {
    table.row({fact, stated, words, joined(basis.clauses), since(basis), doubts(basis)});
  };
  const auto stated = [&](const char* fact, const StatedFact& one) {
    row(fact, std::string(name_of(one.stated)), "", one.basis);
  };
  row("approved with", "YES", module.name, module.basis);
  row("maker", std::string(name_of(module.maker.stated)), module.maker.text, module.maker.basis);
  row("bearer", std::string(name_of(module.bearer.stated)), module.bearer.text, module.bearer.basis);
  const bool silent = module.transmits.scope == Transmits::Scope::NotStated;
  row("transmits", silent ? "NOT_STATED" : "YES", silent ? "" : transmits_words(module.transmits),
      module.transmits.basis);
  row("unit", std::string(name_of(module.unit.stated)), module.unit.words, module.unit.basis);
  stated("two-way", module.two_way);
  stated("Zigbee", module.zigbee);
  stated("remote disconnect", module.remote_disconnect);
  for (const Restriction& rule : module.restrictions)
    row("restriction", "YES", condition_words(rule), rule.basis);
  out << notice.name << ' ' << revision_name(notice.revision) << ", module " << module.key
      << ", also: " << joined(module.aliases) << "; read through: " << joined(module.families) << '\n';
  table.print(out);
}

}  // namespace ami::amictl
