#include "daemon/rpc/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

namespace ami::rpc {
namespace {

Error openssl_error(const std::string& what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return permanent(what + ": " + (reason == nullptr ? "not usable" : reason));
}

}  // namespace

Outcome check_tls_files(const TlsFiles& files) {
  for (const std::string* path : {&files.certificate_chain, &files.private_key, &files.client_ca}) {
    struct stat info {};
    if (path->empty()) return permanent("TLS needs certificate_chain, private_key and client_ca");
    if (::stat(path->c_str(), &info) != 0) return permanent(*path + ": " + std::strerror(errno));
    if (path == &files.private_key && (info.st_mode & (S_IROTH | S_IWOTH)) != 0) {
      return permanent(*path +
                       ": a private key that others may read or write is not used; chmod 0640 or less");
    }
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                  SSL_CTX_free);
  if (context == nullptr) return openssl_error("OpenSSL");
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_chain.c_str()) != 1) {
    return openssl_error(files.certificate_chain);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return openssl_error(files.private_key);
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) return openssl_error(files.private_key);
  if (SSL_CTX_load_verify_locations(context.get(), files.client_ca.c_str(), nullptr) != 1) {
    return openssl_error(files.client_ca);
  }
  return Done{};
}

}  // namespace ami::rpc
