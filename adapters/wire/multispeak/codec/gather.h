// Builds the batch of one message: heads, raws, times, results, malformed records. Private to this codec.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "adapters/wire/multispeak/codec/multispeak.h"

namespace ami::multispeak {

// A time that was written: present, absent (or a default stamp), or unreadable.
struct StampText {
  StatedTime time;
  const char* problem = nullptr;  // missing_time, bad_time; null when present

  [[nodiscard]] bool is_missing() const noexcept { return problem == kMissingTime; }
  [[nodiscard]] bool is_bad() const noexcept { return problem == kBadTime; }
  static constexpr const char* kMissingTime = "missing_time";
  static constexpr const char* kBadTime = "bad_time";
};

// What stands around the objects of one list when each becomes a message of its own.
struct Frame {
  std::string before, after;
  bool too_long = false;
};

class Gather {
 public:
  // `content`: the operation's element in the tree of `message`. `created`: Envelope::created.
  Gather(std::string_view message, const xml::Element& content, const Options& options, Reports& out,
         std::string_view created);

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const xml::Element& content() const noexcept { return content_; }
  std::string_view text(std::string_view text) { return out_.batch.text(text); }

  // Start tags of `list` and its ancestors (none = no frame), with those siblings on the way whose names are
  // in `keep`, and of `inside` (a grandchild by a sibling, such as one profile of profiles) only itself.
  [[nodiscard]] Frame frame(const xml::Element& list, std::initializer_list<std::string_view> keep,
                            const xml::Element& inside = {}) const;
  // For the one object of an operation, which has beside it what is to be kept.
  [[nodiscard]] Frame frame_beside(const xml::Element& object,
                                   std::initializer_list<std::string_view> keep) const;

  // Begins the next object. False: it was refused as record_too_long, or too much was gathered already.
  bool begin(const xml::Element& object, const Frame& frame, std::string_view meter);
  [[nodiscard]] const ObservationHead& head() const noexcept { return head_; }
  void set_meter_kind(AliasKind kind) noexcept { head_.meter_kind = kind; }
  void set_commodity(std::string_view service_type) { head_.commodity = text(service_type); }
  // Of the object begun last.
  void malformed(const char* reason, std::string detail);
  void add(SeriesObservation series) {
    charge(kPerRecord);
    out_.batch.observations.emplace_back(std::move(series));
  }
  void add(EventObservation event) {
    charge(kPerRecord);
    out_.batch.observations.emplace_back(std::move(event));
  }
  // A few bytes of input may stand for many values: what is built from one message has a bound.
  void charge(std::size_t values) noexcept { charged_ += values; }
  // Nothing when there is neither a transaction nor a fault, unless `always`.
  void result(std::string_view word, std::string_view own_fault, const StatedTime& time, bool always = false);
  // How much there was before an object was read.
  struct Mark {
    std::size_t observations = 0, malformed = 0;
  };
  [[nodiscard]] Mark mark() const { return {out_.batch.observations.size(), out_.batch.malformed.size()}; }
  // The result of a read, behind its values: a read that brought none and says no fault has not succeeded,
  // and is malformed (no_values) where it answers a transaction. True: there is one.
  bool read_result(std::string_view own_fault, const StatedTime& time, Mark before);
  // One without a meter: the notification as a whole failed.
  void failed_as_a_whole();
  void skip(std::uint64_t records) { out_.batch.skipped += records; }

  StampText stamp(std::string_view text);
  // Options::received_at as a stated time; absent without one.
  StatedTime receipt();

  // Objects were left out because the whole would be too large: the batch is not to be used.
  [[nodiscard]] bool overflowed() const noexcept {
    return raw_bytes_ > kMaxRawBytes || charged_ > kMaxValues;
  }

 private:
  std::string_view message_;
  xml::Element content_;
  const Options& options_;
  Reports& out_;
  ObservationHead head_;
  std::string created_text_;
  StatedTime created_;  // of all that is gathered
  std::string_view transaction_, fault_;
  static constexpr std::size_t kPerRecord = 4;  // what a record weighs, in interval values
  std::size_t raw_bytes_ = 0;
  std::size_t charged_ = 0;
};

// A separator as sent. One of blanks or tabs alone is one too, unless a line end shows that it only indents.
std::string_view separator_in(const xml::Element& element);
// Text that `separator` separates: with a blank one, an empty place at either end is a place.
std::string_view separated_text(const xml::Element& element, std::string_view separator);

// At most kMaxText bytes, not cutting inside a UTF-8 character.
std::string_view bounded(std::string_view text) noexcept;

// Civil time and offset as xs:dateTime.
std::string to_text(CivilTime civil, const std::optional<std::chrono::seconds>& utc_offset);

// Each reads its part of an operation's element (or of a response's result) into the gatherer's batch.
void decode_reads(const xml::Element& list, Gather& gather);               // meterRead, meterReading
void decode_intervals(const xml::Element& interval_data, Gather& gather);  // intervalData
void decode_formatted_block(const xml::Element& block, Gather& gather);    // formattedBlock
void decode_switch_changes(Gather& gather);                                // CDState(s)ChangedNotification
void decode_switch_states(Gather& gather);                                 // CDState(s)Notification
void decode_outage_events(const xml::Element& list, Gather& gather);       // ODEvents
void decode_meter_events(const xml::Element& events, Gather& gather);      // events
// Lists of a response that are not readings: rejections, methods, meters, the state of a switch.
void decode_content(Operation operation, const xml::Element& result, ResponseContent& content);
// GetLatestReading: the result element is the read itself.
void decode_one_read(const xml::Element& read, Gather& gather);

}  // namespace ami::multispeak
