// Numbers for qualities that no row of quality_set holds: what a vendor said, and what our validation says
// beside it.
#pragma once

#include <map>
#include <mutex>

#include "storage/postgres/readers.h"

namespace ami::storage {

// One number a content as long as the process lives, so that pages of one stream agree. Below 0: none of the
// database's. Thread-safe.
class CombinedQualities {
 public:
  QualityId id_of(const ValueQuality& quality);

 private:
  struct Less {
    bool operator()(const ValueQuality& a, const ValueQuality& b) const {
      return a.codes != b.codes ? a.codes < b.codes : a.vendor_flag < b.vendor_flag;
    }
  };
  std::mutex mutex_;
  std::map<ValueQuality, QualityId, Less> ids_;
};

}  // namespace ami::storage
