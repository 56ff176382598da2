// What a job's end says of a command. Pure.
#pragma once

#include "adapters/sdk/command.h"
#include "adapters/wire/uiq_job/codec/site_template.h"
#include "meter_model/observation/observation.h"
#include "meter_model/time/zone.h"

namespace ami::uiq_job {

// `result` is one of read_record(). Its word is taken by the site's table of states (measure job_status) or
// of results (any other); a word that is in neither decides nothing.
//   read, backfill  Succeeded: values come with the next export (assumed); the job's answers carry none
//   ping            Powered, or Failed no_answer with PowerState::NoAnswer; an end that does not speak of the
//                   meter says nothing of its power
//   switch          Succeeded: done, as a row of the meter says; the position stays Unknown unless that says
//                   where the switch stands. Unknown, since it may have moved: a job that ended without a
//                   row, whichever way; a job that failed whose row says otherwise; a position other than the
//                   asked-for one; no answer of the meter.
// `zone` is for times without an offset; a time that it cannot settle is left out.
sdk::AttemptAnswer verdict_of(const SiteTemplate& site, const Zone& zone, sdk::CommandKind kind,
                              const ResultObservation& result);

}  // namespace ami::uiq_job
