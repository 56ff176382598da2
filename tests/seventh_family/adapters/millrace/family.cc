#include "adapters/millrace/family.h"

#include <boost/asio/ip/address.hpp>

#include "adapters/millrace/adapter.h"
#include "adapters/millrace/codec/lines.h"
#include "adapters/sdk/mapping_settings.h"

namespace ami::millrace {
namespace {

using sdk::SettingKind;

sdk::SettingsSchema make_schema() {
  sdk::SettingsSchema schema{"Feed of the millrace family (line protocol over TCP)", {}};
  schema.settings.push_back({.key = "address",
                             .kind = SettingKind::Text,
                             .doc = "IP address of the head-end.",
                             .default_value = "127.0.0.1"});
  schema.settings.push_back({.key = "port",
                             .kind = SettingKind::Integer,
                             .doc = "TCP port at which the head-end waits for us.",
                             .required = true,
                             .min = 1,
                             .max = 65535});
  schema.settings.push_back({.key = "retry",
                             .kind = SettingKind::Duration,
                             .doc = "Pause before the head-end is called again.",
                             .default_value = "5s",
                             .min = 10,
                             .max = 3'600'000});
  for (sdk::SettingDef& def : sdk::mapping_settings("maps/millrace.yaml", "maps/millrace-events.yaml")) {
    schema.settings.push_back(std::move(def));
  }
  return schema;
}

class MillraceFamily : public sdk::AdapterFamily {
 public:
  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    boost::system::error_code error;
    boost::asio::ip::make_address(settings.text("address"), error);
    if (error) {
      return permanent(sdk::to_text(
          {{settings.file(), settings.line("address"), "address: not an IP address, as 10.0.0.7"}}));
    }
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    if (!rules) return rules.error();
    return sdk::FeedPlan{std::move(rules.value()), "millrace"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return make_adapter(info_,
                        {settings.text("address"), static_cast<std::uint16_t>(settings.integer("port")),
                         settings.duration("retry")},
                        services);
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& /*settings*/, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    DecodedBatch out;
    millrace::decode(raw, out);
    return out;
  }

  [[nodiscard]] sdk::AttemptAnswer verdict(const sdk::Settings& /*settings*/, sdk::CommandKind /*kind*/,
                                           const ResultObservation& result) const override {
    sdk::AttemptAnswer answer;
    if (result.word == "done") {
      answer.state = sdk::AttemptState::Succeeded;
    } else if (result.word == "no_answer" || result.word == "refused") {
      answer.state = sdk::AttemptState::Failed;
      answer.reason = result.word == "refused" ? "rejected" : "no_answer";
    } else {
      answer.reason = "unreadable_answer";  // Unknown: it may have happened
    }
    return answer;
  }

 private:
  const sdk::AdapterInfo info_{
      "millrace",
      "line protocol of a vendor that does not exist",
      {.pushed_messages = true, .registers = true, .intervals = true, .events = true, .read_on_demand = true},
      "lines"};
  const sdk::SettingsSchema schema_ = make_schema();
};

}  // namespace

std::vector<std::unique_ptr<sdk::AdapterFamily>> interfaces() {
  std::vector<std::unique_ptr<sdk::AdapterFamily>> all;
  all.push_back(std::make_unique<MillraceFamily>());
  return all;
}

}  // namespace ami::millrace
