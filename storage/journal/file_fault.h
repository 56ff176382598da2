// Why a file of the journal could not be used.
#pragma once

#include <stdexcept>
#include <string>

namespace ami::storage {

// Thrown inside the journal; nothing of it leaves storage/journal.
class FileFault : public std::runtime_error {
 public:
  enum class Kind {
    Disk,     // full, away, not permitted: what is stored is safe, the same may work later
    Damaged,  // what is stored is not what was put there: salvage
  };
  FileFault(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
  [[nodiscard]] Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

}  // namespace ami::storage
