// Inside the store only: lines of the switch audit and their seals between SQL and structs.
#pragma once

#include <string>

#include "storage/contract/switch_seals.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/copy_out.h"

namespace ami::storage {

// Of switch_audit a, in the order of the canonical bytes.
const std::string& audit_columns();
// Canonical bytes of a row of audit_columns() that begins in that column; empty when there is no line (audit_id is
// NULL).
std::string canonical_line(const Rows& rows, int row, int first_column);

// Of switch_seal s and switch_audit a, for sealed_line().
const std::string& sealed_columns();
SealedLine sealed_line(const Rows& rows, int row);
SealedLine sealed_line(CopyOut& rows);  // of the row that next() came to

}  // namespace ami::storage
