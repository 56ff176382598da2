// Whether somebody has a file open for writing.
#pragma once

#include <filesystem>
#include <functional>

namespace ami::wire {

enum class Writers { None, Some, Unknown };
using AskWriters = std::function<Writers(const std::filesystem::path&)>;  // blocking; any thread

// Asks the system for a read lease. It tells the file's owner and who has CAP_LEASE; a head-end that writes
// under a user of its own leaves us with Unknown.
Writers ask_system_for_writers(const std::filesystem::path& file);

}  // namespace ami::wire
