// What the checks found. They only say; nothing here changes a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "meter_model/quantity/quality.h"
#include "meter_model/time/instant.h"
#include "meter_model/vee/check.h"

namespace ami::vee {

// A number that a check used. Names and units are literals, or the channel's unit, which outlives the report.
struct Figure {
  std::string_view name;  // "register difference"
  Decimal value;
  std::string_view unit;
};
using Figures = std::vector<Figure>;
const Decimal* figure(const Figures& figures, std::string_view name);  // null: none of that name

// What whoever uses the value should do. Values themselves stay as they are.
enum class Advice : std::uint8_t {
  Keep,                // the code is enough
  ExcludeFromBilling,  // test mode
  Unusable,            // the time is wrong by an interval or more
  RefuseToStamp,       // the collector's own clock is wrong
  Discard,             // and read the block again
  Quarantine,
  SafetyEvent,  // energy behind an open switch
};
std::string_view name_of(Advice advice);  // "SAFETY_EVENT"

struct SlotRange {
  std::size_t first = 0;
  std::size_t count = 0;  // 0: not about slots
  friend bool operator==(const SlotRange&, const SlotRange&) = default;
};

struct Finding {
  Check check{};
  QualityCode quality{};
  Advice advice = Advice::Keep;
  SlotRange slots{};
  std::optional<UtcInstant> from{}, to{};  // registers, odd intervals and events that it is about
  Figures figures{};                       // what was measured, "bound", "by" (how far beyond)
  std::string words{};                     // for a person
};

enum class Verdict : std::uint8_t { Passed, Failed, NotJudged };
std::string_view name_of(Verdict verdict);

// One look of one check, for whoever asks why.
struct Judgement {
  Check check{};
  Verdict verdict{};
  Figures figures;
  std::string words;  // why it was not judged, or what failed
};

class Report {
 public:
  enum class Detail : std::uint8_t { Findings, EveryJudgement };
  explicit Report(Detail detail = Detail::Findings) : detail_(detail) {}

  void found(Finding finding);
  // The next two keep nothing unless every judgement is asked for: ask explains() before building figures.
  void passed(Check check, Figures figures = {});
  void not_judged(Check check, std::string_view why);
  [[nodiscard]] bool explains() const { return detail_ == Detail::EveryJudgement; }

  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  [[nodiscard]] const std::vector<Judgement>& judgements() const { return judgements_; }
  [[nodiscard]] bool found_by(Check check) const;
  void clear();  // keeps its memory

 private:
  Detail detail_;
  std::vector<Finding> findings_;
  std::vector<Judgement> judgements_;
};

// The codes that findings give to one slot.
QualitySet codes_of_slot(const std::vector<Finding>& findings, std::size_t slot);

}  // namespace ami::vee
