#include "tools/fieldsim/networks/securemesh/network.h"

#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "tools/fieldsim/drop_box/drop_box.h"
#include "tools/fieldsim/networks/securemesh/mesh_field.h"
#include "tools/fieldsim/networks/securemesh/messages.h"
#include "tools/fieldsim/networks/securemesh/poster.h"

namespace ami::fieldsim::securemesh {
namespace {

using virtual_meter::Collected;

constexpr std::array kOwnKeys{
    OwnKey{"listen", "127.0.0.1:0", "address of the head-end's server for requests"},
    OwnKey{"path", "/cim", "of requests"},
    OwnKey{"callback", "", "URL where events and readings are posted; empty = nothing is posted unasked"},
    OwnKey{"folder", "", "where readings are dropped instead (events too, without a callback); empty = none"},
    OwnKey{"catch_up", "6h", "how often messages bring again what was lost; empty = never"},
};

struct Way {
  http::Endpoint listen;
  std::optional<http::Url> callback;
  bool files = false;
  CatchUp catch_up{};
};

class MeshHeadEnd : public FarSide {
 public:
  MeshHeadEnd(NetworkSetup setup, Surroundings around, Way way)
      : setup_(std::move(setup)),
        around_(around),
        way_(std::move(way)),
        field_(setup_.name, around),
        head_end_(head_end_settings(), around.services, field_) {
    field_.serve(head_end_);
    if (way_.files) box_.emplace(setup_.path("folder"), around.courier);
    if (way_.callback) poster_.emplace(*way_.callback, around);
  }

  sdk::Awaitable<Outcome> start() override {
    if (box_) {
      const Outcome ready = box_->ready();
      if (!ready) co_return ready;
    }
    for (MeterIndex meter = 0; meter < around_.world.size(); ++meter)
      head_end_.know(around_.world.name(meter));
    draw_orders();
    auto starting = head_end_.start();
    co_return co_await std::move(starting);
  }

  sdk::Awaitable<void> stop() override {
    co_await head_end_.stop();
    if (poster_) co_await poster_->stop();
    settle();
  }

  sdk::Awaitable<void> report(UtcInstant now) override {
    draw_orders();
    catch_up(now);
    std::vector<Collected> batch;
    for (MeterIndex meter = 0; meter < around_.world.size(); ++meter) {
      Collected collected = around_.world.take(meter);
      if (!collected.intervals.empty() || !collected.readings.empty() || !collected.events.empty())
        batch.push_back(std::move(collected));
      if (batch.size() < setup_.batch && meter + 1 < around_.world.size()) continue;
      if (!batch.empty()) publish(batch, now);
      batch.clear();
      co_await around_.courier.room();
    }
    ++reports_;
    last_report_ = now;
  }

  void settle() override { field_.settle(); }

  [[nodiscard]] Ports ports() const override { return {{"cim", head_end_.ports().front()}}; }

  [[nodiscard]] Status status() const override {
    Status status;
    status.reports = reports_;
    status.last_report = last_report_;
    status.requests = field_.requests();
    status.under_way = head_end_.under_way();
    status.words = !trouble_.empty()           ? trouble_
                   : !field_.trouble().empty() ? field_.trouble()
                   : poster_                   ? poster_->trouble()
                                               : std::string();
    if (status.words.empty() && box_) status.words = box_->trouble();
    return status;
  }

 private:
  struct Lost {
    std::string name, body;
    Content content;
  };

  [[nodiscard]] cim::peer::HeadEndSettings head_end_settings() const {
    cim::peer::HeadEndSettings settings;
    settings.server.listen = {way_.listen};
    settings.paths = {setup_.own.at("path")};
    settings.latency = std::chrono::milliseconds{0};  // each meter's orders say how long
    return settings;
  }

  // How the head-end treats each meter's requests until the next report.
  void draw_orders() {
    for (MeterIndex meter = 0; meter < around_.world.size(); ++meter) {
      const Fate fate = around_.courier.fate();
      cim::peer::Orders orders;
      orders.lose = fate.lost;
      orders.copies = fate.copies;
      orders.later = fate.after;
      head_end_.order(around_.world.name(meter), std::move(orders));
    }
  }

  std::string next_id() {
    char number[24];
    std::snprintf(number, sizeof number, "-%06llu", static_cast<unsigned long long>(++messages_));
    return setup_.name + number;
  }

  void publish(const std::vector<Collected>& meters, UtcInstant now) {
    Content read(setup_.name), told(setup_.name);
    std::vector<cim::MeterReading> readings;
    std::vector<cim::Event> events;
    for (const Collected& meter : meters) {
      if (!meter.intervals.empty() || !meter.readings.empty()) {
        auto said = state(meter, read);
        if (said) {
          readings.push_back(std::move(*said));
        } else {
          trouble_ = said.error().message;
        }
      }
      for (cim::Event& event : events_of(meter, told)) events.push_back(std::move(event));
    }
    if (!readings.empty()) send(std::move(readings), {}, std::move(read), box_.has_value(), now);
    if (!events.empty()) send({}, std::move(events), std::move(told), !poster_, now);
  }

  void send(std::vector<cim::MeterReading> readings, std::vector<cim::Event> events, Content content, bool file,
            UtcInstant now) {
    const std::string id = next_id();
    std::string body = published(id, now, file ? cim::Soap::None : cim::Soap::V11, std::move(readings), std::move(events));
    if (file) {
      box_->drop(id + ".xml", std::move(body), std::move(content));
      return;
    }
    Lost message{id, std::move(body), std::move(content)};
    const Fate fate = around_.courier.carry(parcel(message));
    if (fate.lost) lost_.push_back(std::move(message));
  }

  Parcel parcel(const Lost& message) {
    return {message.name, "callback",
            [this, body = message.body]() -> sdk::Awaitable<bool> { return poster_->post(body); }, message.content};
  }

  void catch_up(UtcInstant now) {
    if (!way_.catch_up.due(now)) return;
    if (box_) (void)box_->catch_up();
    for (const Lost& message : std::exchange(lost_, {})) around_.courier.carry(parcel(message), Fate{});
  }

  const NetworkSetup setup_;
  const Surroundings around_;
  const Way way_;
  MeshField field_;
  cim::peer::HeadEnd head_end_;
  std::optional<DropBox> box_;
  std::optional<Poster> poster_;
  std::vector<Lost> lost_;  // of what is posted
  std::optional<UtcInstant> last_report_;
  std::uint64_t reports_ = 0, messages_ = 0;
  std::string trouble_;
};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  Way way;
  const auto catch_up = CatchUp::parse(setup.own.at("catch_up"));
  if (!catch_up) return catch_up.error();
  way.catch_up = *catch_up;
  const auto listen = http::parse_endpoint(setup.own.at("listen"));
  if (!listen) return permanent("listen: " + listen.error().message);
  way.listen = *listen;
  if (const std::string& path = setup.own.at("path"); path.empty() || path.front() != '/')
    return permanent("path \"" + path + "\" does not begin with a /");
  if (const std::string& url = setup.own.at("callback"); !url.empty()) {
    const auto parsed = http::parse_url(url);
    if (!parsed) return permanent("callback: " + parsed.error().message);
    way.callback = *parsed;
  }
  way.files = !setup.path("folder").empty();
  if (!way.files && !way.callback) return permanent("neither callback nor folder says where readings go");
  return std::unique_ptr<FarSide>(std::make_unique<MeshHeadEnd>(setup, around, std::move(way)));
}

}  // namespace

NetworkKind network() {
  return {"securemesh", "TR", "TRILLIANT", kOwnKeys, make};
}

}  // namespace ami::fieldsim::securemesh
