#include "daemon/config/fingerprint.h"

#include <openssl/sha.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace ami::daemon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostFiles = 2000;
constexpr std::uintmax_t kLargestFile = 16u << 20;

}  // namespace

std::string digest_of_text(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string digest_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return file.bad() ? std::string{} : digest_of_text(content);
}

std::string digest_of_feed_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  std::string kept;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("vee:")) kept += line + '\n';
  }
  return file.bad() ? std::string{} : digest_of_text(kept);
}

std::string digest_of_folder(const std::string& folder, const std::set<std::string>& except) {
  std::map<std::string, std::string> digests;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && it != end && digests.size() < kMostFiles; it.increment(error)) {
    std::error_code ignored;
    const auto path = fs::weakly_canonical(it->path(), ignored).string();
    if (it->is_directory(ignored) && except.contains(path)) it.disable_recursion_pending();
    const auto extension = it->path().extension();
    if ((extension != ".yaml" && extension != ".yml") || !it->is_regular_file(ignored)) continue;
    if (except.contains(path) || it->file_size(ignored) > kLargestFile) continue;
    digests.emplace(path, digest_of_file(path));
  }
  std::string all = error ? error.message() : "";
  for (const auto& [path, digest] : digests) all += path + '\0' + digest + '\n';
  return digest_of_text(all);
}

}  // namespace ami::daemon
