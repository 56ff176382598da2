#include "adapters/sdk/registration.h"
#include "adapters/sdk/settings_parser.h"

namespace ami::sdk {

const std::vector<SettingDef>& common_feed_settings() {
  static const std::vector<SettingDef> kSettings = {
      {.key = "name",
       .doc = "Name of the feed, unique within the gateway; kept with every reading as its source.",
       .required = true},
      {.key = "utility", .doc = "Name of the utility whose meters this feed speaks of.", .required = true},
      {.key = "family",
       .doc = "Module family that reads the feed, such as flexnet or ssn.",
       .required = true},
      {.key = "enabled",
       .kind = SettingKind::Boolean,
       .doc = "Whether the gateway runs the feed.",
       .default_value = "true"},
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
  std::string known;
  for (const auto& family : families) {
    if (family->info().family == wanted) feed.family = family.get();
    known += (known.empty() ? "" : ", ") + family->info().family;
  }
  if (feed.family == nullptr) {
    // Without a family the rest cannot be judged, but broken YAML or a missing family can be named.
    const SettingsSchema family_only{"feed", {common_feed_settings()[2]}};
    for (Problem& problem : load_settings_text(*text, path, family_only).problems) {
      if (!problem.message.starts_with("unknown key")) feed.problems.push_back(std::move(problem));
    }
    if (!wanted.empty()) {
      const LoadedSettings peeked = load_settings_text(*text, path, family_only);
      feed.problems.push_back(
          {path, peeked.settings.line("family"), "family: '" + wanted + "' is not one of: " + known});
    }
    return feed;
  }
  LoadedSettings loaded = load_settings_text(*text, path, feed_schema(*feed.family));
  feed.settings = std::move(loaded.settings);
  feed.problems = std::move(loaded.problems);
  return feed;
}

}  // namespace ami::sdk
