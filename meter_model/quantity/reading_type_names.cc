#include "meter_model/quantity/reading_type_names.h"

#include <optional>
#include <string>

#include "meter_model/quantity/reading_type.h"
#include "meter_model/quantity/unit.h"

namespace ami {
namespace {

constexpr CodeName kMacroPeriods[] = {
    {0, "none"},      {8, "billing period"}, {11, "daily"},           {13, "monthly"},
    {22, "seasonal"}, {24, "weekly"},        {32, "specified period"}};

constexpr CodeName kAggregates[] = {{0, "none"},
                                    {2, "average"},
                                    {4, "excess"},
                                    {5, "high threshold"},
                                    {7, "low threshold"},
                                    {8, "maximum"},
                                    {9, "minimum"},
                                    {11, "nominal"},
                                    {12, "normal"},
                                    {16, "second maximum"},
                                    {17, "second minimum"},
                                    {23, "third maximum"},
                                    {24, "fourth maximum"},
                                    {25, "fifth maximum"},
                                    {26, "sum"}};

struct Period {
  std::int32_t code;
  std::int64_t seconds;  // interval length, or length of the window; 0 = the code says none
  std::string_view name;
};
constexpr Period kPeriods[] = {
    {0, 0, "none"},
    {1, 600, "10 min"},
    {2, 900, "15 min"},
    {3, 60, "1 min"},
    {4, 86400, "24 h"},
    {5, 1800, "30 min"},
    {6, 300, "5 min"},
    {7, 3600, "60 min"},
    {10, 120, "2 min"},
    {14, 180, "3 min"},
    {15, 0, "present"},
    {16, 0, "previous"},
    {31, 1200, "20 min"},
    {50, 3600, "60 min block"},
    {51, 1800, "30 min block"},
    {52, 1200, "20 min block"},
    {53, 900, "15 min block"},
    {54, 600, "10 min block"},
    {55, 300, "5 min block"},
    {56, 60, "1 min block"},
    {57, 3600, "60 min rolling by 30"},
    {58, 3600, "60 min rolling by 20"},
    {59, 3600, "60 min rolling by 15"},
    {60, 3600, "60 min rolling by 12"},
    {61, 3600, "60 min rolling by 10"},
    {62, 3600, "60 min rolling by 6"},
    {63, 3600, "60 min rolling by 5"},
    {64, 3600, "60 min rolling by 4"},
    {65, 1800, "30 min rolling by 15"},
    {66, 1800, "30 min rolling by 10"},
    {67, 1800, "30 min rolling by 6"},
    {68, 1800, "30 min rolling by 5"},
    {69, 1800, "30 min rolling by 3"},
    {70, 1800, "30 min rolling by 2"},
    {71, 900, "15 min rolling by 5"},
    {72, 900, "15 min rolling by 3"},
    {73, 900, "15 min rolling by 1"},
    {74, 600, "10 min rolling by 5"},
    {75, 600, "10 min rolling by 2"},
    {76, 600, "10 min rolling by 1"},
    {77, 300, "5 min rolling by 1"},
    {78, 720, "12 min"},
    {79, 7200, "2 h"},
    {80, 14400, "4 h"},
    {81, 21600, "6 h"},
    {82, 43200, "12 h"},
    {83, 10800, "3 h"},
    {100, 0, "specified interval"},
    {101, 0, "specified block"},
    {102, 0, "specified rolling window"},
};
constexpr std::int32_t kFirstWindow = 50, kLastWindow = 77;  // demand windows; the rest are plain intervals

constexpr auto kPeriodNames = [] {
  std::array<CodeName, std::size(kPeriods)> names{};
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = {kPeriods[i].code, kPeriods[i].name};
  return names;
}();

constexpr CodeName kAccumulations[] = {{0, "none"},       {1, "bulk"},        {2, "continuous cumulative"},
                                       {3, "cumulative"}, {4, "delta"},       {6, "indicating"},
                                       {9, "summation"},  {10, "time delay"}, {12, "instantaneous"},
                                       {13, "latching"},  {14, "bounded"}};

constexpr CodeName kFlows[] = {
    {0, "none"},           {1, "delivered"},    {2, "lagging"},      {3, "leading"},      {4, "net"},
    {5, "quadrant 5"},     {7, "quadrant 7"},   {8, "quadrant 8"},   {9, "quadrant 9"},   {10, "quadrant 10"},
    {11, "quadrant 11"},   {12, "quadrant 12"}, {13, "quadrant 13"}, {14, "quadrant 14"}, {15, "quadrant 15"},
    {16, "quadrant 16"},   {17, "quadrant 17"}, {18, "quadrant 18"}, {19, "received"},    {20, "total"},
    {21, "total by phase"}};

// 14 only in modules reference 5.1.
constexpr CodeName kCommodities[] = {
    {0, "none"}, {1, "electricity"}, {2, "primary electricity"}, {3, "communication"},
    {7, "gas"},  {9, "water"},       {14, "non-potable water"}};

constexpr CodeName kKinds[] = {{0, "none"},
                               {4, "current"},
                               {8, "demand"},
                               {11, "energization"},
                               {12, "energy"},
                               {13, "load side energization"},
                               {15, "frequency"},
                               {37, "power"},
                               {38, "power factor"},
                               {43, "switch position"},
                               {46, "temperature"},
                               {54, "voltage"},
                               {58, "volume"},
                               {94, "battery voltage"},
                               {115, "signal strength"},
                               {119, "battery carryover"},
                               {122, "demand reset"},
                               {136, "power outage"},
                               {146, "switch armed"},
                               {147, "switch disabled"},
                               {148, "tamper"},
                               {155, "volumetric flow"}};

// 128, 129 and 224 only in modules reference 5.1.
constexpr CodeName kPhases[] = {{0, "none"},    {128, "A"},       {129, "A-N"},    {224, "ABC"},
                                {256, "S2"},    {272, "S2-N"},    {512, "S1"},     {528, "S1-N"},
                                {768, "S1-S2"}, {769, "S1,S2,N"}, {784, "S1,S2-N"}};

// 71, 73 and 130 only in modules reference 5.1 (130 also in metrology reference 4.2).
constexpr CodeName kUnits[] = {{0, "none"},
                               {5, "A"},
                               {23, "degC"},
                               {29, "V"},
                               {33, "Hz"},
                               {38, "W"},
                               {42, "m3"},
                               {61, "VA"},
                               {63, "var"},
                               {65, "PF"},
                               {71, "VAh"},
                               {72, "Wh"},
                               {73, "varh"},
                               {108, "timestamp"},
                               {109, "boolean"},
                               {111, "count"},
                               {114, "code"},
                               {115, "Wh/rev"},
                               {118, "event"},
                               {119, "ft3"},
                               {120, "ft3(compensated)"},
                               {128, "USgal"},
                               {130, "ImpGal"},
                               {134, "L"},
                               {166, "m3(uncompensated)"},
                               {167, "m3(compensated)"},
                               {169, "therm"}};

void append(std::string& out, std::string_view word) {
  if (word.empty()) return;
  if (!out.empty()) out += ", ";
  out += word;
}

std::string tou_name(std::int32_t tou) {
  if (tou == 0) return "";
  if (tou <= 26) return std::string("TOU ") + static_cast<char>('A' + tou - 1);
  return "TOU " + std::to_string(tou);
}

}  // namespace

std::span<const CodeName> macro_period_names() {
  return kMacroPeriods;
}
std::span<const CodeName> aggregate_names() {
  return kAggregates;
}
std::span<const CodeName> measuring_period_names() {
  return kPeriodNames;
}
std::span<const CodeName> accumulation_names() {
  return kAccumulations;
}
std::span<const CodeName> flow_direction_names() {
  return kFlows;
}
std::span<const CodeName> commodity_names() {
  return kCommodities;
}
std::span<const CodeName> measurement_kind_names() {
  return kKinds;
}
std::span<const CodeName> phase_names() {
  return kPhases;
}
std::span<const CodeName> unit_names() {
  return kUnits;
}

std::string_view name_of_code(std::span<const CodeName> names, std::int32_t code) {
  for (const CodeName& entry : names) {
    if (entry.code == code) return entry.name;
  }
  return "";
}

std::optional<int> measuring_period_code(std::int64_t seconds) {
  for (const Period& period : kPeriods) {
    const bool window = period.code >= kFirstWindow && period.code <= kLastWindow;
    if (!window && period.seconds == seconds && seconds > 0) return period.code;
  }
  return std::nullopt;
}

std::optional<std::int64_t> measuring_period_seconds(int code) {
  for (const Period& period : kPeriods) {
    if (period.code == code && period.seconds > 0) return period.seconds;
  }
  return std::nullopt;
}

std::string describe(const ReadingType& type) {
  using Part = ReadingType::Part;
  const auto word = [&](std::span<const CodeName> names, Part part) -> std::string {
    const std::int32_t code = type[part];
    if (code == 0) return "";
    const std::string_view name = name_of_code(names, code);
    return name.empty() ? "code " + std::to_string(code) : std::string(name);
  };
  const auto joined = [](std::string first, const std::string& second) {
    if (!first.empty() && !second.empty()) first += ' ';
    return first + second;
  };
  // Plain electricity goes without saying.
  std::string commodity = type[Part::Commodity] == 1 ? "" : word(kCommodities, Part::Commodity);
  std::string out = joined(joined(std::move(commodity), word(kKinds, Part::MeasurementKind)),
                           word(kFlows, Part::FlowDirection));
  append(out, joined(word(kPeriodNames, Part::MeasuringPeriod),
                     joined(word(kAggregates, Part::Aggregate), word(kAccumulations, Part::Accumulation))));
  append(out, word(kMacroPeriods, Part::MacroPeriod));
  append(out, tou_name(type[Part::Tou]));
  if (type[Part::Phases] != 0) append(out, "phase " + word(kPhases, Part::Phases));
  append(out, unit_symbol_scaled(type));
  return out.empty() ? "nothing said" : out;
}

}  // namespace ami
