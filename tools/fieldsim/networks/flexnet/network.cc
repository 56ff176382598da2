#include "tools/fieldsim/networks/flexnet/network.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <utility>

#include "adapters/flexnet/peer/head_end.h"
#include "tools/fieldsim/drop_box/drop_box.h"
#include "tools/fieldsim/multispeak/caller.h"
#include "tools/fieldsim/multispeak/requests.h"
#include "tools/fieldsim/multispeak/told.h"
#include "tools/fieldsim/networks/flexnet/cmep_drop.h"
#include "tools/fieldsim/networks/flexnet/rni_read.h"

namespace ami::fieldsim::flexnet {
namespace {

using multispeak::NotificationContent;
using multispeak::Operation;
using virtual_meter::Collected;

constexpr std::array kOwnKeys{
    OwnKey{"folder", "inbox/flexnet", "where CMEP files are dropped"},
    OwnKey{"catch_up", "6h", "how often files bring again what was lost; empty = never"},
    OwnKey{"listen", "127.0.0.1:0", "address of the RNI's server for requests"},
    OwnKey{"callback", "", "URL where events are posted; empty = no events"},
};

class Rni : public FarSide {
 public:
  Rni(const NetworkSetup& setup, Surroundings around, CatchUp catch_up, http::Endpoint listen)
      : setup_(setup),
        around_(around),
        catch_up_(catch_up),
        box_(setup.path("folder"), around.courier),
        requests_(around, true, rni_read),
        latency_(setup.seed ^ 0x726e69ULL),
        head_end_(head_end_settings(std::move(listen)), around.services, requests_),
        caller_(setup.own.at("callback"), multispeak::Version::V41, around) {
    requests_.serve(head_end_);
  }

  sdk::Awaitable<Outcome> start() override {
    const Outcome ready = box_.ready();
    if (!ready) co_return ready;
    requests_.know_all();
    auto starting = head_end_.start();
    co_return co_await std::move(starting);
  }

  sdk::Awaitable<void> stop() override {
    co_await caller_.stop();
    co_await head_end_.stop();
  }

  sdk::Awaitable<void> report(UtcInstant now) override {
    if (catch_up_.due(now)) (void)box_.catch_up();
    std::vector<Collected> batch;
    for (MeterIndex meter = 0; meter < around_.world.size(); ++meter) {
      Collected collected = around_.world.take(meter);
      if (!collected.intervals.empty() || !collected.readings.empty() || !collected.events.empty())
        batch.push_back(std::move(collected));
      if (batch.size() < setup_.batch && meter + 1 < around_.world.size()) continue;
      if (caller_.has_listener()) tell_events(batch);
      drop(std::exchange(batch, {}), now);
      co_await around_.courier.room();
    }
    ++status_.reports;
    status_.last_report = now;
  }

  void settle() override { requests_.settle(); }

  [[nodiscard]] Ports ports() const override { return {{"multispeak", head_end_.ports().front()}}; }

  [[nodiscard]] Status status() const override {
    Status status = status_;
    if (status.words.empty()) status.words = caller_.trouble();
    if (status.words.empty()) status.words = box_.trouble();
    status.requests = requests_.received();
    status.under_way = head_end_.under_way();
    return status;
  }

 private:
  multispeak::peer::HeadEndSettings head_end_settings(http::Endpoint listen) {
    multispeak::peer::HeadEndSettings settings = ami::flexnet::peer::head_end();
    settings.server.listen = {std::move(listen)};
    settings.callbacks.breaker.failures = 0;
    settings.retry.attempts = 5;
    settings.retry.base = around_.clock.real(settings.retry.base);
    settings.retry.cap = around_.clock.real(settings.retry.cap);
    settings.seed = setup_.seed;
    if (setup_.latency)
      settings.latency = [this, latency = *setup_.latency] { return draw(latency, latency_); };
    return settings;
  }

  std::string next_name(const char* what) {
    char number[24];
    std::snprintf(number, sizeof number, "-%06llu", static_cast<unsigned long long>(++messages_));
    return setup_.name + what + number;
  }

  void drop(std::vector<Collected> meters, UtcInstant now) {
    CmepFile made = make_cmep(setup_.name, std::move(meters), setup_.zone, now);
    if (!made.left_out.empty()) status_.words = made.left_out;
    if (!made.content.empty()) box_.drop(next_name("") + ".cmep", std::move(made.bytes), std::move(made.content));
  }

  void tell_events(const std::vector<Collected>& meters) {
    Content outage_lines(setup_.name), event_lines(setup_.name);
    NotificationContent outages, events;
    outages.operation = Operation::OutageEvents;
    events.operation = Operation::MeterEvents;
    for (const Collected& meter : meters) {
      for (const virtual_meter::Event& event : meter.events) {
        if (auto outage = told_outage(meter.meter, event, true, outage_lines))
          outages.outages.push_back(std::move(*outage));
        if (auto other = told_event(meter.meter, event, event_lines)) events.events.push_back(std::move(*other));
      }
    }
    if (!outage_lines.empty()) post(std::move(outages), std::move(outage_lines));
    if (!event_lines.empty()) post(std::move(events), std::move(event_lines));
  }

  void post(NotificationContent content, Content lines) {
    Parcel parcel = caller_.parcel(next_name("-event"), std::move(content), std::move(lines));
    around_.courier.carry(std::move(parcel));
  }

  const NetworkSetup setup_;
  const Surroundings around_;
  const CatchUp catch_up_;
  DropBox box_;
  MultiSpeakRequests requests_;
  std::mt19937_64 latency_;
  multispeak::peer::HeadEnd head_end_;
  Caller caller_;
  std::uint64_t messages_ = 0;
  Status status_;
};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  const auto catch_up = CatchUp::parse(setup.own.at("catch_up"));
  if (!catch_up) return catch_up.error();
  auto listen = http::parse_endpoint(setup.own.at("listen"));
  if (!listen) return permanent("listen \"" + setup.own.at("listen") + "\": " + listen.error().message);
  if (const std::string& url = setup.own.at("callback"); !url.empty()) {
    if (const auto parsed = http::parse_url(url); !parsed)
      return permanent("callback \"" + url + "\": " + parsed.error().message);
  }
  if (setup.path("folder").empty()) return permanent("folder is needed: FlexNet sends intervals by files only");
  return std::unique_ptr<FarSide>(std::make_unique<Rni>(setup, around, *catch_up, std::move(*listen)));
}

}  // namespace

NetworkKind network() {
  return {"flexnet", "FN", "FLEXNET", kOwnKeys, make};
}

}  // namespace ami::fieldsim::flexnet
