// A folder into which a far side drops its files, by way of the courier: late, twice or never, as a scenario orders.
// What was lost is kept for a catch-up file.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "meter_model/result.h"
#include "tools/fieldsim/courier.h"
#include "tools/fieldsim/ledger.h"

namespace ami::fieldsim {

// Threads: the simulator's one executor. Outlives what the courier carries for it.
class DropBox {
 public:
  DropBox(std::filesystem::path folder, Courier& courier) : folder_(std::move(folder)), courier_(courier) {}

  // Permanent: the folder is not there, or nothing can be written into it.
  [[nodiscard]] Outcome ready() const;

  // `name` without a folder. A second copy has another name and the same bytes.
  void drop(std::string name, std::string bytes, Content content);
  // All that was lost so far, once more and without fail, as "catchup-NAME". Gives how many files.
  std::size_t catch_up();

  [[nodiscard]] std::size_t lost() const { return lost_.size(); }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // the last one; empty = none

 private:
  struct File {
    std::string name, bytes;
    Content content;
  };
  [[nodiscard]] Parcel parcel(const File& file);
  bool write(const std::string& name, const std::string& bytes);

  const std::filesystem::path folder_;
  Courier& courier_;
  std::vector<File> lost_;
  std::string trouble_;
};

// When what was lost is brought again: at every report instant that is a multiple of a span since 1970.
struct CatchUp {
  std::chrono::seconds every{0};  // 0 = never
  [[nodiscard]] bool due(UtcInstant at) const;
  // "" (never), or whole minutes as 15m, 6h, 1d. Errors: the rest of a sentence that begins at its key.
  static Result<CatchUp> parse(const std::string& text);
};

}  // namespace ami::fieldsim
