#include <utility>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/cim/link/incoming.h"
#include "adapters/wire/cim/link/link_adapter.h"
#include "adapters/wire/cim/link/link_settings.h"
#include "adapters/wire/cim/link/message_file_reader.h"
#include "adapters/wire/cim/link/profile.h"
#include "adapters/wire/drop_folder/file_fed_adapter.h"

namespace ami::cim {
namespace {

sdk::AdapterInfo message_info(const Profile& profile) {
  return {profile.family, profile.claim, most_capabilities(profile), "cim"};
}

sdk::AdapterInfo file_info(const Profile& profile) {
  sdk::Capabilities can;
  can.files = true;
  can.registers = profile.can.registers;
  can.intervals = profile.can.intervals;
  can.events = profile.can.events;
  return {profile.family, profile.files_claim.empty() ? profile.claim : profile.files_claim, can,
          "cim_files"};
}

class MessageInterface : public sdk::AdapterFamily {
 public:
  explicit MessageInterface(Profile profile)
      : profile_(std::move(profile)), info_(message_info(profile_)), schema_(message_schema(profile_)) {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    const Result<LinkConfig> config = link_config(settings, profile_);
    if (!rules || !config) {
      std::string problems = rules ? "" : rules.error().message;
      if (!config) problems += config.error().message;
      return permanent(std::move(problems));
    }
    return sdk::FeedPlan{std::move(rules.value()), "cim"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return std::make_unique<LinkAdapter>(info_, profile_, link_config(settings, profile_),
                                         std::move(services));
  }

  [[nodiscard]] sdk::Capabilities capabilities(const sdk::Settings& settings) const override {
    return capabilities_of(settings, profile_);
  }
  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    return read_or_quarantine(raw, message_options(settings), answer_rules(settings));
  }
  [[nodiscard]] sdk::AttemptAnswer verdict(const sdk::Settings& settings, sdk::CommandKind kind,
                                           const ResultObservation& result) const override {
    return verdict_of(kind, result, answer_rules(settings));
  }
  [[nodiscard]] sdk::CommandLimits command_limits(const sdk::Settings& settings) const override {
    return cim::command_limits(settings);
  }

 private:
  const Profile profile_;
  const sdk::AdapterInfo info_;
  const sdk::SettingsSchema schema_;
};

class FileInterface : public sdk::AdapterFamily {
 public:
  explicit FileInterface(Profile profile)
      : profile_(std::move(profile)), info_(file_info(profile_)), schema_(file_schema(profile_)) {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    Result<FeedRules> rules = sdk::load_feed_rules(settings, config_dir);
    if (!rules) return rules.error();
    return sdk::FeedPlan{std::move(rules.value()), "cim"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return std::make_unique<wire::FileFedAdapter>(
        info_, wire::drop_folder_config(settings), std::move(services),
        [options = file_options(settings, profile_)] {
          return std::make_unique<MessageFileReader>(options, AnswerRules{});
        });
  }

  [[nodiscard]] std::unique_ptr<sdk::FileReader> file_reader(const sdk::Settings& settings) const override {
    return std::make_unique<MessageFileReader>(file_options(settings, profile_), AnswerRules{});
  }
  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    return read_or_quarantine(raw, file_options(settings, profile_), {});
  }

 private:
  const Profile profile_;
  const sdk::AdapterInfo info_;
  const sdk::SettingsSchema schema_;
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> interface_of(Profile profile) {
  return std::make_unique<MessageInterface>(std::move(profile));
}

std::unique_ptr<sdk::AdapterFamily> files_of(Profile profile) {
  return std::make_unique<FileInterface>(std::move(profile));
}

}  // namespace ami::cim
