// A server with the data of store_data.h for the Python client's test: prints where it listens as one line of
// JSON, then runs until its input ends.
#include <iostream>
#include <string>

#include "tests/daemon/rpc/rpc_fixture.h"
#include "tests/daemon/rpc/store_data.h"

int main() {
  using namespace ami::rpc;
  testing::RpcFixture fixture(testing::create_filled_database());
  RpcServer::Config config = fixture.tls_config();
  config.unix_socket = fixture.folder.path() / "rpc.sock";
  const ami::Outcome started = fixture.start(config);
  if (!started.ok()) {
    std::cerr << started.error().message << '\n';
    return 1;
  }
  const std::string utility = "URI:ami://utility/maui";
  const testing::PemFiles reader =
      fixture.ca.issue({.name = "reader", .sans = {"URI:ami://role/reader", utility}});
  const testing::PemFiles asset =
      fixture.ca.issue({.name = "asset", .sans = {"URI:ami://role/asset", utility}});
  const auto member = [](const char* name, const std::string& text) {
    return "\"" + std::string(name) + "\": \"" + text + "\"";
  };
  std::cout << "{" << member("address", fixture.address()) << ", "
            << member("socket", "unix:" + config.unix_socket) << ", "
            << member("ca", fixture.ca.certificate()) << ", " << member("reader_cert", reader.certificate)
            << ", " << member("reader_key", reader.key) << ", " << member("asset_cert", asset.certificate)
            << ", " << member("asset_key", asset.key) << "}" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  return 0;
}
