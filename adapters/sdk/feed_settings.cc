#include "adapters/sdk/registration.h"
#include "adapters/sdk/settings_parser.h"

namespace ami::sdk {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

}  // namespace

const std::vector<SettingDef>& common_feed_settings() {
  static const std::vector<SettingDef> kSettings = {
      {.key = "name",
       .doc = "Name of the feed, unique within the gateway; kept with every reading as its source.",
       .required = true},
      {.key = "utility", .doc = "Name of the utility whose meters this feed speaks of.", .required = true},
      {.key = "family",
       .doc = "Module family that reads the feed, such as flexnet or ssn.",
       .required = true},
      {.key = "interface",
       .doc = "Which of the family's interfaces the feed uses; left out: the first one of the family."},
      {.key = "enabled",
       .kind = SettingKind::Boolean,
       .doc = "Whether the gateway runs the feed.",
       .default_value = "true"},
      {.key = "repeat_window",
       .kind = SettingKind::Duration,
       .doc = "A pushed message without a time and without a transaction of ours that comes again within this is the "
              "same fact; later it is a new one. 0s = always a new one.",
       .default_value = "1h",
       .max = 30LL * 86'400'000},
      {.key = "vee",
       .doc = "File of the feed's thresholds and profile of validation, laid over vee/default.yaml; relative to the "
              "configuration folder (data_dir). Empty: the default as it is."},
  };
  return kSettings;
}

SettingsSchema feed_schema(const AdapterFamily& family) {
  SettingsSchema joined = family.schema();
  joined.settings.insert(joined.settings.begin(), common_feed_settings().begin(),
                         common_feed_settings().end());
  return joined;
}

LoadedFeed load_feed_file(const std::string& path,
                          const std::vector<std::unique_ptr<AdapterFamily>>& families) {
  LoadedFeed feed;
  const Result<std::string> text = read_settings_file(path);
  if (!text) {
    feed.problems.push_back({path, 0, text.error().message});
    return feed;
  }
  const std::string wanted = peek_text(*text, "family");
  const std::string interface = peek_text(*text, "interface");
  std::vector<std::string> names, keys;
  for (const auto& family : families) {
    const AdapterInfo& info = family->info();
    if (names.empty() || names.back() != info.family) names.push_back(info.family);
    if (info.family != wanted) continue;
    keys.push_back(info.key);
    if (feed.family == nullptr && (interface.empty() || interface == info.key)) feed.family = family.get();
  }
  if (feed.family == nullptr) {
    // Without a family the rest cannot be judged, but broken YAML or a missing family can be named.
    const SettingsSchema family_only{"feed", {common_feed_settings()[2], common_feed_settings()[3]}};
    for (Problem& problem : load_settings_text(*text, path, family_only).problems) {
      if (!problem.message.starts_with("unknown key")) feed.problems.push_back(std::move(problem));
    }
    const Settings peeked = load_settings_text(*text, path, family_only).settings;
    if (!keys.empty()) {
      feed.problems.push_back({path, peeked.line("interface"),
                               "interface: '" + interface + "' is not one of family " + wanted + ": " + joined(keys)});
    } else if (!wanted.empty()) {
      feed.problems.push_back(
          {path, peeked.line("family"), "family: '" + wanted + "' is not one of: " + joined(names)});
    }
    return feed;
  }
  LoadedSettings loaded = load_settings_text(*text, path, feed_schema(*feed.family));
  feed.settings = std::move(loaded.settings);
  feed.problems = std::move(loaded.problems);
  return feed;
}

}  // namespace ami::sdk
