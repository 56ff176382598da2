#include <map>
#include <utility>

#include "meter_model/approval/notice_reader.h"
#include "meter_model/quantity/quoted.h"

namespace ami::approval {

std::int32_t NoticeReader::code(const Fields& fields, const char* key, const std::string& written,
                                std::span<const CodeName> names) {
  std::vector<std::string> known;
  for (const CodeName& entry : names) {
    if (entry.name == written) return entry.code;
    known.emplace_back(entry.name);
  }
  fields.unknown_word(key, written, known);
  return -1;
}

QuantityMatch NoticeReader::match(const Fields& fields) {
  QuantityMatch match;
  if (const std::string kind = fields.text("kind"); !kind.empty())
    match.kind = code(fields, "kind", kind, measurement_kind_names());
  if (fields.has("flow")) match.flow = code(fields, "flow", fields.text("flow"), flow_direction_names());
  for (const std::string& word : fields.texts("accumulations"))
    match.accumulations.push_back(code(fields, "accumulations", word, accumulation_names()));
  if (fields.has("unit")) match.unit = code(fields, "unit", fields.text("unit"), unit_names());
  return match;
}

void NoticeReader::read_quantities(const Fields& root) {
  if (root.has("commodities")) {
    const Fields fields = fact(root.at("commodities"), "commodities", {"are"});
    for (const std::string& word : fields.texts("are"))
      notice_.commodities.push_back(code(fields, "are", word, commodity_names()));
    notice_.commodity_basis = basis(fields, root.at("commodities"), "commodities");
  }
  if (notice_.commodities.empty()) root.problem("commodities", "at least one is needed");
  for (const YAML::Node& node : root.list("quantities")) {
    const Fields fields = fact(node, "quantity", {"kind", "flow", "accumulations", "unit", "status"});
    QuantityRule rule;
    rule.match = match(fields);
    rule.status = fields.word("status", type_approval_from,
                              {"APPROVED", "NOT_STATED", "OUTSIDE", "NOT_SUBJECT"}, TypeApproval::NotStated);
    if (rule.status == TypeApproval::Unknown || rule.status == TypeApproval::NoRegime)
      fields.problem("status", "a notice says APPROVED, NOT_STATED, OUTSIDE or NOT_SUBJECT");
    rule.basis = basis(fields, node, "quantity");
    notice_.quantities.push_back(std::move(rule));
  }
  notice_.unnamed_quantities = basis_at(root, "unnamed_quantities");
  notice_.tou_assignment = basis_at(root, "tou_assignment");
  notice_.module_recorder = basis_at(root, "module_recorder");
  notice_.processed = basis_at(root, "processed");
}

Transmits NoticeReader::transmits(const Fields& parent, const std::string& what) {
  Transmits read;
  if (!parent.has("transmits")) {
    (void)parent.text("transmits");
    return read;
  }
  const YAML::Node node = parent.at("transmits");
  const std::string whole = what + ": transmits";
  const Fields fields = fact(node, whole, {"scope", "words", "quantities"});
  const std::map<std::string, Transmits::Scope> scopes = {{"HOST", Transmits::Scope::Host},
                                                          {"LISTED", Transmits::Scope::Listed},
                                                          {"NOT_STATED", Transmits::Scope::NotStated},
                                                          {"OUTSIDE", Transmits::Scope::Outside}};
  const std::string scope = fields.text("scope");
  if (const auto known = scopes.find(scope); known != scopes.end()) {
    read.scope = known->second;
  } else if (!scope.empty()) {
    fields.unknown_word("scope", scope, {"HOST", "LISTED", "NOT_STATED", "OUTSIDE"});
  }
  read.words = fields.optional_text("words");
  for (const YAML::Node& item : fields.list("quantities"))
    read.quantities.push_back(
        match(Fields(problems_, item, whole, {"kind", "flow", "accumulations", "unit"})));
  if ((read.scope == Transmits::Scope::Listed) == read.quantities.empty())
    fields.problem("quantities", "belong to scope LISTED, and only to that");
  read.basis = basis(fields, node, whole);
  return read;
}

ModuleUnit NoticeReader::module_unit(const Fields& parent, const std::string& what) {
  if (!parent.has("unit")) {
    (void)parent.text("unit");
    return {};
  }
  const std::string whole = what + ": unit";
  const Fields fields = fact(parent.at("unit"), whole, {"stated", "words", "units"});
  ModuleUnit unit{
      stated_word(fields), fields.optional_text("words"), {}, basis(fields, parent.at("unit"), whole)};
  for (const std::string& word : fields.texts("units"))
    unit.units.push_back(code(fields, "units", word, unit_names()));
  if (unit.stated != Stated::Yes && !(unit.units.empty() && unit.words.empty()))
    fields.problem("units", "belong to what is stated");
  return unit;
}

Module NoticeReader::module(const std::string& key, const YAML::Node& node) {
  const std::string what = "module " + quoted(key);
  const Fields fields = fact(node, what,
                             {"name", "aliases", "families", "maker", "bearer", "transmits", "unit",
                              "two_way", "zigbee", "remote_disconnect", "restrictions"});
  Module module;
  module.key = key;
  module.name = fields.text("name");
  module.aliases = fields.texts("aliases");
  module.families = fields.texts("families");
  module.maker = text_fact(fields, "maker", what);
  module.bearer = text_fact(fields, "bearer", what);
  module.transmits = transmits(fields, what);
  module.unit = module_unit(fields, what);
  module.two_way = stated(fields, "two_way", what);
  module.zigbee = stated(fields, "zigbee", what);
  module.remote_disconnect = stated(fields, "remote_disconnect", what);
  module.restrictions = restrictions(fields, what);
  module.basis = basis(fields, node, what);
  return module;
}

void NoticeReader::read_modules(const Fields& root) {
  std::map<std::string, std::string> owners;  // folded name -> key of its module
  for (const auto& [key, node] : root.entries("modules")) {
    Module read = module(key, node);
    std::vector<std::string> names = {read.key, read.name};
    names.insert(names.end(), read.aliases.begin(), read.aliases.end());
    names.insert(names.end(), read.families.begin(), read.families.end());
    for (const std::string& name : names) {
      const std::string word = folded(name);
      if (word.empty() && !name.empty()) {
        problems_.add(node, "module " + quoted(key) + ": " + quoted(name) + " has neither letter nor digit");
      } else if (const auto [owner, first] = owners.emplace(word, key); !first && owner->second != key) {
        problems_.add(node, "module " + quoted(key) + ": " + quoted(name) + " also names module " +
                                quoted(owner->second));
      }
    }
    notice_.modules.push_back(std::move(read));
  }
  notice_.module_list = basis_at(root, "module_list");
}

}  // namespace ami::approval
