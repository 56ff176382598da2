// Inside the store only: operations and their targets between SQL and structs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/operations.h"
#include "storage/postgres/session.h"

namespace ami::storage {

// Foreign text: cut at `most` bytes and made fit for PostgreSQL.
std::string kept_text(const std::string& text, std::size_t most);

// One array a column, for unnest.
struct KeyColumns {
  explicit KeyColumns(const std::vector<TargetKey>& keys);
  void add_to(Params& params) const;
  std::vector<std::int64_t> operations;
  std::vector<std::int32_t> numbers;
};
struct AnswerColumns {
  void add(const TargetAnswer& answer);
  void add_to(Params& params) const;  // states, reasons, words, powers, positions, times (epoch = none)
  std::vector<std::string> states, reasons, words, powers, positions;
  std::vector<UtcInstant> times;
};

OperationKind operation_kind(std::string_view text);
TargetState target_state(std::string_view text);
Verification verification_from(std::string_view text);

// Operations o in the order of ids, newest first, with their counts. `condition` uses params.
std::vector<Operation> load_operations(Session& session, const std::string& condition, const Params& params,
                                       std::size_t limit);
Operation load_operation(Session& session, UtilityId utility, OperationId id);  // refuses with NotFound

// Columns of target t, and one row of them.
std::string target_columns();
inline constexpr int kTargetColumns = 28;
OperationTarget target_of(const Rows& rows, int row);

// Locks rows in one order, whoever asks; those that do not exist are left out.
std::map<TargetKey, OperationTarget> lock_targets(Session& session, const std::vector<TargetKey>& keys);

// Writes ends of targets that are locked.
struct TargetEnd {
  TargetKey key;
  TargetAnswer answer;
  bool resolved = false;  // it was UNKNOWN: ended_at stays
};
void write_ends(Session& session, const std::vector<TargetEnd>& ends, UtcInstant now);
// What the far side said of those that go on.
void write_notes(Session& session, const std::vector<TargetEnd>& notes);

}  // namespace ami::storage
