// What was wrong within one record, gathered so that it becomes one quarantine item a reason.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/normaliser/reading.h"

namespace ami {

class RecordTrouble {
 public:
  // Of the whole record.
  void record(const char* reason, std::string detail);
  // Of value `index` (from 0). `what` is for a person and may be empty.
  void value(const char* reason, std::size_t index, std::string_view time, std::string_view what = {});
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }

  // Appends the items with the record's raw bytes. `of` = number of values in the record; 0 = not a series.
  // `record_begin`: where the items of the same raw record begin in `out`. The series of one block share its
  // raw record, which can be large: one item for each reason stands for all of them.
  void write(const ObservationHead& head, std::size_t of, std::size_t record_begin,
             std::vector<Quarantined>& out) const;

 private:
  struct Item {
    std::string_view reason;
    std::size_t count = 0;  // of values; 0 = the whole record
    std::string detail;
  };
  Item& item(std::string_view reason);
  std::vector<Item> items_;
};

}  // namespace ami
