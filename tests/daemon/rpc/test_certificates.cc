#include "tests/daemon/rpc/test_certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace ami::rpc::testing {
namespace {

void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("cannot make a test certificate: ") + what);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  must(extension != nullptr, value.c_str());
  must(X509_add_ext(certificate, extension, -1) == 1, "extension");
  X509_EXTENSION_free(extension);
}

X509* new_certificate(const std::string& name, EVP_PKEY* key, long from_s, long to_s) {
  X509* certificate = X509_new();
  must(certificate != nullptr, "X509_new");
  X509_set_version(certificate, 2);
  std::uint64_t serial = 0;
  must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), to_s);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

void write_certificate(const std::string& path, X509* certificate) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  must(file != nullptr && PEM_write_X509(file, certificate) == 1, path.c_str());
  std::fclose(file);
}

}  // namespace

TestCa::TestCa(std::filesystem::path folder, const std::string& name)
    : folder_(std::move(folder)),
      key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
      certificate_(new_certificate(name, key_.get(), -60, 3600), X509_free),
      certificate_path_(folder_ / (name + ".pem")) {
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  add_extension(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  must(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0, "sign");
  write_certificate(certificate_path_, certificate_.get());
}

PemFiles TestCa::issue(const CertificateWish& wish) const {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(new_certificate(wish.name, key.get(), wish.from_s, wish.to_s), X509_free);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  add_extension(certificate.get(), certificate_.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  std::string sans;
  for (const std::string& san : wish.sans) sans += (sans.empty() ? "" : ",") + san;
  if (!sans.empty()) add_extension(certificate.get(), certificate_.get(), NID_subject_alt_name, sans);
  must(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "sign");

  PemFiles files{folder_ / (wish.name + ".pem"), folder_ / (wish.name + ".key")};
  write_certificate(files.certificate, certificate.get());
  std::FILE* file = std::fopen(files.key.c_str(), "w");
  must(file != nullptr && PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "key");
  std::fclose(file);
  must(::chmod(files.key.c_str(), 0600) == 0, "chmod");
  return files;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace ami::rpc::testing
