// amictl metrology: what a meter would have measured, recorded and shown. Needs no gateway.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/scenario/picture.h"
#include "tools/amictl/scenario/result_json.h"
#include "tools/amictl/scenario/run.h"
#include "tools/amictl/scenario/scenario.h"
#include "tools/amictl/scenario/utf8.h"

namespace ami::amictl {
namespace {

namespace fs = std::filesystem;

struct MetrologyOptions {
  std::string scenario, plot;
};

std::string text_of(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in || fs::is_directory(name)) throw UsageError{"cannot read " + name};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool write_file(const std::string& name, const std::string& text) {
  std::ofstream out(name, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  return static_cast<bool>(out);
}

int metrology(const MetrologyOptions& given) {
  auto scenario = parse_scenario(text_of(given.scenario), given.scenario);
  if (!scenario) {
    std::cerr << scenario.error().message << '\n';
    return kUsage;
  }
  std::string& title = scenario->title;
  title = valid_utf8(title.empty() ? fs::path(given.scenario).stem().string() : title);
  const auto run = run_scenario(*scenario);
  if (!run) {
    std::cerr << "amictl: " << run.error().message << '\n';
    return kRefused;
  }
  print_result(*scenario, *run, std::cout);
  std::cout.flush();
  if (!std::cout) return kRefused;
  if (!given.plot.empty() && !write_file(given.plot, plot_svg(picture_of(*scenario, *run)))) {
    std::cerr << "amictl: cannot write " << given.plot << '\n';
    return kRefused;
  }
  return kDone;
}

}  // namespace

void add_metrology(CLI::App& app, Run& run) {
  auto given = std::make_shared<MetrologyOptions>();
  CLI::App* command = app.add_subcommand(
      "metrology", "run the reference meter on a scenario: what it counts, records and shows, as JSON");
  command->add_option("scenario", given->scenario, "scenario (YAML)")->required();
  command->add_option("--plot", given->plot, "also draw power, intervals and demand into this SVG file");
  command->footer(
      "Schema and examples: docs/metrology.md, config/scenarios. A scenario that cannot be: every problem "
      "with "
      "its line, exit code 2.");
  command->callback([&run, given] { run = [given] { return metrology(*given); }; });
}

}  // namespace ami::amictl
