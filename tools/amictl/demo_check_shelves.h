// What a ledger and a store say, sorted by meter into parts on the disk, so that a ledger of any length is compared in
// bounded memory: a part has everything about its meters, and only one is in memory at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/amictl/demo_check_compare.h"
#include "tools/amictl/demo_check_truth.h"

namespace ami::amictl {

// Everything about some of the meters.
struct Part {
  Truth truth;                                             // sorted
  std::map<std::string, std::vector<StoredEvent>> events;  // of meters of the truth only, as the rest
  std::vector<StoredCount> counts;                         // one for each channel and day
  std::vector<StoredTarget> targets;
  std::uint64_t other_meters = 0;  // that were counted in the store and are not in the ledger
};

// Files have no name: they are gone when the object, or the process, is. Every call throws std::runtime_error where the
// disk fails. One thread.
class Shelves : public LedgerSink {
 public:
  static constexpr std::size_t kMostParts = 256;  // each has a file open
  // As many as keep a part at some 64 MB in memory, for a ledger of so many bytes.
  static std::size_t parts_for(std::uint64_t ledger_bytes);

  // parts: 1 to kMostParts.
  Shelves(const std::filesystem::path& folder, std::size_t parts);
  ~Shelves() override;
  Shelves(const Shelves&) = delete;
  Shelves& operator=(const Shelves&) = delete;

  void values(std::string_view meter, std::string_view reading_type, std::string_view unit,
              std::span<const Statement> said) override;
  void event(std::string_view meter, const SaidEvent& event) override;
  void command(const SaidStep& step) override;
  // Of the store. Counts of one channel and day are added up: it may have been at two usage points.
  void stored(std::string_view meter, const StoredEvent& event);
  void stored(const StoredCount& count);
  void stored(const StoredTarget& target);

  [[nodiscard]] std::size_t parts() const;
  [[nodiscard]] std::uint64_t bytes() const;  // on the disk and on the way there
  // Once for each part, after all is in.
  Part take(std::size_t part);

 private:
  class Shelf;
  Shelf& of(std::string_view meter);

  std::vector<Shelf> shelves_;
  std::map<std::string, std::uint32_t, std::less<>> types_;  // reading type -> place in names_
  std::vector<std::pair<std::string, std::string>> names_;   // reading type and unit
};

}  // namespace ami::amictl
