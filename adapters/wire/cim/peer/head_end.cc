#include "adapters/wire/cim/peer/head_end.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <fstream>
#include <utility>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/codec/encode.h"

namespace ami::cim::peer {
namespace {

namespace asio = boost::asio;

const char* content_type(Soap soap) {
  return soap == Soap::None  ? "application/xml; charset=utf-8"
         : soap == Soap::V11 ? "text/xml; charset=utf-8"
                             : "application/soap+xml; charset=utf-8";
}

http::Response written(int status, const Message& message) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", content_type(message.soap));
  response.body = encode(message);
  return response;
}

ReplyError error_of(const std::string& meter, const std::string& code, const std::string& reason) {
  ReplyError error;
  error.code = code;
  error.level = "FATAL";
  error.reason = reason;
  error.id = meter;
  error.id_kind = "name";
  error.object_type = "Meter";
  return error;
}

std::string reason_of(const std::string& code) {
  return code == "2.4" ? "no such meter" : "refused by order";
}

}  // namespace

class HeadEnd::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(HeadEndSettings settings, sdk::Services services, Field& field)
      : settings_(std::move(settings)),
        services_(std::move(services)),
        field_(field),
        server_(settings_.server, services_),
        quiet_(services_.executor, asio::steady_timer::time_point::max()) {
    for (const std::string& path : settings_.paths)
      server_.route("POST", path, [this](http::Request request) { return serve(std::move(request)); });
  }

  sdk::Awaitable<Outcome> start() { co_return co_await server_.start(); }

  sdk::Awaitable<void> stop() {
    stopping_ = true;
    co_await server_.stop();
    for (const auto& signal : signals_) signal->emit(asio::cancellation_type::terminal);
    for (const auto& [host, client] : clients_) co_await client->stop();
    while (running_ > 0) co_await quiet_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  [[nodiscard]] std::vector<std::uint16_t> ports() const { return server_.ports(); }

  sdk::Awaitable<http::Response> serve(http::Request request) {
    Options options;
    options.landis_gyr = true;
    const auto decoded = decode(request.body, options);
    if (!decoded) co_return http::plain(400, decoded.error().message + "\n");
    const Message& asked = decoded->message;
    const std::string& transaction = asked.header.correlation_id;
    const std::vector<Meter> meters =
        asked.controls.empty() ? asked.request.meters : asked.controls.front().meters;
    for (const Meter& meter : meters) note(Entry::What::Received, transaction, meter.id, asked.header.verb);
    const Credentials nothing;
    if (settings_.expected &&
        !constant_time_equal(*settings_.expected, asked.credentials ? *asked.credentials : nothing)) {
      for (const Meter& meter : meters)
        note(Entry::What::Refused, transaction, meter.id, "wrong credentials");
      co_return fault(asked, "not authenticated");
    }
    if (!faults_.empty()) {
      const std::string words = faults_.front();
      faults_.pop_front();
      for (const Meter& meter : meters) note(Entry::What::Refused, transaction, meter.id, words);
      co_return fault(asked, words);
    }
    if (meters.empty()) co_return fault(asked, "a request without a meter");

    Reply reply{"OK", {}};
    std::vector<Meter> taken;
    for (const Meter& meter : meters) {
      const std::string code = known_.contains(meter.id) ? orders_[meter.id].reject_code : "2.4";
      if (code.empty()) {
        taken.push_back(meter);
      } else {
        note(Entry::What::Refused, transaction, meter.id, code);
        reply.errors.push_back(error_of(meter.id, code, reason_of(code)));
      }
    }
    if (!reply.errors.empty()) {
      reply.result = taken.empty() ? "FAILED" : "PARTIAL";
    }
    ReplyError whole;
    whole.code = reply.result == "OK" ? "0.0" : reply.result == "PARTIAL" ? "0.1" : "2.0";
    reply.errors.insert(reply.errors.begin(), whole);
    Message answer = reply_to(asked, std::move(reply));
    stamp(answer);
    for (const Meter& meter : taken) {
      const bool at_once = asked.header.reply_address.empty() || orders_[meter.id].at_once;
      if (at_once && asked.controls.empty()) {
        if (auto reading = ask_for_reading(asked, meter))
          answer.meter_readings.push_back(std::move(*reading));
      } else if (!asked.header.reply_address.empty()) {
        begin(asked, meter);
      }
    }
    co_return written(200, answer);
  }

  sdk::Awaitable<http::Answer> publish(std::string url, std::vector<Event> events) {
    Message message = posted("EndDeviceEvents");
    message.kind = Kind::Event;
    message.events = std::move(events);
    std::string text = encode(message);
    http::Answer answer = co_await post(std::move(url), std::move(text));
    note(answer.ok() ? Entry::What::Sent : Entry::What::NotTaken, {},
         message.events.empty() ? std::string() : message.events.front().meter.id,
         answer.ok() ? std::string() : answer.failure->error.message);
    co_return answer;
  }

  Outcome drop(const std::filesystem::path& folder, const std::string& name,
               std::vector<MeterReading> readings, std::vector<Event> events) {
    Message message = posted(readings.empty() ? "EndDeviceEvents" : "MeterReadings");
    message.kind = Kind::Event;
    message.soap = Soap::None;
    message.credentials.reset();
    message.meter_readings = std::move(readings);
    message.events = std::move(events);
    const std::filesystem::path beside = folder / (name + ".part");
    {
      std::ofstream file(beside, std::ios::binary);
      file << encode(message);
      if (!file.flush()) return transient("cannot write " + beside.string());
    }
    std::error_code error;
    std::filesystem::rename(beside, folder / name, error);
    if (error) return transient("cannot move to " + (folder / name).string() + ": " + error.message());
    return Done{};
  }

  std::set<std::string> known_;
  std::map<std::string, Orders> orders_;
  std::deque<std::string> faults_;
  std::vector<Entry> ledger_;
  std::size_t under_way_ = 0;

 private:
  void note(Entry::What what, std::string transaction, std::string meter, std::string words) {
    ledger_.push_back(
        {services_.clock.now(), what, std::move(transaction), std::move(meter), std::move(words)});
  }

  void stamp(Message& message) const {
    message.header.timestamp = to_text(services_.clock.now());
    message.header.source = "simulated head-end";
  }

  http::Response fault(const Message& asked, const std::string& words) const {
    ReplyError error;
    error.level = "FATAL";
    error.reason = words;
    Message message = reply_to(asked, {"FAILED", {error}});
    stamp(message);
    if (asked.soap == Soap::None) return written(200, message);
    message.kind = Kind::Fault;
    message.reply.reset();
    message.fault = words;
    return written(500, message);
  }

  Message posted(const char* noun) {
    Message message;
    message.kind = Kind::Response;
    message.soap = settings_.soap;
    message.edition = settings_.edition;
    message.credentials = settings_.shown;
    message.credential_place = settings_.place;
    message.header.verb = "created";
    message.header.noun = noun;
    message.header.message_id = "he-" + std::to_string(++messages_);
    stamp(message);
    return message;
  }

  std::optional<MeterReading> ask_for_reading(const Message& asked, const Meter& meter) {
    note(Entry::What::Executed, asked.header.correlation_id, meter.id, asked.header.noun);
    std::optional<MeterReading> reading;
    if (asked.request.start_time.empty()) {
      reading = field_.read(meter.id);
    } else {
      const auto from = parse_instant(asked.request.start_time), to = parse_instant(asked.request.end_time);
      if (from && to) reading = field_.recorded(meter.id, *from, *to);
    }
    if (reading) reading->meter = {meter.id, settings_.meter_is_mrid, settings_.name_type};
    return reading;
  }

  // What becomes of one meter of a request, later.
  void begin(const Message& asked, const Meter& meter) {
    ++running_;
    ++under_way_;
    const auto signal = std::make_shared<asio::cancellation_signal>();
    signals_.insert(signal);
    auto body = [](std::shared_ptr<Core> self, Message of, Meter about) -> sdk::Awaitable<void> {
      co_await self->finish(std::move(of), std::move(about));
    };
    Message of = asked;
    of.credentials.reset();
    asio::co_spawn(services_.executor, body(shared_from_this(), std::move(of), meter),
                   asio::bind_cancellation_slot(
                       signal->slot(), [self = shared_from_this(), signal](std::exception_ptr defect) {
                         self->signals_.erase(signal);
                         --self->under_way_;
                         --self->running_;
                         self->quiet_.cancel();
                         if (defect) std::rethrow_exception(defect);
                       }));
  }

  sdk::Awaitable<void> finish(Message asked, Meter meter) {
    const Orders orders = orders_[meter.id];
    const std::string& transaction = asked.header.correlation_id;
    const bool waited = co_await services_.clock.wait(settings_.latency + orders.later);
    if (!waited || stopping_) co_return;
    Message message = posted(asked.controls.empty() ? "MeterReadings" : "EndDeviceEvents");
    message.header.correlation_id = orders.correlation.empty() ? transaction : orders.correlation;
    if (!orders.fail_code.empty()) {
      fail(message, asked, meter.id, orders.fail_code, reason_of(orders.fail_code));
    } else if (asked.controls.empty()) {
      auto reading = ask_for_reading(asked, meter);
      if (reading) {
        message.reply = Reply{"OK", {}};
        message.meter_readings.push_back(std::move(*reading));
      } else {
        fail(message, asked, meter.id, "5.3", "no answer from the meter");
      }
    } else {
      note(Entry::What::Executed, transaction, meter.id, asked.controls.front().type);
      const Switched moved = field_.act(meter.id, asked.controls.front().type);
      if (moved.error.empty()) {
        message.kind = Kind::Event;
        Event event;
        event.type = moved.event;
        event.created = to_text(services_.clock.now());
        event.meter = {meter.id, settings_.meter_is_mrid, settings_.name_type};
        message.events.push_back(std::move(event));
      } else {
        fail(message, asked, meter.id, "5.2", moved.error);
      }
    }
    if (orders.lose) {
      note(Entry::What::Lost, transaction, meter.id, {});
      co_return;
    }
    const std::string text = encode(message);
    for (std::size_t i = 0; i < orders.copies && !stopping_; ++i) {
      std::string url = asked.header.reply_address, copy = text;
      const http::Answer answer = co_await post(std::move(url), std::move(copy));
      note(answer.ok() ? Entry::What::Sent : Entry::What::NotTaken, transaction, meter.id,
           answer.ok() ? std::string() : answer.failure->error.message);
    }
  }

  static void fail(Message& message, const Message& asked, const std::string& meter, const std::string& code,
                   const std::string& reason) {
    message.header.verb = "reply";
    message.header.noun = asked.header.noun;
    message.reply = Reply{"FAILED", {error_of(meter, code, reason)}};
  }

  sdk::Awaitable<http::Answer> post(std::string url, std::string text) {
    http::Answer answer;
    const Result<http::Url> parsed = http::parse_url(settings_.reach ? settings_.reach(url) : url);
    if (!parsed) {
      answer.failure = http::Failure{http::FailureKind::BadCall, parsed.error()};
      co_return answer;
    }
    auto& client = clients_[parsed->peer()];
    if (!client) {
      http::ClientSettings settings = settings_.client;
      settings.url = *parsed;
      client = std::make_unique<http::Client>(std::move(settings), services_);
    }
    http::Call call;
    call.target = parsed->target;
    call.headers.add("Content-Type", content_type(settings_.soap));
    if (settings_.soap == Soap::V11) call.headers.add("SOAPAction", "\"\"");
    call.body = std::move(text);
    answer = co_await client->send(std::move(call));
    co_return answer;
  }

  const HeadEndSettings settings_;
  const sdk::Services services_;
  Field& field_;
  http::Server server_;
  std::map<std::string, std::unique_ptr<http::Client>> clients_;  // by host and port
  std::set<std::shared_ptr<asio::cancellation_signal>> signals_;
  asio::steady_timer quiet_;
  std::size_t running_ = 0;
  std::uint64_t messages_ = 0;
  bool stopping_ = false;
};

HeadEnd::HeadEnd(HeadEndSettings settings, sdk::Services services, Field& field)
    : core_(std::make_shared<Core>(std::move(settings), std::move(services), field)) {}
HeadEnd::~HeadEnd() = default;

sdk::Awaitable<Outcome> HeadEnd::start() {
  return core_->start();
}
sdk::Awaitable<void> HeadEnd::stop() {
  return core_->stop();
}
std::vector<std::uint16_t> HeadEnd::ports() const {
  return core_->ports();
}
void HeadEnd::know(std::string meter) {
  core_->known_.insert(std::move(meter));
}
void HeadEnd::order(const std::string& meter, Orders orders) {
  core_->orders_[meter] = std::move(orders);
}
void HeadEnd::fault_next(std::string words) {
  core_->faults_.push_back(std::move(words));
}
sdk::Awaitable<http::Answer> HeadEnd::publish(std::string url, std::vector<Event> events) {
  return core_->publish(std::move(url), std::move(events));
}
Outcome HeadEnd::drop(const std::filesystem::path& folder, const std::string& name,
                      std::vector<MeterReading> readings, std::vector<Event> events) {
  return core_->drop(folder, name, std::move(readings), std::move(events));
}
const std::vector<Entry>& HeadEnd::ledger() const {
  return core_->ledger_;
}
void HeadEnd::clear_ledger() {
  core_->ledger_.clear();
}
std::size_t HeadEnd::under_way() const {
  return core_->under_way_;
}

}  // namespace ami::cim::peer
