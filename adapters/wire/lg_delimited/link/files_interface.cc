#include "adapters/wire/lg_delimited/link/files_interface.h"

#include <utility>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/drop_folder/file_fed_adapter.h"
#include "adapters/wire/drop_folder/from_start_reader.h"
#include "adapters/wire/lg_delimited/codec/lg_delimited.h"

namespace ami::lg_delimited {
namespace {

using sdk::SettingKind;
using Reader = wire::FromStartReader<Decoder>;

sdk::SettingsSchema make_schema(std::string title) {
  sdk::SettingsSchema schema{std::move(title), wire::drop_folder_settings()};
  for (sdk::SettingDef& def : sdk::mapping_settings("maps/lg-delimited.yaml", "")) {
    if (def.key == "zone") def.doc += " These files never write one: the zone settles every time in them.";
    schema.settings.push_back(std::move(def));
  }
  schema.settings.push_back(
      {.key = "meter_id_kind",
       .kind = SettingKind::Choice,
       .doc = "Which of a meter's names the column Meter (MEPMD01: the field MeterID) holds.",
       .default_value = "BADGE",
       .choices = {"BADGE", "MANUFACTURER_SERIAL", "MODULE", "VENDOR_CONTROL", "MAC", "CIS"}});
  schema.settings.push_back(
      {.key = "more_columns",
       .kind = SettingKind::List,
       .doc = "Columns of values that this site's EMED01 files have beside the documented ones. "
              "What they mean stands in `assume`; until then they are quarantined."});
  schema.settings.push_back(
      {.key = "intervals",
       .kind = SettingKind::Choice,
       .doc =
           "Whether MEPMD01 records are read, and in which order value and status stand in them. off: such a "
           "record is quarantined.",
       .default_value = "off",
       .choices = {"off", "value_then_status", "status_then_value"},
       .assumed =
           "no public source shows a MEPMD01 line of Command Center: order and time form must be confirmed"});
  schema.settings.push_back({.key = "max_line",
                             .kind = SettingKind::Bytes,
                             .doc = "Longest line that is read; a longer one is quarantined.",
                             .default_value = "64KiB",
                             .min = 1024,
                             .max = 512 << 10});
  schema.settings.push_back(
      {.key = "line_end_required",
       .kind = SettingKind::Boolean,
       .doc = "Whether a last line without a line end is taken for cut short (its value may have "
              "lost digits) and the file with it. false: it is read.",
       .default_value = "true"});
  return schema;
}

Options options_from(const sdk::Settings& settings) {
  Options options;
  options.meter_kind = alias_kind_from(settings.text("meter_id_kind")).value();
  for (const std::string& column : settings.list("more_columns")) options.value_columns.push_back(column);
  if (const std::string& order = settings.text("intervals"); order != "off") {
    options.intervals = Intervals{};
    if (order == "status_then_value") options.intervals->order = Intervals::Order::StatusThenValue;
  }
  options.max_line = static_cast<std::size_t>(settings.integer("max_line"));
  options.line_end_required = settings.boolean("line_end_required");
  return options;
}

class FilesInterface : public sdk::AdapterFamily {
 public:
  explicit FilesInterface(FilesProfile profile)
      : info_{std::move(profile.family),
              std::move(profile.claim),
              {.files = true, .registers = true, .intervals = true},
              "files"},
        schema_(make_schema(std::move(profile.title))) {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    if (!rules) return rules.error();
    return sdk::FeedPlan{std::move(rules.value()), "lg-delimited"};
  }

  [[nodiscard]] sdk::Capabilities capabilities(const sdk::Settings& settings) const override {
    sdk::Capabilities can = info_.capabilities;
    can.intervals = settings.text("intervals") != "off";
    return can;
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return std::make_unique<wire::FileFedAdapter>(
        info_, wire::drop_folder_config(settings), services,
        [options = options_from(settings)] { return std::make_unique<Reader>(Decoder(options)); });
  }

  [[nodiscard]] std::unique_ptr<sdk::FileReader> file_reader(const sdk::Settings& settings) const override {
    return std::make_unique<Reader>(Decoder(options_from(settings)));
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    DecodedBatch out;
    // What ends the text is told as a malformed record, too.
    static_cast<void>(decode_all(raw, options_from(settings), out));
    return out;
  }

 private:
  const sdk::AdapterInfo info_;
  const sdk::SettingsSchema schema_;
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> files_interface_of(FilesProfile profile) {
  return std::make_unique<FilesInterface>(std::move(profile));
}

}  // namespace ami::lg_delimited
