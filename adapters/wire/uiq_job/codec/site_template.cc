#include "adapters/wire/uiq_job/codec/site_template.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <span>

#include "adapters/wire/xml/tree.h"
#include "meter_model/edit_distance.h"
#include "meter_model/quantity/quoted.h"

namespace ami::uiq_job {
namespace {

constexpr std::size_t kLongestTemplate = 1024 * 1024;

struct OperationRule {
  std::string_view name;
  std::array<std::string_view, 7> placeholders;  // that its body may have
  std::array<std::string_view, 4> fields;        // that its answer may have; the first must be there
};
// In the order of Operation.
constexpr std::array<OperationRule, kOperations> kRules{{
    {"find_device", {"meter", "rows"}, {"mac", "meter", "state"}},
    {"add_read_job", {"mac", "job_name", "read_type", "retries", "priority", "from", "to"}, {"job"}},
    {"add_provisioning_job", {"mac", "job_name", "action", "retries", "priority"}, {"job"}},
    {"add_ping_job", {"mac", "job_name", "retries", "priority"}, {"job"}},
    {"activate_job", {"job"}, {"", "job"}},
    {"job_status", {"job"}, {"status", "job"}},
    {"read_results", {"job", "mac", "rows", "from", "to"}, {"mac", "word", "fault", "time"}},
    {"provisioning_results", {"job", "rows"}, {"mac", "word", "fault", "time"}},
    {"ping_results", {"job", "rows"}, {"mac", "word", "fault", "time"}},
}};
constexpr std::array<std::string_view, 5> kStates{"not_started", "running", "completed", "failed", "unknown"};
constexpr std::array<std::string_view, 7> kEndings{"succeeded", "failed", "no_answer", "open",
                                                   "armed",     "closed", "unknown"};

bool has(std::span<const std::string_view> list, std::string_view word) {
  return !word.empty() && std::find(list.begin(), list.end(), word) != list.end();
}

std::string nearest(std::span<const std::string_view> list, std::string_view word) {
  std::string_view best;
  for (const std::string_view one : list) {
    if (!one.empty() && (best.empty() || edit_distance(word, one) < edit_distance(word, best))) best = one;
  }
  return best.empty() ? std::string("; there is none here") : "; nearest is '" + std::string(best) + "'";
}

}  // namespace

std::string_view name_of(Operation operation) {
  return kRules[static_cast<std::size_t>(operation)].name;
}
std::string_view name_of(JobState state) {
  return kStates[static_cast<std::size_t>(state)];
}
std::string_view name_of(Ending ending) {
  return kEndings[static_cast<std::size_t>(ending)];
}

class TemplateReader {
 public:
  TemplateReader(std::string_view yaml, const std::string& name) : yaml_(yaml), name_(name) {}

  SiteTemplate read(const YAML::Node& root);
  [[nodiscard]] const std::string& problems() const { return problems_; }

 private:
  void problem_at(int line, const std::string& message) {
    if (!problems_.empty()) problems_ += '\n';
    problems_ += name_ + ":" + std::to_string(std::max(1, line)) + ": " + message;
  }
  void problem(const YAML::Node& at, const std::string& message) { problem_at(at.Mark().line + 1, message); }
  // The file's line of byte `at` of a scalar.
  int line_in(const YAML::Node& scalar, std::size_t at) const;
  bool keys_are(const YAML::Node& node, const std::string& what, std::span<const std::string_view> known);
  std::string text(const YAML::Node& node, const std::string& what);
  std::vector<std::string> path(const YAML::Node& node, const std::string& what);
  void read_operation(const YAML::Node& node, const OperationRule& rule, OperationTemplate& into);
  void read_body(const YAML::Node& node, const OperationRule& rule, OperationTemplate& into);
  void read_answer(const YAML::Node& node, const OperationRule& rule, OperationTemplate& into);

  std::string_view yaml_;
  const std::string& name_;
  std::string problems_;
};

int TemplateReader::line_in(const YAML::Node& scalar, std::size_t at) const {
  const std::string& content = scalar.Scalar();
  const auto breaks = std::count(
      content.begin(), content.begin() + static_cast<std::ptrdiff_t>(std::min(at, content.size())), '\n');
  const auto mark = static_cast<std::size_t>(std::max(0, scalar.Mark().pos));
  // A block scalar begins on the line below its sign.
  const bool block = mark < yaml_.size() && (yaml_[mark] == '|' || yaml_[mark] == '>');
  return scalar.Mark().line + 1 + static_cast<int>(breaks) + (block ? 1 : 0);
}

bool TemplateReader::keys_are(const YAML::Node& node, const std::string& what,
                              std::span<const std::string_view> known) {
  if (!node.IsMap()) {
    problem(node, what + " must be a mapping of keys to values");
    return false;
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!seen.insert(key).second) problem(entry.first, what + ": key " + quoted(key) + " is given twice");
    if (!has(known, key)) problem(entry.first, what + ": unknown key " + quoted(key) + nearest(known, key));
  }
  return true;
}

std::string TemplateReader::text(const YAML::Node& node, const std::string& what) {
  if (node.IsScalar()) return node.Scalar();
  problem(node, what + " must be one text");
  return {};
}

std::vector<std::string> TemplateReader::path(const YAML::Node& node, const std::string& what) {
  const std::string said = text(node, what);
  std::vector<std::string> steps;
  if (said == ".") return steps;
  for (std::size_t at = 0; at <= said.size();) {
    const std::size_t slash = std::min(said.find('/', at), said.size());
    steps.push_back(said.substr(at, slash - at));
    const bool good = !steps.back().empty() &&
                      steps.back().find_first_of(" \t\r\n:<>&\"'=@[]{}*.") == std::string::npos &&
                      steps.back().find_first_of("-0123456789") != 0;
    if (!good) {
      problem(node, what + ": " + quoted(said) + " is no path of local names, as A/B, or '.'");
      return {};
    }
    at = slash + 1;
  }
  return steps;
}

void TemplateReader::read_body(const YAML::Node& node, const OperationRule& rule, OperationTemplate& into) {
  into.body = text(node, "body");
  while (!into.body.empty() && (into.body.back() == '\n' || into.body.back() == ' ')) into.body.pop_back();
  const auto tree = xml::Tree::parse(into.body);
  if (!tree) return problem(node, "body: " + tree.error().message);
  into.root = std::string(tree->root().name());
  into.root_space = std::string(tree->root().space());

  // Every '{' of the body must begin a placeholder that an element's whole text is.
  std::set<std::size_t> standing_alone;
  std::vector<std::string> here;
  for (xml::Element at = tree->root(); at;) {
    const std::string_view said = at.text();
    if (said.starts_with('{') && said.ends_with('}') && !at.first_child() && said.size() > 2) {
      const std::string name(said.substr(1, said.size() - 2));
      const std::size_t offset = into.body.find(said, static_cast<std::size_t>(at.begin()));
      standing_alone.insert(offset);
      if (!has(rule.placeholders, name)) {
        problem_at(line_in(node, offset), "unknown placeholder " + quoted(said) + " in " +
                                              std::string(rule.name) + nearest(rule.placeholders, name));
      }
      const bool twice = std::any_of(into.placeholders.begin(), into.placeholders.end(),
                                     [&](const Placeholder& one) { return one.path == here; });
      if (twice)
        problem_at(line_in(node, offset), "two elements of one path have placeholders: " + quoted(said));
      into.placeholders.push_back({name, here});
    }
    if (at.first_child()) {
      at = at.first_child();
      here.emplace_back(at.name());
      continue;
    }
    while (at && !at.next()) {
      at = at.parent();
      if (!here.empty()) here.pop_back();
    }
    if (at) {
      at = at.next();
      if (!here.empty()) here.pop_back();
      here.emplace_back(at.name());
    }
  }
  for (std::size_t at = into.body.find('{'); at != std::string::npos; at = into.body.find('{', at + 1)) {
    if (standing_alone.contains(at)) continue;
    return problem_at(line_in(node, at), "a placeholder must be the whole text of an element: " +
                                             quoted(std::string_view(into.body).substr(at, 20)));
  }
}

void TemplateReader::read_answer(const YAML::Node& node, const OperationRule& rule, OperationTemplate& into) {
  constexpr std::string_view kKeys[] = {"rows", "fields"};
  if (!keys_are(node, "answer", kKeys)) return;
  if (node["rows"]) into.rows = path(node["rows"], "rows");
  const YAML::Node fields = node["fields"];
  if (fields && keys_are(fields, "fields", rule.fields)) {
    for (const auto& entry : fields)
      into.fields[entry.first.as<std::string>("")] = path(entry.second, entry.first.as<std::string>(""));
  }
}

void TemplateReader::read_operation(const YAML::Node& node, const OperationRule& rule,
                                    OperationTemplate& into) {
  const std::string name(rule.name);
  constexpr std::string_view kKeys[] = {"path", "action", "body", "answer", "assumed"};
  if (!keys_are(node, name, kKeys)) return;
  if (node["path"]) {
    into.path = text(node["path"], "path");
    if (!into.path.starts_with('/'))
      problem(node["path"], "path: " + quoted(into.path) + " must begin with /");
  } else {
    problem(node, name + " needs 'path'");
  }
  if (node["action"]) into.action = text(node["action"], "action");
  if (node["body"]) {
    read_body(node["body"], rule, into);
  } else {
    problem(node, name + " needs 'body'");
  }
  if (node["answer"]) read_answer(node["answer"], rule, into);
  const std::string_view needed = rule.fields[0];
  if (!needed.empty() && !into.fields.contains(needed))
    problem(node, name + ": answer needs the field '" + std::string(needed) + "'");
}

SiteTemplate TemplateReader::read(const YAML::Node& root) {
  SiteTemplate site;
  constexpr std::string_view kKeys[] = {"version",    "name",   "assumed", "soap",
                                        "operations", "states", "results", "actions"};
  if (!keys_are(root, "template", kKeys)) return site;
  if (!root["version"] || text(root["version"], "version") != "1")
    problem(root["version"] ? root["version"] : root, "version must be 1");
  if (root["name"]) site.name_ = text(root["name"], "name");
  if (root["assumed"]) site.assumed_ = text(root["assumed"], "assumed");
  if (root["soap"]) {
    const std::string soap = text(root["soap"], "soap");
    site.soap12_ = soap == "1.2";
    if (soap != "1.1" && soap != "1.2")
      problem(root["soap"], "soap: " + quoted(soap) + " is neither 1.1 nor 1.2");
  }
  std::array<std::string_view, kOperations> names;
  for (std::size_t i = 0; i < kOperations; ++i) names[i] = kRules[i].name;
  const YAML::Node operations = root["operations"];
  if (!operations) {
    problem(root, "the key 'operations' is missing");
  } else if (keys_are(operations, "operations", names)) {
    for (std::size_t i = 0; i < kOperations; ++i) {
      const YAML::Node node = operations[std::string(names[i])];
      if (node) read_operation(node, kRules[i], site.operations_[i].emplace());
    }
  }
  const auto each = [&](const char* key, auto take) {
    const YAML::Node node = root[key];
    if (!node) return;
    if (!node.IsMap()) return problem(node, std::string(key) + " must be a mapping of keys to values");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string word = text(entry.first, key);
      if (!seen.insert(word).second)
        problem(entry.first, std::string(key) + ": " + quoted(word) + " is given twice");
      take(word, entry.second);
    }
  };
  each("states", [&](const std::string& word, const YAML::Node& node) {
    const std::string state = text(node, "state of " + word);
    const auto found = std::find(kStates.begin(), kStates.end(), state);
    if (found == kStates.end())
      return problem(node, "unknown state " + quoted(state) + nearest(kStates, state));
    site.states_[word] = static_cast<JobState>(found - kStates.begin());
  });
  each("results", [&](const std::string& word, const YAML::Node& node) {
    const std::string ending = text(node, "result of " + word);
    const auto found = std::find(kEndings.begin(), kEndings.end(), ending);
    if (found == kEndings.end())
      return problem(node, "unknown result " + quoted(ending) + nearest(kEndings, ending));
    site.endings_[word] = static_cast<Ending>(found - kEndings.begin());
  });
  each("actions", [&](const std::string& what, const YAML::Node& node) {
    site.actions_[what] = text(node, "action " + what);
  });
  if (site.operations_[static_cast<std::size_t>(Operation::JobStatus)] && site.states_.empty())
    problem(root, "job_status without 'states': no word of a status would mean anything");
  return site;
}

Result<SiteTemplate> SiteTemplate::parse(std::string_view yaml, const std::string& name_for_errors) {
  if (yaml.size() > kLongestTemplate)
    return permanent(name_for_errors + ":1: the template has more than " + std::to_string(kLongestTemplate) +
                     " bytes");
  TemplateReader reader(yaml, name_for_errors);
  try {
    SiteTemplate site = reader.read(YAML::Load(std::string(yaml)));
    if (!reader.problems().empty()) return permanent(reader.problems());
    return site;
  } catch (const YAML::Exception& error) {
    return permanent(name_for_errors + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

const OperationTemplate* SiteTemplate::find(Operation operation) const noexcept {
  const auto& one = operations_[static_cast<std::size_t>(operation)];
  return one ? &*one : nullptr;
}

JobState SiteTemplate::state_of(std::string_view word) const {
  const auto found = states_.find(word);
  return found == states_.end() ? JobState::Unknown : found->second;
}

Ending SiteTemplate::ending_of(std::string_view word) const {
  const auto found = endings_.find(word);
  return found == endings_.end() ? Ending::Unknown : found->second;
}

std::optional<std::string> SiteTemplate::action_word(std::string_view what) const {
  const auto found = actions_.find(what);
  if (found == actions_.end()) return std::nullopt;
  return found->second;
}

}  // namespace ami::uiq_job
