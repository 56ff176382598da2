#include "adapters/wire/http/credentials.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace ami::http {
namespace {

constexpr std::size_t kMaxSecretBytes = 64 << 10;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

class File {
 public:
  explicit File(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

std::optional<std::string> problem_of(const File& file, const std::string& path) {
  if (file.get() < 0) return path + ": " + std::strerror(errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return path + ": " + std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return path + ": is no regular file";
  if (status.st_size == 0) return path + ": is empty";
  if (static_cast<std::size_t>(status.st_size) > kMaxSecretBytes) return path + ": is larger than 64 KiB";
  if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    return path + ": a secret is open to others; chmod 0400 (or 0440) " + path;
  }
  return std::nullopt;
}

}  // namespace

std::optional<BasicCredentials> parse_basic(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() < kScheme.size() ||
      !std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                  [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == b - 'A' + 'a'); })) {
    return std::nullopt;
  }
  std::string_view text = authorization.substr(kScheme.size());
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMaxSecretBytes) return std::nullopt;
  const std::size_t padding = text.size() - std::min(text.size(), text.find_last_not_of('=') + 1);
  if (padding > 2 || text.substr(0, text.size() - padding).find('=') != std::string_view::npos) {
    return std::nullopt;
  }
  // The decoder of OpenSSL skips blanks; base64 of a header has none.
  if (std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ' '; })) {
    return std::nullopt;
  }
  std::string plain(text.size() / 4 * 3, '\0');
  const int decoded =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(plain.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  std::optional<BasicCredentials> credentials;
  if (decoded >= 0) {
    plain.resize(static_cast<std::size_t>(decoded) - padding);
    const std::size_t colon = plain.find(':');
    if (colon != std::string::npos && std::none_of(plain.begin(), plain.end(), is_control)) {
      credentials = BasicCredentials{plain.substr(0, colon), Secret(plain.substr(colon + 1))};
    }
  }
  OPENSSL_cleanse(plain.data(), plain.size());
  return credentials;
}

Secret to_authorization(const BasicCredentials& credentials) {
  const Secret pair(credentials.user + ":" + credentials.password.reveal());
  const std::string& text = pair.reveal();
  std::vector<unsigned char> encoded((text.size() + 2) / 3 * 4 + 1);
  const int size = EVP_EncodeBlock(encoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  return Secret("Basic " + std::string(encoded.begin(), encoded.begin() + size));
}

std::optional<std::string> secret_file_problem(const std::string& path) {
  return problem_of(File(path), path);
}

Result<Secret> load_secret(const std::string& path) {
  const File file(path);
  if (auto problem = problem_of(file, path)) return permanent(*problem);
  std::string text(kMaxSecretBytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return permanent(path + ": " + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > 0 && text[size - 1] == '\n') --size;
  if (size > 0 && text[size - 1] == '\r') --size;
  Secret secret(text.substr(0, size));
  OPENSSL_cleanse(text.data(), text.size());
  if (size == 0) return permanent(path + ": has nothing but a line end");
  if (std::any_of(secret.reveal().begin(), secret.reveal().end(), is_control)) {
    return permanent(path + ": more than one line, or control characters: a secret is one line of text");
  }
  return secret;
}

}  // namespace ami::http
