// The parts of load_rule_book. Only for the sources of this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/settings.h"
#include "daemon/switching/rules/rule_book.h"

namespace ami::daemon::switching {

// The keys of one file and what they may say.
sdk::SettingsSchema rules_schema();
sdk::SettingsSchema sites_schema();
sdk::SettingsSchema jurisdiction_schema();

// Between settings and values, with each problem at its line.
class RuleBookReader {
 public:
  void rules(const sdk::Settings& root, RuleBook& book);
  void sites(const sdk::Settings& root, RuleBook& book);
  Jurisdiction jurisdiction(const sdk::Settings& root);

  std::vector<sdk::Problem> problems;

 private:
  void problem(const sdk::Settings& at, std::string_view key, const std::string& message);
  ReasonClasses classes(const sdk::Settings& at, std::string_view key);
  Binding binding(const sdk::Settings& at);
  void terms(const sdk::Settings& root, RuleBook& book);
  Gate gate(const sdk::Settings& at, const std::vector<LawSource>& sources);
  void season(const sdk::Settings& at, Gate& gate);
  void weekdays(const sdk::Settings& at, Gate& gate);
  void temperatures(const sdk::Settings& at, Gate& gate);
  std::optional<Decimal> degrees(const sdk::Settings& at, std::string_view key);
  std::optional<std::chrono::month_day> day_of_year(const sdk::Settings& at, std::string_view key);
};

}  // namespace ami::daemon::switching
