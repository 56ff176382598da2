// The millrace network: a head-end that pushes lines and answers questions.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::millrace {

NetworkKind network();

}  // namespace ami::fieldsim::millrace
