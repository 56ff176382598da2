#include "adapters/ssn/family.h"

#include "adapters/sdk/mapping_settings.h"
#include "adapters/ssn/ssn_file_reader.h"
#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/drop_folder/file_fed_adapter.h"
#include "adapters/wire/uiq_job/link/interface.h"

namespace ami::ssn {
namespace {

using sdk::SettingKind;

sdk::SettingsSchema make_schema() {
  sdk::SettingsSchema schema{"Feed of the ssn family (Silver Spring Networks: SSNExportDocument files)",
                             wire::drop_folder_settings()};
  for (sdk::SettingDef& def : sdk::mapping_settings("maps/ssn.yaml", "maps/ssn-events.yaml")) {
    if (def.key == "zone") def.doc += " This format writes offsets: the zone settles only times without one.";
    schema.settings.push_back(std::move(def));
  }
  schema.settings.push_back({.key = "meter_id",
                             .kind = SettingKind::Choice,
                             .doc = "Which attribute of MeterData names the meter.",
                             .default_value = "MeterName",
                             .choices = {"MeterName", "UtilDeviceID", "MacID"}});
  schema.settings.push_back(
      {.key = "meter_id_kind",
       .kind = SettingKind::Choice,
       .doc = "Which of a meter's names that attribute holds. Left out: MAC for MacID, "
              "BADGE for the others.",
       .choices = {"BADGE", "MANUFACTURER_SERIAL", "MODULE", "VENDOR_CONTROL", "MAC", "CIS"}});
  return schema;
}

ssn_export::Options options_from(const sdk::Settings& settings) {
  ssn_export::Options options;
  const std::string& attribute = settings.text("meter_id");
  options.meter_field = attribute == "MacID"          ? ssn_export::MeterField::MacId
                        : attribute == "UtilDeviceID" ? ssn_export::MeterField::UtilDeviceId
                                                      : ssn_export::MeterField::MeterName;
  options.meter_kind = attribute == "MacID" ? AliasKind::Mac : AliasKind::Badge;
  if (settings.has("meter_id_kind"))
    options.meter_kind = alias_kind_from(settings.text("meter_id_kind")).value();
  return options;
}

class SsnFamily : public sdk::AdapterFamily {
 public:
  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    if (!rules) return rules.error();
    return sdk::FeedPlan{std::move(rules.value()), "ssn-export"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return std::make_unique<wire::FileFedAdapter>(
        info_, wire::drop_folder_config(settings), services,
        [options = options_from(settings)] { return std::make_unique<SsnFileReader>(options); });
  }

  [[nodiscard]] std::unique_ptr<sdk::FileReader> file_reader(const sdk::Settings& settings) const override {
    return std::make_unique<SsnFileReader>(options_from(settings));
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    DecodedBatch out;
    ssn_export::Decoder decoder(options_from(settings));
    if (const Outcome read = decoder.feed(raw, true, out); !read) {
      out.malformed.push_back({0, out.text(raw), {}, decoder.fatal_reason(), read.error().message});
    }
    return out;
  }

 private:
  const sdk::AdapterInfo info_{"ssn",
                               "SSNExportDocument files of UtilityIQ / Itron AMM",
                               {.files = true, .registers = true, .intervals = true, .events = true},
                               "export"};
  const sdk::SettingsSchema schema_ = make_schema();
};

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(std::make_unique<SsnFamily>());
  all.push_back(uiq_job::interface_of({"ssn",
                                       "Feed of the ssn family, interface jobs (Silver Spring Networks: "
                                       "commands as UtilityIQ jobs)",
                                       "UtilityIQ / Itron AMM jobs over SOAP, by a site template"}));
  return all;
}

}  // namespace ami::ssn
