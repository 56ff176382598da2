// Saves what can be read of a damaged journal and puts a fresh file in its place.
#pragma once

#include <set>
#include <string>

#include "storage/journal/journal.h"

namespace ami::storage {

// What to do is decided by what lies in `path`, so an end of the process at any point loses nothing: the
// damaged folder stays in place until everything that could be read of it is durable in the fresh one.
// `live` = the ids that the journal held, where that is known; else the damaged file's own tally is asked.
// `announce` is called before anything is moved. Throws FileFault (Disk).
void salvage(const std::string& path, const std::string& vfs, const std::string& reason,
             const std::set<std::uint64_t>* live, const std::function<void(const JournalDamage&)>& announce);

// Ends what an end of the process interrupted: a salvage that was complete is put in place, one that was not
// is thrown away. Throws FileFault (Disk).
void settle_folders(const std::string& path);

}  // namespace ami::storage
