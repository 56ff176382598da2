#include "daemon/gateway/port_file.h"

#include <filesystem>
#include <fstream>

namespace ami::daemon {

Outcome write_port_file(const std::string& path, int port) {
  if (path.empty()) return Done{};
  const auto fresh = path + ".new";
  std::ofstream(fresh) << port << '\n';
  std::error_code error;
  std::filesystem::rename(fresh, path, error);
  if (error) return permanent("http.port_file " + path + ": " + error.message());
  return Done{};
}

}  // namespace ami::daemon
