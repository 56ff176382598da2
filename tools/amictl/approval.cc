// amictl approval: what a notice of approval says of a meter with a module. Needs no gateway.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "meter_model/approval/notice_yaml.h"
#include "tools/amictl/approval_json.h"
#include "tools/amictl/approval_tables.h"
#include "tools/amictl/config_dir.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"

namespace ami::amictl {
namespace {

namespace fs = std::filesystem;
using approval::Notice;

struct ApprovalOptions {
  std::string notice, as_of;
  std::string model, form, elements, wires, class_a, module, firmware, connection, provenance;
  std::vector<std::string> quantities;
  std::string topic;
};

constexpr const char* kNotKnown = "unknown";

struct NamedQuantity {
  const char* name;
  const char* reading_type;
};
// Names for those who have no reading type at hand.
constexpr NamedQuantity kQuantities[] = {
    {"ENERGY_DELIVERED", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0"},
    {"ENERGY_RECEIVED", "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0"},
    {"ENERGY_NET", "0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.0.72.0"},
    {"ENERGY_TOTAL", "0.0.0.1.20.1.12.0.0.0.0.0.0.0.0.0.72.0"},
    {"DEMAND_MAX_DELIVERED", "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.0.38.0"},
    {"DEMAND_MAX_RECEIVED", "8.8.53.6.19.1.8.0.0.0.0.0.0.0.0.0.38.0"},
    {"POWER_INSTANTANEOUS", "0.0.0.12.1.1.37.0.0.0.0.0.0.0.0.0.38.0"},
    {"VOLTAGE", "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0"},
    {"SWITCH_POSITION", "0.0.0.12.0.1.43.0.0.0.0.0.0.0.0.0.114.0"},
};

std::string quantity_names() {
  std::string names;
  for (const NamedQuantity& one : kQuantities) names += (names.empty() ? "" : ", ") + std::string(one.name);
  return names;
}

ReadingType quantity(const std::string& text) {
  const auto* known = std::ranges::find(kQuantities, text, &NamedQuantity::name);
  auto type = ReadingType::parse(known == std::end(kQuantities) ? text : known->reading_type);
  if (type) return *type;
  throw UsageError{"--quantity: " + type.error().message + "; names are " + quantity_names()};
}

// "" for a fact that is said to be not known. What is left empty was forgotten.
std::string known(const std::string& text, const char* option) {
  if (text.empty())
    throw UsageError{std::string(option) + " is empty; write \"unknown\" for what is not known"};
  return text == kNotKnown ? std::string() : text;
}

// The file named, or else the only one that is installed.
fs::path notice_file(const std::string& given) {
  if (!given.empty()) return given;
  const fs::path folder = config_dir("approvals") / "approvals";
  std::vector<fs::path> found;
  std::error_code trouble;
  for (const auto& entry : fs::directory_iterator(folder, trouble)) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  }
  if (found.size() == 1) return found.front();
  throw UsageError{found.empty()
                       ? "no notice of approval in " + folder.string() + ": give --notice FILE"
                       : "several notices of approval in " + folder.string() + ": give --notice FILE"};
}

Notice load_notice(const std::string& given) {
  const fs::path path = notice_file(given);
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) throw UsageError{"cannot read " + path.string()};
  std::ostringstream text;
  text << in.rdbuf();
  auto notice = approval::parse_notice(text.str(), path.string());
  if (!notice) throw UsageError{notice.error().message};
  return std::move(notice).value();
}

template <class T>
std::optional<T> taken(const Result<T>& result, const char* option) {
  if (!result) throw UsageError{std::string(option) + ": " + result.error().message};
  return *result;
}

approval::Device device(const ApprovalOptions& given) {
  approval::Device device;
  device.model = known(given.model, "--model");
  device.form = known(given.form, "--form");
  if (given.module != kNotKnown) device.module = given.module;
  if (!given.firmware.empty()) device.firmware = known(given.firmware, "--firmware");
  if (const std::string text = known(given.elements, "--elements"); !text.empty())
    device.elements = taken(approval::parse_elements(text), "--elements");
  if (const std::string text = known(given.class_a, "--class"); !text.empty())
    device.class_a = taken(approval::parse_class(text), "--class");
  if (const std::string text = known(given.wires, "--wires"); !text.empty()) {
    const auto number = Decimal::parse(text);
    const auto wires = number ? number->mantissa_at(0) : std::nullopt;
    if (!wires || *wires < 1 || *wires > 9)
      throw UsageError{"--wires: \"" + text + "\" is no whole number from 1 to 9"};
    device.wires = static_cast<int>(*wires);
  }
  if (!given.connection.empty()) device.connection = approval::connection_from(given.connection);
  return device;
}

std::string modules_of(const Notice& notice) {
  std::string names;
  for (const approval::Module& one : notice.modules) names += (names.empty() ? "" : ", ") + one.key;
  return names;
}

// A module by any of its names; a model by the notice's own, not by the short ones that asset data may use.
void refuse_strange_names(const Notice& notice, const ApprovalOptions& given) {
  if (given.module != kNotKnown && notice.module_named(given.module) == nullptr) {
    throw UsageError{"--module: \"" + given.module + "\" is none of the modules of " + notice.name + ": " +
                     modules_of(notice)};
  }
  const approval::Model* model = notice.model_named(given.model);
  if (model != nullptr && model->name != given.model)
    throw UsageError{"--model: write \"" + model->name + "\" for " + given.model};
}

int check(const ApprovalOptions& given, bool json) {
  std::optional<Notice> notice;
  if (given.notice != "none") notice = load_notice(given.notice);
  const Notice* binding = notice ? &*notice : nullptr;
  CheckReport report;
  report.device = device(given);
  if (binding != nullptr) refuse_strange_names(*binding, given);
  if (!given.as_of.empty()) {
    report.as_of = approval::parse_date(given.as_of);
    if (!report.as_of) throw UsageError{"--as-of: \"" + given.as_of + "\" is no day, as 2010-06-07"};
  }
  report.carry = approval::may_carry(binding, report.device, report.as_of);
  for (const approval::Finding& finding : report.carry.findings) {
    if (finding.rule == "UNKNOWN_FIRMWARE") report.firmware_problem = finding.message;
  }
  report.service_switch = approval::may_operate_switch(binding, report.device, {}, report.as_of);
  const auto provenance = approval::provenance_from(given.provenance).value_or(approval::Provenance::Unknown);
  for (const std::string& text : given.quantities) {
    const ReadingType type = quantity(text);
    report.quantities.push_back(
        {type, approval::type_approval(binding, report.device, type, provenance, report.as_of)});
  }
  if (json) {
    std::cout << to_json(report) << '\n';
  } else {
    print(report, std::cout);
  }
  std::cout.flush();
  return report.allowed() && std::cout ? kDone : kRefused;
}

int show(const ApprovalOptions& given, bool json) {
  const Notice notice = load_notice(given.notice);
  const auto& parts = notice_parts();
  const bool part = given.topic.empty() || std::ranges::find(parts, given.topic) != parts.end();
  const approval::Module* module = part ? nullptr : notice.module_named(given.topic);
  if (!part && module == nullptr) {
    std::string message = "\"" + given.topic + "\" is neither a module of " + notice.name + " (" +
                          modules_of(notice) + ") nor a part of it:";
    for (const std::string& one : parts) message += " " + one;
    throw UsageError{message};
  }
  if (json) {
    std::cout << (module != nullptr ? to_json(notice, *module) : to_json(notice, given.topic)) << '\n';
  } else if (module != nullptr) {
    print(notice, *module, std::cout);
  } else {
    print(notice, given.topic, std::cout);
  }
  std::cout.flush();
  return std::cout ? kDone : kRefused;
}

void add_check(CLI::App& group, const CLI::Option& output, const Options& options, Run& run,
               const std::shared_ptr<ApprovalOptions>& given) {
  CLI::App* command =
      group.add_subcommand("check", "may this meter carry this module? JSON with the clauses");
  const auto needed = [&](const char* name, std::string& into, const char* what) {
    command->add_option(name, into, what)->required();
  };
  needed("--model", given->model, "model as the notice has it: FOCUS AXR-SD");
  needed("--form", given->form, "form, as 2S");
  needed("--elements", given->elements, "elements, as 1.5");
  needed("--wires", given->wires, "wires, as 3");
  needed("--class", given->class_a, "class in amperes, as 200");
  needed("--module", given->module, "module: its name, an alias or its adapter family, as SSN or securemesh");
  command->add_option("--firmware", given->firmware, "firmware of the meter, as 5.33; left out: not judged");
  command
      ->add_option("--connection", given->connection,
                   "how the meter is connected, where you know it; left out: read from the class")
      ->check(CLI::IsMember({"SELF_CONTAINED", "TRANSFORMER_RATED"}));
  command->add_option("--quantity", given->quantities,
                      "also judge this quantity: a reading type of 18 parts, or " + quantity_names());
  command->add_option("--provenance", given->provenance, "which device formed the quantity's value")
      ->check(CLI::IsMember({"SOURCE_REGISTER", "METER_RECORDER", "MODULE_RECORDER", "PROCESSED", "MANUAL"}));
  command->add_option("--as-of", given->as_of, "answer as the notice stood on this day, as 2010-04-01");
  command->add_option("--notice", given->notice, "file of the notice; \"none\" for a utility without one");
  command->footer(
      "Write \"unknown\" for a fact that is not known: the answer is then UNKNOWN where a clause asks for "
      "it.\n"
      "Exit codes: 0 allowed; 1 refused, or not known (field \"verdict\" says which), or a quantity asked "
      "for "
      "that is not approved; 2 usage.\n"
      "Example: amictl approval check --model \"FOCUS AXR-SD\" --form 2S --elements 1.5 --wires 3 --class "
      "200 "
      "--module SSN");
  command->callback([&run, &output, &options, given] {
    run = [&output, &options, given] { return check(*given, options.json || output.count() == 0); };
  });
}

void add_show(CLI::App& group, const Options& options, Run& run,
              const std::shared_ptr<ApprovalOptions>& given) {
  CLI::App* command =
      group.add_subcommand("show", "the notice, readable: all of it, one part, or one module");
  std::string parts;
  for (const std::string& one : notice_parts()) parts += (parts.empty() ? "" : ", ") + one;
  command->add_option("topic", given->topic, "a part (" + parts + ") or a module");
  command->add_option("--notice", given->notice, "file of the notice");
  command->callback(
      [&run, &options, given] { run = [&options, given] { return show(*given, options.json); }; });
}

}  // namespace

void add_approval(CLI::App& app, const Options& options, Run& run) {
  const auto given = std::make_shared<ApprovalOptions>();
  CLI::App* group = app.add_subcommand("approval", "what the notice of approval says; needs no gateway");
  group->require_subcommand(1);
  add_check(*group, *app.get_option("--output"), options, run, given);
  add_show(*group, options, run, given);
}

}  // namespace ami::amictl
