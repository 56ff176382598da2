// What shows that a switch did what it was told, ranked, and what shows the contrary. Pure.
//
// E0  acknowledged only: the far side says so
// E1  an asynchronous report of the position with the device's own time
// E2  the register stands still over a window of at least 2 x resolution / minimum load
// E3  the next intervals are zero, over such a window of their own resolution
// E4  position and load-side voltage, read at the meter
// Of a CLOSE, E2 and E3 are that energy flows; of an ARM there are none: an armed switch is open.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/sdk/command.h"
#include "meter_model/quantity/decimal.h"
#include "meter_model/time/instant.h"
#include "storage/contract/switching.h"

namespace ami::daemon::switching {

using sdk::SwitchPosition;
using storage::SwitchAction;

inline constexpr int kNoEvidence = -1, kAcknowledged = 0, kReported = 1, kRegister = 2, kIntervals = 3,
                     kMeasured = 4;
inline constexpr int kHighestLevel = 4;
std::string_view words_of_level(int level);  // "E1 reported with the device's time"; "no evidence"

enum class LoadSideVoltage : std::uint8_t { NotRead, Absent, Present, Unreadable };
std::string_view name_of(LoadSideVoltage voltage);  // "NOT_READ", …

// What a site's meters and adapters can show.
struct EvidenceMeans {
  bool acknowledges = true;
  bool reports_device_time = false;              // its asynchronous report carries the device's time
  std::optional<Decimal> register_step_kwh;      // resolution of the register that is read; absent = none is
  Decimal minimum_load_w{100, 0};                // assumed: what an occupied premises draws at least
  std::optional<std::chrono::seconds> interval;  // of the load profile that arrives; absent = none does
  Decimal interval_step_kwh{1, -3};
  bool reads_position_and_voltage = false;
};

// How long a register must stand still, or intervals be zero, to mean something: 2 x step / minimum load, whole
// seconds, rounded up.
// nullopt: step or load is not above zero, or the window is beyond a year.
std::optional<std::chrono::seconds> still_window(const Decimal& step_kwh, const Decimal& minimum_load_w);
// "20 h (2 x 1 kWh at 100 W)"; says what is wrong where there is no window.
std::string still_window_words(const Decimal& step_kwh, const Decimal& minimum_load_w);

struct Attainable {
  int level = kNoEvidence;
  std::vector<std::string> words;  // a line a level, attainable or why not
};
Attainable attainable(SwitchAction action, const EvidenceMeans& means);

// One thing that was learnt. Instants of the device where it has a clock, else of receipt.
struct Acknowledgement {};  // the far side says done
// A report or callback of the position.
struct PositionReport {
  SwitchPosition position = SwitchPosition::Unknown;
  std::optional<UtcInstant> at;  // the device's own; absent = nobody said
};
// A far side's answer to "what state is it in", out of its books.
struct SynchronousState {
  SwitchPosition position = SwitchPosition::Unknown;
};
struct RegisterPair {
  Decimal first_kwh, second_kwh;
  UtcInstant first_at{}, second_at{};
};
struct IntervalRun {
  UtcInstant start{};                              // of the first
  std::chrono::seconds length{900};                // of each
  std::vector<std::optional<Decimal>> values_kwh;  // nullopt = missing, which is not zero
  Decimal carried_kwh{0, 0};                       // energy of its channel since then, in runs before this one
};
struct PositionRead {
  SwitchPosition position = SwitchPosition::Unknown;
  LoadSideVoltage voltage = LoadSideVoltage::NotRead;
  UtcInstant at{};
};
using EvidenceItem =
    std::variant<Acknowledgement, PositionReport, SynchronousState, RegisterPair, IntervalRun, PositionRead>;

struct Judged {
  enum class Says : std::uint8_t { Nothing, For, Against };
  Says says = Says::Nothing;
  int level = kNoEvidence;  // of For
  bool energy = false;      // of Against: energy flowed through a switch that was to be open
  std::string words;
};

// `since`: from when on the meter must be in the position, by the device's clock: when the far side said that
// it is done, or the end of the flight of one that it never answered. Reports are taken from `sent_at` on.
struct EvidenceFrame {
  SwitchAction action = SwitchAction::Open;
  UtcInstant sent_at{}, since{};
  std::chrono::seconds clock_tolerance{60};  // of the device's clock against ours
  std::optional<UtcInstant> before_until{};  // reports of before are of the meter's operation before; absent = none
};
Judged judge(const EvidenceFrame& frame, const EvidenceMeans& means, const EvidenceItem& item);

SwitchPosition wanted_position(SwitchAction action);

}  // namespace ami::daemon::switching
