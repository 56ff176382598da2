#include "meter_model/normaliser/record_trouble.h"

#include <algorithm>
#include <utility>

namespace ami {
namespace {

constexpr std::size_t kNamedValues = 5;  // a detail names this many values, the raw record shows the rest
constexpr std::size_t kLongestDetail = 2000;

}  // namespace

RecordTrouble::Item& RecordTrouble::item(std::string_view reason) {
  const auto found = std::ranges::find(items_, reason, &Item::reason);
  return found != items_.end() ? *found : items_.emplace_back(Item{reason, 0, {}});
}

void RecordTrouble::record(const char* reason, std::string detail) {
  Item& mine = item(reason);
  mine.detail += mine.detail.empty() ? "" : "; ";
  mine.detail += detail;
}

void RecordTrouble::value(const char* reason, std::size_t index, std::string_view time,
                          std::string_view what) {
  Item& mine = item(reason);
  if (++mine.count > kNamedValues) return;
  mine.detail += mine.detail.empty() ? "value " : "; value ";
  mine.detail += std::to_string(index + 1);
  if (!time.empty()) mine.detail += " at " + std::string(time);
  if (!what.empty()) mine.detail += ": " + std::string(what);
}

void RecordTrouble::write(const ObservationHead& head, std::size_t of, std::size_t record_begin,
                          std::vector<Quarantined>& out) const {
  for (const Item& mine : items_) {
    std::string detail;
    if (mine.count > 0) detail = std::to_string(mine.count) + " of " + std::to_string(of) + " values: ";
    detail += mine.detail;
    if (mine.count > kNamedValues) detail += "; and more";
    const auto same = [&](const Quarantined& other) { return other.reason == mine.reason; };
    const auto found = std::find_if(out.begin() + static_cast<std::ptrdiff_t>(record_begin), out.end(), same);
    if (found != out.end()) {
      if (found->detail.size() < kLongestDetail) found->detail += " | " + detail;
      continue;
    }
    out.push_back({std::string(mine.reason), std::move(detail), std::string(head.meter),
                   std::string(head.raw), head.offset});
  }
}

}  // namespace ami
