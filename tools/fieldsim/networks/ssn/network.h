// The far side of Silver Spring Networks: UtilityIQ, which drops SSNExportDocuments into a folder and, where it is given
// a site template, serves read, ping and provisioning jobs over SOAP. Values of a read job come with an export.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::ssn {

NetworkKind network();

}  // namespace ami::fieldsim::ssn
