#include "meter_model/vee/marks.h"

#include <array>

namespace ami::vee {
namespace {

struct Row {
  std::uint8_t category;
  std::uint16_t index;
  Mark mark;
};
constexpr std::array kRows{
    Row{2, 32, Mark::PowerFail},   Row{4, 1, Mark::Overflow},      Row{4, 2, Mark::Partial},
    Row{4, 3, Mark::Long},         Row{4, 4, Mark::Skipped},       Row{4, 5, Mark::TestMode},
    Row{4, 9, Mark::ClockChanged}, Row{4, 64, Mark::ClockForward}, Row{4, 128, Mark::ClockBackward},
    Row{5, 256, Mark::Suspect},    Row{5, 257, Mark::Suspect},     Row{5, 258, Mark::Suspect},
};
constexpr std::uint8_t kEdited = 7, kEstimated = 8;

}  // namespace

Marks marks_of(const QualitySet& codes) {
  Marks marks;
  for (const QualityCode& code : codes) {
    if (code.category == kEdited) marks |= Mark::Edited;
    if (code.category == kEstimated) marks |= Mark::Estimated;
    for (const Row& row : kRows) {
      if (row.category == code.category && row.index == code.index) marks |= row.mark;
    }
  }
  return marks;
}

}  // namespace ami::vee
