// Which certificate files a side of a TLS connection uses. Paths of PEM files.
#pragma once

#include <chrono>
#include <string>

namespace ami::http {

enum class ClientCertificates {
  None,      // not asked for
  Optional,  // one that is shown must be good
  Required,
};

struct TlsSettings {
  std::string certificate;  // own chain, leaf first
  std::string key;          // of the leaf; not open to others than owner and group
  std::string ca;  // who may sign the peer's certificate; a client without it trusts the system's store
  ClientCertificates client_certificates = ClientCertificates::None;  // server only
  std::chrono::milliseconds look_again{60'000};                       // for changed files
};

}  // namespace ami::http
