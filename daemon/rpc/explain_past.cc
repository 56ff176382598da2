#include "daemon/rpc/explain_past.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <string>

#include "daemon/rpc/convert.h"
#include "meter_model/vee/check.h"
#include "meter_model/vee/report.h"

namespace ami::rpc {
namespace {

constexpr const char* kNotTold[] = {
    "which checks were made, by which numbers, and what would have explained a mismatch: only what they "
    "found was "
    "kept",
    "whether the day had been judged by then: a hole without a finding may have been waited for",
    "which holes were left without an estimate, and why",
    "which register the intervals were compared with",
    "usage points, multipliers, the time zone, type approval and verification are those of now",
};

std::string id_of(std::int16_t check) {
  const auto all = vee::all_checks();
  const bool known = check >= 1 && static_cast<std::size_t>(check) <= all.size();
  return known ? std::string(all[static_cast<std::size_t>(check) - 1].id) : "V" + std::to_string(check);
}

UtcInstant instant_of(const google::protobuf::Timestamp& time) {
  return UtcInstant{std::chrono::seconds{time.seconds()} + std::chrono::microseconds{time.nanos() / 1000}};
}

// Of a number of intervals of the channel, or of its readings (length 0).
v1::ExplainedChannel& channel_of(const PastDay& past, storage::ChannelId id, std::chrono::seconds length,
                                 v1::ExplainedDay& out) {
  const storage::ChannelInfo& info = past.facts.dictionary.channels.at(id);
  v1::ExplainedChannel* other = nullptr;
  for (v1::ExplainedChannel& message : *out.mutable_channels()) {
    if (message.channel() != info.key) continue;
    if (message.length_s() == length.count()) return message;
    // Intervals of another length among the channel's own.
    const bool odd = std::ranges::any_of(message.odd(), [&](const v1::ExplainedSlot& slot) {
      return instant_of(slot.end()) - instant_of(slot.start()) == length;
    });
    if (odd) other = &message;
  }
  if (other != nullptr) return *other;
  v1::ExplainedChannel& fresh = past.add_channel(info, length.count() > 0);
  fresh.set_length_s(static_cast<std::int32_t>(length.count()));
  return fresh;
}

void tell(const storage::FindingRow& row, v1::ExplainedFinding& out) {
  const storage::DayFinding& finding = row.finding;
  out.set_check(id_of(finding.check));
  out.set_quality_code(finding.quality.to_string());
  out.set_advice(finding.advice.empty() ? std::string(vee::name_of(vee::Advice::Keep)) : finding.advice);
  if (finding.period.from != UtcInstant::min()) *out.mutable_start() = to_proto(finding.period.from);
  if (finding.period.to != UtcInstant::max()) *out.mutable_end() = to_proto(finding.period.to);
  out.set_words(finding.words);
}

void number_slots(const v1::ExplainedChannel& channel, const storage::Period& period,
                  v1::ExplainedFinding& out) {
  for (int i = 0; i < channel.slots_size(); ++i) {
    if (!period.contains(instant_of(channel.slots(i).start()))) continue;
    if (out.slots() == 0) out.set_first_slot(i);
    out.set_slots(out.slots() + 1);
  }
}

// {"register_scaled":true,"inputs":[{"kind":"ANCHOR","at":"2026-01-14T10:00:00Z"}]}; what reads otherwise was
// written by another release, and is left out.
void tell_inputs(const std::string& text, v1::ExplainedEstimate& out) {
  boost::json::error_code failed;
  const boost::json::value parsed = boost::json::parse(text, failed);
  const boost::json::object* const object = failed ? nullptr : parsed.if_object();
  if (object == nullptr) return;
  const boost::json::value* const scaled = object->if_contains("register_scaled");
  out.set_register_scaled(scaled != nullptr && scaled->is_bool() && scaled->get_bool());
  const boost::json::value* const inputs = object->if_contains("inputs");
  if (inputs == nullptr || !inputs->is_array()) return;
  for (const boost::json::value& one : inputs->get_array()) {
    const boost::json::object* const input = one.if_object();
    if (input == nullptr) continue;
    const boost::json::value* const kind = input->if_contains("kind");
    const boost::json::value* const at = input->if_contains("at");
    if (kind == nullptr || at == nullptr || !kind->is_string() || !at->is_string()) continue;
    const auto instant = parse_instant(std::string_view(at->get_string().data(), at->get_string().size()));
    if (!instant.ok()) continue;
    v1::ExplainedEstimate::Input& message = *out.add_inputs();
    message.set_kind(std::string(kind->get_string().data(), kind->get_string().size()));
    *message.mutable_time() = to_proto(*instant);
  }
}

void tell(const storage::DayEstimate& estimate, const storage::Period& day, v1::ExplainedChannel& channel) {
  v1::ExplainedEstimate& message = *channel.add_estimates();
  *message.mutable_start() = to_proto(estimate.first_start);
  *message.mutable_end() =
      to_proto(estimate.first_start + estimate.length * static_cast<std::int64_t>(estimate.mantissas.size()));
  message.set_method(estimate.method);
  message.set_algorithm(estimate.algorithm);
  message.set_version(estimate.version);
  tell_inputs(estimate.inputs, message);
  for (std::size_t i = 0; i < estimate.mantissas.size(); ++i) {
    const UtcInstant start = estimate.first_start + estimate.length * static_cast<std::int64_t>(i);
    if (!day.contains(start)) continue;
    const auto told = std::ranges::find_if(*channel.mutable_slots(), [&](const v1::ExplainedSlot& slot) {
      return instant_of(slot.start()) == start;
    });
    const bool known = told != channel.mutable_slots()->end();
    v1::ExplainedSlot& slot = known ? *told : *channel.add_slots();
    if (!known) {
      *slot.mutable_start() = to_proto(start);
      *slot.mutable_end() = to_proto(start + estimate.length);
    }
    if (!slot.value().empty()) continue;  // it had come, and the day had not been judged again
    slot.set_estimate(Decimal{estimate.mantissas[i], estimate.exponent}.to_string());
    slot.set_estimate_number(channel.estimates_size());
  }
}

}  // namespace

void tell_past(const PastDay& past, v1::ExplainedDay& out) {
  const auto& channels = past.facts.dictionary.channels;
  const auto wanted = [&](storage::ChannelId id) {
    const auto found = channels.find(id);
    return found != channels.end() && (!past.wanted || past.wanted(found->second));
  };
  for (const storage::DaySaid::Made& made : past.said.estimates) {
    if (!wanted(made.estimate.channel)) continue;
    tell(made.estimate, past.facts.day, channel_of(past, made.estimate.channel, made.estimate.length, out));
  }
  for (v1::ExplainedChannel& channel : *out.mutable_channels()) {
    std::ranges::stable_sort(*channel.mutable_slots(), {},
                             [](const v1::ExplainedSlot& slot) { return instant_of(slot.start()); });
  }
  for (const storage::FindingRow& row : past.said.findings) {
    if (row.date != past.facts.of.date) continue;  // of a neighbour: its code is at the values
    if (out.profile().empty()) out.set_profile(row.profile);
    const storage::DayFinding& finding = row.finding;
    if (finding.channel == 0) {
      tell(row, *out.add_findings());
    } else if (wanted(finding.channel)) {
      v1::ExplainedChannel& channel = channel_of(past, finding.channel, finding.length, out);
      v1::ExplainedFinding& message = *channel.add_findings();
      tell(row, message);
      if (finding.length.count() == channel.length_s()) number_slots(channel, finding.period, message);
    }
  }
  for (const char* text : kNotTold) out.add_not_told(text);
}

}  // namespace ami::rpc
