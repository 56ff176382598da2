// Which reading type a vendor's unit, measure, commodity and label stand for, by a mapping's rules.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <tuple>

#include "meter_model/normaliser/mapping.h"
#include "meter_model/quantity/reading_type.h"

namespace ami {

struct ReadingTarget {
  ReadingType as_sent;       // with the scale of the vendor's unit
  std::string reading_type;  // canonical, multiplier 0
  std::string unit;          // symbol of the canonical unit
};

// Chooses and remembers. `mapping` must outlive it.
class TargetChooser {
 public:
  explicit TargetChooser(const Mapping& mapping) : mapping_(mapping) {}

  // The rule that fits; without one, `problem` and `detail` say why.
  struct Choice {
    std::size_t rule = 0;
    int tou = 0;
    const char* problem = nullptr;
    std::string detail;
    std::string unit{};  // of a rule that takes the unit for the reading type
  };
  [[nodiscard]] Choice choose(const SeriesObservation& observation) const;

  // What the rule means for this interval length and meter form. Null: `problem` is set.
  const ReadingTarget* target(const Choice& choice, std::chrono::seconds interval, const std::string& form,
                              const char*& problem);

 private:
  const Mapping& mapping_;
  std::map<std::tuple<std::size_t, int, std::int64_t, std::string, std::string>, ReadingTarget> known_;
};

// The template with its fields filled in: "{period}" and "{tou}".
std::string fill_template(std::string text, int period, int tou);
inline constexpr const char* kPeriodField = "{period}";
inline constexpr const char* kTouField = "{tou}";
inline constexpr const char* kUnitField = "{unit}";  // all of a template, or nothing of it
inline constexpr const char* kAnyUnit = "*";

}  // namespace ami
