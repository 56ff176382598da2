#include "tools/fieldsim/networks/gridstream/cim_events.h"

#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/wire/cim/codec/encode.h"
#include "adapters/wire/http/client.h"
#include "tools/fieldsim/drop_box/insist.h"

namespace ami::fieldsim::gridstream {
namespace {

using virtual_meter::Collected;
using virtual_meter::EventKind;
using virtual_meter::Reporter;

constexpr std::string_view kPowerFail = "6.20.1.185";
constexpr const char* kPowerFailWord = "POWER_FAIL";

// What is told of an event; nullopt: nothing new.
std::optional<EventKind> told_as(const virtual_meter::Event& event) {
  switch (event.kind) {
    case EventKind::LastGasp:
      return EventKind::Outage;
    case EventKind::Outage:
    case EventKind::ModuleRestoration:
      return std::nullopt;
    default:
      return event.reporter == Reporter::Module ? std::nullopt : std::optional(event.kind);
  }
}

http::ClientSettings settings_of(const http::Url& url) {
  http::ClientSettings settings;
  settings.url = url;
  settings.breaker.failures = 0;  // a listener that was away is asked again at once
  return settings;
}

class CimEvents : public EventWay {
 public:
  CimEvents(std::string network, const http::Url& url, Surroundings around)
      : network_(std::move(network)), around_(around), client_(settings_of(url), around.services) {}

  void tell(std::span<const Collected> meters, UtcInstant now) override {
    Content content(network_);
    std::vector<cim::Event> events;
    for (const Collected& meter : meters) {
      for (const virtual_meter::Event& event : meter.events) {
        if (const auto kind = told_as(event)) events.push_back(stated(meter.meter, *kind, event.at, content));
      }
    }
    if (events.empty()) return;
    char number[32];
    std::snprintf(number, sizeof number, "-cim-%06llu", static_cast<unsigned long long>(++messages_));
    std::string id = network_ + number;
    const auto body = std::make_shared<const std::string>(message(id, now, std::move(events)));
    around_.courier.carry({std::move(id), "callback", [this, body] { return post(body); }, std::move(content)});
  }

  sdk::Awaitable<void> stop() override { return client_.stop(); }
  [[nodiscard]] const std::string& trouble() const override { return trouble_; }

 private:
  static cim::Event stated(const std::string& meter, EventKind kind, UtcInstant at, Content& content) {
    cim::Event event;
    const bool power_fail = kind == EventKind::Outage;
    event.type = power_fail ? kPowerFail : virtual_meter::code_of(kind);
    event.status_value = power_fail ? kPowerFailWord : virtual_meter::name_of(kind);
    event.created = event.status_time = to_text(at);
    event.meter.id = meter;
    content.add(Content::Event{meter, virtual_meter::code_of(kind), virtual_meter::name_of(kind), at, event.type});
    return event;
  }

  [[nodiscard]] static std::string message(const std::string& id, UtcInstant now, std::vector<cim::Event> events) {
    cim::Message message;
    message.kind = cim::Kind::Event;
    message.soap = cim::Soap::V11;
    message.edition = cim::Edition::CommandCenter;
    message.header.verb = "created";
    message.header.noun = "EndDeviceEvents";
    message.header.message_id = id;
    message.header.timestamp = to_text(now);
    message.header.source = "simulated head-end";
    message.events = std::move(events);
    return cim::encode(message);
  }

  sdk::Awaitable<bool> post(std::shared_ptr<const std::string> body) {
    const std::function<sdk::Awaitable<http::Answer>()> attempt = [this, body] { return once(body); };
    auto insisting = insist(attempt, around_.courier, trouble_);
    co_return co_await std::move(insisting);
  }

  sdk::Awaitable<http::Answer> once(std::shared_ptr<const std::string> body) {
    http::Call call;
    call.headers.add("Content-Type", "text/xml; charset=utf-8");
    call.headers.add("SOAPAction", "\"\"");
    call.body = *body;
    call.safe_to_repeat = true;
    auto sending = client_.send(std::move(call));
    co_return co_await std::move(sending);
  }

  const std::string network_;
  const Surroundings around_;
  http::Client client_;
  std::uint64_t messages_ = 0;
  std::string trouble_;
};

}  // namespace

Result<std::unique_ptr<EventWay>> cim_events(const std::string& network, const std::string& url, Surroundings around) {
  const auto parsed = http::parse_url(url);
  if (!parsed) return permanent("cim \"" + url + "\": " + parsed.error().message);
  return std::unique_ptr<EventWay>(std::make_unique<CimEvents>(network, *parsed, around));
}

}  // namespace ami::fieldsim::gridstream
