#include "daemon/rpc/explain_messages.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "daemon/rpc/explain_past.h"
#include "daemon/rpc/reading_target.h"
#include "daemon/rpc/value_messages.h"
#include "meter_model/vee/check.h"

namespace ami::rpc {
namespace {

using validation::JudgedChannel;

std::string_view word_of(vee::Footing footing) {
  switch (footing) {
    case vee::Footing::Exact:
      return "EXACT";
    case vee::Footing::Derived:
      return "DERIVED";
    case vee::Footing::Assumed:
      return "ASSUMED";
  }
  return "";
}

v1::CheckResult::Verdict word_of(vee::Verdict verdict) {
  switch (verdict) {
    case vee::Verdict::Passed:
      return v1::CheckResult::PASSED;
    case vee::Verdict::Failed:
      return v1::CheckResult::FAILED;
    case vee::Verdict::NotJudged:
      return v1::CheckResult::NOT_JUDGED;
  }
  return v1::CheckResult::VERDICT_UNSPECIFIED;
}

void tell(const vee::Figures& figures, google::protobuf::RepeatedPtrField<v1::Figure>* out) {
  for (const vee::Figure& figure : figures) {
    v1::Figure& message = *out->Add();
    message.set_name(std::string(figure.name));
    message.set_value(figure.value.to_string());
    message.set_unit(std::string(figure.unit));
  }
}

void tell(const vee::Report& report, google::protobuf::RepeatedPtrField<v1::CheckResult>* out) {
  for (const vee::Judgement& judgement : report.judgements()) {
    const vee::CheckInfo& check = vee::info(judgement.check);
    v1::CheckResult& message = *out->Add();
    message.set_check(std::string(check.id));
    message.set_title(std::string(check.title));
    message.set_verdict(word_of(judgement.verdict));
    message.set_footing(std::string(word_of(check.footing)));
    tell(judgement.figures, message.mutable_figures());
    message.set_words(judgement.words);
  }
  // In order of the check, whatever order it took to judge them.
  std::stable_sort(out->begin(), out->end(),
                   [](const v1::CheckResult& a, const v1::CheckResult& b) { return a.check() < b.check(); });
}

void tell(const vee::Diagnosis& diagnosis, std::string_view unit, v1::Diagnosis& out) {
  out.set_identity(std::string(vee::name_of(diagnosis.identity)));
  out.set_by(diagnosis.by.to_string());
  out.set_unit(std::string(unit));
  for (const vee::LikelyCause& cause : diagnosis.causes) {
    v1::Diagnosis::Cause& message = *out.add_causes();
    message.set_cause(std::string(vee::name_of(cause.cause)));
    tell(cause.figures, message.mutable_figures());
    message.set_words(cause.words);
  }
}

// Findings of a channel (`day`), or of the meter (null).
void tell(const vee::Report& report, const std::vector<std::optional<vee::Diagnosis>>& diagnoses,
          const vee::ChannelDay* day, google::protobuf::RepeatedPtrField<v1::ExplainedFinding>* out) {
  const auto& findings = report.findings();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const vee::Finding& finding = findings[i];
    v1::ExplainedFinding& message = *out->Add();
    message.set_check(std::string(vee::info(finding.check).id));
    message.set_quality_code(finding.quality.to_string());
    message.set_advice(std::string(vee::name_of(finding.advice)));
    auto from = finding.from, to = finding.to;
    if (day != nullptr && finding.slots.count > 0) {
      from = day->start_of(finding.slots.first);
      to = day->end_of(finding.slots.first + finding.slots.count - 1);
      message.set_first_slot(static_cast<std::int32_t>(finding.slots.first));
      message.set_slots(static_cast<std::int32_t>(finding.slots.count));
    }
    if (from) *message.mutable_start() = to_proto(*from);
    if (to) *message.mutable_end() = to_proto(*to);
    tell(finding.figures, message.mutable_figures());
    message.set_words(finding.words);
    if (i < diagnoses.size() && diagnoses[i]) {
      const auto unit =
          std::ranges::find_if(finding.figures, [](const vee::Figure& f) { return !f.unit.empty(); });
      tell(*diagnoses[i], unit == finding.figures.end() ? std::string_view() : unit->unit,
           *message.mutable_diagnosis());
    }
  }
}

// What was received of one slot.
struct Received {
  Decimal value;
  bool hole = true;
  storage::QualityId quality = 0;
  storage::SourceId source = 0;
};

class DayTeller {
 public:
  DayTeller(const ExplainContext& context, SourceNumbers& sources, v1::ExplainedDay& out)
      : c_(context), facts_(context.facts), sources_(sources), out_(out) {
    if (c_.past == nullptr) {
      found_ = c_.judged.verdict.findings;
    } else {
      for (const storage::FindingRow& row : c_.past->findings) found_.push_back(row.finding);
    }
  }

  void run() {
    learn_intervals();
    tell_frame();
    if (c_.past == nullptr) {
      tell(c_.judged.meter_report, out_.mutable_checks());
      tell(c_.judged.meter_report, c_.judged.meter_diagnoses, nullptr, out_.mutable_findings());
    }
    std::set<storage::ChannelId> told;
    for (const JudgedChannel& channel : c_.judged.channels) {
      told.insert(channel.channel.id);
      if (wanted(channel.channel)) tell_channel(channel);
    }
    // What no check looked at is shown all the same.
    for (const auto& [id, channel] : facts_.dictionary.channels) {
      if (told.contains(id) || !wanted(channel)) continue;
      tell_unjudged(channel);
      const bool today = std::ranges::any_of(facts_.registers, [&, id = id](const storage::RegisterRow& row) {
        return row.channel == id && facts_.day.contains(row.at);
      });
      if (today) tell_registers(id, nullptr, head(channel, regime::Formed::Register));
    }
    if (c_.past != nullptr) {
      tell_past({*c_.past, facts_, c_.wanted,
                 [this](const storage::ChannelInfo& channel, bool of_intervals) -> v1::ExplainedChannel& {
                   return head(channel, of_intervals ? regime::Formed::Interval : regime::Formed::Register);
                 }},
                out_);
    }
    std::stable_sort(out_.mutable_channels()->begin(), out_.mutable_channels()->end(),
                     [](const v1::ExplainedChannel& a, const v1::ExplainedChannel& b) {
                       return std::pair(a.channel(), a.length_s()) < std::pair(b.channel(), b.length_s());
                     });
    tell_events();
  }

 private:
  [[nodiscard]] bool wanted(const storage::ChannelInfo& channel) const {
    return !c_.wanted || c_.wanted(channel);
  }

  void learn_intervals() {
    for (const storage::IntervalBlock& block : facts_.intervals) {
      std::vector<Received> slots(block.mantissas.size());
      for (std::size_t i = 0; i < slots.size(); ++i) {
        slots[i].hole = block.mantissas[i] == storage::IntervalBlock::kMissing;
        slots[i].value = {slots[i].hole ? 0 : block.mantissas[i], block.exponent};
      }
      std::size_t at = 0;
      for (const auto& run : block.qualities) {
        for (std::uint32_t i = 0; i < run.count && at < slots.size(); ++i) slots[at++].quality = run.quality;
      }
      at = 0;
      for (const auto& run : block.sources) {
        for (std::uint32_t i = 0; i < run.count && at < slots.size(); ++i) slots[at++].source = run.source;
      }
      for (std::size_t i = 0; i < slots.size(); ++i) {
        received_[{block.channel, block.length,
                   block.first_start + block.length * static_cast<std::int64_t>(i)}] = slots[i];
      }
    }
  }

  void tell_frame() {
    out_.set_meter(meter_name(c_.utility.key, facts_.meter_key));
    out_.set_day(text_of(facts_.of.date));
    out_.set_time_zone(facts_.zone);
    *out_.mutable_start() = to_proto(facts_.day.from);
    *out_.mutable_end() = to_proto(facts_.day.to);
    for (const storage::MeterStay& stay : facts_.stays) {
      if (stay.period.from >= facts_.day.to || stay.period.to <= facts_.day.from) continue;
      v1::ExplainedDay::Stay& message = *out_.add_stays();
      message.set_usage_point(c_.points.name(stay.usage_point));
      if (stay.period.from != UtcInstant::min()) *message.mutable_start() = to_proto(stay.period.from);
      if (stay.period.to != UtcInstant::max()) *message.mutable_end() = to_proto(stay.period.to);
      message.set_multiplier(stay.multiplier.to_string());
    }
    out_.set_feed(c_.judged.feed);
    if (c_.past == nullptr) {
      out_.set_profile(c_.judged.profile);
      out_.set_judged(c_.judged.verdict.judged);
      if (c_.judged.verdict.again_at) *out_.mutable_again_at() = to_proto(*c_.judged.verdict.again_at);
    }
    for (const vee::Span& outage : c_.judged.meter.outages) {
      const UtcInstant from = std::max(outage.from, facts_.day.from), to = std::min(outage.to, facts_.day.to);
      if (from >= to) continue;
      v1::ExplainedDay::Outage& message = *out_.add_outages();
      *message.mutable_start() = to_proto(from);
      *message.mutable_end() = to_proto(to);
    }
  }

  v1::ExplainedChannel& head(const storage::ChannelInfo& channel, regime::Formed formed) {
    v1::ExplainedChannel& message = *out_.add_channels();
    const Meaning meaning = meaning_of(channel.reading_type);
    message.set_channel(channel.key);
    message.set_quantity(meaning.quantity);
    message.set_tou(meaning.tou);
    message.set_reading_type(channel.reading_type);
    message.set_unit(channel.unit);
    message.set_origin(v1::ORIGIN_SOURCE_REGISTER);
    if (formed == regime::Formed::Interval) {
      message.set_origin(facts_.assets.details.empty()
                             ? v1::ORIGIN_UNSPECIFIED
                             : interval_origin(detail_at(facts_.assets.details, facts_.day.from).model));
    }
    for (const regime::StandingPiece& piece :
         c_.standings.pieces(facts_.of.meter, channel.reading_type, formed, facts_.day)) {
      v1::ExplainedChannel::Standing& standing = *message.add_standings();
      *standing.mutable_start() = to_proto(piece.period.from);
      *standing.mutable_end() = to_proto(piece.period.to);
      tell_standing(piece.standing, standing);
    }
    return message;
  }

  void tell_channel(const JudgedChannel& channel) {
    const bool intervals = channel.input.length > std::chrono::seconds::zero() &&
                           (!channel.input.values.empty() || !channel.input.odd.empty());
    v1::ExplainedChannel& message =
        head(channel.channel, intervals ? regime::Formed::Interval : regime::Formed::Register);
    if (intervals) tell_slots(channel, message);
    const bool paired = c_.past == nullptr && intervals && channel.paired;
    tell_registers(channel.channel.id, paired ? &*channel.paired : nullptr, message);
    if (c_.past != nullptr) return;
    tell(channel.report, message.mutable_checks());
    tell(channel.report, channel.diagnoses, &channel.input, message.mutable_findings());
    if (channel.paired) message.set_paired(channel.paired->key);
    message.set_pairing(channel.pairing);
    for (const std::string& assumed : channel.assumed) message.add_assumed(assumed);
  }

  // Intervals that begin in the day, one list a length.
  void tell_unjudged(const storage::ChannelInfo& channel) {
    v1::ExplainedChannel* message = nullptr;
    for (auto slot = received_.lower_bound({channel.id, std::chrono::seconds::min(), UtcInstant::min()});
         slot != received_.end() && std::get<0>(slot->first) == channel.id; ++slot) {
      const auto [id, length, start] = slot->first;
      if (!facts_.day.contains(start)) continue;
      if (message == nullptr || message->length_s() != length.count()) {
        message = &head(channel, regime::Formed::Interval);
        message->set_length_s(static_cast<std::int32_t>(length.count()));
      }
      v1::ExplainedSlot& out = *message->add_slots();
      *out.mutable_start() = to_proto(start);
      *out.mutable_end() = to_proto(start + length);
      tell_received(channel.id, length, start, out);
    }
  }

  void tell_slots(const JudgedChannel& channel, v1::ExplainedChannel& message) {
    const vee::ChannelDay& day = channel.input;
    message.set_length_s(static_cast<std::int32_t>(day.length.count()));
    for (std::size_t i = 0; i < day.values.size(); ++i) {
      v1::ExplainedSlot& slot = *message.add_slots();
      *slot.mutable_start() = to_proto(day.start_of(i));
      *slot.mutable_end() = to_proto(day.end_of(i));
      tell_received(channel.channel.id, day.length, day.start_of(i), slot);
      tell_found(channel.channel.id, day.length, day.start_of(i), slot);
    }
    for (const vee::OddInterval& odd : day.odd) {
      v1::ExplainedSlot& slot = *message.add_odd();
      *slot.mutable_start() = to_proto(odd.start);
      *slot.mutable_end() = to_proto(odd.end);
      slot.set_value(odd.value.to_string());
      tell_received(channel.channel.id, std::chrono::duration_cast<std::chrono::seconds>(odd.end - odd.start),
                    odd.start, slot);
    }
    if (c_.past == nullptr) tell_estimates(channel, message);
  }

  void tell_received(storage::ChannelId channel, std::chrono::seconds length, UtcInstant start,
                     v1::ExplainedSlot& slot) {
    const auto found = received_.find({channel, length, start});
    if (found != received_.end()) {
      if (!found->second.hole) slot.set_value(found->second.value.to_string());
      *slot.mutable_quality() = quality_of(found->second.quality);
      slot.set_source(sources_.of(found->second.source));
    }
    for (const storage::LostInterval& lost : facts_.lost) {
      if (lost.channel != channel || lost.length != length || lost.start != start) continue;
      v1::ExplainedSlot::OtherValue& other = *slot.add_others();
      other.set_value(lost.value.to_string());
      other.set_contradiction(lost.same_stamp);
    }
  }

  void tell_estimates(const JudgedChannel& channel, v1::ExplainedChannel& message) {
    const vee::ChannelDay& day = channel.input;
    const auto tell_range = [&](const vee::SlotRange& slots, auto& out) {
      *out.mutable_start() = to_proto(day.start_of(slots.first));
      *out.mutable_end() = to_proto(day.start_of(slots.first + slots.count));
    };
    for (const vee::Estimate& estimate : channel.estimation.estimates) {
      v1::ExplainedEstimate& out = *message.add_estimates();
      tell_range(estimate.slots, out);
      out.set_method(std::string(vee::name_of(estimate.method)));
      out.set_register_scaled(estimate.register_scaled);
      out.set_algorithm(std::string(vee::kEstimationAlgorithm));
      out.set_version(vee::kEstimationVersion);
      for (const vee::CitedInput& cited : estimate.inputs) {
        v1::ExplainedEstimate::Input& input = *out.add_inputs();
        input.set_kind(std::string(vee::name_of(cited.kind)));
        *input.mutable_time() = to_proto(cited.at);
      }
      for (std::size_t i = 0; i < estimate.values.size(); ++i) {
        const auto slot = static_cast<int>(estimate.slots.first + i);
        if (slot >= message.slots_size()) break;
        message.mutable_slots(slot)->set_estimate(Decimal{estimate.values[i], estimate.exponent}.to_string());
        message.mutable_slots(slot)->set_estimate_number(message.estimates_size());
      }
    }
    for (const vee::Unfilled& hole : channel.estimation.unfilled) {
      v1::ExplainedChannel::Unfilled& out = *message.add_unfilled();
      tell_range(hole.slots, out);
      out.set_why(std::string(hole.why));
    }
  }

  // Readings of the channel, or of the register that its intervals were compared with.
  void tell_registers(storage::ChannelId own, const storage::ChannelInfo* paired,
                      v1::ExplainedChannel& message) {
    std::vector<const storage::RegisterRow*> rows;
    for (const storage::RegisterRow& row : facts_.registers) {
      if (row.channel == own || (paired != nullptr && row.channel == paired->id)) rows.push_back(&row);
    }
    std::ranges::stable_sort(rows, {}, [](const storage::RegisterRow* row) { return row->at; });
    for (const storage::RegisterRow* row : rows) {
      v1::RegisterPoint& point = *message.add_registers();
      *point.mutable_time() = to_proto(row->at);
      point.set_value(row->value.to_string());
      point.set_channel(facts_.dictionary.channels.at(row->channel).key);
      *point.mutable_quality() = quality_of(row->quality);
      point.set_source(sources_.of(row->source));
      tell_found(row->channel, std::chrono::seconds::zero(), row->at, point);
    }
  }

  // What is stored of the judgement, which is what readers of the value are told. Length zero: of a reading.
  template <class Message>
  void tell_found(storage::ChannelId channel, std::chrono::seconds length, UtcInstant at, Message& message) {
    QualitySet codes;
    for (const storage::DayFinding& finding : found_) {
      if (finding.channel != channel || finding.length != length) continue;
      const bool covers = length == std::chrono::seconds::zero()
                              ? finding.period.from == at || finding.period.to == at
                              : finding.period.contains(at);
      if (covers) add(codes, finding.quality);
    }
    for (const QualityCode& code : codes) message.add_found(code.to_string());
  }

  void tell_events() {
    for (const storage::EventRow& event : facts_.events) {
      if (!facts_.day.contains(event.at)) continue;
      v1::ExplainedEvent& message = *out_.add_events();
      *message.mutable_time() = to_proto(event.at);
      message.set_kind(event.kind);
      message.set_code(event.code);
      message.set_source(sources_.of(event.source));
    }
  }

  [[nodiscard]] v1::Quality quality_of(storage::QualityId id) const {
    const auto found = facts_.dictionary.qualities.find(id);
    return to_proto(found == facts_.dictionary.qualities.end() ? ValueQuality{} : found->second);
  }

  const ExplainContext& c_;
  const storage::MeterDayFacts& facts_;
  SourceNumbers& sources_;
  v1::ExplainedDay& out_;
  std::vector<storage::DayFinding> found_;
  std::map<std::tuple<storage::ChannelId, std::chrono::seconds, UtcInstant>, Received> received_;
};

}  // namespace

int SourceNumbers::of(storage::SourceId id) {
  if (id == 0) return 0;
  return numbers_.try_emplace(id, static_cast<int>(numbers_.size()) + 1).first->second;
}

void tell_day(const ExplainContext& context, SourceNumbers& sources, v1::ExplainedDay& out) {
  DayTeller(context, sources, out).run();
}

void tell_source(const storage::Utility& utility, const storage::SourceInfo& source,
                 const storage::SourceStory& story, bool kept, int number, v1::RawReference& out) {
  out.set_number(number);
  out.set_source(source_name(utility.key, source.id));
  out.set_feed(source.feed);
  out.set_file(source.name);
  out.set_content_sha256(source.content_sha256);
  out.set_offset(static_cast<std::int64_t>(source.offset));
  out.set_length(static_cast<std::int64_t>(source.length));
  out.set_mapping_version(source.mapping_version);
  out.set_time_source(to_proto(source.time_source));
  *out.mutable_received_at() = to_proto(source.received_at);
  if (story.stored_at) *out.mutable_stored_at() = to_proto(*story.stored_at);
  out.set_kept(kept);
  out.set_cause(story.cause);
}

}  // namespace ami::rpc
