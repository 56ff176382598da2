#include "adapters/twacs/port_files.h"

#include <chrono>
#include <string>
#include <utility>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/drop_folder/drop_folder.h"
#include "adapters/wire/drop_folder/file_fed_adapter.h"
#include "adapters/wire/drop_folder/from_start_reader.h"

namespace ami::twacs {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;
using Reader = wire::FromStartReader<delimited::Decoder>;

constexpr std::int64_t kLongestStaleness = std::int64_t{400} * 86'400'000;  // ms

// Keys of section `columns`, in the words of delimited::Columns.
struct ColumnKey {
  const char* key;
  std::string delimited::Columns::*name;
  const char* doc;
};
constexpr ColumnKey kColumns[] = {
    {"device", &delimited::Columns::device, "Number of the water or gas meter itself."},
    {"module", &delimited::Columns::module,
     "Number of the module that it is read through; shown to people only."},
    {"port", &delimited::Columns::port, "Port of the board: becomes the channel emtr:<port>."},
    {"meter_type", &delimited::Columns::meter_type, "Type of the meter, looked up in `meters`."},
    {"unit", &delimited::Columns::unit, "Unit of the read, where `meters` does not say it."},
    {"scaled", &delimited::Columns::scaled, "The read, in its unit."},
    {"raw", &delimited::Columns::raw, "The read in counts."},
    {"scalar", &delimited::Columns::scalar,
     "What a count is worth: raw times scalar is checked against scaled."},
    {"time", &delimited::Columns::time, "When the network has the read from."},
    {"local_time", &delimited::Columns::local_time, "The same in the feed's zone: checked against time."},
    {"active", &delimited::Columns::active, "Whether the meter is in service."},
};

std::vector<SettingDef> column_settings() {
  const delimited::Columns standard;
  std::vector<SettingDef> defs;
  for (const ColumnKey& column : kColumns)
    defs.push_back({.key = column.key, .doc = column.doc, .default_value = standard.*column.name});
  return defs;
}

SettingDef meters_setting() {
  return {
      .key = "meters",
      .kind = SettingKind::List,
      .doc =
          "What the meters of a type, or on a port, measure; the first line that fits counts. A record that "
          "none fits is quarantined (unknown_meter_type) and can be replayed when a line was added.",
      .required = true,
      .section = {{.key = "meter_type", .doc = "As the file has it; left out: any."},
                  {.key = "port", .doc = "As the file has it; left out: any."},
                  {.key = "commodity",
                   .kind = SettingKind::Choice,
                   .doc = "What is measured.",
                   .required = true,
                   .choices = {"water", "gas"}},
                  {.key = "unit",
                   .doc =
                       "Unit of the read, as the mapping file names it: m3, L, ft3, ccf, US gal, Imp gal. A "
                       "word that it does not have, as GAL, quarantines the read until `assume` says what it "
                       "is. Left out: the column `unit`."}},
      .list_of_sections = true};
}

sdk::SettingsSchema make_schema() {
  sdk::SettingsSchema schema{
      "Feed of the twacs family, interface files (water and gas through EMTR-3-FX ports)",
      wire::drop_folder_settings()};
  for (SettingDef& def : sdk::mapping_settings("maps/delimited.yaml", "")) {
    if (def.key == "zone") def.doc += " Also that of the column local_time.";
    schema.settings.push_back(std::move(def));
  }
  const std::vector<SettingDef> own{
      meters_setting(),
      {.key = "meter_id_kind",
       .kind = SettingKind::Choice,
       .doc = "Which of the water or gas meter's names the column device holds.",
       .default_value = "MANUFACTURER_SERIAL",
       .choices = {"BADGE", "MANUFACTURER_SERIAL", "MODULE", "VENDOR_CONTROL", "MAC", "CIS"}},
      {.key = "delimiter",
       .kind = SettingKind::Choice,
       .doc = "What stands between fields.",
       .default_value = "comma",
       .choices = {"comma", "semicolon", "tab", "pipe", "tilde"}},
      {.key = "columns",
       .kind = SettingKind::Section,
       .doc = "Names of the columns in the file's first line; \"\" = the file has none such.",
       .section = column_settings(),
       .assumed = "the names of an AclaraONE export of a water utility; what a site exports of EMTR-3-FX "
                  "ports is not "
                  "public"},
      {.key = "time_form",
       .kind = SettingKind::Choice,
       .doc = "year_first: 2026-01-15 05:00:00.000; month_first: 1/15/2026 5:00 AM.",
       .default_value = "year_first",
       .choices = {"year_first", "month_first"}},
      {.key = "time_is_utc",
       .kind = SettingKind::Boolean,
       .doc = "Whether the column time is UTC where it writes no offset. false: it is in the feed's zone.",
       .default_value = "true"},
      {.key = "stale_after",
       .kind = SettingKind::Duration,
       .doc = "A read that was older than this when it came is stored at its own time with quality 2.10.0: a "
              "board "
              "that does not hear its meter gives what it heard last. 0s = never.",
       .default_value = "12h",
       .max = kLongestStaleness,
       .assumed = "12 h; the boards are said to be refreshed every hour"},
      {.key = "max_line",
       .kind = SettingKind::Bytes,
       .doc = "Longest line that is read; a longer one is quarantined.",
       .default_value = "64KiB",
       .min = 1024,
       .max = 512 << 10},
      {.key = "line_end_required",
       .kind = SettingKind::Boolean,
       .doc = "Whether a last line without a line end is taken for cut short (its value may have lost "
              "digits) and the "
              "file with it. false: it is read.",
       .default_value = "true"},
  };
  schema.settings.insert(schema.settings.end(), own.begin(), own.end());
  return schema;
}

char delimiter_named(const std::string& name) {
  if (name == "semicolon") return ';';
  if (name == "tab") return '\t';
  if (name == "pipe") return '|';
  if (name == "tilde") return '~';
  return ',';
}

std::string at(const sdk::Settings& settings, const char* key, const std::string& message) {
  return sdk::to_text({{settings.file(), settings.line(key), std::string(key) + ": " + message}});
}

class PortFiles : public sdk::AdapterFamily {
 public:
  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    std::string problems;
    if (settings.sections("meters").empty())
      problems += at(settings, "meters", "is empty: no record could be read");
    const sdk::Settings& columns = settings.section("columns");
    for (const char* key : {"device", "scaled", "time"})
      if (columns.text(key).empty()) problems += at(columns, key, "cannot be left out");
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    if (!rules) problems += rules.error().message;
    if (!problems.empty()) return permanent(problems);
    rules->stale_after = std::chrono::floor<std::chrono::seconds>(settings.duration("stale_after"));
    return sdk::FeedPlan{std::move(rules.value()), "delimited"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return std::make_unique<wire::FileFedAdapter>(
        info_, wire::drop_folder_config(settings), services,
        [options = port_options(settings)] { return std::make_unique<Reader>(delimited::Decoder(options)); });
  }

  [[nodiscard]] std::unique_ptr<sdk::FileReader> file_reader(const sdk::Settings& settings) const override {
    return std::make_unique<Reader>(delimited::Decoder(port_options(settings)));
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    DecodedBatch out;
    // What ends the text is told as a malformed record, too.
    static_cast<void>(delimited::decode_all(raw, port_options(settings), out));
    return out;
  }

 private:
  const sdk::AdapterInfo info_{
      "twacs",
      "delimited files by column names, as a public reader of AclaraONE exports shows them",
      {.files = true, .registers = true},
      "files"};
  const sdk::SettingsSchema schema_ = make_schema();
};

}  // namespace

delimited::Options port_options(const sdk::Settings& settings) {
  delimited::Options options;
  options.meter_kind = alias_kind_from(settings.text("meter_id_kind")).value();
  options.delimiter = delimiter_named(settings.text("delimiter"));
  const sdk::Settings& columns = settings.section("columns");
  for (const ColumnKey& column : kColumns) options.columns.*column.name = columns.text(column.key);
  for (const sdk::Settings& kind : settings.sections("meters"))
    options.kinds.push_back(
        {kind.text("meter_type"), kind.text("port"), kind.text("commodity"), kind.text("unit")});
  if (settings.text("time_form") == "month_first") options.time_form = delimited::TimeForm::MonthFirst;
  options.time_is_utc = settings.boolean("time_is_utc");
  if (Result<Zone> zone = Zone::load(settings.text("zone"))) options.local_zone = zone.value();
  options.max_line = static_cast<std::size_t>(settings.integer("max_line"));
  options.line_end_required = settings.boolean("line_end_required");
  return options;
}

std::unique_ptr<sdk::AdapterFamily> port_files() {
  return std::make_unique<PortFiles>();
}

}  // namespace ami::twacs
