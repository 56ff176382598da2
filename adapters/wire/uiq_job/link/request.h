// Which job a command is, and what stands in it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/uiq_job/codec/uiq_job.h"

namespace ami::uiq_job {

bool states(const sdk::Capabilities& can, sdk::CommandKind kind);
Operation adding(sdk::CommandKind kind);  // of a command that is stated

// Values for the placeholders of the body, but for `retries` and `priority`. A template that wants a period
// for a read of now gets the last day.
Values values_of(const SiteTemplate& site, const sdk::Attempt& attempt, const std::string& mac,
                 UtcInstant now);

// The module of a meter: its MAC id, or why there is none.
struct Found {
  std::string mac;
  std::optional<sdk::AttemptAnswer> problem;
};
// What the rows of a search for `meter` say. A row without a name is believed to be its, unless `named`: for
// what is switched, a search that may also find other meters' modules proves nothing.
Found found_by(const std::vector<Row>& rows, const std::string& meter, bool named);

// Failed, or Unknown, with a reason of sdk::AttemptAnswer.
sdk::AttemptAnswer failed(const char* reason, std::string why);
sdk::AttemptAnswer unknown(const char* reason, std::string why);

}  // namespace ami::uiq_job
