// What the contract suite needs of a store besides IngestStore: asset data to check against, and all of its
// tables in one form that does not depend on surrogate ids.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/quantity/event_facts.h"
#include "storage/ingest.h"

namespace ami::storage::contract {

inline constexpr std::int32_t kNorth = 1, kSouth = 2;       // utilities
inline constexpr MeterId kMeter = 11, kOtherMeter = 12;     // of north
inline constexpr MeterId kSouthMeter = 21, kNoMeter = 999;  // of south; of nobody

// Cells are text: instants as RFC 3339, NULL as "-", arrays as {a,b}, bytes as hex. Rows are sorted.
struct Section {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  bool operator==(const Section&) const = default;
};

struct Dump {
  std::map<std::string, Section> truth;    // any order, split and repetition of what came in: the same
  std::map<std::string, Section> sources;  // any order and repetition of the same units: the same
  std::map<std::string, Section> history;  // versions, changes, who said it first, receipt: of one sequence
  std::map<std::string, Section> digits;   // how interval_odd writes its values, and how often it did

  // The cells of the named columns ("start value"), one line a row, in the order of the rows.
  [[nodiscard]] std::vector<std::string> pick(const std::string& section, std::string_view columns) const;
};
// Empty when equal; else the first lines that only one side has.
std::string difference(const std::map<std::string, Section>& left,
                       const std::map<std::string, Section>& right);

class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual IngestStore& store() = 0;
  virtual void clear() = 0;  // forgets all but asset data
  virtual std::int64_t directory_version() = 0;
  virtual void touch_directory() = 0;
  virtual std::int64_t quarantine_id(const std::string& reason) = 0;  // of the only row with that reason
  virtual void reject(std::int64_t quarantine_id) = 0;
  virtual UtcInstant now() = 0;  // between the commits before and those after
  virtual Dump dump() = 0;
  virtual std::string conninfo() { return {}; }  // of the database, where there is one
  // Current intervals and registers as they would have been answered then.
  virtual Section as_of(UtcInstant then) = 0;
};

std::unique_ptr<StoreUnderTest> memory_store();
std::unique_ptr<StoreUnderTest> postgres_store(std::size_t lanes = 1);

// Columns of the sections, in the order of the cells. Both stores fill exactly these.
const std::map<std::string, std::vector<std::string>>& section_columns();
// What both stores collapse by: OUTAGE or LAST_GASP against RESTORATION, 120 s; OPENED against CLOSED, 60 s.
const EventFacts& contract_facts();
bool is_truth(const std::string& section);  // belongs to Dump::truth
void sort_rows(Section& section);

}  // namespace ami::storage::contract
