// The server's TLS identity, checked before gRPC sees it, so that a mistake has a name.
#pragma once

#include "daemon/rpc/server.h"
#include "meter_model/result.h"

namespace ami::rpc {

// Permanent, naming the file: missing, unreadable, not PEM, a key that others may read, a key of another
// certificate.
Outcome check_tls_files(const TlsFiles& files);

}  // namespace ami::rpc
