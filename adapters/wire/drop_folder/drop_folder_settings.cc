#include "adapters/wire/drop_folder/drop_folder.h"

namespace ami::wire {

using sdk::SettingKind;

std::vector<sdk::SettingDef> drop_folder_settings() {
  return {
      {.key = "folder",
       .kind = SettingKind::Path,
       .doc = "Folder into which the files are dropped. done/ and rejected/ are made in it.",
       .required = true},
      {.key = "settle",
       .kind = SettingKind::Duration,
       .doc = "A file that nobody was seen to close is taken when it did not change for this long.",
       .default_value = "5s",
       .min = 1,
       .max = 86'400'000},
      {.key = "rescan",
       .kind = SettingKind::Duration,
       .doc = "How often the folder is looked through, whether or not the system told of new files.",
       .default_value = "30s",
       .min = 10,
       .max = 86'400'000},
      {.key = "ignore",
       .kind = SettingKind::List,
       .doc = "Shell patterns of file names to leave alone. Names that begin with a dot always are.",
       .default_value = "['*.tmp', '*.part']"},
      {.key = "batch_bytes",
       .kind = SettingKind::Bytes,
       .doc = "How much of a file goes into one transaction, about.",
       .default_value = "4MiB",
       .min = 1,
       .max = 256 << 20},
      {.key = "batch_records",
       .kind = SettingKind::Integer,
       .doc = "How many records go into one transaction, about.",
       .default_value = "20000",
       .min = 1,
       .max = 1'000'000},
      {.key = "keep_known",
       .kind = SettingKind::Duration,
       .doc =
           "How long a file's content is known as stored. Sent again later it is read again, which changes "
           "nothing.",
       .default_value = "400d",
       .min = 86'400'000,
       .max = 315'360'000'000},
  };
}

DropFolderConfig drop_folder_config(const sdk::Settings& settings) {
  DropFolderConfig config;
  config.inbox = settings.text("folder");
  config.settle = settings.duration("settle");
  config.rescan = settings.duration("rescan");
  config.ignored = settings.list("ignore");
  config.batch_bytes = static_cast<std::uint64_t>(settings.integer("batch_bytes"));
  config.batch_observations = static_cast<std::size_t>(settings.integer("batch_records"));
  config.keep_state = std::chrono::floor<std::chrono::days>(settings.duration("keep_known"));
  return config;
}

}  // namespace ami::wire
