// Reads messages out of the pages of a journal that SQLite cannot, or must not, be asked about any more.
//
// Every page image in the database file and in its write-ahead log is looked at for itself; trees, checksums
// and headers are not trusted. A message counts when its seal holds, so nothing wrong can come out. What was
// trimmed may come out again where its page was not written over yet.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "storage/journal/entry.h"

namespace ami::storage {

// `found` gets each message, in no order, some more than once; also rows of kTallyId. Reads only. What cannot
// be read is passed over.
void carve(const std::string& folder, const std::function<void(StoredMessage&&)>& found);

// The tally of the newest transaction of which the log holds anything, whether SQLite accepts it or not.
std::optional<JournalTally> newest_tally_in_log(const std::string& folder);

}  // namespace ami::storage
