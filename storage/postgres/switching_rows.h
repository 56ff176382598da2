// Inside the store only: switch operations between SQL and structs.
#pragma once

#include <string>
#include <vector>

#include "storage/contract/switching.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"

namespace ami::storage {

// Operations that fulfil `condition`, a text with $1 … of params, its ORDER BY and LIMIT included.
std::vector<SwitchOperation> load_switches(Session& session, const std::string& condition,
                                           const Params& params);

// 0 = there is one of that request already.
SwitchId insert_switch(Session& session, const SwitchAsked& asked);
// False: it is not at the version before.
bool update_switch(Session& session, const SwitchOperation& next);
// The audit line and the outbox line of a change; `from` empty = created.
void note_switch(Session& session, const SwitchOperation& now, std::string_view from, const SwitchNote& note);

}  // namespace ami::storage
