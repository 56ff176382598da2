// The folder outside the database in which signed heads of the switch audit are kept, one file a head. A file
// that is there is never changed. docs/audit.md
//
// Blocking; one process a folder.
#pragma once

#include <optional>
#include <string>

#include "meter_model/audit/signed_head.h"
#include "meter_model/result.h"

namespace ami::daemon::switching {

struct KeptHead {
  std::string file;  // its name, without the folder
  std::string text;
  audit::Head head;
};

// The one of the latest time; nullopt: there is none yet. Permanent: the folder cannot be read, or its newest
// file says nothing that can be understood.
Result<std::optional<KeptHead>> newest_head(const std::string& folder);

// Names sort by time.
std::string head_file_name(const audit::Head& head);

// Durable once it says Done: all of it under its name, or nothing. Permanent: there is a file of that name, or
// the folder takes none.
Outcome keep_head(const std::string& folder, const std::string& file, const std::string& text);

// The bytes of a private key. Permanent: it cannot be read, or others than its owner may read it.
Result<std::string> read_private_key(const std::string& file);

}  // namespace ami::daemon::switching
