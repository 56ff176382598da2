// The records of a payload: readings and events to observations, controls to a message.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/codec/frame.h"
#include "adapters/wire/xml/tree.h"

namespace ami::cim {

class PayloadReader {
 public:
  PayloadReader(const Options& options, Frame& frame, Decoded& out);

  void read(const xml::Element& payload);

 private:
  // What a reading type says of itself.
  struct Type {
    std::string_view ref;  // in the arena
    bool known = false;    // 18 parts: `interval` and `period` mean something
    bool interval = false;
    std::chrono::seconds period{0};
  };
  struct Value {
    SeriesKind kind = SeriesKind::Register;
    std::chrono::seconds interval{0};
    SeriesValue said;
    StatedTime period_start;
  };
  struct Problem {
    const char* reason = nullptr;  // null: none
    std::string detail;
  };
  enum class Verdict : std::uint8_t { Good, NeverSet, Bad };
  struct Group;  // readings that share a raw record

  void read_item(const xml::Element& item);
  void read_meter_reading(const xml::Element& item);
  void read_block(const xml::Element& block, Group& group);
  void read_event(const xml::Element& item, std::string_view meter, std::string_view meter_bytes);
  void read_control(const xml::Element& item);
  Verdict read_value(const xml::Element& from, const Type& type, bool in_block, Value& value,
                     Problem& problem);
  Verdict place(const xml::Element& from, const Type& type, Value& value, Problem& problem);
  void flush(Group& group);
  void reject(const xml::Element& item, std::string_view body, std::string_view meter, const char* reason,
              std::string detail);
  bool too_long(const xml::Element& item, std::string_view meter, std::size_t most = kMaxRecordBytes);
  const Type& type_called(std::string_view ref);
  [[nodiscard]] bool right_space(const xml::Element& item, std::string_view noun) const;
  ObservationHead head(std::uint64_t offset, std::string_view meter, std::string_view raw) const;

  const Options& options_;
  Frame& frame_;
  Decoded& out_;
  TextArena& arena_;
  StatedTime created_;
  std::vector<xml::Element> path_;  // from the payload to what holds the record
  std::unordered_map<std::string, Type> types_;
};

}  // namespace ami::cim
