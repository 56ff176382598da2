// A refusal of the store as an error that says whether trying again makes sense.
#pragma once

#include "meter_model/result.h"
#include "storage/postgres/refusal.h"

namespace ami::daemon {

inline Error error_of(const storage::Refusal& refusal) {
  switch (refusal.kind) {
    case storage::Refusal::Kind::Unavailable:
      return transient(refusal.message);
    case storage::Refusal::Kind::InDoubt:
      return in_doubt(refusal.message);
    default:
      return permanent(refusal.message);
  }
}

}  // namespace ami::daemon
