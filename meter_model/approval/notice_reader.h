// The parts of parse_notice. Only for the sources of this folder.
#pragma once

#include <yaml-cpp/yaml.h>

#include <array>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/approval/notice.h"
#include "meter_model/approval/yaml_fields.h"
#include "meter_model/quantity/reading_type_names.h"

namespace ami::approval {

// Clauses, questions, inferences and revisions are read first: all that follows is held against them.
class NoticeReader {
 public:
  explicit NoticeReader(const std::string& file) : problems_(file) {}

  Notice read(const YAML::Node& root);
  [[nodiscard]] const std::string& problems() const { return problems_.text(); }

 private:
  using Keys = std::initializer_list<std::string_view>;
  static constexpr std::array<std::string_view, 4> kBasisKeys = {"clauses", "revision", "questions",
                                                                 "inferences"};

  // A mapping that states a fact: its own keys and those of a basis.
  Fields fact(const YAML::Node& node, const std::string& what, Keys known) {
    return {problems_, node, what, known, kBasisKeys};
  }
  Basis basis(const Fields& fields, const YAML::Node& node, const std::string& what);
  std::optional<int> basis_revision(const Fields& fields, const Basis& basis);
  Basis basis_at(const Fields& parent, const char* key);

  void read_head(const Fields& root);
  void read_revisions(const Fields& root);
  void read_clauses(const Fields& root);
  void read_doubts(const Fields& root);
  void read_meter(const Fields& root);
  void read_models(const Fields& root);
  void read_quantities(const Fields& root);
  void read_modules(const Fields& root);
  void read_rest(const Fields& root);

  StatedFact stated(const Fields& parent, const char* key, const std::string& what);
  TextFact text_fact(const Fields& parent, const char* key, const std::string& what);
  Stated stated_word(const Fields& fields) {
    return fields.word("stated", stated_from, {"YES", "NOT_STATED", "NO"}, Stated::NotStated);
  }
  std::vector<Restriction> restrictions(const Fields& parent, const std::string& what);
  Condition condition(const YAML::Node& node, const std::string& what);
  Transmits transmits(const Fields& parent, const std::string& what);
  ModuleUnit module_unit(const Fields& parent, const std::string& what);
  QuantityMatch match(const Fields& fields);
  std::int32_t code(const Fields& fields, const char* key, const std::string& written,
                    std::span<const CodeName> names);
  Module module(const std::string& key, const YAML::Node& node);

  YamlProblems problems_;
  Notice notice_;
};

}  // namespace ami::approval
