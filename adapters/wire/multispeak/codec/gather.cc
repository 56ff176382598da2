#include "adapters/wire/multispeak/codec/gather.h"

#include <algorithm>
#include <cstdio>

#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

std::string_view slice(std::string_view message, const xml::Element& element) {
  return message.substr(static_cast<std::size_t>(element.begin()),
                        static_cast<std::size_t>(element.end() - element.begin()));
}

// Default stamps of programs that have no time: the first day of the calendar, the first second of Unix.
bool is_placeholder(const StatedTime& time) {
  using namespace std::chrono;
  const auto epoch = local_days{year{1970} / January / 1};
  return time.civil < local_days{year{1} / January / 3} || time.civil == epoch ||
         (time.utc_offset && time.civil - *time.utc_offset == epoch);
}

}  // namespace

Gather::Gather(std::string_view message, const xml::Element& content, const Options& options, Reports& out,
               std::string_view created)
    : message_(message), content_(content), options_(options), out_(out), created_text_(created) {
  const auto stated = parse_stated_time(created);
  if (stated && !is_placeholder(*stated)) {
    created_ = *stated;
    created_.text = text(created);
  } else {
    created_ = receipt();
  }
  transaction_ = text(content.child("transactionID").text());
  fault_ = text(bounded(content.child("errorString").text()));
}

Frame Gather::frame(const xml::Element& list, std::initializer_list<std::string_view> keep,
                    const xml::Element& inside) const {
  std::vector<xml::Element> path;  // from the list up to the root
  for (xml::Element at = list; at; at = at.parent()) path.push_back(at);
  Frame frame;
  std::vector<std::string> ends;
  std::vector<std::string> after;
  for (std::size_t i = path.size(); i-- > 0;) {
    const std::string_view tag = start_tag(message_, path[i]);
    frame.before += tag;
    if (!path[i].parent() && path[i].name() == "Envelope") frame.before += created_header(tag, created_text_);
    std::string tail;
    bool passed = false;  // the child on the way down
    for (xml::Element sibling = i > 0 ? path[i].first_child() : xml::Element{}; sibling;
         sibling = sibling.next()) {
      if (sibling.begin() == path[i - 1].begin()) {
        passed = true;
        continue;
      }
      std::string& into = passed ? tail : frame.before;
      if (inside && inside.parent() && inside.parent().begin() == sibling.begin()) {
        const std::string_view outer = start_tag(message_, sibling);
        into += outer;
        into += slice(message_, inside);
        into += end_tag(outer);
      } else if (std::ranges::find(keep, sibling.name()) != keep.end()) {
        into += slice(message_, sibling);
      }
      if (frame.before.size() + tail.size() > kMaxContextBytes) {
        frame.too_long = true;
        return frame;
      }
    }
    after.push_back(std::move(tail));
    ends.push_back(end_tag(tag));
  }
  for (std::size_t i = ends.size(); i-- > 0;) frame.after += after[i] + ends[i];
  frame.too_long = frame.before.size() + frame.after.size() > kMaxContextBytes;
  return frame;
}

Frame Gather::frame_beside(const xml::Element& object, std::initializer_list<std::string_view> keep) const {
  Frame frame = this->frame(object.parent(), {});
  std::string beside;
  for (xml::Element one = object.parent().first_child(); one; one = one.next()) {
    if (one.begin() != object.begin() && std::ranges::find(keep, one.name()) != keep.end() &&
        beside.size() <= kMaxContextBytes)
      beside += slice(message_, one);
  }
  frame.after.insert(0, beside);
  frame.too_long = frame.too_long || frame.before.size() + frame.after.size() > kMaxContextBytes;
  return frame;
}

bool Gather::begin(const xml::Element& object, const Frame& frame, std::string_view meter) {
  if (overflowed()) return false;
  head_ = {};
  head_.meter = text(meter);
  head_.meter_kind = options_.meter_kind;
  head_.created = created_;
  head_.offset = object.begin();
  const std::string_view bytes = slice(message_, object);
  if (bytes.size() > kMaxRecordBytes || frame.too_long) {
    head_.raw = text(bytes.substr(0, std::min(bytes.size(), kMaxRecordBytes)));
    malformed("record_too_long", "the object has " + std::to_string(bytes.size()) + " bytes, at most " +
                                     std::to_string(kMaxRecordBytes) + " and " +
                                     std::to_string(kMaxContextBytes) + " of shared text around it are read");
    return false;
  }
  std::string raw;
  raw.reserve(frame.before.size() + bytes.size() + frame.after.size());
  raw += frame.before;
  raw += bytes;
  raw += frame.after;
  raw_bytes_ += raw.size();
  head_.raw = out_.batch.arena->adopt(std::move(raw));
  return true;
}

void Gather::malformed(const char* reason, std::string detail) {
  charge(kPerRecord);
  out_.batch.malformed.push_back({head_.offset, head_.raw, head_.meter, reason, std::move(detail)});
}

void Gather::result(std::string_view word, std::string_view own_fault, const StatedTime& time, bool always) {
  const std::string_view fault = own_fault.empty() ? fault_ : text(bounded(own_fault));
  if (transaction_.empty() && fault.empty() && !always) return;
  ResultObservation result;
  static_cast<ObservationHead&>(result) = head_;
  result.measure = text(content_.name());
  result.transaction = transaction_;
  result.word = text(bounded(word));
  result.fault = fault;
  result.time = time;
  if (!time.present()) result.time_source = TimeSource::Receipt;
  out_.batch.results.push_back(result);
}

bool Gather::read_result(std::string_view own_fault, const StatedTime& time, Mark before) {
  const auto has_value = [](const Observation& said) {
    const auto* series = std::get_if<SeriesObservation>(&said);
    return series != nullptr &&
           std::ranges::any_of(series->values, [](const SeriesValue& value) { return !value.value.empty(); });
  };
  const auto first = out_.batch.observations.begin() + static_cast<std::ptrdiff_t>(before.observations);
  const bool came = std::any_of(first, out_.batch.observations.end(), has_value);
  if (!came && own_fault.empty() && fault_.empty()) {
    if (!transaction_.empty() && out_.batch.malformed.size() == before.malformed)
      malformed("no_values", "the read has neither a value nor an errorString");
    return false;
  }
  result({}, own_fault, time);
  return true;
}

void Gather::failed_as_a_whole() {
  if (fault_.empty() || !out_.batch.results.empty()) return;
  if (begin(content_, frame(content_.parent(), {}), {})) result({}, {}, {});
}

StampText Gather::stamp(std::string_view written) {
  if (written.empty()) return {{}, StampText::kMissingTime};
  const auto parsed = parse_stated_time(written);
  if (!parsed) return {{}, StampText::kBadTime};
  if (is_placeholder(*parsed)) {
    ++out_.placeholder_times;
    return {{}, StampText::kMissingTime};
  }
  StatedTime time = *parsed;
  time.text = text(written);
  return {time, nullptr};
}

StatedTime Gather::receipt() {
  if (!options_.received_at) return {};
  StatedTime time;
  time.civil = CivilTime{options_.received_at->time_since_epoch()};
  time.utc_offset = std::chrono::seconds{0};
  time.text = text(ami::to_text(*options_.received_at));
  return time;
}

std::string_view separator_in(const xml::Element& element) {
  if (!element.text().empty()) return element.text();
  const std::string_view blank = element.untrimmed();
  return blank.find_first_of("\r\n") == std::string_view::npos ? blank : std::string_view{};
}

std::string_view separated_text(const xml::Element& element, std::string_view separator) {
  constexpr std::string_view kBlanks = " \t\r\n", kLineEnds = "\r\n";
  const std::string_view all = element.untrimmed();
  const bool blank = !separator.empty() && separator.find_first_not_of(kBlanks) == std::string_view::npos;
  // What begins on a line of its own is indented.
  if (!blank || all.empty() || kLineEnds.find(all.front()) != std::string_view::npos) return element.text();
  return all.substr(0, all.find_last_not_of(kLineEnds) + 1);
}

std::string_view bounded(std::string_view text) noexcept {
  if (text.size() <= kMaxText) return text;
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::string to_text(CivilTime civil, const std::optional<std::chrono::seconds>& utc_offset) {
  std::string text = ami::to_text(UtcInstant{civil.time_since_epoch()});  // the face, with a Z
  if (utc_offset == std::chrono::seconds{0}) return text;
  text.pop_back();
  if (!utc_offset) return text;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(*utc_offset).count();
  char offset[16];
  std::snprintf(offset, sizeof offset, "%c%02d:%02d", minutes < 0 ? '-' : '+',
                static_cast<int>(std::abs(minutes) / 60), static_cast<int>(std::abs(minutes) % 60));
  return text + offset;
}

}  // namespace ami::multispeak
