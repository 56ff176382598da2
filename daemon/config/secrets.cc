#include "daemon/config/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ami::daemon {

Result<std::string> expand_credentials(std::string_view text) {
  constexpr std::string_view kVariable = "${CREDENTIALS_DIRECTORY}";
  std::string out;
  while (!text.empty()) {
    const auto start = text.find("${");
    if (start == std::string_view::npos) break;
    if (!text.substr(start).starts_with(kVariable)) {
      return permanent("only ${CREDENTIALS_DIRECTORY} is known here, not \"" +
                       std::string(text.substr(start, 40)) + "\"");
    }
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || *folder == '\0') {
      return permanent(
          "CREDENTIALS_DIRECTORY is not set: systemd sets it for a unit with LoadCredential=; elsewhere set "
          "it to "
          "the folder of the credentials");
    }
    out.append(text.substr(0, start)).append(folder);
    text.remove_prefix(start + kVariable.size());
  }
  return out.append(text);
}

std::optional<std::string> file_problem(const std::string& path, bool secret) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return path + ": " + std::strerror(errno);
  struct stat status {};
  const bool known = fstat(descriptor, &status) == 0;
  close(descriptor);
  if (!known) return path + ": cannot be examined";
  if (!S_ISREG(status.st_mode)) return path + ": is no regular file";
  if (status.st_size == 0) return path + ": is empty";
  if (secret && (status.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
    return path + ": a private key is open to others; chmod 0400 (or 0440) " + path;
  }
  return std::nullopt;
}

std::optional<std::string> conninfo_problem(std::string_view conninfo) {
  constexpr const char* kAdvice =
      "a password may not stand here: keep it in a file and write passfile=${CREDENTIALS_DIRECTORY}/pgpass";
  if (conninfo.starts_with("postgres://") || conninfo.starts_with("postgresql://")) {
    return "write key=value pairs (host=… dbname=… user=…), not a URI";
  }
  std::string_view rest = conninfo;
  for (auto at = rest.find("password"); at != std::string_view::npos; at = rest.find("password", at + 1)) {
    const bool starts_key = at == 0 || rest[at - 1] == ' ' || rest[at - 1] == '\t' || rest[at - 1] == '\n';
    auto after = at + std::strlen("password");
    while (after < rest.size() && rest[after] == ' ') ++after;
    if (starts_key && after < rest.size() && rest[after] == '=') return kAdvice;
  }
  return std::nullopt;
}

}  // namespace ami::daemon
