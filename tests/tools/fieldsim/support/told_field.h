// What the ledger of a small field says, asked by word: for tests of what a scenario's key does.
#pragma once

#include <boost/json.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/time/instant.h"
#include "tests/tools/fieldsim/support/field_run.h"

namespace ami::fieldsim::testing {

class ToldField {
 public:
  using Line = boost::json::object;
  // Runs the scenario to its length, with folders "drop" and "other" below its base. Throws what is wrong with it.
  explicit ToldField(const std::string& yaml);

  [[nodiscard]] std::vector<Line> of(const std::string& kind) const;
  static std::string text(const Line& line, const char* key);  // "" = not there
  static UtcInstant instant(const Line& line, const char* key);

  // Over the lines of this kind that have the key.
  [[nodiscard]] std::set<std::string> words(const std::string& kind, const char* key) const;
  // Delivered registers in Wh, by meter and time.
  [[nodiscard]] std::map<std::string, std::map<UtcInstant, Decimal>> dials() const;
  // All interval values in Wh of one direction.
  [[nodiscard]] std::vector<Decimal> intervals(bool received = false) const;
  // From what a register states to when it was sent, ascending.
  [[nodiscard]] std::vector<std::chrono::microseconds> under_way() const;
  // Instants of events of that name.
  [[nodiscard]] std::multiset<UtcInstant> events(const std::string& name) const;
  [[nodiscard]] std::filesystem::path folder() const { return run_->folder; }
  [[nodiscard]] std::string file(const char* name) const;  // "" = not there

 private:
  std::unique_ptr<FieldRun> run_ = std::make_unique<FieldRun>();
  std::vector<Line> lines_;
};

}  // namespace ami::fieldsim::testing
