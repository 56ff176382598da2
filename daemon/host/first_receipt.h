// When a fact that is dated by its receipt was received. Some notifications have no time of their own
// (MultiSpeak 3.0 CDStateChangedNotification), so the same one delivered twice would be two facts.
#pragma once

#include <chrono>
#include <span>

#include "meter_model/observation/observation.h"

namespace ami::daemon {

// Whether anything in the batch is dated by the receipt of its message.
bool dated_by_receipt(const DecodedBatch& batch);
// Whether it answers a transaction: then it tells one fact, however often and whenever it comes.
bool in_transaction(const DecodedBatch& batch);

// `known`: receipts of the same content that dated facts, or nothing (IngestStore::receipts), in order of
// time. `received_at`: of this one. In a transaction the first counts. Without one the same words may be a
// new fact (the switch was opened again): within `window` of a receipt that dated a fact it is that fact,
// told again; else a new one. The window begins with the fact, not with each repetition.
UtcInstant first_receipt(std::span<const UtcInstant> known, UtcInstant received_at, bool in_transaction,
                         std::chrono::seconds window);

}  // namespace ami::daemon
