#include "tools/fieldsim/networks/securemesh/mesh_field.h"

#include <array>
#include <optional>

#include "tools/fieldsim/networks/securemesh/messages.h"

namespace ami::fieldsim::securemesh {
namespace {

using cim::peer::Entry;
using cim::peer::Switched;
using virtual_meter::Collected;
using virtual_meter::EventKind;
using virtual_meter::SwitchInput;
using virtual_meter::SwitchState;

constexpr std::string_view kBy = "CIM request";

struct ControlCode {
  std::string_view code;  // EndDeviceControlType of public examples; none is confirmed by the vendor
  std::string_view command;
  SwitchInput input;
};
constexpr std::array kControls{ControlCode{"3.31.0.23", "open", SwitchInput::Disconnect},
                               ControlCode{"3.31.0.18", "close", SwitchInput::Connect},
                               ControlCode{"3.31.0.5", "arm", SwitchInput::Arm},
                               ControlCode{"3.31.0.8", "cancel", SwitchInput::Cancel}};

EventKind event_of(SwitchState state) {
  if (!virtual_meter::is_open(state)) return EventKind::SwitchClosed;
  return virtual_meter::is_armed(state) ? EventKind::SwitchArmed : EventKind::SwitchOpened;
}

}  // namespace

// The head-end notes that it asks the field just before it does.
std::string MeshField::transaction_of(const std::string& meter) const {
  const auto& entries = head_end_->ledger();
  for (auto at = entries.rbegin(); at != entries.rend(); ++at)
    if (at->what == Entry::What::Executed && at->meter == meter) return at->transaction;
  return {};
}

MeshField::Pending& MeshField::pending(const std::string& transaction, const std::string& meter,
                                       std::string_view command) {
  return pending_
      .insert_or_assign(Key(transaction, meter), Pending{std::string(command), Content(network_), false})
      .first->second;
}

std::optional<cim::MeterReading> MeshField::stated(const Collected& collected, Pending& of) {
  auto said = state(collected, of.content);
  if (said) return std::move(*said);
  trouble_ = said.error().message;
  return std::nullopt;
}

std::optional<cim::MeterReading> MeshField::read(const std::string& meter) {
  const std::string transaction = transaction_of(meter);
  Pending& of = pending(transaction, meter, "read");
  const auto index = around_.world.find(meter);
  const auto reading =
      index ? around_.world.read_now(around_.world.answering_for(*index), transaction, kBy) : std::nullopt;
  if (!reading) return std::nullopt;
  Collected collected;
  collected.meter = meter;
  collected.ke_wh = reading->identity.ke_wh;
  collected.readings = {*reading};
  return stated(collected, of);
}

std::optional<cim::MeterReading> MeshField::recorded(const std::string& meter, UtcInstant from, UtcInstant to) {
  const std::string transaction = transaction_of(meter);
  Pending& of = pending(transaction, meter, "backfill");
  const auto index = around_.world.find(meter);
  Collected collected;
  if (index) collected = around_.world.recorded(*index, from, to);
  const bool answers = !collected.readings.empty() || !collected.intervals.empty();
  around_.ledger.command({network_, meter, "executed", "backfill", transaction, kBy,
                          answers ? "done" : "no_answer", {}, around_.services.clock.now()});
  if (!answers) return std::nullopt;
  // The head-end's records: what the registers showed then is not among them.
  collected.readings.clear();
  return stated(collected, of);
}

Switched MeshField::act(const std::string& meter, const std::string& control) {
  const std::string transaction = transaction_of(meter);
  const ControlCode* asked = nullptr;
  for (const ControlCode& one : kControls)
    if (one.code == control) asked = &one;
  Pending& of = pending(transaction, meter, asked == nullptr ? std::string_view(control) : asked->command);
  if (asked == nullptr) return {{}, "no such control"};
  const auto index = around_.world.find(meter);
  if (!index) return {{}, "no answer from the meter"};
  const Effect effect = around_.world.act(around_.world.answering_for(*index), asked->input, transaction, kBy);
  if (!effect.ok() || !effect.state) return {{}, std::string(effect.result)};
  const EventKind kind = event_of(*effect.state);
  // The head-end states the moment of its message, which is this one but for the time between two lines: counted.
  of.content.add(Content::Event{meter, virtual_meter::code_of(kind), virtual_meter::name_of(kind),
                                around_.services.clock.now(), virtual_meter::code_of(kind)});
  return {std::string(virtual_meter::code_of(kind)), {}};
}

void MeshField::step(const Entry& entry, std::string_view step, std::string_view command) {
  const auto found = pending_.find(Key(entry.transaction, entry.meter));
  around_.ledger.command({network_, entry.meter, step,
                          found == pending_.end() ? command : std::string_view(found->second.command),
                          entry.transaction, kBy, entry.words, {}, entry.at});
}

void MeshField::write(const Entry& entry, Delivered delivered, std::string_view via) {
  const auto found = pending_.find(Key(entry.transaction, entry.meter));
  if (found == pending_.end()) return;
  around_.ledger.write(found->second.content,
                       {delivered, delivered == Delivered::Lost ? 0U : 1U, via, entry.transaction, entry.at});
}

void MeshField::settle() {
  if (head_end_ == nullptr) return;
  for (const Entry& entry : head_end_->ledger()) {
    const Key key(entry.transaction, entry.meter);
    switch (entry.what) {
      case Entry::What::Received:
        ++requests_;
        step(entry, "received", entry.words == "get" ? "read" : entry.words);
        break;
      case Entry::What::Refused:
        step(entry, "rejected", "request");
        break;
      case Entry::What::Executed:
        break;  // the World wrote it
      case Entry::What::Sent:
        step(entry, "told", "request");
        write(entry, Delivered::Sent, "callback");
        if (const auto of = pending_.find(key); of != pending_.end()) of->second.told = true;
        break;
      case Entry::What::NotTaken:
        trouble_ = entry.words;
        step(entry, "not_told", "request");
        write(entry, Delivered::Unsure, "callback");
        pending_.erase(key);
        break;
      case Entry::What::Lost:
        step(entry, "lost", "request");
        write(entry, Delivered::Lost, "callback");
        pending_.erase(key);
        break;
    }
  }
  if (head_end_->under_way() == 0) {
    // What was not told stood in an immediate reply, and nobody knows whether that arrived.
    for (const auto& [key, of] : pending_) {
      if (!of.told)
        around_.ledger.write(of.content,
                             {Delivered::Unsure, 1, "answer", key.first, around_.services.clock.now()});
    }
    pending_.clear();
  }
  head_end_->clear_ledger();
}

}  // namespace ami::fieldsim::securemesh
