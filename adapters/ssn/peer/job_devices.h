// The meters of a simulated network as UtilityIQ's simulated job service knows them: under the name and the
// MAC id that their exports have.
#pragma once

#include <span>
#include <vector>

#include "adapters/wire/uiq_job/peer/simulated_jobs.h"
#include "meter_model/result.h"
#include "meter_model/virtual_meter/collected.h"

namespace ami::ssn::peer {

// Permanent: a meter whose module's id nothing says, or two of one name or MAC id: no job could be for it.
Result<std::vector<uiq_job::peer::Device>> job_devices(std::span<const virtual_meter::Collected> meters);

}  // namespace ami::ssn::peer
