#include "adapters/wire/http/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/ssl/verify_mode.hpp>
#include <utility>

#include "adapters/wire/http/credentials.h"

namespace ami::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error problem(const std::string& path, const error_code& error, const char* meant) {
  return permanent(path + ": " + meant + ": " + error.message());
}

Result<TlsContext> build(TlsSide side, const TlsSettings& settings) {
  const bool server = side == TlsSide::Server;
  const auto context =
      std::make_shared<ssl::context>(server ? ssl::context::tls_server : ssl::context::tls_client);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Connections are kept, so resuming sessions gains little; without tickets nothing comes that was not asked
  // for.
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);

  error_code error;
  if (!settings.certificate.empty()) {
    context->use_certificate_chain_file(settings.certificate, error);
    if (error) return problem(settings.certificate, error, "no certificate chain in PEM could be read");
    if (const auto bad = secret_file_problem(settings.key)) return permanent(*bad);
    context->use_private_key_file(settings.key, ssl::context::pem, error);
    if (error) return problem(settings.key, error, "no private key that fits the certificate could be read");
    if (SSL_CTX_check_private_key(native) != 1) {
      ERR_clear_error();
      return permanent(settings.key + ": is not the key of " + settings.certificate);
    }
  } else if (server) {
    return permanent("a TLS server needs a certificate and its key");
  }
  const bool ask = !server || settings.client_certificates != ClientCertificates::None;
  if (!settings.ca.empty()) {
    context->load_verify_file(settings.ca, error);
    if (error) return problem(settings.ca, error, "no CA certificates in PEM could be read");
    if (server) SSL_CTX_set_client_CA_list(native, SSL_load_client_CA_file(settings.ca.c_str()));
  } else if (!server) {
    context->set_default_verify_paths(error);
    if (error) return permanent("the CA certificates of the system cannot be read: " + error.message());
  } else if (ask) {
    return permanent("client certificates are asked for, but no CA file says who may sign them");
  }
  int mode = SSL_VERIFY_NONE;
  if (ask) mode = SSL_VERIFY_PEER;
  if (server && settings.client_certificates == ClientCertificates::Required) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(native, mode, nullptr);
  return context;
}

}  // namespace

Result<TlsContext> load_tls(TlsSide side, const TlsSettings& settings) {
  try {
    return build(side, settings);
  } catch (const boost::system::system_error& error) {
    return permanent(std::string("TLS cannot be set up: ") + error.what());
  }
}

TlsFiles::TlsFiles(TlsSide side, TlsSettings settings, const sdk::Services& services)
    : side_(side), settings_(std::move(settings)), services_(services) {}

TlsFiles::Stamps TlsFiles::stamps_of(const TlsSettings& settings) {
  Stamps stamps;
  for (const std::string& path : {settings.certificate, settings.key, settings.ca}) {
    Stamp stamp;
    struct stat status {};
    if (!path.empty() && ::stat(path.c_str(), &status) == 0) {
      stamp = {status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec, status.st_size,
               static_cast<std::int64_t>(status.st_ino)};
    }
    stamps.push_back(stamp);
  }
  return stamps;
}

sdk::Awaitable<Outcome> TlsFiles::load(bool even_if_same) {
  struct Loaded {
    Stamps stamps;
    std::optional<Result<TlsContext>> context;  // absent: the files are what they were
  };
  const auto loaded = std::make_shared<Loaded>();
  std::function<void()> work = [loaded, side = side_, settings = settings_, known = stamps_, even_if_same] {
    loaded->stamps = stamps_of(settings);
    if (even_if_same || loaded->stamps != known) loaded->context.emplace(load_tls(side, settings));
  };
  looking_ = true;
  looked_at_ = services_.clock.now();
  co_await services_.offload.run(std::move(work));
  looking_ = false;
  if (!loaded->context) co_return Done{};
  stamps_ = loaded->stamps;  // also of files that cannot be used: they are told of once, not at every look
  if (!*loaded->context) co_return loaded->context->error();
  context_ = loaded->context->value();
  co_return Done{};
}

sdk::Awaitable<Result<TlsContext>> TlsFiles::current() {
  const bool first = context_ == nullptr;
  if (first || (!looking_ && services_.clock.now() - looked_at_ >= settings_.look_again)) {
    const Outcome outcome = co_await load(first);
    if (!outcome && context_ == nullptr) co_return outcome.error();
    if (!outcome) {
      services_.log.write(sdk::LogLevel::Warn, "HTTP_CERTIFICATES_KEPT",
                          "problem=\"" + outcome.error().message + "\" action=the_former_ones_stay_in_use");
    }
  }
  co_return context_;
}

sdk::Awaitable<Outcome> TlsFiles::reload() {
  co_return co_await load(true);
}

}  // namespace ami::http
