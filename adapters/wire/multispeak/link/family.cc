// The interface of a profile: what the host sees.
#include <utility>

#include "adapters/sdk/mapping_settings.h"
#include "adapters/wire/multispeak/link/adapter.h"
#include "adapters/wire/multispeak/link/link_settings.h"
#include "adapters/wire/multispeak/link/profile.h"
#include "adapters/wire/multispeak/link/verdicts.h"

namespace ami::multispeak {
namespace {

// What the interface can do with everything configured.
sdk::AdapterInfo info_of(const Profile& profile) {
  sdk::AdapterInfo info{profile.family, profile.claim, profile.can, "multispeak"};
  info.capabilities.pushed_messages = true;
  if (profile.evidence_helps) {
    info.capabilities.switch_open = info.capabilities.switch_close = info.capabilities.switch_state = true;
    info.capabilities.switch_arm = profile.arm;
  }
  return info;
}

class MultiSpeakInterface final : public sdk::AdapterFamily {
 public:
  explicit MultiSpeakInterface(Profile profile)
      : profile_(std::move(profile)),
        info_(info_of(profile_)),
        schema_{profile_.title, link_settings(profile_)} {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }
  [[nodiscard]] sdk::Capabilities capabilities(const sdk::Settings& settings) const override {
    return capabilities_of(profile_, settings);
  }
  [[nodiscard]] sdk::CommandLimits command_limits(const sdk::Settings& settings) const override {
    return command_limits_of(settings);
  }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    auto rules = sdk::load_feed_rules(settings, config_dir);
    const auto config = link_config(profile_, settings);
    std::string problems;
    if (!rules) problems += rules.error().message;
    if (!config) problems += config.error().message;
    if (!problems.empty()) return permanent(problems);
    return sdk::FeedPlan{std::move(rules.value()), "multispeak"};
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    return make_adapter(info_, profile_, settings, services);
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant received_at) const override {
    Options options = codec_options(settings);
    options.received_at = received_at;
    auto message = decode_notification(raw, options);
    if (message) return std::move(message->reports.batch);
    DecodedBatch batch;
    batch.malformed.push_back({0, batch.text(raw), {}, "unreadable_message", message.error().message});
    return batch;
  }

  [[nodiscard]] sdk::AttemptAnswer verdict(const sdk::Settings& settings, sdk::CommandKind kind,
                                           const ResultObservation& result) const override {
    return verdict_on(kind, result,
                      {settings.list("no_answer_words"), settings.list("demand_reset_codes"),
                       settings.list("refusal_words")});
  }

 private:
  const Profile profile_;
  const sdk::AdapterInfo info_;
  const sdk::SettingsSchema schema_;
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> interface_of(Profile profile) {
  return std::make_unique<MultiSpeakInterface>(std::move(profile));
}

}  // namespace ami::multispeak
