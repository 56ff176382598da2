#include "adapters/wire/cim/codec/frame.h"

#include <algorithm>
#include <array>

#include "adapters/wire/cim/codec/cim.h"

namespace ami::cim {
namespace {

constexpr std::array<std::string_view, 8> kKept{"Verb",      "Noun",   "Revision",  "Context",
                                                "Timestamp", "Source", "MessageID", "CorrelationID"};

}  // namespace

std::string_view whole(std::string_view bytes, const xml::Element& element) {
  const auto begin = static_cast<std::size_t>(element.begin());
  return bytes.substr(begin, static_cast<std::size_t>(element.end()) - begin);
}

std::string_view start_tag(std::string_view bytes, const xml::Element& element) {
  const std::string_view text = whole(bytes, element);
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return text.substr(0, i + 1);
    }
  }
  return text;
}

std::string end_tag(std::string_view start_tag) {
  const std::size_t end = start_tag.find_first_of(" \t\r\n/>", 1);
  return "</" + std::string(start_tag.substr(1, end - 1)) + ">";
}

Result<Frame> Frame::of(std::string_view bytes, const xml::Element& message, const xml::Element& header) {
  Frame frame;
  frame.bytes_ = bytes;
  bool fits = true;
  for (xml::Element at = message; at && fits; at = at.parent()) {
    const std::string_view tag = start_tag(bytes, at);
    fits = frame.head_.size() + tag.size() <= kMaxFrameBytes;
    if (fits) frame.head_.insert(0, tag);
    frame.tail_ += end_tag(tag);
  }
  std::string kept;
  for (xml::Element child = header.first_child(); child && fits; child = child.next()) {
    if (std::find(kKept.begin(), kKept.end(), child.name()) == kKept.end()) continue;
    const std::string_view text = whole(bytes, child);
    fits = kept.size() + text.size() <= kMaxFrameBytes;
    if (fits) kept += text;
  }
  if (header.first_child() && fits) {
    const std::string_view opening = start_tag(bytes, header);
    fits = frame.head_.size() + kept.size() + 2 * opening.size() <= kMaxFrameBytes;
    if (fits) frame.head_.append(opening).append(kept).append(end_tag(opening));
  }
  if (!fits) {
    return permanent("header_too_long: start tags and header of the message have more than " +
                     std::to_string(kMaxFrameBytes) + " bytes");
  }
  return frame;
}

std::string Frame::around(std::span<const xml::Element> path, std::string_view body) {
  std::string raw = head_, tail;
  for (const xml::Element& element : path) {
    const std::string_view tag = start_tag(bytes_, element);
    if (raw.size() + tag.size() > 2 * kMaxFrameBytes) {
      exceeded_ = "header_too_long: the start tags around a record are too long";
      return {};
    }
    raw += tag;
    tail.insert(0, end_tag(tag));
  }
  raw.append(body).append(tail).append(tail_);
  made_ += raw.size();
  if (made_ > kMaxRawBytes) exceeded_ = "too_many_records: copies of the records would be too large";
  return raw;
}

}  // namespace ami::cim
