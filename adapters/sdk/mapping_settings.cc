#include "adapters/sdk/mapping_settings.h"

#include <filesystem>

#include "adapters/sdk/settings_parser.h"
#include "meter_model/normaliser/mapping_yaml.h"

namespace ami::sdk {
namespace {

constexpr const char* kTableOfRecord = "codes/events.yaml";

class RulesLoader {
 public:
  RulesLoader(const Settings& settings, std::string config_dir)
      : settings_(settings), config_dir_(std::move(config_dir)) {}

  Result<FeedRules> load() {
    rules_.feed = settings_.text("name");
    if (Result<Zone> zone = Zone::load(settings_.text("zone"))) {
      rules_.zone = zone.value();
    } else {
      add(settings_.line("zone"), zone.error().message);
    }
    rules_.snap_tolerance = std::chrono::floor<std::chrono::seconds>(settings_.duration("snap_tolerance"));
    rules_.future_tolerance =
        std::chrono::floor<std::chrono::seconds>(settings_.duration("future_tolerance"));
    rules_.clock_tolerance = std::chrono::floor<std::chrono::seconds>(settings_.duration("clock_tolerance"));
    load_mapping();
    load_events();
    if (!problems_.empty()) return permanent(problems_);
    return std::move(rules_);
  }

 private:
  void add(int line, const std::string& message) {
    problems_ += to_text({{settings_.file(), line, message}});
  }

  // Empty when it cannot be read; the problem stands where the file is named.
  std::string file_text(const std::string& relative, int line, std::string& path) {
    path = (std::filesystem::path(config_dir_) / relative).lexically_normal().string();
    Result<std::string> text = read_settings_file(path);
    if (!text) {
      add(line, path + " " + text.error().message);
      return {};
    }
    if (text->empty()) add(line, path + " is empty");
    return std::move(text.value());
  }

  void load_mapping() {
    std::string path;
    const std::string text = file_text(settings_.text("mapping"), settings_.line("mapping"), path);
    if (!text.empty()) {
      if (Result<Mapping> mapping = parse_mapping(text, path)) {
        rules_.mapping = std::move(mapping.value());
      } else {
        problems_ += mapping.error().message + "\n";
      }
    }
    Mapping assumptions;
    for (const Settings& entry : settings_.sections("assume")) {
      Result<Mapping> assumed = parse_mapping(entry.text("mapping"), settings_.file());
      if (!assumed) {
        problems_ += assumed.error().message + "\n";
        continue;
      }
      if (assumed->version != 0 || !assumed->wire.empty()) {
        add(entry.line("mapping"),
            "an assumption has neither version nor wire: those are the mapping file's");
      }
      for (UnitRule& rule : assumed->units) {
        if (rule.assumed.empty()) rule.assumed = entry.text("assumed");
      }
      assumptions = overlay(std::move(assumptions), *assumed);
    }
    // One scale of versions with and without assumptions: taking an assumption away must not lower the rank.
    if (settings_.sections("assume").empty() && settings_.line("assume_version") == 0) {
      rules_.mapping.version *= kMappingVersionsPerBase;
      return;
    }
    assumptions.version = static_cast<int>(settings_.integer("assume_version"));
    rules_.mapping = overlay(std::move(rules_.mapping), assumptions);
  }

  void load_events() {
    std::string table_path, path;
    const std::string table = file_text(kTableOfRecord, 0, table_path);
    const std::string vendor = settings_.text("events").empty()
                                   ? ""
                                   : file_text(settings_.text("events"), settings_.line("events"), path);
    if (table.empty()) return;
    if (Result<EventMap> events = EventMap::parse(table, vendor, path.empty() ? table_path : path)) {
      rules_.events = std::move(events.value());
    } else {
      problems_ += events.error().message + "\n";
    }
  }

  const Settings& settings_;
  std::string config_dir_;
  FeedRules rules_;
  std::string problems_;
};

}  // namespace

std::vector<SettingDef> mapping_settings(const std::string& default_mapping,
                                         const std::string& default_events) {
  return {
      {.key = "zone",
       .kind = SettingKind::Zone,
       .doc = "IANA zone of times that are written without an offset, such as America/Toronto.",
       .required = true},
      {.key = "mapping",
       .doc = "Mapping file, relative to the configuration folder: vendor's units, flags and labels to ours.",
       .default_value = default_mapping},
      {.key = "events",
       .doc = "Vendor's event map, relative to the configuration folder; empty = only codes of the table of "
              "record.",
       .default_value = default_events},
      {.key = "assume",
       .kind = SettingKind::List,
       .doc = "What this site assumes beyond the documented mapping. Laid over the mapping file.",
       .section = {{.key = "assumed",
                    .doc = "Why it is assumed and who confirmed it; kept with the rule.",
                    .required = true},
                   {.key = "mapping",
                    .kind = SettingKind::Free,
                    .doc = "units, tou, flags and raw_scale, as in a mapping file.",
                    .required = true}},
       .list_of_sections = true},
      {.key = "assume_version",
       .kind = SettingKind::Integer,
       .doc =
           "Raise it whenever `assume`, `zone` or another setting that decides what a file means changes: it "
           "becomes part of the mapping version kept with each reading, and of two readings of the same "
           "record that of the higher version counts.",
       .default_value = "1",
       .min = 1,
       .max = 999},
      {.key = "snap_tolerance",
       .kind = SettingKind::Duration,
       .doc = "Interval ends this near to the grid are put on it. 0s = never.",
       .default_value = "0s",
       .max = 3'600'000},
      {.key = "future_tolerance",
       .kind = SettingKind::Duration,
       .doc = "A time later than the receipt by more than this is quarantined.",
       .default_value = "300s",
       .max = 86'400'000},
      {.key = "clock_tolerance",
       .kind = SettingKind::Duration,
       .doc = "A meter's clock may be off by this before it is told (docs/events.md). Assumed: bulletin E-34 says what "
              "a clock change does to a demand interval, but no public document how far a clock may be off.",
       .default_value = "60s",
       .max = 3'600'000},
  };
}

Result<FeedRules> load_feed_rules(const Settings& settings, const std::string& config_dir) {
  return RulesLoader(settings, config_dir).load();
}

}  // namespace ami::sdk
