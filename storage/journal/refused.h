// Messages that the database will never take: kept as files beside the journal, for a person.
#pragma once

#include <string>

#include "meter_model/result.h"
#include "storage/journal/entry.h"

namespace ami::storage {

// Writes the message, byte for byte, to path/refused/FEED-ID.msg; durable when it returns. Gives that file's
// path. The same message again is one file. Transient: the disk did not take it. Blocking.
Result<std::string> keep_refused(const std::string& path, const StoredMessage& message);

}  // namespace ami::storage
