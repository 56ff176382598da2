// Certificates made for one test: a CA of its own and what it signs, as PEM files in a folder.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ami::rpc::testing {

struct PemFiles {
  std::string certificate;  // paths
  std::string key;
};

struct CertificateWish {
  std::string name;               // common name, and stem of the files
  std::vector<std::string> sans;  // "URI:ami://role/reader", "DNS:localhost", "IP:127.0.0.1"
  long from_s = -60;              // validity, seconds from now
  long to_s = 3600;
};

class TestCa {
 public:
  TestCa(std::filesystem::path folder, const std::string& name);
  [[nodiscard]] const std::string& certificate() const { return certificate_path_; }  // path
  [[nodiscard]] PemFiles issue(const CertificateWish& wish) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  std::filesystem::path folder_;
  Key key_;
  Certificate certificate_;
  std::string certificate_path_;
};

std::string read_file(const std::string& path);

}  // namespace ami::rpc::testing
