#include <array>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "adapters/wire/ssn_export/codec/assembly.h"
#include "adapters/wire/ssn_export/codec/grammar.h"
#include "adapters/wire/ssn_export/codec/ssn_export.h"
#include "adapters/wire/xml/xml_stream.h"
#include "meter_model/quantity/decimal.h"

namespace ami::ssn_export {
namespace {

using xml::Attributes;
using xml::StartTag;
using xml::XmlHandler;
using xml::XmlStream;

constexpr std::uint64_t kMaxIntervalMinutes = 44640;  // 31 days
constexpr std::size_t kContainerLevel = 3;  // path length with SSNExportDocument, MeterData, …Data

// An element under way that may hold records: its start tag as sent, for the raw text of what is inside.
struct Level {
  Node node = Node::Document;
  std::string tag;
};

std::string_view qualified_name(std::string_view tag) {
  return tag.substr(1, tag.find_first_of(" \t\r\n/>", 1) - 1);
}

std::string_view name_attribute(MeterField field) {
  switch (field) {
    case MeterField::UtilDeviceId:
      return "UtilDeviceID";
    case MeterField::MacId:
      return "MacID";
    default:
      return "MeterName";
  }
}

constexpr const char* kUnknownValue = "no value attribute that is known, and one that is not";

// For a person; the whole text is in the raw record.
std::string quoted(std::string_view text) {
  return '"' + std::string(head_of(text, 40)) + '"';
}

}  // namespace

class Decoder::Impl final : public XmlHandler {
 public:
  explicit Impl(Options options)
      : options_(options),
        stream_({options.max_depth, options.max_attribute_bytes, kMaxTokenBytes, kMaxRecordBytes}, *this) {
    origin_.meter_kind = options.meter_kind;
  }

  Outcome feed(std::string_view bytes, bool last, DecodedBatch& out) {
    out_ = &out;
    auto outcome = stream_.feed(bytes, last);
    if (!outcome) flush_block();  // complete Intervals before the break are good
    out_ = nullptr;
    return outcome;
  }

  void on_start(const StartTag& tag) override;
  void on_end(std::uint64_t end) override;
  void on_text(std::string_view text) override;

  [[nodiscard]] const XmlStream& stream() const noexcept { return stream_; }
  [[nodiscard]] std::uint64_t safe_offset() const noexcept { return safe_offset_; }
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }

 private:
  void open_document(const StartTag& tag);
  void open_meter(const Attributes& attributes);
  void open_container(Node node, const Attributes& attributes);
  void open_record(Node node, const StartTag& tag);
  void open_leaf(Node node, const StartTag& tag);
  void add_register(const Attributes& attributes);
  void add_reading(const Attributes& attributes);
  [[nodiscard]] bool require_numbers(const Attributes& attributes,
                                     std::initializer_list<std::string_view> names);
  void close_leaf(std::uint64_t end);
  void close_record(Node node, std::uint64_t end);
  void close_interval(std::string body, std::uint64_t end);
  void close_container(std::uint64_t end);
  void flush_block();

  void push(Node node, const StartTag& tag);
  void pop() { ancestor_bytes_ -= path_[--depth_].tag.size(); }
  void bad_leaf(const char* reason, std::string detail) {
    leaf_fault_ = HeldMalformed{0, reason, std::move(detail), {}};
  }
  [[nodiscard]] std::string enclosed(std::size_t levels, std::string_view body) const;
  [[nodiscard]] std::string record_body(std::uint64_t end) const;

  Options options_;
  XmlStream stream_;
  DecodedBatch* out_ = nullptr;
  Statistics statistics_;
  std::uint64_t safe_offset_ = 0;

  std::array<Level, 5>
      path_;  // open elements that have a tag here; a leaf (Register, Reading, Event) has none
  std::size_t depth_ = 0;
  std::size_t ancestor_bytes_ = 0;
  std::size_t skipping_ = 0;  // nesting inside an unknown element

  Origin origin_;
  std::string_view stated_count_name_;
  std::optional<std::uint64_t> stated_count_;
  std::uint64_t present_ = 0;  // records in the container so far
  const char* block_fault_ = nullptr;
  std::string block_fault_detail_;
  std::chrono::minutes interval_{0};
  OpenBlock block_;

  OpenRecord record_;
  std::string tier_;
  bool leaf_open_ = false;
  bool event_open_ = false;
  std::uint64_t leaf_begin_ = 0;
  std::optional<HeldMalformed> leaf_fault_;
};

void Decoder::Impl::on_start(const StartTag& tag) {
  if (skipping_ > 0) {
    ++skipping_;
    return;
  }
  if (depth_ == 0) return open_document(tag);
  std::optional<Node> node;
  if (!leaf_open_ && !event_open_ && tag.space == kNamespace)
    node = child_of(path_[depth_ - 1].node, tag.name);
  if (!node) {
    ++out_->skipped;
    skipping_ = 1;
    return;
  }
  switch (*node) {
    case Node::Register:
    case Node::Reading:
      return open_leaf(*node, tag);
    case Node::Event:
      return open_record(*node, tag);
    default:
      push(*node, tag);
  }
  switch (*node) {
    case Node::MeterData:
      return open_meter(tag.attributes);
    case Node::RegisterData:
    case Node::IntervalReadData:
    case Node::EventData:
      return open_container(*node, tag.attributes);
    case Node::RegisterRead:
    case Node::Interval:
      return open_record(*node, tag);
    case Node::Tier:
      tier_ = tag.attributes.get("Number");
      return;
    default:
      return;
  }
}

void Decoder::Impl::on_end(std::uint64_t end) {
  if (skipping_ > 0) {
    --skipping_;
    return;
  }
  if (leaf_open_) return close_leaf(end);
  if (event_open_) return close_record(Node::Event, end);
  const Node node = path_[depth_ - 1].node;
  switch (node) {
    case Node::RegisterRead:
    case Node::Interval:
      close_record(node, end);
      break;
    case Node::RegisterData:
    case Node::IntervalReadData:
    case Node::EventData:
      close_container(end);
      break;
    case Node::MeterData:
      safe_offset_ = end;
      break;
    default:
      break;
  }
  pop();
}

void Decoder::Impl::on_text(std::string_view text) {
  if (!event_open_ || skipping_ > 0) return;
  // Leading blanks do not count against the cap.
  if (record_.event_text.empty()) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return;
    text.remove_prefix(first);
  }
  if (record_.event_text.size() > kMaxEventText) return;
  // One character more than the cap is kept, which tells a full text from a cut one.
  record_.event_text += text.substr(0, kMaxEventText + 4 - record_.event_text.size());
}

void Decoder::Impl::push(Node node, const StartTag& tag) {
  Level& level = path_[depth_++];
  level.node = node;
  level.tag = stream_.bytes(tag.begin, tag.end);
  ancestor_bytes_ += level.tag.size();
  if (ancestor_bytes_ > kMaxAncestorBytes) {
    stream_.fail("tag_too_long", "the start tags of a record and its ancestors have more than " +
                                     std::to_string(kMaxAncestorBytes) + " bytes");
  }
}

void Decoder::Impl::open_document(const StartTag& tag) {
  if (tag.space != kNamespace) {
    return stream_.fail("wrong_namespace", "the root element is in namespace " + quoted(tag.space) +
                                               ", expected \"" + std::string(kNamespace) + '"');
  }
  if (tag.name != "SSNExportDocument") {
    return stream_.fail("wrong_root",
                        "the root element is " + quoted(tag.name) + ", expected SSNExportDocument");
  }
  push(Node::Document, tag);
  const auto created = tag.attributes.get("CreationTime");
  if (created.empty()) return;
  if (parse_stated_time(created).ok()) {
    origin_.created_text = created;
  } else {
    ++statistics_.bad_creation_time;
  }
}

void Decoder::Impl::open_meter(const Attributes& attributes) {
  ++statistics_.meters;
  origin_.meter = attributes.get(name_attribute(options_.meter_field));
}

void Decoder::Impl::open_container(Node node, const Attributes& attributes) {
  present_ = 0;
  stated_count_.reset();
  const auto name = stated_count_attribute(node);
  if (attributes.has(name)) {
    stated_count_ = whole_number(attributes.get(name), 0, UINT64_MAX);
    if (!stated_count_) ++statistics_.unreadable_stated;
  }
  if (node != Node::IntervalReadData) return;
  block_.clear();
  block_fault_ = nullptr;
  const auto length = attributes.get("IntervalLength");
  const auto minutes = whole_number(length, 1, kMaxIntervalMinutes);
  interval_ = std::chrono::minutes(minutes.value_or(0));
  if (origin_.meter.empty()) {
    block_fault_ = "missing_meter";
    block_fault_detail_ = "MeterData has no " + std::string(name_attribute(options_.meter_field));
  } else if (!minutes) {
    block_fault_ = "bad_interval_length";
    block_fault_detail_ = "IntervalLength is " + quoted(length) + ", expected whole minutes, 1 to 44640";
  }
}

void Decoder::Impl::open_record(Node node, const StartTag& tag) {
  record_.begin(tag.begin);
  stream_.keep_from(tag.begin);
  ++present_;
  const char* time_name = "EndTime";
  if (node == Node::RegisterRead) {
    ++statistics_.register_reads;
    time_name = "ReadTime";
  } else if (node == Node::Interval) {
    ++statistics_.intervals;
    if (block_fault_ != nullptr) return record_.spoil(block_fault_, {});
  } else {
    ++statistics_.events;
    event_open_ = true;
    time_name = "EventTime";
  }
  if (origin_.meter.empty()) {
    return record_.spoil("missing_meter",
                         "MeterData has no " + std::string(name_attribute(options_.meter_field)));
  }
  const auto text = tag.attributes.get(time_name);
  if (text.empty()) return record_.spoil("missing_time", std::string(time_name) + " is missing");
  const auto time = parse_stated_time(text);
  if (!time) return record_.spoil("bad_time", std::string(time_name) + ": " + time.error().message);
  record_.time = {put(record_.text, text), time->civil, time->utc_offset};
  if (node == Node::Event) {
    const auto code = tag.attributes.get("EventName");
    if (code.empty()) return record_.spoil("missing_code", "EventName is missing");
    record_.code = put(record_.text, code);
  }
}

void Decoder::Impl::open_leaf(Node node, const StartTag& tag) {
  leaf_open_ = true;
  leaf_begin_ = tag.begin;
  leaf_fault_.reset();
  ++(node == Node::Register ? statistics_.registers : statistics_.readings);
  if (++record_.children > kMaxRecordValues) {
    record_.spoil("record_too_long", "more than " + std::to_string(kMaxRecordValues) + " values");
  }
  if (record_.fault != nullptr || stream_.overflowed()) return;
  node == Node::Register ? add_register(tag.attributes) : add_reading(tag.attributes);
}

// True when each named attribute that is there and not empty is a decimal.
bool Decoder::Impl::require_numbers(const Attributes& attributes,
                                    std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const auto text = attributes.get(name);
    if (text.empty()) continue;
    if (auto number = Decimal::parse(text); !number) {
      bad_leaf("bad_number", std::string(name) + ": " + number.error().message);
      return false;
    }
  }
  return true;
}

void Decoder::Impl::add_register(const Attributes& attributes) {
  const auto number = attributes.get("Number");
  if (number.empty()) return bad_leaf("missing_channel", "Register has no Number");
  if (!require_numbers(attributes, {"Summation", "SummationRawValue", "CumulativeDemand"})) return;
  const bool summation = attributes.has("Summation") || attributes.has("SummationRawValue");
  const bool demand = attributes.has("CumulativeDemand");
  if (!summation && !demand) {
    if (has_others(attributes, {"Number", "SummationUOM", "DemandUOM"}))
      return bad_leaf("unknown_value", kUnknownValue);
    ++out_->skipped;
  }
  auto& text = record_.text;
  const Slice channel = put(text, number);
  const Slice tou = put(text, tier_);
  if (summation) {
    record_.leaves.push_back({"Summation",
                              channel,
                              put(text, attributes.get("SummationUOM")),
                              tou,
                              put(text, attributes.get("Summation")),
                              put(text, attributes.get("SummationRawValue")),
                              {}});
  }
  if (demand) {
    record_.leaves.push_back({"CumulativeDemand",
                              channel,
                              put(text, attributes.get("DemandUOM")),
                              tou,
                              put(text, attributes.get("CumulativeDemand")),
                              {},
                              {}});
  }
}

void Decoder::Impl::add_reading(const Attributes& attributes) {
  const auto channel = attributes.get("Channel");
  if (channel.empty()) return bad_leaf("missing_channel", "Reading has no Channel");
  if (!attributes.has("Value") && has_others(attributes, {"Channel", "RawValue", "UOM", "BlockEndValue"})) {
    return bad_leaf("unknown_value", kUnknownValue);
  }
  if (!require_numbers(attributes, {"Value", "RawValue", "BlockEndValue"})) return;
  auto& text = record_.text;
  record_.leaves.push_back({"Reading",
                            put(text, channel),
                            put(text, attributes.get("UOM")),
                            {},
                            put(text, attributes.get("Value")),
                            put(text, attributes.get("RawValue")),
                            put(text, attributes.get("BlockEndValue"))});
}

void Decoder::Impl::close_leaf(std::uint64_t end) {
  leaf_open_ = false;
  if (!leaf_fault_ || record_.fault != nullptr || stream_.overflowed()) return;
  leaf_fault_->offset = leaf_begin_;
  leaf_fault_->raw = enclosed(depth_, stream_.bytes(leaf_begin_, end));
  record_.malformed.push_back(std::move(*leaf_fault_));
  record_.cuts.emplace_back(leaf_begin_, end);
}

// The record's bytes without those of its bad leaves.
std::string Decoder::Impl::record_body(std::uint64_t end) const {
  std::string body;
  std::uint64_t from = record_.offset;
  for (const auto& [begin, after] : record_.cuts) {
    body += stream_.bytes(from, begin);
    from = after;
  }
  body += stream_.bytes(from, end);
  return body;
}

std::string Decoder::Impl::enclosed(std::size_t levels, std::string_view body) const {
  std::string raw;
  std::size_t size = body.size();
  for (std::size_t i = 0; i < levels; ++i)
    size += path_[i].tag.size() + qualified_name(path_[i].tag).size() + 3;
  raw.reserve(size);  // exact: many may wait in a block
  for (std::size_t i = 0; i < levels; ++i) raw += path_[i].tag;
  raw += body;
  for (std::size_t i = levels; i-- > 0;) raw.append("</").append(qualified_name(path_[i].tag)).append(">");
  return raw;
}

void Decoder::Impl::close_record(Node node, std::uint64_t end) {
  event_open_ = false;
  std::string body;
  if (stream_.overflowed() || end - record_.offset > kMaxRecordBytes) {
    record_.fault = nullptr;  // the length is the fault to report, whatever else there is
    record_.spoil("record_too_long", "more than " + std::to_string(kMaxRecordBytes) + " bytes; raw is cut");
    body = stream_.overflowed() ? stream_.head()
                                : stream_.bytes(record_.offset, record_.offset + kMaxRecordBytes);
  } else if (record_.fault != nullptr) {
    body = stream_.bytes(record_.offset, end);
  } else {
    body = record_body(end);
  }
  stream_.drop();
  if (node == Node::Interval) return close_interval(std::move(body), end);

  std::string raw = enclosed(kContainerLevel, body);
  if (record_.fault != nullptr) {
    record_.malformed.clear();
    record_.malformed.push_back(
        {record_.offset, record_.fault, std::move(record_.fault_detail), std::move(raw)});
    deliver_malformed(record_.malformed, origin_, *out_);
  } else if (node == Node::Event) {
    record_.event_text = trimmed(head_of(record_.event_text, kMaxEventText));
    deliver_event(record_, origin_, std::move(raw), *out_);
  } else {
    deliver_registers(record_, origin_, std::move(raw), *out_);
  }
  safe_offset_ = end;
}

void Decoder::Impl::close_interval(std::string body, std::uint64_t end) {
  if (block_.intervals == kMaxBlockIntervals || block_.series.size() >= kMaxBlockSeries ||
      block_.held_bytes + body.size() > kMaxRecordBytes) {
    flush_block();
  }
  block_.end = end;
  if (block_.intervals++ == 0) block_.offset = record_.offset;
  block_.held_bytes += body.size();
  if (record_.fault != nullptr && record_.fault != block_fault_) {
    block_.malformed.push_back(
        {record_.offset, record_.fault, std::move(record_.fault_detail), enclosed(kContainerLevel, body)});
    return;
  }
  block_.raw_body += body;
  if (record_.fault == nullptr) block_.add(record_);
}

void Decoder::Impl::flush_block() {
  if (block_.intervals == 0) return;
  std::string raw = block_.raw_body.empty() ? std::string{} : enclosed(kContainerLevel, block_.raw_body);
  if (block_fault_ != nullptr && !raw.empty()) {
    block_.malformed.insert(block_.malformed.begin(),
                            {block_.offset, block_fault_, block_fault_detail_, std::move(raw)});
    deliver_malformed(block_.malformed, origin_, *out_);
  } else {
    deliver_block(block_, origin_, interval_, std::move(raw), *out_);
  }
  safe_offset_ = block_.end;
  block_.clear();
}

void Decoder::Impl::close_container(std::uint64_t end) {
  flush_block();
  if (stated_count_ && *stated_count_ > present_) ++statistics_.stated_above_present;
  if (stated_count_ && *stated_count_ < present_) ++statistics_.stated_below_present;
  safe_offset_ = end;
}

Decoder::Decoder(Options options) : impl_(std::make_unique<Impl>(options)) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Outcome Decoder::feed(std::string_view bytes, bool last, DecodedBatch& out) {
  return impl_->feed(bytes, last, out);
}
const char* Decoder::fatal_reason() const noexcept {
  return impl_->stream().fatal_reason();
}
std::uint64_t Decoder::bytes_consumed() const noexcept {
  return impl_->stream().fed();
}
std::uint64_t Decoder::safe_offset() const noexcept {
  return impl_->safe_offset();
}
const Statistics& Decoder::statistics() const noexcept {
  return impl_->statistics();
}

Outcome decode_document(std::string_view document, const Options& options, DecodedBatch& out) {
  return Decoder(options).feed(document, true, out);
}

}  // namespace ami::ssn_export
