// A head-end keeps a message until somebody takes it: better twice than never.
#pragma once

#include <functional>
#include <string>

#include "adapters/wire/http/answer.h"
#include "tools/fieldsim/courier.h"

namespace ami::fieldsim {

// Tries again, with pauses of the machine's time (simulated time may be waiting for this), until the other side takes it
// (true), refuses it for good, a minute has gone by, or the courier stops. trouble: why it was not taken the last time.
sdk::Awaitable<bool> insist(std::function<sdk::Awaitable<http::Answer>()> attempt, const Courier& courier,
                            std::string& trouble);

}  // namespace ami::fieldsim
