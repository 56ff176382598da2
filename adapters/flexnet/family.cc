#include "adapters/flexnet/family.h"

#include "adapters/flexnet/cmep_file_reader.h"
#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/drop_folder/file_fed_adapter.h"
#include "adapters/wire/multispeak/link/profile.h"

namespace ami::flexnet {
namespace {

using sdk::SettingKind;

sdk::SettingsSchema make_schema() {
  sdk::SettingsSchema schema{"Feed of the flexnet family (Sensus FlexNet: CMEP files)",
                             wire::drop_folder_settings()};
  for (sdk::SettingDef& def : sdk::mapping_settings("maps/cmep.yaml", "")) {
    schema.settings.push_back(std::move(def));
  }
  schema.settings.push_back(
      {.key = "meter_id_field",
       .kind = SettingKind::Choice,
       .doc = "Which field of a record names the meter. The text of the format says field8; "
              "feeds are known that fill field6 or field5.",
       .default_value = "field8",
       .choices = {"field8", "field6", "field5", "field4"}});
  schema.settings.push_back(
      {.key = "meter_id_kind",
       .kind = SettingKind::Choice,
       .doc = "Which of a meter's names that field holds.",
       .default_value = "BADGE",
       .choices = {"BADGE", "MANUFACTURER_SERIAL", "MODULE", "VENDOR_CONTROL", "MAC", "CIS"}});
  schema.settings.push_back({.key = "max_line",
                             .kind = SettingKind::Bytes,
                             .doc =
                                 "Longest line that is read; a longer one is quarantined. The format's text "
                                 "says 2048, feeds write more.",
                             .default_value = "64KiB",
                             .min = 2048,
                             .max = 512 << 10});
  schema.settings.push_back(
      {.key = "line_end_required",
       .kind = SettingKind::Boolean,
       .doc = "Whether a last line without a line end is taken for cut short. Set it where "
              "the sender is known to end each line: a value that lost digits is then found.",
       .default_value = "false"});
  return schema;
}

cmep::Options options_from(const sdk::Settings& settings) {
  cmep::Options options;
  const char digit = settings.text("meter_id_field").back();
  options.meter_field = static_cast<cmep::MeterField>(digit - '0');
  options.meter_kind = alias_kind_from(settings.text("meter_id_kind")).value();
  options.max_line = static_cast<std::size_t>(settings.integer("max_line"));
  return options;
}

class FlexnetFamily : public sdk::AdapterFamily {
 public:
  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    if (!rules) return rules.error();
    return sdk::FeedPlan{std::move(rules.value()), "cmep"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return std::make_unique<wire::FileFedAdapter>(
        info_, wire::drop_folder_config(settings), services,
        [options = options_from(settings), strict = settings.boolean("line_end_required")] {
          return std::make_unique<CmepFileReader>(options, strict);
        });
  }

  [[nodiscard]] std::unique_ptr<sdk::FileReader> file_reader(const sdk::Settings& settings) const override {
    return std::make_unique<CmepFileReader>(options_from(settings), settings.boolean("line_end_required"));
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    return cmep::decode_all(std::make_shared<const std::string>(raw), options_from(settings));
  }

 private:
  const sdk::AdapterInfo info_{"flexnet",
                               "CMEP files (MEPMD01, MEPMD02) as Sensus head-ends export them",
                               {.files = true, .registers = true, .intervals = true},
                               "cmep"};
  const sdk::SettingsSchema schema_ = make_schema();
};

multispeak::Profile multispeak_profile() {
  multispeak::Profile profile;
  profile.family = "flexnet";
  profile.title = "Feed of the flexnet family, interface multispeak (Sensus RNI)";
  profile.claim =
      "MultiSpeak 4.1 as asserted for RNI 3.1 and later (MR, CD, OD), 3.0 for older ones; no intervals";
  profile.versions = {multispeak::Version::V41, multispeak::Version::V30};
  // Intervals come by CMEP only, so there is nothing to fetch for a gap.
  profile.can = {.pushed_messages = true,
                 .registers = true,
                 .events = true,
                 .read_on_demand = true,
                 .ping = true,
                 .switch_open = true,  // the notice: clause flexnet.disconnect
                 .switch_close = true,
                 .switch_arm = true,
                 .switch_state = true};
  profile.arm = true;
  profile.assumed =
      "a read on demand gives registers, never intervals; InitiateCDStateRequest is not in the assertion: "
      "ask "
      "GetMethods; field names and event codes are the head-end's";
  return profile;
}

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(std::make_unique<FlexnetFamily>());
  all.push_back(multispeak::interface_of(multispeak_profile()));
  return all;
}

}  // namespace ami::flexnet
