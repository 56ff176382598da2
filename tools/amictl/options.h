// What every command that talks to a gateway needs, filled from the command line.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace ami::amictl {

// Exit codes of the command-line contract.
enum Exit { kDone = 0, kRefused = 1, kUsage = 2, kUnreachable = 3 };

struct Options {
  std::string address;  // unix:PATH or HOST:PORT
  std::string ca, cert, key;
  std::string server_name;  // when it differs from the address
  bool plaintext = false;   // only for a demo gateway on loopback
  std::string utility;
  int timeout_s = 60;
  bool json = false;
};

// Each adds its subcommands; the chosen one is put into `run`, whose result is the exit code.
using Run = std::function<int()>;
void add_meters(CLI::App& app, const Options& options, Run& run);
void add_meter_assets(CLI::App& meters, const Options& options, Run& run);  // below `meters`
void add_reads(CLI::App& app, const Options& options, Run& run);
void add_billing(CLI::App& app, const Options& options, Run& run);
void add_vee(CLI::App& app, const Options& options, Run& run);  // findings, revalidate
void add_events(CLI::App& app, const Options& options, Run& run);
void add_changes(CLI::App& app, const Options& options, Run& run);    // and reconcile
void add_clocks(CLI::App& app, const Options& options, Run& run);
void add_gaps(CLI::App& app, const Options& options, Run& run);       // and completeness
void add_gaps_backfill(CLI::App& gaps, const Options& options, Run& run);  // below `gaps`
void add_ingest(CLI::App& app, const Options& options, Run& run);     // adapters, sources, quarantine
void add_reprocess(CLI::App& app, const Options& options, Run& run);  // and raw
void add_admin(CLI::App& app, const Options& options, Run& run);      // audit, retention, maintenance
void add_audit(CLI::App& audit, const Options& options, Run& run);         // below `audit`
void add_audit_verify(CLI::App& audit, const Options& options, Run& run);  // below `audit`
void add_commands(CLI::App& app, const Options& options, Run& run);   // read-now, ping, demand-reset
void add_operations(CLI::App& app, const Options& options, Run& run);
void add_switch(CLI::App& app, const Options& options, Run& run);
void add_switch_orders(CLI::App& switches, const Options& options, Run& run);  // below `switch`
void add_switch_differences(CLI::App& switches, const Options& options, Run& run);
void add_switch_guards(CLI::App& switches, const Options& options, Run& run);  // hold, stop, resume, limits
void add_demo_check(CLI::App& app, const Options& options, Run& run);
void add_decode(CLI::App& app, Run& run);
void add_metrology(CLI::App& app, Run& run);
void add_approval(CLI::App& app, const Options& options, Run& run);

}  // namespace ami::amictl
