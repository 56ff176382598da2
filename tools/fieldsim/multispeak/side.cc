#include "tools/fieldsim/multispeak/side.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <utility>

#include "adapters/sdk/settings.h"
#include "adapters/wire/http/url.h"
#include "adapters/wire/lg_delimited/peer/register_export.h"
#include "tools/fieldsim/drop_box/drop_box.h"
#include "tools/fieldsim/multispeak/caller.h"
#include "tools/fieldsim/multispeak/requests.h"
#include "tools/fieldsim/multispeak/told.h"

namespace ami::fieldsim {
namespace {

namespace asio = boost::asio;
using multispeak::NotificationContent;
using multispeak::Operation;
using std::chrono::milliseconds;
using std::chrono::seconds;
using virtual_meter::Collected;

struct Period {
  seconds every{0};  // 0 = always
  [[nodiscard]] bool due(UtcInstant at) const {
    return every.count() == 0 || std::chrono::floor<seconds>(at.time_since_epoch()) % every == seconds{0};
  }
};

Result<Period> period_of(const std::string& key, const std::string& text) {
  if (text.empty()) return Period{};
  const auto span = sdk::parse_duration(text);
  if (!span || *span < seconds{60} || *span % seconds{60} != milliseconds{0})
    return permanent(key + " \"" + text + "\" is no number of whole minutes, as 15m, 6h or 1d");
  return Period{std::chrono::duration_cast<seconds>(*span)};
}

struct Options {
  http::Endpoint listen;
  std::string callback;
  Period registers, catch_up;
  bool intervals = true;
  std::filesystem::path files;  // empty = none
};

Result<Options> options_of(const NetworkSetup& setup) {
  const auto own = [&](const char* key) {
    const auto found = setup.own.find(key);
    return found == setup.own.end() ? std::string() : found->second;
  };
  Options options;
  auto listen = http::parse_endpoint(own("listen"));
  if (!listen) return permanent("listen \"" + own("listen") + "\": " + listen.error().message);
  options.listen = *listen;
  options.callback = own("callback");
  if (!options.callback.empty()) {
    if (const auto url = http::parse_url(options.callback); !url)
      return permanent("callback \"" + options.callback + "\": " + url.error().message);
  }
  auto registers = period_of("registers_every", own("registers_every"));
  if (!registers) return registers.error();
  options.registers = *registers;
  auto catch_up = period_of("catch_up", own("catch_up"));
  if (!catch_up) return catch_up.error();
  options.catch_up = *catch_up;
  const std::string intervals = own("intervals");
  if (!intervals.empty() && intervals != "true" && intervals != "false")
    return permanent("intervals \"" + intervals + "\" is neither true nor false");
  options.intervals = intervals == "true";
  options.files = setup.path("files");
  return options;
}

class Side : public FarSide {
 public:
  Side(MultiSpeakSide of, const NetworkSetup& setup, Options options, Surroundings around,
       std::unique_ptr<EventWay> events)
      : of_(std::move(of)),
        setup_(setup),
        options_(std::move(options)),
        around_(around),
        requests_(around, of_.last_gasp),
        latency_(setup.seed ^ 0x6c6174656e6379ULL),
        head_end_(head_end_settings(), around.services, requests_),
        caller_(options_.callback, of_.head_end.version, around),
        events_(std::move(events)) {
    requests_.serve(head_end_);
    if (!options_.files.empty()) drop_box_ = std::make_unique<DropBox>(options_.files, around.courier);
  }

  sdk::Awaitable<Outcome> start() override {
    if (drop_box_) {
      if (Outcome ready = drop_box_->ready(); !ready) co_return ready;
    }
    requests_.know_all();
    co_return co_await head_end_.start();
  }

  sdk::Awaitable<void> stop() override {
    co_await caller_.stop();
    if (events_) co_await events_->stop();
    co_await head_end_.stop();
  }

  sdk::Awaitable<void> report(UtcInstant now) override {
    ++status_.reports;
    co_await around_.courier.room();
    const bool registers = options_.registers.due(now);
    Batch batch = new_batch();
    for (MeterIndex i = 0; i < around_.world.size(); ++i) {
      Collected collected = around_.world.take(i);
      if (caller_.has_listener()) add(collected, registers, batch);
      if (events_ && !collected.events.empty()) batch.eventful.push_back(std::move(collected));
      if (batch.meters >= setup_.batch || i + 1 == around_.world.size()) {
        if (events_) events_->tell(batch.eventful, now);
        send(std::move(batch));
        batch = new_batch();
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
      }
    }
    if (drop_box_ && options_.catch_up.due(now)) catch_up();
    status_.last_report = now;
  }

  void settle() override { requests_.settle(); }

  [[nodiscard]] Ports ports() const override {
    const auto bound = head_end_.ports();
    return bound.empty() ? Ports{} : Ports{{"multispeak", bound.front()}};
  }

  [[nodiscard]] Status status() const override {
    Status status = status_;
    if (!caller_.trouble().empty()) status.words = caller_.trouble();
    if (drop_box_ && !drop_box_->trouble().empty()) status.words = drop_box_->trouble();
    if (events_ && !events_->trouble().empty()) status.words = events_->trouble();
    status.requests = requests_.received();
    status.under_way = head_end_.under_way();
    return status;
  }

 private:
  // Three notifications that gather until they have `batch` meters. What registers said is kept for the file
  // that a lost callback leaves to be written.
  struct Part {
    NotificationContent message;
    Content content;
    std::vector<Collected> said;
  };
  struct Batch {
    Part reads, intervals, outages, events;
    std::vector<Collected> eventful;  // whose events go another way
    std::size_t meters = 0;
  };

  multispeak::peer::HeadEndSettings head_end_settings() {
    multispeak::peer::HeadEndSettings settings = of_.head_end;
    settings.server.listen = {options_.listen};
    settings.callbacks.breaker.failures = 0;
    settings.retry.attempts = 5;
    settings.retry.base = around_.clock.real(settings.retry.base);
    settings.retry.cap = around_.clock.real(settings.retry.cap);
    settings.seed = setup_.seed;
    if (setup_.latency)
      settings.latency = [this, latency = *setup_.latency] { return draw(latency, latency_); };
    return settings;
  }

  Batch new_batch() {
    const auto part = [&](Operation operation) {
      Part fresh{{}, Content(setup_.name), {}};
      fresh.message.operation = operation;
      return fresh;
    };
    Batch batch{part(Operation::ReadingChanged), part(Operation::IntervalData), part(Operation::OutageEvents),
                part(Operation::MeterEvents), {}, 0};
    batch.intervals.message.intervals = interval_profile(
        std::chrono::duration_cast<std::chrono::minutes>(around_.world.plan().program.interval),
        around_.world.plan().received_channel);
    return batch;
  }

  void add(const Collected& collected, bool registers, Batch& batch) const {
    if (registers && !collected.readings.empty()) {
      batch.reads.message.reads.push_back(
          told_read(collected.meter, collected.readings.front(), batch.reads.content));
      if (drop_box_) {
        batch.reads.said.push_back({collected.meter,
                                    collected.interval,
                                    collected.ke_wh,
                                    collected.received_channel,
                                    {},
                                    collected.readings,
                                    {}});
      }
    }
    if (options_.intervals && of_.has_intervals)
      tell_intervals(collected, *batch.intervals.message.intervals, batch.intervals.content);
    ++batch.meters;
    if (events_) return;
    for (const virtual_meter::Event& event : collected.events) {
      if (auto outage = told_outage(collected.meter, event, of_.last_gasp, batch.outages.content))
        batch.outages.message.outages.push_back(std::move(*outage));
      if (auto other = told_event(collected.meter, event, batch.events.content))
        batch.events.message.events.push_back(std::move(*other));
    }
  }

  void send(Batch batch) {
    for (Part* part : {&batch.outages, &batch.events, &batch.intervals, &batch.reads}) {
      if (part->content.empty()) continue;
      char name[32];
      std::snprintf(name, sizeof name, "-%06llu", static_cast<unsigned long long>(++messages_));
      Parcel parcel = caller_.parcel(setup_.name + name, std::move(part->message), std::move(part->content));
      if (around_.courier.carry(std::move(parcel)).lost)
        std::ranges::move(part->said, std::back_inserter(lost_));
    }
  }

  void catch_up() {
    (void)drop_box_->catch_up();  // files may get lost, too
    if (lost_.empty()) return;
    std::vector<Collected> meters = std::exchange(lost_, {});
    auto text = lg_delimited::peer::export_registers(meters, {.zone = setup_.zone});
    if (!text) {
      status_.words = text.error().message;
      return;
    }
    Content content(setup_.name);
    for (const Collected& meter : meters) (void)told_read(meter.meter, meter.readings.front(), content);
    char name[40];
    std::snprintf(name, sizeof name, "-emed01-%06llu.txt", static_cast<unsigned long long>(++files_));
    drop_box_->drop(setup_.name + name, *std::move(text), std::move(content));
  }

  const MultiSpeakSide of_;
  const NetworkSetup setup_;
  const Options options_;
  const Surroundings around_;
  MultiSpeakRequests requests_;
  std::mt19937_64 latency_;
  multispeak::peer::HeadEnd head_end_;
  Caller caller_;
  const std::unique_ptr<EventWay> events_;
  std::unique_ptr<DropBox> drop_box_;
  std::vector<Collected> lost_;  // registers that no callback brought
  std::uint64_t messages_ = 0, files_ = 0;
  Status status_;
};

}  // namespace

Result<std::unique_ptr<FarSide>> make_multispeak_side(MultiSpeakSide of, const NetworkSetup& setup,
                                                      Surroundings around,
                                                      std::unique_ptr<EventWay> events) {
  auto options = options_of(setup);
  if (!options) return options.error();
  return std::unique_ptr<FarSide>(
      std::make_unique<Side>(std::move(of), setup, *std::move(options), around, std::move(events)));
}

}  // namespace ami::fieldsim
