// What stays the same from value to value of one record: its meter, its channel, its quality. Each is looked
// up again only when it changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meter_model/normaliser/batch_writer.h"
#include "meter_model/normaliser/normaliser.h"
#include "meter_model/normaliser/reading_target.h"

namespace ami {

// The answer of a resolver for one vendor's id, asked again only when an instant falls outside its bounds.
class MeterOfRecord {
 public:
  MeterOfRecord(const MeterResolver& resolve, const ObservationHead& head) : resolve_(resolve), head_(head) {}

  const ResolvedMeter* at(UtcInstant instant) {
    if (known_ && known_->from <= instant && instant < known_->to) return &*known_;
    known_ = resolve_(head_.meter_kind, head_.meter, instant);
    return known_ ? &*known_ : nullptr;
  }

  // The one meter that has the id during all of [start, end). Null: `problem` is set.
  const ResolvedMeter* during(UtcInstant start, UtcInstant end, const char*& problem) {
    const ResolvedMeter* meter = at(start);
    if (meter == nullptr) {
      const bool assigned_later = at(end - std::chrono::microseconds{1}) != nullptr;
      problem = assigned_later ? "alias_changed_inside_interval" : "unknown_meter";
      return nullptr;
    }
    const MeterId id = meter->id;
    // An answer may end early without the id changing hands (another form, say): follow it.
    while (meter->to < end) {
      const UtcInstant until = meter->to;
      meter = at(until);
      if (meter == nullptr || meter->id != id || meter->to <= until) {
        problem = "alias_changed_inside_interval";
        return nullptr;
      }
    }
    return meter;
  }

 private:
  const MeterResolver& resolve_;
  const ObservationHead& head_;
  std::optional<ResolvedMeter> known_;
};

// Target and channel of a record's meter, looked up again only when the meter changes.
class ChannelOfRecord {
 public:
  ChannelOfRecord(TargetChooser& chooser, const TargetChooser::Choice& choice, BatchWriter& writer,
                  const std::string& wire, const SeriesObservation& said)
      : chooser_(chooser), choice_(choice), writer_(writer), wire_(wire), said_(said) {}

  // Null: `problem` is set.
  const ReadingTarget* target(const ResolvedMeter& meter, const char*& problem) {
    if (target_ != nullptr && meter.id == meter_ && meter.form == form_) return target_;
    target_ = chooser_.target(choice_, said_.interval, meter.form, problem);
    meter_ = meter.id;
    form_ = meter.form;
    channel_.reset();
    return target_;
  }
  // Of the meter asked for last.
  std::uint32_t channel() {
    if (!channel_) channel_ = writer_.channel(meter_, wire_, said_.channel, *target_);
    return *channel_;
  }

 private:
  TargetChooser& chooser_;
  const TargetChooser::Choice& choice_;
  BatchWriter& writer_;
  const std::string& wire_;
  const SeriesObservation& said_;
  const ReadingTarget* target_ = nullptr;
  MeterId meter_ = 0;
  std::string form_;
  std::optional<std::uint32_t> channel_;
};

// Flags of neighbouring values are mostly the same.
class QualityOfRecord {
 public:
  explicit QualityOfRecord(BatchWriter& writer) : writer_(writer) {}

  std::uint32_t plain(const FlagRule& rule, std::string_view flag) {
    if (rule_ == &rule && flag_ == flag) return last_;
    rule_ = &rule;
    flag_ = flag;
    return last_ = writer_.quality(rule.quality, flag);
  }
  std::uint32_t with(const FlagRule& rule, std::string_view flag, QualityCode finding) {
    QualitySet codes = rule.quality;
    add(codes, finding);
    return writer_.quality(codes, flag);
  }

 private:
  BatchWriter& writer_;
  const FlagRule* rule_ = nullptr;
  std::string_view flag_;
  std::uint32_t last_ = 0;
};

}  // namespace ami
