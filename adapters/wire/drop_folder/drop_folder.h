// A folder into which files are dropped: finds finished files, has them read, stores what they say together
// with the position in the file, and moves them to done/ or rejected/. Shared by all file-fed families.
//
// A file is taken when it was closed after writing or moved in, or when neither size nor time changed for
// `settle`; never while somebody has it open for writing (where the system can tell). Oldest first, one at a
// time. Content counts, not names: a content that was stored before is moved to done/ as a duplicate. A file
// leaves the folder only after all of it is stored, or with a reason file beside it in rejected/. A stop or
// a crash at any moment is harmless: the position is saved in the same transaction as the readings.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/settings.h"
#include "adapters/wire/drop_folder/file_reader.h"
#include "adapters/wire/drop_folder/writers.h"

namespace ami::wire {

struct DropFolderConfig {
  std::filesystem::path inbox;  // done/ and rejected/ are made in it
  std::chrono::milliseconds settle{5'000};
  std::chrono::milliseconds rescan{30'000};
  std::vector<std::string> ignored{"*.tmp", "*.part"};  // shell patterns; names with a leading dot always are
  std::size_t chunk_bytes = 1 << 20;                    // one read
  std::uint64_t batch_bytes = 4 << 20;                  // of input in one commit, about
  std::size_t batch_observations = 20'000;              // in one commit, about
  std::chrono::days keep_state{
      400};  // how long a content is known as stored; sent again later, it is read again
  AskWriters ask_writers = ask_system_for_writers;
};

// The settings behind DropFolderConfig, for a family's schema: folder, settle, rescan, ignore, batch,
// keep_known.
std::vector<sdk::SettingDef> drop_folder_settings();
DropFolderConfig drop_folder_config(const sdk::Settings& settings);

struct DropFolderCounts {
  std::uint64_t done = 0, duplicates = 0, rejected = 0;
};

class DropFolder {
 public:
  using MakeReader = std::function<std::unique_ptr<FileReader>()>;

  DropFolder(DropFolderConfig config, sdk::Services services, MakeReader make_reader);
  ~DropFolder();  // only after stop() returned, or when the executor runs no more
  DropFolder(const DropFolder&) = delete;
  DropFolder& operator=(const DropFolder&) = delete;

  // Always succeeds: a folder that cannot be used shows in health and is tried again. May follow a stop().
  sdk::Awaitable<Outcome> start();
  // Cancels a commit that is under way (stored whole or not at all), lets the file where it is, returns when
  // quiet.
  sdk::Awaitable<void> stop();

  [[nodiscard]] sdk::Health health() const;       // any thread
  [[nodiscard]] DropFolderCounts counts() const;  // any thread

 private:
  class Worker;
  std::shared_ptr<Worker> worker_;
};

}  // namespace ami::wire
