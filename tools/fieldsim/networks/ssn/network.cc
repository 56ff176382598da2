#include "tools/fieldsim/networks/ssn/network.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "adapters/ssn/peer/job_devices.h"
#include "adapters/wire/uiq_job/peer/job_service.h"
#include "tools/fieldsim/drop_box/drop_box.h"
#include "tools/fieldsim/networks/ssn/exports.h"
#include "tools/fieldsim/networks/ssn/job_field.h"

namespace ami::fieldsim::ssn {
namespace {

namespace peer = uiq_job::peer;
using virtual_meter::Collected;

constexpr std::array kOwnKeys{
    OwnKey{"folder", "inbox/ssn", "where exports are dropped"},
    OwnKey{"catch_up", "6h", "how often files bring again what was lost; empty = never"},
    OwnKey{"template", "", "site template of the job service; empty = no jobs"},
    OwnKey{"listen", "127.0.0.1:0", "address of the job service"},
};

std::string file_name(const std::string& network, UtcInstant now, std::size_t part, const char* what) {
  char number[32];
  std::snprintf(number, sizeof number, "%04zu", part);
  std::string stamp = to_text(std::chrono::floor<std::chrono::seconds>(now));
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return network + "-" + what + "-" + stamp + "-" + number + ".xml";
}

class UtilityIq : public FarSide {
 public:
  UtilityIq(NetworkSetup setup, Surroundings around, CatchUp catch_up, std::optional<uiq_job::SiteTemplate> site,
            const http::Endpoint& listen)
      : setup_(std::move(setup)),
        around_(around),
        box_(setup_.path("folder"), around.courier),
        catch_up_(catch_up),
        wants_jobs_(site.has_value()) {
    if (!site) return;
    jobs_.emplace(std::move(*site));
    field_.emplace(setup_.name, around_, *jobs_, [this](Collected read) { export_read(std::move(read)); });
    jobs_->attach(*field_);
    http::ServerSettings server;
    server.listen = {listen};
    service_.emplace(*jobs_, std::move(server), around_.services);
  }

  sdk::Awaitable<Outcome> start() override {
    const Outcome ready = box_.ready();
    if (!ready) co_return ready;
    if (!service_) co_return Done{};
    auto starting = service_->start();
    co_return co_await std::move(starting);
  }

  sdk::Awaitable<void> stop() override {
    if (service_) co_await service_->stop();
    settle();
  }

  sdk::Awaitable<void> report(UtcInstant now) override {
    if (catch_up_.due(now)) (void)box_.catch_up();
    std::vector<Collected> batch;
    std::size_t part = 0;
    for (MeterIndex meter = 0; meter < around_.world.size(); ++meter) {
      Collected collected = around_.world.take(meter);
      commission(collected);
      if (!collected.intervals.empty() || !collected.readings.empty() || !collected.events.empty())
        batch.push_back(std::move(collected));
      if (batch.size() < setup_.batch && meter + 1 < around_.world.size()) continue;
      if (!batch.empty()) drop(std::exchange(batch, {}), file_name(setup_.name, now, ++part, "export"), now);
      co_await around_.courier.room();
    }
    ++reports_;
    last_report_ = now;
  }

  void settle() override {
    if (field_) field_->settle();
  }

  [[nodiscard]] Ports ports() const override {
    return wants_jobs_ ? Ports{{"jobs", service_->port()}} : Ports{};
  }

  [[nodiscard]] Status status() const override {
    Status status;
    status.reports = reports_;
    status.last_report = last_report_;
    if (field_) {
      status.requests = field_->requests();
      status.under_way = field_->under_way();
    }
    status.words = trouble_.empty() ? box_.trouble() : trouble_;
    return status;
  }

 private:
  void drop(std::vector<Collected> meters, std::string name, UtcInstant now) {
    Export made = make_export(setup_.name, std::move(meters), setup_.zone, name, now);
    if (!made.left_out.empty()) trouble_ = made.left_out;
    if (!made.content.empty()) box_.drop(std::move(name), std::move(made.bytes), std::move(made.content));
  }

  void export_read(Collected read) {
    const UtcInstant now = around_.services.clock.now();
    drop({std::move(read)}, file_name(setup_.name, now, ++reads_, "read"), now);
  }

  // The job service knows a meter from when its module was first heard.
  void commission(const Collected& collected) {
    if (!jobs_ || known_.contains(collected.meter)) return;
    auto devices = ami::ssn::peer::job_devices({&collected, 1});
    if (!devices || devices->empty()) return;
    known_.insert(collected.meter);
    field_->know(devices->front());
    jobs_->add(std::move(devices->front()));
  }

  const NetworkSetup setup_;
  const Surroundings around_;
  DropBox box_;
  const CatchUp catch_up_;
  const bool wants_jobs_;
  std::optional<peer::SimulatedJobs> jobs_;
  std::optional<JobField> field_;
  std::optional<peer::JobService> service_;
  std::set<std::string> known_;
  std::optional<UtcInstant> last_report_;
  std::uint64_t reports_ = 0;
  std::size_t reads_ = 0;
  std::string trouble_;
};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  const auto catch_up = CatchUp::parse(setup.own.at("catch_up"));
  if (!catch_up) return catch_up.error();
  const auto listen = http::parse_endpoint(setup.own.at("listen"));
  if (!listen) return permanent("listen: " + listen.error().message);
  std::optional<uiq_job::SiteTemplate> site;
  if (const std::filesystem::path path = setup.path("template"); !path.empty()) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return permanent("template " + path.string() + " cannot be read");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto parsed = uiq_job::SiteTemplate::parse(text, path.string());
    if (!parsed) return permanent("template: " + parsed.error().message);
    site = std::move(*parsed);
  }
  return std::unique_ptr<FarSide>(
      std::make_unique<UtilityIq>(setup, around, *catch_up, std::move(site), *listen));
}

}  // namespace

NetworkKind network() {
  return {"ssn", "SN", "SSN", kOwnKeys, make};
}

}  // namespace ami::fieldsim::ssn
