// amictl: the operator's command line. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 unreachable.
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"

int main(int argc, char** argv) {
  using namespace ami::amictl;
  CLI::App app{"Operator's command line of the AMI head-end gateway"};
  app.require_subcommand(0, 1);  // checked below: here it would hide which word was not understood
  app.fallthrough();
  app.set_version_flag("--version", std::string("amictl ") + AMI_VERSION);
  app.footer("Exit codes: 0 done, 1 refused or failed, 2 usage, 3 gateway not reached.");

  Options options;
  app.add_option("--address", options.address, "gateway: unix:PATH or HOST:PORT")
      ->envname("AMI_ADDRESS")
      ->default_val("unix:/run/ami-gateway/rpc.sock");
  app.add_option("--utility", options.utility, "utility that bare keys belong to")->envname("AMI_UTILITY");
  app.add_option("--ca", options.ca, "authority of the gateway's certificate (PEM)")->envname("AMI_CA");
  app.add_option("--cert", options.cert, "your certificate (PEM)")->envname("AMI_CERT");
  app.add_option("--key", options.key, "its key (PEM)")->envname("AMI_KEY");
  app.add_option("--server-name", options.server_name,
                 "name in the gateway's certificate, when not the host's");
  app.add_flag("--plaintext", options.plaintext, "no TLS: only a demo gateway on loopback takes that");
  app.add_option("--timeout", options.timeout_s, "seconds to wait for an answer")
      ->default_val(60)
      ->check(CLI::PositiveNumber);
  std::string output = "table";
  app.add_option("--output", output, "table or json (one object a line)")
      ->check(CLI::IsMember({"table", "json"}));

  Run run;
  add_meters(app, options, run);
  add_reads(app, options, run);
  add_billing(app, options, run);
  add_vee(app, options, run);
  add_events(app, options, run);
  add_changes(app, options, run);
  add_clocks(app, options, run);
  add_gaps(app, options, run);
  add_ingest(app, options, run);
  add_reprocess(app, options, run);
  add_admin(app, options, run);
  add_commands(app, options, run);
  add_operations(app, options, run);
  add_switch(app, options, run);
  add_demo_check(app, options, run);
  add_decode(app, run);
  add_metrology(app, run);
  add_approval(app, options, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (!run) {
    std::cerr << "amictl: which command? See --help.\n";
    return kUsage;
  }
  options.json = output == "json";
  try {
    return run();
  } catch (const UsageError& error) {
    std::cerr << "amictl: " << error.message << '\n';
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "amictl: " << error.what() << '\n';
    return kRefused;
  }
}
