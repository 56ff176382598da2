#include "meter_model/quantity/quality.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "meter_model/quantity/quoted.h"

namespace ami {
namespace {

struct Meaning {
  std::uint8_t category;
  std::uint16_t index;
  std::string_view words;
};
constexpr Meaning kMeanings[] = {
    {0, 0, "data valid"},
    {0, 1, "validated"},
    {1, 0, "diagnostic flag"},
    {1, 1, "battery low"},
    {1, 3, "sensor failure"},
    {1, 4, "watchdog"},
    {1, 5, "parity error"},
    {1, 6, "CRC error"},
    {1, 7, "RAM checksum error"},
    {1, 8, "ROM checksum error"},
    {1, 9, "clock error"},
    {2, 1, "excessive outages"},
    {2, 3, "service disconnect switching"},
    {2, 32, "power fail"},
    {3, 0, "revenue protection"},
    {3, 1, "cover opened"},
    {3, 2, "logical disconnect"},
    {3, 4, "reverse rotation"},
    {4, 0, "alarm"},
    {4, 1, "register or interval overflow"},
    {4, 2, "partial interval"},
    {4, 3, "long interval"},
    {4, 4, "skipped interval"},
    {4, 5, "test data"},
    {4, 6, "configuration changed"},
    {4, 7, "not recording"},
    {4, 8, "reset occurred"},
    {4, 9, "clock changed"},
    {4, 10, "load control"},
    {4, 16, "daylight saving time in effect"},
    {4, 64, "clock set forward"},
    {4, 128, "clock set backward"},
    {4, 129, "failed probe"},
    {4, 131, "manual read"},
    {4, 259, "daylight saving time change"},
    {5, 256, "out of range"},
    {5, 257, "error code"},
    {5, 258, "suspect"},
    {5, 259, "known missing"},
    {6, 0, "failed validation"},
    {6, 1, "zero usage"},
    {6, 2, "usage while inactive"},
    {6, 3, "above the limit"},
    {6, 4, "below the limit"},
    {6, 5, "above the percentage limit"},
    {6, 6, "below the percentage limit"},
    {6, 9, "TOU sum check failed"},
    {7, 0, "edited"},
    {7, 1, "added"},
    {7, 3, "rejected"},
    {8, 0, "estimated"},
    {10, 0, "indeterminate"},
    {10, 1, "accepted"},
    {11, 0, "derived, deterministic"},
    {11, 1, "derived, inferred"},
    {12, 0, "projected"},
};

constexpr unsigned kLargestSystem = 5, kLargestCategory = 12, kLargestIndex = 65535;
constexpr std::uint16_t kFirstVendorIndex =
    1001;  // from here on a vendor's own: the index says nothing to us

}  // namespace

Result<QualityCode> QualityCode::parse(std::string_view text) {
  std::array<unsigned, 3> parts{};
  constexpr std::array<unsigned, 3> kLargest = {kLargestSystem, kLargestCategory, kLargestIndex};
  std::string_view rest = text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t dot = rest.find('.');
    const bool last = i + 1 == parts.size();
    const std::string_view piece = rest.substr(0, dot);
    const auto [end, problem] = std::from_chars(piece.data(), piece.data() + piece.size(), parts[i]);
    if (last != (dot == std::string_view::npos) || problem != std::errc{} ||
        end != piece.data() + piece.size()) {
      return permanent("quality code needs three numbers system.category.index: " + quoted(text));
    }
    if (parts[i] > kLargest[i]) {
      return permanent("quality code out of range (5.12.65535 at most): " + quoted(text));
    }
    rest.remove_prefix(last ? rest.size() : dot + 1);
  }
  return QualityCode{static_cast<std::uint8_t>(parts[0]), static_cast<std::uint8_t>(parts[1]),
                     static_cast<std::uint16_t>(parts[2])};
}

std::string QualityCode::to_string() const {
  return std::to_string(system) + '.' + std::to_string(category) + '.' + std::to_string(index);
}

std::string_view QualityCode::meaning() const {
  for (const Meaning& entry : kMeanings) {
    if (entry.category == category && entry.index == index) return entry.words;
  }
  return "";
}

void add(QualitySet& set, QualityCode code) {
  const auto place = std::lower_bound(set.begin(), set.end(), code);
  if (place == set.end() || *place != code) set.insert(place, code);
}

int green_button_quality(const QualitySet& set) {
  if (set.empty()) return 14;
  const auto has = [&](auto... categories) {
    return std::any_of(set.begin(), set.end(),
                       [&](QualityCode c) { return ((c.category == categories) || ...); });
  };
  // Least trustworthy first: a good word never hides a warning that stands beside it.
  if (has(8)) {
    const bool method_stated = std::any_of(set.begin(), set.end(), [](QualityCode c) {
      return c.category == 8 && c.index != 0 && c.index < kFirstVendorIndex;
    });
    return method_stated ? 8 : 16;
  }
  if (has(7)) return 7;
  if (has(5, 6, 10)) return 10;
  if (has(11)) return 11;
  if (has(12)) return 12;
  if (std::find(set.begin(), set.end(), QualityCode{2, 0, 1}) != set.end()) return 17;
  const bool only_valid = std::all_of(set.begin(), set.end(), [](QualityCode c) { return c.category == 0; });
  return only_valid ? 0 : 14;
}

}  // namespace ami
