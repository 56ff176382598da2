// Protected lists in memory, for tests. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "storage/contract/protected_lists.h"

namespace ami::storage {

class MemoryProtectedLists final : public ProtectedLists {
 public:
  Answer<Done> import(const ProtectedImport& list) override;
  Answer<std::vector<ProtectedMark>> marks(std::int32_t utility, const std::string& usage_point) override;

 private:
  std::mutex mutex_;
  std::map<std::pair<std::int32_t, ProtectedKind>, ProtectedImport> newest_;
};

}  // namespace ami::storage
