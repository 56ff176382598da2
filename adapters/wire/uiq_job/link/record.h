// What the head-end said when a job had ended: one self-contained text for the sink, for keeping, and for
// being read again. The same function reads it when it arrives and later.
#pragma once

#include <string>
#include <string_view>

#include "adapters/wire/uiq_job/codec/uiq_job.h"
#include "adapters/wire/uiq_job/link/job.h"

namespace ami::uiq_job {

// Stable word of MalformedRecord::reason.
namespace reason {
inline constexpr const char* kNoRecord = "no_uiq_job_record";  // not what to_record() writes
}

// `operation` is the one that `message` (a SOAP envelope) answers: JobStatus, or one of the results. No
// header of HTTP, so no credential, is in it. `status`: of results, the word of the job's state that came
// before them.
std::string to_record(Operation operation, const Job& job, std::string_view message,
                      std::string_view status = {});

// What it says of the job's meter: at most one result, with transaction and meter as in the job and
//   measure  name of the operation
//   word     the status, or the word of the meter's row of results; empty where there is none to believe
//   fault    the row's error message, or why no row is believed: they disagree, cannot be read, or speak of
//            other devices only
//   channel  of results: the word of the job's state; empty where an older record does not say
// No result: there is no row at all.
DecodedBatch read_record(const SiteTemplate& site, AliasKind names, std::string_view record);

// 64 lower-case hex digits.
std::string sha256_of(std::string_view text);

}  // namespace ami::uiq_job
