// A network behind a MultiSpeak 3.0 head-end: reads, intervals and events by callbacks that nobody asked for,
// requests answered over the World, and, for families that have them, `~` files with the registers that
// callbacks lost.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "adapters/wire/multispeak/peer/head_end.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

// What a scenario may say of such a network; the rows that a family has are its own_keys.
namespace multispeak_keys {
inline constexpr OwnKey kListen{"listen", "127.0.0.1:0", "Address and port of the head-end's requests."};
inline constexpr OwnKey kCallback{
    "callback", "",
    "URL of the feed's callbacks, to which reports are posted. Empty: nothing is "
    "reported, and only requests are answered."};
inline constexpr OwnKey kRegistersEvery{
    "registers_every", "", "How often a report has the registers, as 1h or 1d; empty: each has."};
inline constexpr OwnKey kIntervals{"intervals", "true", "Whether the recorder's intervals are reported."};
inline constexpr OwnKey kFiles{
    "files", "", "Drop folder of `~` files with the registers that callbacks lost; empty: none."};
inline constexpr OwnKey kCatchUp{"catch_up", "6h", "How often such a file is written."};
}  // namespace multispeak_keys

// Another way than MultiSpeak on which a network's events are told.
class EventWay {
 public:
  virtual ~EventWay() = default;
  // Hands what these meters' events say to the courier; `now`: of the report.
  virtual void tell(std::span<const virtual_meter::Collected> meters, UtcInstant now) = 0;
  virtual sdk::Awaitable<void> stop() = 0;
  [[nodiscard]] virtual const std::string& trouble() const = 0;  // the last one; empty = none
};

struct MultiSpeakSide {
  multispeak::peer::HeadEndSettings head_end;  // as the family's peer has it
  bool last_gasp = true;  // its modules tell of an outage with their last energy; else silence is all
  bool has_intervals = true;
};

// events: where they go instead of the callbacks; null = to those. Errors: as NetworkKind::make.
Result<std::unique_ptr<FarSide>> make_multispeak_side(MultiSpeakSide of, const NetworkSetup& setup,
                                                      Surroundings around,
                                                      std::unique_ptr<EventWay> events = nullptr);

}  // namespace ami::fieldsim
