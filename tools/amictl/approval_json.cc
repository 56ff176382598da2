#include "tools/amictl/approval_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>

#include "meter_model/quantity/reading_type_names.h"
#include "meter_model/quantity/unit.h"

namespace ami::amictl {
namespace {

namespace json = boost::json;
using namespace approval;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value() : json::value(text);
}

json::value number_or_null(const std::optional<Decimal>& number) {
  return number ? json::value(number->to_string()) : json::value();
}

json::array words(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& word : list) out.emplace_back(word);
  return out;
}

// `clauses`, `open_questions` and `inferences`, put into an object.
void put(json::object& into, const Grounds& grounds) {
  json::array clauses, questions, inferences;
  for (const Citation& one : grounds.clauses) {
    clauses.push_back({{"notice", one.notice},
                       {"revision", one.revision},
                       {"clause", one.key},
                       {"section", one.section},
                       {"text", one.text}});
  }
  for (const Question& one : grounds.questions)
    questions.push_back({{"number", one.number}, {"text", one.text}, {"handling", one.handling}});
  for (const Inference& one : grounds.inferences)
    inferences.push_back({{"inference", one.key}, {"text", one.text}});
  into["clauses"] = std::move(clauses);
  into["open_questions"] = std::move(questions);
  into["inferences"] = std::move(inferences);
}

json::array findings(const std::vector<Finding>& list) {
  json::array out;
  for (const Finding& one : list) {
    json::object object{{"kind", name_of(one.kind)}, {"rule", one.rule}, {"message", one.message}};
    put(object, one.grounds);
    out.push_back(std::move(object));
  }
  return out;
}

json::object quantity(const CheckReport::Asked& asked) {
  const QuantityVerdict& verdict = asked.verdict;
  json::object out{{"reading_type", asked.type.to_string()},
                   {"quantity", name_of(quantity_of(asked.type))},
                   {"describes", describe(asked.type)},
                   {"type_approval", name_of(verdict.status)},
                   {"reason", verdict.reason},
                   {"legal_status", text_or_null(legal_status(verdict))},
                   {"tou_switching_legal", verdict.tou_switching_legal()}};
  json::array aspects;
  for (const Aspect& one : verdict.aspects) {
    json::object object{
        {"aspect", name_of(one.of)}, {"status", name_of(one.status)}, {"message", one.message}};
    put(object, one.grounds);
    aspects.push_back(std::move(object));
  }
  out["aspects"] = std::move(aspects);
  put(out, verdict.grounds);
  return out;
}

json::object firmware(const CheckReport& report) {
  const bool given = !report.device.firmware.empty();
  const char* status = !given                          ? "NOT_GIVEN"
                       : !report.carry.firmware_judged ? "NOT_JUDGED"
                       : report.firmware_problem       ? "UNKNOWN_FIRMWARE"
                                                       : "APPROVED";
  return {{"given", text_or_null(report.device.firmware)}, {"status", status}};
}

// A fact's own keys, with where it stands.
json::object fact(json::object own, const Basis& basis) {
  own["clauses"] = words(basis.clauses);
  own["revision"] = basis.revision ? json::value(revision_name(*basis.revision)) : json::value("NOT_STATED");
  json::array questions;
  for (const int number : basis.questions) questions.emplace_back(number);
  own["open_questions"] = std::move(questions);
  own["inferences"] = words(basis.inferences);
  return own;
}

json::object stated(const StatedFact& one) {
  return fact({{"stated", name_of(one.stated)}}, one.basis);
}

json::object text_fact(const TextFact& one) {
  return fact({{"stated", name_of(one.stated)}, {"text", text_or_null(one.text)}}, one.basis);
}

json::array restrictions(const std::vector<Restriction>& list) {
  json::array out;
  for (const Restriction& one : list) {
    json::object condition;
    const Condition& asked = one.condition;
    if (asked.form) condition["form"] = *asked.form;
    if (asked.elements) condition["elements"] = asked.elements->to_string();
    if (asked.wires) condition["wires"] = *asked.wires;
    if (asked.class_a) condition["class_a"] = asked.class_a->to_string();
    if (asked.connection) condition["connection"] = name_of(*asked.connection);
    const char* kind = one.kind == Restriction::Kind::Only ? "only" : "except";
    out.push_back(fact({{kind, std::move(condition)}}, one.basis));
  }
  return out;
}

json::object match(const QuantityMatch& one) {
  json::object out{{"kind", name_of_code(measurement_kind_names(), one.kind)}};
  if (one.flow) out["flow"] = name_of_code(flow_direction_names(), *one.flow);
  if (one.unit) out["unit"] = unit_symbol(*one.unit);
  if (!one.accumulations.empty()) {
    json::array list;
    for (const std::int32_t code : one.accumulations)
      list.emplace_back(name_of_code(accumulation_names(), code));
    out["accumulations"] = std::move(list);
  }
  return out;
}

json::object transmits(const Transmits& one) {
  static constexpr std::string_view kScopes[] = {"HOST", "LISTED", "NOT_STATED", "OUTSIDE"};
  json::array list;
  for (const QuantityMatch& entry : one.quantities) list.push_back(match(entry));
  return fact({{"scope", kScopes[static_cast<std::size_t>(one.scope)]},
               {"words", text_or_null(one.words)},
               {"quantities", std::move(list)}},
              one.basis);
}

json::object module(const Module& one) {
  json::object out = fact({{"module", one.key},
                           {"name", one.name},
                           {"aliases", words(one.aliases)},
                           {"families", words(one.families)}},
                          one.basis);
  out["maker"] = text_fact(one.maker);
  out["bearer"] = text_fact(one.bearer);
  out["transmits"] = transmits(one.transmits);
  json::array units;
  for (const std::int32_t unit : one.unit.units) units.emplace_back(unit_symbol(unit));
  out["unit"] = fact({{"stated", name_of(one.unit.stated)},
                      {"words", text_or_null(one.unit.words)},
                      {"units", std::move(units)}},
                     one.unit.basis);
  out["two_way"] = stated(one.two_way);
  out["zigbee"] = stated(one.zigbee);
  out["remote_disconnect"] = stated(one.remote_disconnect);
  out["restrictions"] = restrictions(one.restrictions);
  return out;
}

json::array models(const Notice& notice) {
  json::array out;
  for (const Model& one : notice.models) {
    json::object object = fact({{"model", one.name}, {"aliases", words(one.aliases)}}, one.basis);
    object["recorder"] = stated(one.recorder);
    object["service_switch"] = stated(one.service_switch);
    object["restrictions"] = restrictions(one.restrictions);
    out.push_back(std::move(object));
  }
  return out;
}

json::array ranges(const Notice& notice) {
  json::array out;
  for (const CurrentRange& one : notice.ranges) {
    json::object object =
        fact({{"min_a", one.min_a.to_string()}, {"max_a", one.max_a.to_string()}}, one.basis);
    if (one.connection) object["connection"] = fact({{"is", name_of(*one.connection)}}, one.connection_basis);
    out.push_back(std::move(object));
  }
  return out;
}

json::array revisions(const Notice& notice) {
  json::array out;
  for (const Revision& one : notice.revisions) {
    out.push_back({{"revision", revision_name(one.number)},
                   {"issued", one.issued ? json::value(approval::to_text(*one.issued)) : json::value()},
                   {"effective", approval::to_text(one.effective)},
                   {"content", one.content},
                   {"evaluator", text_or_null(one.evaluator)},
                   {"note", text_or_null(one.note)}});
  }
  return out;
}

json::array part_of(const Notice& notice, const std::string& part) {
  json::array out;
  if (part == "models") return models(notice);
  if (part == "ranges") return ranges(notice);
  if (part == "revisions") return revisions(notice);
  if (part == "services") {
    for (const Service& one : notice.services)
      out.push_back(fact({{"elements", one.elements.to_string()}, {"wires", one.wires}, {"phase", one.phase}},
                         one.basis));
  }
  if (part == "modules") {
    for (const Module& one : notice.modules) out.push_back(module(one));
  }
  if (part == "quantities") {
    for (const QuantityRule& one : notice.quantities) {
      json::object object = match(one.match);
      object["status"] = name_of(one.status);
      out.push_back(fact(std::move(object), one.basis));
    }
  }
  if (part == "firmware") {
    for (const Firmware& one : notice.firmware) out.push_back(fact({{"version", one.version}}, one.basis));
  }
  if (part == "questions") {
    for (const Question& one : notice.questions)
      out.push_back({{"number", one.number}, {"text", one.text}, {"handling", one.handling}});
  }
  if (part == "inferences") {
    for (const Inference& one : notice.inferences)
      out.push_back({{"inference", one.key}, {"text", one.text}});
  }
  if (part == "statements") {
    for (const Statement& one : all_statements(notice))
      out.push_back(fact({{"topic", one.topic}, {"text", one.text}}, one.basis));
  }
  if (part == "clauses") {
    for (const Clause& one : notice.clauses) {
      out.push_back({{"clause", one.key},
                     {"section", one.section},
                     {"text", one.text},
                     {"revision", revision_name(one.revision)}});
    }
  }
  return out;
}

}  // namespace

bool CheckReport::allowed() const {
  const bool carried = carry.answer == Answer::Allowed || carry.answer == Answer::NoRegime;
  return carried && std::ranges::all_of(quantities, [](const Asked& asked) {
           const TypeApproval status = asked.verdict.status;
           return status == TypeApproval::Approved || status == TypeApproval::NotSubject ||
                  status == TypeApproval::NoRegime;
         });
}

std::string to_json(const CheckReport& report) {
  const CarryVerdict& carry = report.carry;
  const Device& device = report.device;
  json::object out{{"verdict", name_of(carry.answer)},
                   {"allowed", report.allowed()},
                   {"notice", text_or_null(carry.notice)},
                   {"revision", text_or_null(carry.revision)},
                   {"as_of", report.as_of ? json::value(approval::to_text(*report.as_of)) : json::value()},
                   {"model", text_or_null(carry.model)},
                   {"model_given", text_or_null(carry.model_raw)},
                   {"module", text_or_null(carry.module)},
                   {"module_given", text_or_null(carry.module_raw)},
                   {"form", text_or_null(device.form)},
                   {"elements", number_or_null(device.elements)},
                   {"wires", device.wires ? json::value(*device.wires) : json::value()},
                   {"class_a", number_or_null(device.class_a)},
                   {"firmware", firmware(report)}};
  json::array reasons;
  for (const Finding& one : carry.findings) reasons.emplace_back(one.message);
  out["reasons"] = std::move(reasons);
  out["findings"] = findings(carry.findings);
  put(out, carry.grounds);
  const SwitchVerdict& may = report.service_switch;
  json::object disconnect{{"allowed", may.allowed},
                          {"answer", name_of(may.answer)},
                          {"stated", name_of(may.stated)},
                          {"reason", may.reason},
                          {"findings", findings(may.findings)}};
  put(disconnect, may.grounds);
  out["remote_disconnect"] = std::move(disconnect);
  json::array quantities;
  for (const CheckReport::Asked& asked : report.quantities) quantities.push_back(quantity(asked));
  out["quantities"] = std::move(quantities);
  return json::serialize(out);
}

const std::vector<std::string>& notice_parts() {
  static const std::vector<std::string> parts = {"models",     "services",   "ranges",    "modules",
                                                 "firmware",   "quantities", "revisions", "questions",
                                                 "inferences", "statements", "clauses"};
  return parts;
}

std::vector<Statement> all_statements(const Notice& notice) {
  std::vector<Statement> all = notice.statements;
  std::string commodities;
  for (const std::int32_t code : notice.commodities)
    commodities += (commodities.empty() ? "" : ", ") + std::string(name_of_code(commodity_names(), code));
  all.push_back({"commodities", commodities, notice.commodity_basis});
  all.push_back(
      {"pairing", "elements with wires, and the class, are each held against the lists", notice.pairing});
  all.push_back(
      {"TOU assignment", "which tier was active is not subject to the approval", notice.tou_assignment});
  all.push_back({"module's load profile", "no approved recorder", notice.module_recorder});
  all.push_back({"computed values", "outside the approval", notice.processed});
  if (notice.least_celsius && notice.most_celsius) {
    all.push_back({"operating temperature",
                   notice.least_celsius->to_string() + " to " + notice.most_celsius->to_string() + " C",
                   notice.temperature});
  }
  if (!notice.cold_start_messages.empty()) {
    std::string messages;
    for (const std::string& one : notice.cold_start_messages)
      messages += (messages.empty() ? "" : "; ") + one;
    all.push_back({"cold start", "a secured meter shows: " + messages, notice.cold_start});
  }
  return all;
}

std::string to_json(const Notice& notice, const std::string& part) {
  json::object out{{"notice", notice.name},
                   {"revision", revision_name(notice.revision)},
                   {"signed_on", approval::to_text(notice.signed_on)}};
  if (part.empty()) {
    out["authority"] = notice.authority;
    out["device_type"] = notice.device_type;
    out["applicant"] = notice.applicant;
    out["manufacturer"] = notice.manufacturer;
    for (const std::string& each : notice_parts()) out[each] = part_of(notice, each);
  } else {
    out[part] = part_of(notice, part);
  }
  return json::serialize(out);
}

std::string to_json(const Notice& notice, const Module& one) {
  json::object out{{"notice", notice.name}, {"revision", revision_name(notice.revision)}};
  json::array clauses;
  for (const std::string& key : one.basis.clauses) {
    if (const Clause* clause = notice.clause(key))
      clauses.push_back({{"clause", key}, {"section", clause->section}, {"text", clause->text}});
  }
  out["module"] = module(one);
  out["quotes"] = std::move(clauses);
  return json::serialize(out);
}

}  // namespace ami::amictl
