#include "tools/fieldsim/multispeak/requests.h"

#include <algorithm>
#include <utility>

namespace ami::fieldsim {
namespace {

using multispeak::MeterRead;
using multispeak::Operation;
using multispeak::peer::Entry;
using virtual_meter::SwitchInput;
using virtual_meter::SwitchState;

constexpr std::string_view kBy = "multispeak";

std::string_view word(const Operation operation, std::string_view action) {
  switch (operation) {
    case Operation::InitiateMeterRead:
      return "read";
    case Operation::InitiateOutageDetection:
      return "ping";
    case Operation::InitiateDemandReset:
      return "demand_reset";
    case Operation::InitiateCdStateRequest:
      return "switch_state";
    case Operation::InitiateConnectDisconnect:
      if (action == "Disconnect" || action == "Open") return "open";
      if (action == "Connect" || action == "Close") return "close";
      if (action == "Arm") return "arm";
      return action;
    case Operation::GetReadingsByDate:
      return "backfill";
    default:
      return name_of(operation, multispeak::Version::V30);
  }
}

bool told_later(Operation operation) {
  return operation == Operation::InitiateMeterRead || operation == Operation::InitiateOutageDetection ||
         operation == Operation::InitiateDemandReset || operation == Operation::InitiateCdStateRequest ||
         operation == Operation::InitiateConnectDisconnect;
}

std::optional<SwitchInput> input_of(std::string_view command) {
  if (command == "open") return SwitchInput::Disconnect;
  if (command == "close") return SwitchInput::Connect;
  if (command == "arm") return SwitchInput::Arm;
  return std::nullopt;
}

}  // namespace

void MultiSpeakRequests::serve(multispeak::peer::HeadEnd& head_end) {
  head_end_ = &head_end;
}

void MultiSpeakRequests::know_all() {
  for (MeterIndex i = 0; i < around_.world.size(); ++i) {
    multispeak::MeterRecord record;
    record.meter.number = around_.world.name(i);
    draw_next(record.meter.number);
    head_end_->know(std::move(record));
  }
}

void MultiSpeakRequests::draw_next(const std::string& meter) {
  const Fate fate = around_.courier.fate();
  const bool was_unlucky = unlucky_.erase(meter) > 0;
  if (fate.plain() && !was_unlucky) return;
  multispeak::peer::Orders orders;
  orders.lose = fate.lost;
  orders.copies = std::max(1U, fate.copies);
  if (fate.late_by.count() > 0) orders.late_by = fate.late_by;
  head_end_->order(meter, std::move(orders));
  if (!fate.plain()) unlucky_[meter] = fate;
}

std::optional<MeterIndex> MultiSpeakRequests::answering(const std::string& meter) const {
  const auto found = around_.world.find(meter);
  if (!found) return std::nullopt;
  return around_.world.answering_for(*found);
}

const MultiSpeakRequests::Request* MultiSpeakRequests::waiting(const std::string& meter,
                                                               Operation operation) {
  settle();
  const auto found = waiting_.find(meter);
  if (found == waiting_.end()) return nullptr;
  const auto request = std::ranges::find(found->second, operation, &Request::operation);
  return request == found->second.end() ? nullptr : &*request;
}

std::optional<MultiSpeakRequests::Request> MultiSpeakRequests::take_waiting(const Entry& entry) {
  const auto found = waiting_.find(entry.meter);
  if (found == waiting_.end()) return std::nullopt;
  const auto request = std::ranges::find(found->second, entry.transaction, &Request::transaction);
  if (request == found->second.end()) return std::nullopt;
  Request taken = std::move(*request);
  found->second.erase(request);
  if (found->second.empty()) waiting_.erase(found);
  return taken;
}

void MultiSpeakRequests::step(const Entry& entry, const Request& request, std::string_view step,
                              std::string_view result) {
  around_.ledger.command({around_.world.network(),
                          entry.meter,
                          step,
                          word(request.operation, request.action),
                          entry.transaction,
                          kBy,
                          result,
                          {},
                          entry.at});
}

void MultiSpeakRequests::settle() {
  // The Field's own calls come while the head-end carries something out, so it may grow meanwhile: a copy.
  const std::vector<Entry> entries = head_end_->ledger();
  head_end_->clear_ledger();
  for (const Entry& entry : entries) note(entry);
}

void MultiSpeakRequests::note(const Entry& entry) {
  using What = Entry::What;
  switch (entry.what) {
    case What::Received: {
      if (entry.operation == Operation::PingUrl || entry.operation == Operation::GetMethods) return;  // asks no meter
      ++received_;
      const auto unlucky = unlucky_.find(entry.meter);
      Request request{entry.operation, entry.transaction, entry.words,
                      unlucky == unlucky_.end() ? 1U : std::max(1U, unlucky->second.copies)};
      step(entry, request, "received");
      if (!told_later(entry.operation)) return;
      waiting_[entry.meter].push_back(std::move(request));
      draw_next(entry.meter);
      return;
    }
    case What::Rejected:
    case What::Expired: {
      const auto request = take_waiting(entry);
      told_.erase({entry.transaction, entry.meter});
      step(entry, request.value_or(Request{entry.operation, entry.transaction, {}, 1}),
           entry.what == What::Rejected ? "rejected" : "expired", entry.words);
      return;
    }
    case What::Executed: {
      const auto request = take_waiting(entry);
      if (!request) return;
      // Reads, orders and resets are written where they were done; these two only looked.
      if (entry.operation == Operation::InitiateOutageDetection ||
          entry.operation == Operation::InitiateCdStateRequest)
        step(entry, *request, "executed", "done");
      told_.try_emplace({entry.transaction, entry.meter}, Told{*request, Content(around_.world.network())});
      return;
    }
    case What::Sent:
    case What::NotTaken:
    case What::Lost:
      settle_told(entry);
      return;
  }
}

void MultiSpeakRequests::settle_told(const Entry& entry) {
  const auto found = told_.find({entry.transaction, entry.meter});
  if (found == told_.end()) return;  // nobody asked for it: the courier's
  Told& told = found->second;
  Sending sending{Delivered::Sent, 1, "callback", entry.transaction, entry.at};
  std::string_view said = "told";
  if (entry.what == Entry::What::NotTaken) {
    sending.delivery = Delivered::Unsure;
    said = "not_told";
  } else if (entry.what == Entry::What::Lost) {
    sending.delivery = Delivered::Lost;
    sending.copies = told.request.copies = 0;
    said = "lost";
  }
  step(entry, told.request, said, entry.words);
  around_.ledger.write(told.content, sending);
  if (told.request.copies <= 1) {
    told_.erase(found);
  } else {
    --told.request.copies;
  }
}

void MultiSpeakRequests::answer(const Content& content) {
  around_.ledger.write(content, {Delivered::Unsure, 1, "answer", {}, around_.clock.now()});
}

std::optional<MeterRead> MultiSpeakRequests::read(const std::string& meter) {
  const Request* request = waiting(meter, Operation::InitiateMeterRead);
  const std::string transaction = request != nullptr ? request->transaction : std::string();
  const auto one = answering(meter);
  const auto reading = one ? around_.world.read_now(*one, transaction, kBy) : std::nullopt;
  if (!reading) return std::nullopt;
  Content content(around_.world.network());
  MeterRead told = tell_(meter, *reading, content);
  if (request != nullptr) {
    told_.insert_or_assign({transaction, meter}, Told{*request, std::move(content)});
  } else {
    answer(content);
  }
  return told;
}

std::vector<MeterRead> MultiSpeakRequests::recorded(const std::string& meter, UtcInstant from,
                                                    UtcInstant to) {
  std::vector<MeterRead> reads;
  const auto found = around_.world.find(meter);
  if (!found) return reads;
  Content content(around_.world.network());
  for (const virtual_meter::Reading& reading : around_.world.recorded(*found, from, to).readings)
    reads.push_back(tell_(meter, reading, content));
  answer(content);
  return reads;
}

multispeak::peer::Power MultiSpeakRequests::power(const std::string& meter) {
  using multispeak::peer::Power;
  settle();
  const auto found = answering(meter);
  if (found && around_.world.powered(*found)) return Power::On;
  return last_gasp_ && found ? Power::Off : Power::Silent;
}

multispeak::peer::Switched MultiSpeakRequests::act(const std::string& meter, const std::string& load_action) {
  const Request* request = waiting(meter, Operation::InitiateConnectDisconnect);
  const auto input = input_of(word(Operation::InitiateConnectDisconnect, load_action));
  if (!input) return {"", "loadActionCode is not known"};
  const auto found = answering(meter);
  if (!found) return {"", "no response from meter"};
  const Effect effect =
      around_.world.act(*found, *input, request != nullptr ? request->transaction : std::string(), kBy);
  if (effect.result == "no_power") return {"", "no response from meter"};
  if (effect.result == "no_switch") return {"", "the meter has no switch"};
  if (!effect.ok()) return {"", "the switch did not move"};
  const SwitchState state = effect.state.value_or(SwitchState::Closed);
  return {is_armed(state) ? "Arm" : is_open(state) ? "Disconnect" : "Connect", ""};
}

bool MultiSpeakRequests::reset(const std::string& meter) {
  const Request* request = waiting(meter, Operation::InitiateDemandReset);
  const auto found = answering(meter);
  return found &&
         around_.world.demand_reset(*found, request != nullptr ? request->transaction : std::string(), kBy)
             .ok();
}

std::string MultiSpeakRequests::position(const std::string& meter) {
  const auto found = answering(meter);
  const auto state =
      found && around_.world.powered(*found) ? around_.world.switch_state(*found) : std::nullopt;
  if (!state) return "Unknown";
  return is_armed(*state) ? "Armed" : is_open(*state) ? "Open" : "Closed";
}

}  // namespace ami::fieldsim
