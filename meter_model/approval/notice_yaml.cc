#include "meter_model/approval/notice_yaml.h"

#include <set>
#include <utility>

#include "meter_model/approval/notice_reader.h"
#include "meter_model/quantity/quoted.h"

namespace ami::approval {
namespace {

constexpr std::size_t kLongestText = std::size_t{1} << 20;
constexpr int kMostRevisions = 999, kMostQuestions = 999, kMostWires = 9;

}  // namespace

Basis NoticeReader::basis(const Fields& fields, const YAML::Node& node, const std::string& what) {
  Basis basis;
  if (!node.IsMap()) return basis;  // told already
  const auto keys_of = [](const auto& list) {
    std::vector<std::string> keys;
    for (const auto& one : list) keys.push_back(one.key);
    return keys;
  };
  for (const std::string& key : fields.texts("clauses")) {
    if (notice_.clause(key) == nullptr) fields.unknown_word("clauses", key, keys_of(notice_.clauses));
    basis.clauses.push_back(key);
  }
  for (const std::string& written : fields.texts("questions")) {
    const auto number = whole_number(written, 1, kMostQuestions);
    if (number && notice_.question(*number) != nullptr) {
      basis.questions.push_back(*number);
    } else {
      fields.problem("questions", quoted(written) + " is no question of this file");
    }
  }
  for (const std::string& key : fields.texts("inferences")) {
    if (notice_.inference(key) == nullptr)
      fields.unknown_word("inferences", key, keys_of(notice_.inferences));
    basis.inferences.push_back(key);
  }
  if (basis.clauses.empty() && basis.inferences.empty())
    problems_.add(node, what + ": every fact names at least one of its clauses");
  basis.revision = basis_revision(fields, basis);
  return basis;
}

// As written, or that of the first clause. The word NOT_STATED: the notice does not say which.
std::optional<int> NoticeReader::basis_revision(const Fields& fields, const Basis& basis) {
  if (fields.has("revision")) {
    if (fields.optional_text("revision") == "NOT_STATED") return std::nullopt;
    const auto number = fields.integer("revision", 0, kMostRevisions);
    if (number && notice_.revision_numbered(*number) == nullptr)
      fields.problem("revision", std::to_string(*number) + " is not in the table of revisions");
    return number;
  }
  const Clause* first = basis.clauses.empty() ? nullptr : notice_.clause(basis.clauses.front());
  return first == nullptr ? 0 : first->revision;
}

// A fact that is nothing but its basis.
Basis NoticeReader::basis_at(const Fields& parent, const char* key) {
  if (!parent.has(key)) {
    (void)parent.text(key);  // tells that it is needed
    return {};
  }
  return basis(fact(parent.at(key), key, {}), parent.at(key), key);
}

void NoticeReader::read_head(const Fields& root) {
  notice_.name = root.text("notice");
  notice_.revision = root.integer("revision", 0, kMostRevisions).value_or(0);
  const std::string signed_on = root.text("signed_on");
  if (const auto date = parse_date(signed_on)) {
    notice_.signed_on = *date;
  } else if (!signed_on.empty()) {
    root.problem("signed_on", quoted(signed_on) + " is no day, as 2010-06-07");
  }
  notice_.authority = root.text("authority");
  notice_.device_type = root.text("device_type");
  notice_.applicant = root.text("applicant");
  notice_.manufacturer = root.text("manufacturer");
}

void NoticeReader::read_revisions(const Fields& root) {
  for (const YAML::Node& node : root.list("revisions")) {
    const Fields fields(problems_, node, "revision", {"number", "issued", "content", "evaluator", "note"});
    Revision revision;
    const auto number = fields.integer("number", 0, kMostRevisions);
    revision.number = number.value_or(0);
    revision.content = fields.text("content");
    revision.evaluator = fields.optional_text("evaluator");
    revision.note = fields.optional_text("note");
    revision.effective = notice_.signed_on;
    if (const std::string issued = fields.optional_text("issued"); !issued.empty()) {
      revision.issued = parse_date(issued);
      if (revision.issued) revision.effective = *revision.issued;
      if (!revision.issued) fields.problem("issued", quoted(issued) + " is no day, as 2010-06-07");
    }
    if (number && !notice_.revisions.empty()) {
      const Revision& before = notice_.revisions.back();
      if (revision.number <= before.number) {
        fields.problem("number", std::to_string(revision.number) + " is out of order: it stands after " +
                                     std::to_string(before.number));
      } else if (revision.effective.ok() && revision.effective < before.effective) {
        fields.problem(revision.issued ? "issued" : "number",
                       to_text(revision.effective) + " is out of order: revision " +
                           std::to_string(before.number) + " is of " + to_text(before.effective));
      }
    }
    notice_.revisions.push_back(std::move(revision));
  }
  if (notice_.revisions.empty()) {
    root.problem("revisions", "at least one is needed");
  } else if (notice_.revisions.back().number != notice_.revision) {
    root.problem("revision", std::to_string(notice_.revision) + " is not the last of its revisions");
  }
}

void NoticeReader::read_clauses(const Fields& root) {
  for (const auto& [key, node] : root.entries("clauses")) {
    const Fields fields(problems_, node, "clause " + quoted(key), {"section", "text", "revision"});
    Clause clause{key, fields.text("section"), fields.text("text"), 0};
    if (const auto number = fields.integer("revision", 0, kMostRevisions)) {
      clause.revision = *number;
      if (notice_.revision_numbered(*number) == nullptr)
        fields.problem("revision", std::to_string(*number) + " is not in the table of revisions");
    }
    notice_.clauses.push_back(std::move(clause));
  }
}

void NoticeReader::read_doubts(const Fields& root) {
  if (root.has("questions")) {
    for (const auto& [key, node] : root.entries("questions")) {
      const Fields fields(problems_, node, "question " + quoted(key), {"text", "handling"});
      const auto number = whole_number(key, 1, kMostQuestions);
      if (!number) root.problem("questions", quoted(key) + " is no number of a question");
      if (number) notice_.questions.push_back({*number, fields.text("text"), fields.text("handling")});
    }
  }
  if (root.has("inferences")) {
    for (const auto& [key, node] : root.entries("inferences")) {
      if (node.IsScalar() && !node.Scalar().empty()) {
        notice_.inferences.push_back({key, node.Scalar()});
      } else {
        problems_.add(node, "inference " + quoted(key) + " must be one text");
      }
    }
  }
}

StatedFact NoticeReader::stated(const Fields& parent, const char* key, const std::string& what) {
  if (!parent.has(key)) {
    (void)parent.text(key);
    return {};
  }
  const std::string whole = what + ": " + key;
  const Fields fields = fact(parent.at(key), whole, {"stated"});
  return {stated_word(fields), basis(fields, parent.at(key), whole)};
}

TextFact NoticeReader::text_fact(const Fields& parent, const char* key, const std::string& what) {
  if (!parent.has(key)) {
    (void)parent.text(key);
    return {};
  }
  const std::string whole = what + ": " + key;
  const Fields fields = fact(parent.at(key), whole, {"stated", "text"});
  TextFact read{stated_word(fields), fields.optional_text("text"), basis(fields, parent.at(key), whole)};
  if ((read.stated == Stated::Yes) == read.text.empty())
    fields.problem("text", "belongs to what is stated, and only to that");
  return read;
}

Condition NoticeReader::condition(const YAML::Node& node, const std::string& what) {
  const Fields fields(problems_, node, what, {"form", "elements", "wires", "class_a", "connection"});
  Condition condition;
  if (fields.has("form")) condition.form = fields.text("form");
  if (fields.has("elements")) condition.elements = fields.number("elements");
  if (fields.has("wires")) condition.wires = fields.integer("wires", 1, kMostWires);
  if (fields.has("class_a")) condition.class_a = fields.number("class_a");
  if (fields.has("connection")) {
    condition.connection = fields.word("connection", connection_from, {"SELF_CONTAINED", "TRANSFORMER_RATED"},
                                       Connection::SelfContained);
  }
  if (node.IsMap() && node.size() == 0) problems_.add(node, what + ": a condition asks for something");
  return condition;
}

std::vector<Restriction> NoticeReader::restrictions(const Fields& parent, const std::string& what) {
  std::vector<Restriction> all;
  for (const YAML::Node& node : parent.list("restrictions")) {
    const std::string whole = what + ": restriction";
    const Fields fields = fact(node, whole, {"only", "except"});
    if (node.IsMap() && fields.has("only") == fields.has("except")) {
      problems_.add(node, whole + ": says either 'only' or 'except'");
      continue;
    }
    if (!node.IsMap()) continue;
    const bool only = fields.has("only");
    all.push_back({only ? Restriction::Kind::Only : Restriction::Kind::Except,
                   condition(fields.at(only ? "only" : "except"), whole), basis(fields, node, whole)});
  }
  return all;
}

void NoticeReader::read_models(const Fields& root) {
  std::set<std::string> taken;
  for (const auto& [name, node] : root.entries("models")) {
    const std::string what = "model " + quoted(name);
    const Fields fields = fact(node, what, {"aliases", "recorder", "service_switch", "restrictions"});
    Model model;
    model.name = name;
    model.aliases = fields.texts("aliases");
    model.recorder = stated(fields, "recorder", what);
    model.service_switch = stated(fields, "service_switch", what);
    model.restrictions = restrictions(fields, what);
    model.basis = basis(fields, node, what);
    std::vector<std::string> names = model.aliases;
    names.push_back(name);
    for (const std::string& one : names) {
      if (!taken.insert(one).second)
        problems_.add(node, what + ": " + quoted(one) + " names another model, too");
    }
    notice_.models.push_back(std::move(model));
  }
}

void NoticeReader::read_meter(const Fields& root) {
  for (const YAML::Node& node : root.list("services")) {
    const Fields fields = fact(node, "service", {"elements", "wires", "phase"});
    notice_.services.push_back({fields.number("elements"), fields.integer("wires", 1, kMostWires).value_or(0),
                                fields.text("phase"), basis(fields, node, "service")});
  }
  for (const YAML::Node& node : root.list("current_ranges")) {
    const Fields fields = fact(node, "current range", {"min_a", "max_a", "connection"});
    CurrentRange range;
    range.min_a = fields.number("min_a");
    range.max_a = fields.number("max_a");
    if (node.IsMap() && !(Decimal{0, 0} < range.min_a && range.min_a < range.max_a))
      problems_.add(node, "current range: min_a must be above zero and below max_a");
    range.basis = basis(fields, node, "current range");
    if (fields.has("connection")) {
      const YAML::Node connection = fields.at("connection");
      const Fields is = fact(connection, "connection", {"is"});
      range.connection =
          is.word("is", connection_from, {"SELF_CONTAINED", "TRANSFORMER_RATED"}, Connection::SelfContained);
      range.connection_basis = basis(is, connection, "connection");
    }
    notice_.ranges.push_back(std::move(range));
  }
  if (notice_.services.empty()) root.problem("services", "at least one is needed");
  if (notice_.ranges.empty()) root.problem("current_ranges", "at least one is needed");
  notice_.pairing = basis_at(root, "pairing");
  if (!root.has("firmware")) {
    (void)root.text("firmware");
    return;
  }
  const Fields firmware = fact(root.at("firmware"), "firmware", {"versions"});
  notice_.firmware_basis = basis(firmware, root.at("firmware"), "firmware");
  std::set<std::string> versions;
  for (const YAML::Node& node : firmware.list("versions")) {
    const Fields fields = fact(node, "firmware", {"version"});
    notice_.firmware.push_back({fields.text("version"), basis(fields, node, "firmware")});
    if (!versions.insert(notice_.firmware.back().version).second)
      fields.problem("version", quoted(notice_.firmware.back().version) + " is given twice");
  }
}

void NoticeReader::read_rest(const Fields& root) {
  if (root.has("temperature_c")) {
    const YAML::Node node = root.at("temperature_c");
    const Fields fields = fact(node, "temperature_c", {"least", "most"});
    notice_.least_celsius = fields.number("least");
    notice_.most_celsius = fields.number("most");
    if (!(*notice_.least_celsius < *notice_.most_celsius)) fields.problem("least", "must be below 'most'");
    notice_.temperature = basis(fields, node, "temperature_c");
  }
  if (root.has("cold_start")) {
    const YAML::Node node = root.at("cold_start");
    const Fields fields = fact(node, "cold_start", {"messages"});
    notice_.cold_start_messages = fields.texts("messages");
    notice_.cold_start = basis(fields, node, "cold_start");
    if (notice_.cold_start_messages.empty()) fields.problem("messages", "at least one is needed");
  }
  for (const YAML::Node& node : root.list("statements")) {
    const Fields fields = fact(node, "statement", {"topic", "text"});
    notice_.statements.push_back(
        {fields.text("topic"), fields.text("text"), basis(fields, node, "statement")});
  }
}

Notice NoticeReader::read(const YAML::Node& node) {
  const Fields root(problems_, node, "notice", {"notice",         "revision",
                                                "signed_on",      "authority",
                                                "device_type",    "applicant",
                                                "manufacturer",   "revisions",
                                                "clauses",        "questions",
                                                "inferences",     "models",
                                                "services",       "pairing",
                                                "current_ranges", "firmware",
                                                "commodities",    "quantities",
                                                "processed",      "modules",
                                                "tou_assignment", "module_recorder",
                                                "cold_start",     "temperature_c",
                                                "statements",     "unnamed_quantities",
                                                "module_list"});
  if (!node.IsMap()) return {};
  read_head(root);
  read_revisions(root);
  read_clauses(root);
  read_doubts(root);
  read_meter(root);
  read_models(root);
  read_quantities(root);
  read_modules(root);
  read_rest(root);
  return std::move(notice_);
}

Result<Notice> parse_notice(std::string_view yaml, const std::string& name_for_errors) {
  if (yaml.size() > kLongestText)
    return permanent(name_for_errors + ":1: a notice has at most 1 MiB of text");
  try {
    NoticeReader reader(name_for_errors);
    Notice notice = reader.read(YAML::Load(std::string(yaml)));
    if (!reader.problems().empty()) return permanent(reader.problems());
    return notice;
  } catch (const YAML::Exception& error) {
    return permanent(name_for_errors + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

}  // namespace ami::approval
