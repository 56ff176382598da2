#include "adapters/wire/uiq_job/link/settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/wire/http/http_settings.h"

namespace ami::uiq_job {
namespace {

using sdk::SettingDef;
using sdk::SettingKind;

constexpr std::int64_t kDay = 86'400'000;  // ms

SettingDef time(const char* key, const char* standard, std::int64_t most, const char* doc) {
  return {.key = key,
          .kind = SettingKind::Duration,
          .doc = doc,
          .default_value = standard,
          .min = 1,
          .max = most};
}
SettingDef count(const char* key, const char* standard, std::int64_t min, std::int64_t max, const char* doc) {
  return {.key = key,
          .kind = SettingKind::Integer,
          .doc = doc,
          .default_value = standard,
          .min = min,
          .max = max};
}
SettingDef assumed(SettingDef def, const char* why) {
  def.assumed = why;
  return def;
}

bool needs(const SiteTemplate& site, Operation operation, std::string_view placeholder) {
  const OperationTemplate* one = site.find(operation);
  return one != nullptr && std::any_of(one->placeholders.begin(), one->placeholders.end(),
                                       [&](const Placeholder& place) { return place.name == placeholder; });
}

// The word for {action} or {read_type} is there, or not asked for.
bool has_word(const SiteTemplate& site, Operation operation, std::string_view placeholder,
              std::string_view what) {
  return !needs(site, operation, placeholder) || site.action_word(what).has_value();
}

}  // namespace

std::vector<SettingDef> job_settings() {
  return {
      {.key = "head_end",
       .kind = SettingKind::Section,
       .doc =
           "Where UtilityIQ listens. Of url only scheme, host and port count: paths stand in the template.",
       .required = true,
       .section = http::client_settings()},
      {.key = "retry",
       .kind = SettingKind::Section,
       .doc = "How often the search for a device is tried. Nothing else is sent again.",
       .section = http::retry_settings()},
      {.key = "template",
       .kind = SettingKind::Text,
       .doc = "Site template of requests and answers, relative to the configuration folder. See "
              "docs/uiq-job.md.",
       .default_value = "uiq_job/assumed.yaml",
       .assumed = "the shipped one is put together from public scripts: compare it with the licensed WSDL"},
      {.key = "zone",
       .kind = SettingKind::Zone,
       .doc = "IANA zone of times that are written without an offset.",
       .default_value = "UTC"},
      {.key = "names",
       .kind = SettingKind::Choice,
       .doc =
           "Which of a meter's names the head-end is asked by: BADGE, by which it is searched, or MAC, which "
           "needs no search.",
       .default_value = "BADGE",
       .choices = {"BADGE", "MAC"}},
      time("mac_age", "7d", 400 * kDay,
           "How long the MAC id that a search gave is used again. A switch command always searches."),
      assumed(time("expiry", "15m", 7 * kDay, "How long a job is waited for."),
              "the head-end drops no job by itself; how long one takes depends on the mesh"),
      time("grace", "60s", kDay, "After the expiry an answer is still waited for."),
      time("keep_asking", "24h", 30 * kDay,
           "How long after that a job is asked for when the head-end does not answer, or when it is a switch "
           "command."),
      count("max_jobs", "64", 1, 10'000, "Jobs that are waited for at once."),
      count("per_minute", "60", 1, 100'000, "Jobs that are begun within any minute, at most."),
      time("poll_first", "2s", kDay, "About how long after a job was added its state is asked for."),
      time("poll_longest", "30s", kDay, "Pauses grow up to this. Each is drawn from its upper half."),
      count("polls_at_once", "4", 1, 1'000, "Jobs that are asked for at the same moment."),
      assumed(count("retries", "2", 0, 100, "The head-end's own further attempts for a job (NumberRetries)."),
              "its meaning, and the highest value, stand in the WSDL"),
      assumed({.key = "priority",
               .kind = SettingKind::Text,
               .doc = "The head-end's word for the priority of our jobs.",
               .default_value = "JOB_PRIORITY_HIGH"},
              "other words stand in the WSDL"),
      {.key = "activate_jobs",
       .kind = SettingKind::Boolean,
       .doc =
           "Whether a job that has not started is activated by activate_job: for a template whose jobs are "
           "not activated by being added.",
       .default_value = "false"},
  };
}

Result<std::shared_ptr<const SiteTemplate>> load_template(const sdk::Settings& settings,
                                                          const std::string& config_dir) {
  const std::string path =
      (std::filesystem::path(config_dir) / settings.text("template")).lexically_normal().string();
  std::ifstream file(path, std::ios::binary);
  const std::string yaml{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || file.bad()) {
    return permanent(settings.file() + ":" + std::to_string(settings.line("template")) +
                     ": template: " + path + " cannot be read");
  }
  Result<SiteTemplate> site = SiteTemplate::parse(yaml, path);
  if (!site) return site.error();
  return std::make_shared<const SiteTemplate>(std::move(site.value()));
}

Result<JobSettings> job_config(const sdk::Settings& settings, std::shared_ptr<const SiteTemplate> site) {
  JobSettings config;
  Result<http::ClientSettings> head_end = http::client_config(settings.section("head_end"));
  if (!head_end) return head_end.error();
  config.head_end = std::move(head_end.value());
  config.site = std::move(site);
  config.retry = http::retry_config(settings.section("retry"));
  config.names = alias_kind_from(settings.text("names")).value();
  config.mac_age = settings.duration("mac_age");
  config.grace = settings.duration("grace");
  config.max_jobs = static_cast<std::size_t>(settings.integer("max_jobs"));
  config.polls_at_once = static_cast<std::size_t>(settings.integer("polls_at_once"));
  config.poll_first = settings.duration("poll_first");
  config.poll_longest = std::max(settings.duration("poll_longest"), config.poll_first);
  config.keep_asking = settings.duration("keep_asking");
  config.retries = std::to_string(settings.integer("retries"));
  config.priority = settings.text("priority");
  config.activate_jobs = settings.boolean("activate_jobs");
  return config;
}

sdk::CommandLimits limits_of(const sdk::Settings& settings) {
  using std::chrono::ceil, std::chrono::seconds;
  sdk::CommandLimits limits;
  limits.expiry = ceil<seconds>(settings.duration("expiry"));
  limits.grace = ceil<seconds>(settings.duration("grace"));
  limits.targets = limits.backfill_targets = 1;  // one device a job
  limits.in_flight = static_cast<std::size_t>(settings.integer("max_jobs"));
  limits.per_minute = static_cast<double>(settings.integer("per_minute"));
  limits.names = alias_kind_from(settings.text("names")).value();
  return limits;
}

sdk::Capabilities capabilities_of(const SiteTemplate& site, AliasKind names) {
  sdk::Capabilities can;
  if (site.find(Operation::JobStatus) == nullptr) return can;
  const bool reads = site.find(Operation::AddReadJob) != nullptr;
  const auto reads_by = [&](std::string_view what) {
    return reads && has_word(site, Operation::AddReadJob, "read_type", what);
  };
  can.read_on_demand = reads_by("read_now");
  can.backfill = reads_by("read_lp") && needs(site, Operation::AddReadJob, "from") &&
                 needs(site, Operation::AddReadJob, "to");
  can.ping = site.find(Operation::AddPingJob) != nullptr && site.find(Operation::PingResults) != nullptr;
  const OperationTemplate* find = site.find(Operation::FindDevice);
  const bool sure_of_it = names == AliasKind::Mac || (find != nullptr && find->fields.contains("meter"));
  const auto switches_by = [&](std::string_view what) {
    return site.assumed().empty() && sure_of_it && needs(site, Operation::AddProvisioningJob, "action") &&
           site.action_word(what).has_value();
  };
  can.switch_open = switches_by("disconnect");
  can.switch_close = switches_by("connect");
  can.switch_state = switches_by("switch_state") && site.find(Operation::ProvisioningResults) != nullptr;
  return can;
}

}  // namespace ami::uiq_job
