// What stands around a record in its message, as sent, without credentials: with it a record can be read
// alone.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "adapters/wire/xml/tree.h"
#include "meter_model/result.h"

namespace ami::cim {

// The start tag of an element that is not empty, as sent.
std::string_view start_tag(std::string_view bytes, const xml::Element& element);
// All of an element, as sent.
std::string_view whole(std::string_view bytes, const xml::Element& element);
// "</prefix:name>" that goes with a start tag.
std::string end_tag(std::string_view start_tag);

class Frame {
 public:
  // `message` with the elements around it; of `header` (may be none) only children that identify the message
  // and hold no secret: Verb, Noun, Revision, Context, Timestamp, Source, MessageID, CorrelationID.
  static Result<Frame> of(std::string_view bytes, const xml::Element& message, const xml::Element& header);

  // `body` inside `path` (outermost first, below `message`) inside the frame. Adds up what it made.
  [[nodiscard]] std::string around(std::span<const xml::Element> path, std::string_view body);
  // Whether more was made than kMaxRawBytes in all, or start tags were longer than kMaxFrameBytes.
  [[nodiscard]] const char* exceeded() const noexcept { return exceeded_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

 private:
  std::string_view bytes_;
  std::string head_, tail_;
  std::size_t made_ = 0;
  const char* exceeded_ = "";
};

}  // namespace ami::cim
