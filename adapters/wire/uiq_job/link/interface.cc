#include "adapters/wire/uiq_job/link/interface.h"

#include <map>
#include <mutex>

#include "adapters/wire/uiq_job/link/jobs_adapter.h"
#include "adapters/wire/uiq_job/link/record.h"
#include "adapters/wire/uiq_job/link/settings.h"
#include "adapters/wire/uiq_job/link/verdict.h"

namespace ami::uiq_job {
namespace {

using TemplatePtr = std::shared_ptr<const SiteTemplate>;

class JobsInterface : public sdk::AdapterFamily {
 public:
  explicit JobsInterface(const Profile& profile)
      : info_{profile.family,
              profile.claim,
              {.read_on_demand = true,
               .ping = true,
               .backfill = true,
               .switch_open = true,
               .switch_close = true,
               .switch_state = true},
              "jobs"},
        schema_{profile.title, job_settings()} {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] const sdk::SettingsSchema& schema() const noexcept override { return schema_; }

  [[nodiscard]] Result<sdk::FeedPlan> plan(const sdk::Settings& settings,
                                           const std::string& config_dir) const override {
    Result<TemplatePtr> site = load_template(settings, config_dir);
    if (!site) return site.error();
    const Result<JobSettings> config = job_config(settings, *site);
    if (!config) return config.error();
    if (config->names != AliasKind::Mac && (*site)->find(Operation::FindDevice) == nullptr) {
      return permanent(settings.file() + ":" + std::to_string(settings.line("names")) + ": names: " +
                       settings.text("names") + " needs find_device in the site template " + (*site)->name());
    }
    Result<Zone> zone = Zone::load(settings.text("zone"));
    if (!zone) return zone.error();
    const std::lock_guard lock(mutex_);
    templates_[settings.file()] = *site;
    sdk::FeedPlan plan;
    plan.rules.feed = settings.text("name");
    plan.rules.zone = zone.value();
    plan.wire = "uiq-job";
    return plan;
  }

  [[nodiscard]] std::unique_ptr<sdk::Adapter> make(const sdk::Settings& settings,
                                                   sdk::Services services) const override {
    const TemplatePtr site = template_of(settings);
    sdk::AdapterInfo info = info_;
    info.capabilities = capabilities(settings);
    if (site && !site->assumed().empty()) info.interface += "; assumed: " + site->assumed();
    Result<JobSettings> config =
        site ? job_config(settings, site) : Result<JobSettings>(permanent("the site template was not read"));
    return std::make_unique<JobsAdapter>(std::move(info), std::move(config), services);
  }

  [[nodiscard]] sdk::Capabilities capabilities(const sdk::Settings& settings) const override {
    const TemplatePtr site = template_of(settings);
    return site ? capabilities_of(*site, alias_kind_from(settings.text("names")).value())
                : sdk::Capabilities{};
  }

  [[nodiscard]] sdk::CommandLimits command_limits(const sdk::Settings& settings) const override {
    return limits_of(settings);
  }

  [[nodiscard]] DecodedBatch decode(const sdk::Settings& settings, std::string_view raw,
                                    UtcInstant /*received_at*/) const override {
    const TemplatePtr site = template_of(settings);
    return read_record(site ? *site : SiteTemplate{}, alias_kind_from(settings.text("names")).value(), raw);
  }

  [[nodiscard]] sdk::AttemptAnswer verdict(const sdk::Settings& settings, sdk::CommandKind kind,
                                           const ResultObservation& result) const override {
    const TemplatePtr site = template_of(settings);
    const Result<Zone> zone = Zone::load(settings.text("zone"));
    return verdict_of(site ? *site : SiteTemplate{}, zone ? *zone : Zone::utc(), kind, result);
  }

 private:
  [[nodiscard]] TemplatePtr template_of(const sdk::Settings& settings) const {
    const std::lock_guard lock(mutex_);
    const auto found = templates_.find(settings.file());
    return found == templates_.end() ? nullptr : found->second;
  }

  const sdk::AdapterInfo info_;
  const sdk::SettingsSchema schema_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, TemplatePtr, std::less<>> templates_;  // by feed file
};

}  // namespace

std::unique_ptr<sdk::AdapterFamily> interface_of(Profile profile) {
  return std::make_unique<JobsInterface>(profile);
}

}  // namespace ami::uiq_job
