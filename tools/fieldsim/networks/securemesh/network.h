// The far side of Trilliant SecureMesh: a head-end that speaks CIM. It takes requests over HTTP and posts replies and
// events; readings are posted, too, or dropped as files where a folder is given. That this vendor's head-end has this
// interface is assumed.
#pragma once

#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::securemesh {

NetworkKind network();

}  // namespace ami::fieldsim::securemesh
