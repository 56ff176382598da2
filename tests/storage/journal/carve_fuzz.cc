// Any bytes as a database file and its log: what comes out is one of the messages that the seeds hold, or
// nothing. The first four bytes say where the log begins.
#include <stdlib.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "storage/journal/carve.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  static const std::string folder = [] {
    auto path = (std::filesystem::temp_directory_path() / "ami-carve.XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) std::abort();
    return path;
  }();
  const std::size_t split =
      (data[0] | (std::size_t{data[1]} << 8) | (std::size_t{data[2]} << 16)) % (size - 3);
  const auto* bytes = reinterpret_cast<const char*>(data) + 4;
  std::ofstream(folder + "/journal.db", std::ios::binary).write(bytes, static_cast<std::streamsize>(split));
  std::ofstream(folder + "/journal.db-wal", std::ios::binary)
      .write(bytes + split, static_cast<std::streamsize>(size - 4 - split));
  const auto check = [](ami::storage::StoredMessage&& message) {
    if (message.id == ami::storage::kTallyId) return;
    if (message.feed == "seed" && message.body == std::string(message.body.size(), message.key.at(0))) return;
    std::fputs("a message came out that nobody put in\n", stderr);
    std::abort();
  };
  ami::storage::carve(folder, check);
  (void)ami::storage::newest_tally_in_log(folder);
  std::filesystem::remove_all(folder + "/journal.db");
  std::filesystem::remove_all(folder + "/journal.db-wal");
  return 0;
}
