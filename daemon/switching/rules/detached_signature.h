// Ed25519 over the bytes of a file (RFC 8032).
#pragma once

#include <string_view>

#include "meter_model/result.h"

namespace ami::daemon::switching {

// Permanent: the key is not an Ed25519 public key in PEM, the signature has not 64 bytes, or it is not one of
// these bytes by that key.
Outcome verify_ed25519(std::string_view bytes, std::string_view signature, std::string_view public_key_pem);

}  // namespace ami::daemon::switching
