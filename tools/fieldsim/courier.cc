#include "tools/fieldsim/courier.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <list>
#include <optional>
#include <utility>

namespace ami::fieldsim {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11U) * 0x1p-53;
}

milliseconds between(milliseconds least, milliseconds most, double where) {
  return least + milliseconds{static_cast<std::int64_t>(where * static_cast<double>((most - least).count()))};
}

}  // namespace

milliseconds draw(const Latency& latency, std::mt19937_64& random) {
  const double where = uniform(random), tail = uniform(random);
  return tail < latency.tail_share ? between(latency.most, std::max(latency.most, latency.tail_most), where)
                                   : between(latency.least, latency.most, where);
}

class Courier::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(CourierSetup with, sdk::Services services, SimulatedClock& clock, Ledger& ledger)
      : setup_(std::move(with)),
        executor_(services.executor),
        clock_(clock),
        ledger_(ledger),
        random_(setup_.seed),
        changed_(services.executor, asio::steady_timer::time_point::max()) {}

  Fate fate() {
    const UtcInstant now = clock_.now();
    const Misfortune* misfortune = &setup_.usual;
    for (const Spell& spell : setup_.spells) {
      if (now >= spell.from && now < spell.to) misfortune = &spell.misfortune;
    }
    // As many draws for each message whatever becomes of it: one message's bad luck is not the next one's.
    const double lost = uniform(random_), twice = uniform(random_), late = uniform(random_);
    Fate fate;
    fate.after = draw(setup_.latency, random_);
    fate.lost = lost < misfortune->lost;
    if (fate.lost) {
      fate.copies = 0;
      return fate;
    }
    if (twice < misfortune->duplicated) fate.copies = 2;
    if (late < misfortune->late) fate.late_by = misfortune->late_by;
    fate.after += fate.late_by;
    return fate;
  }

  void carry(Parcel parcel, const Fate& fate) {
    if (fate.lost || stopping_) {
      lose(parcel);
      return;
    }
    ++counts_.waiting;
    const auto place = under_way_.insert(under_way_.end(), std::make_shared<asio::cancellation_signal>());
    auto ended = [self = shared_from_this(), place](std::exception_ptr thrown) {
      self->under_way_.erase(place);
      self->tell_change();
      if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(executor_, bring(shared_from_this(), std::make_shared<Parcel>(std::move(parcel)), fate),
                   asio::bind_cancellation_slot((*place)->slot(), std::move(ended)));
  }

  static sdk::Awaitable<void> stop(std::shared_ptr<Core> self) {
    self->stopping_ = true;
    const auto under_way = self->under_way_;
    for (const auto& signal : under_way) signal->emit(asio::cancellation_type::terminal);
    while (!self->under_way_.empty()) co_await self->change();
  }

  sdk::Awaitable<void> room() {
    while (counts_.on_the_wire > 0) co_await change();  // nobody waits for a place while one is free
  }

  [[nodiscard]] Counts counts() const { return counts_; }
  [[nodiscard]] const std::deque<Told>& lately() const { return lately_; }
  [[nodiscard]] bool stopping() const { return stopping_; }

 private:
  static sdk::Awaitable<void> bring(std::shared_ptr<Core> self, std::shared_ptr<Parcel> parcel, Fate fate) {
    co_await asio::this_coro::throw_if_cancelled(false);  // what is under way says so itself
    bool go = !self->stopping_;
    if (go && fate.after.count() > 0) go = co_await self->clock_.wait(fate.after);
    const UtcInstant due = self->ledger_.wall();
    bool placed = false;
    if (go) placed = co_await self->place();
    --self->counts_.waiting;
    if (!placed || self->stopping_) {
      if (placed) self->give_back_place();
      self->lose(*parcel);
      co_return;
    }
    unsigned copies = 0, acknowledged = 0;
    // A copy that has begun is finished: only so is it known what became of it.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    for (; copies < fate.copies && (copies == 0 || !self->stopping_); ++copies) {
      const bool taken = co_await parcel->send();
      if (taken) ++acknowledged;
    }
    self->counts_.copies += copies;
    ++(acknowledged > 0 ? self->counts_.sent : self->counts_.unsure);
    self->tell(*parcel, acknowledged > 0 ? Delivered::Sent : Delivered::Unsure, copies, due);
    self->give_back_place();
    self->tell_change();
  }

  // One that waits for a place on the wire. Only the first is woken when one is free: a wave of thousands must not
  // wake all of them at the end of each message.
  struct Turn {
    explicit Turn(const asio::any_io_executor& executor) : woken(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer woken;  // only cancelled
    bool given = false;
  };

  // False: stopped meanwhile.
  sdk::Awaitable<bool> place() {
    if (stopping_) co_return false;
    if (counts_.on_the_wire < setup_.at_once) {
      ++counts_.on_the_wire;
      co_return true;
    }
    const auto turn = std::make_shared<Turn>(executor_);
    const auto in_line = turns_.insert(turns_.end(), turn);
    boost::system::error_code woken;
    co_await turn->woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!turn->given) turns_.erase(in_line);
    co_return turn->given;
  }

  void give_back_place() {
    if (stopping_ || turns_.empty()) {
      --counts_.on_the_wire;
      return;
    }
    const auto next = turns_.front();
    turns_.pop_front();
    next->given = true;
    next->woken.cancel();
  }

  void lose(const Parcel& parcel) {
    ++counts_.lost;
    tell(parcel, Delivered::Lost, 0, std::nullopt);
  }

  void tell(const Parcel& parcel, Delivered delivery, unsigned copies, std::optional<UtcInstant> due) {
    const UtcInstant now = clock_.now();
    ledger_.write(parcel.content, {delivery, copies, parcel.via, parcel.name, now, due});
    if (lately_.size() == kLately) lately_.pop_back();
    lately_.push_front(
        {parcel.name, std::string(parcel.via), delivery, copies, parcel.content.size(), now});
  }

  void tell_change() { changed_.cancel(); }
  sdk::Awaitable<void> change() {
    boost::system::error_code woken;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }

  const CourierSetup setup_;
  const asio::any_io_executor executor_;
  SimulatedClock& clock_;
  Ledger& ledger_;
  std::mt19937_64 random_;
  std::list<std::shared_ptr<asio::cancellation_signal>> under_way_;
  asio::steady_timer changed_;  // only cancelled
  std::list<std::shared_ptr<Turn>> turns_;  // have waited for their time, and wait for a place
  Counts counts_;
  std::deque<Told> lately_;
  bool stopping_ = false;
};

Courier::Courier(CourierSetup setup, sdk::Services services, SimulatedClock& clock, Ledger& ledger)
    : core_(std::make_shared<Core>(std::move(setup), services, clock, ledger)) {}
Courier::~Courier() = default;

Fate Courier::fate() {
  return core_->fate();
}
Fate Courier::carry(Parcel parcel) {
  Fate fate = core_->fate();
  core_->carry(std::move(parcel), fate);
  return fate;
}
void Courier::carry(Parcel parcel, Fate fate) {
  core_->carry(std::move(parcel), fate);
}
sdk::Awaitable<void> Courier::stop() {
  return Core::stop(core_);
}
sdk::Awaitable<void> Courier::room() {
  return core_->room();
}
Courier::Counts Courier::counts() const {
  return core_->counts();
}
const std::deque<Courier::Told>& Courier::lately() const {
  return core_->lately();
}
bool Courier::stopping() const {
  return core_->stopping();
}

}  // namespace ami::fieldsim
