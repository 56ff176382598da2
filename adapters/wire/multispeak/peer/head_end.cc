#include "adapters/wire/multispeak/peer/head_end.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <list>
#include <utility>

#include "adapters/wire/multispeak/peer/outbox.h"
#include "adapters/wire/multispeak/peer/report.h"

namespace ami::multispeak::peer {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kNoExpiry{300};  // of a request that states none

bool starts_work(Operation operation) {
  switch (operation) {
    case Operation::InitiateMeterRead:
    case Operation::InitiateConnectDisconnect:
    case Operation::InitiateCdStateRequest:
    case Operation::InitiateOutageDetection:
    case Operation::InitiateDemandReset:
      return true;
    default:
      return false;
  }
}

Version other(Version version) {
  return version == Version::V30 ? Version::V41 : Version::V30;
}

std::string first_meter(const NotificationContent& content) {
  if (!content.reads.empty()) return content.reads.front().meter.number;
  if (!content.states.empty()) return content.states.front().meter.number;
  if (!content.outages.empty()) return content.outages.front().meter.number;
  if (!content.events.empty()) return content.events.front().meter.number;
  if (content.intervals && !content.intervals->blocks.empty())
    return content.intervals->blocks.front().meter.number;
  return {};
}

}  // namespace

class HeadEnd::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(HeadEndSettings with, sdk::Services services, Field& field)
      : settings_(std::move(with)),
        services_(services),
        field_(field),
        server_(settings_.server, services),
        outbox_(settings_.callbacks, settings_.retry, settings_.seed, settings_.soap, services),
        quiet_(services.executor, asio::steady_timer::time_point::max()) {
    for (const auto& [path, operations] : settings_.paths) {
      server_.route("POST", path, [this, &operations](http::Request request) {
        return serve(operations, std::move(request));
      });
    }
  }

  sdk::Awaitable<Outcome> start() {
    stopping_ = false;
    return server_.start();
  }

  sdk::Awaitable<void> stop() {
    stopping_ = true;
    const auto tasks = tasks_;
    for (const auto& task : tasks) task->emit(asio::cancellation_type::terminal);
    while (!tasks_.empty()) {
      quiet_.expires_at(asio::steady_timer::time_point::max());
      boost::system::error_code woken;
      co_await quiet_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    co_await server_.stop();
    co_await outbox_.stop();
  }

  sdk::Awaitable<http::Answer> notify(std::string url, NotificationContent content) {
    const std::string meter = first_meter(content);
    const std::string body = encode_notification(content, sender(settings_.version, settings_.soap));
    co_return co_await post(std::move(url), content.operation, settings_.version, content.transaction, meter,
                            body);
  }

  void note(Entry::What what, Operation operation, std::string transaction, std::string meter,
            std::string words = {}) {
    ledger.push_back(
        {services_.clock.now(), what, operation, std::move(transaction), std::move(meter), std::move(words)});
  }

  [[nodiscard]] std::vector<std::uint16_t> ports() const { return server_.ports(); }
  [[nodiscard]] std::size_t under_way() const { return tasks_.size(); }

  Books books;
  std::map<std::string, Orders> orders;
  std::vector<Entry> ledger;

 private:
  Sender sender(Version version, Soap soap) const {
    Sender sender{version, soap, settings_.header};
    if (sender.header.time_stamp.empty()) {
      sender.header.time_stamp = to_text(std::chrono::floor<std::chrono::seconds>(services_.clock.now()));
    }
    return sender;
  }

  bool offers(const std::set<Operation>& here, Operation operation) const {
    return !is_notification(operation) && !settings_.without.contains(operation) &&
           (here.empty() || here.contains(operation));
  }

  sdk::Awaitable<http::Response> serve(const std::set<Operation>& here, http::Request request) {
    Result<Incoming> incoming = decode_request(request.body, {});
    const std::string* type = request.headers.find("Content-Type");
    Sender answering = sender(settings_.answers.value_or(settings_.version),
                              incoming ? incoming->soap : soap_of_content_type(type ? *type : ""));
    Result<ResponseContent> content = incoming ? answer(here, *incoming, answering.header) : incoming.error();
    http::Response response;
    response.headers.add("Content-Type", std::string(content_type(answering.soap)));
    if (content) {
      response.body = encode_response(incoming->operation, *content, answering);
    } else {
      response.status = 500;
      response.body = encode_fault_message(answering, fault_for(content.error()));
    }
    co_return response;
  }

  Result<ResponseContent> answer(const std::set<Operation>& here, const Incoming& incoming,
                                 MessageHeader& header) {
    const Operation operation = incoming.operation;
    if (incoming.version != settings_.version) {
      return permanent("only MultiSpeak " + std::string(name_of(settings_.version)) + " is served here");
    }
    if (!settings_.user.empty() &&
        (!incoming.header || incoming.header->user_id != settings_.user ||
         !wire::constant_time_equal(settings_.password.reveal(), incoming.header->password.reveal()))) {
      return permanent("user or password is wrong");
    }
    if (!offers(here, operation)) {
      return permanent(std::string(name_of(operation, incoming.version)) + " is not served here");
    }
    const Request& request = *incoming.request;
    if (starts_work(operation)) return accept(request);
    note(Entry::What::Received, operation, request.transaction,
         request.meters.empty() ? std::string() : request.meters.front().number);
    ResponseContent content;
    switch (operation) {
      case Operation::GetMethods:
        for (const Operation one : all_operations()) {
          const std::string_view name = name_of(one, settings_.version);
          if (offers(here, one) && !name.empty()) content.methods.emplace_back(name);
        }
        return content;
      case Operation::GetLatestReading:
      case Operation::GetCdMeterState:
        return look_up(request);
      case Operation::GetReadingsByDate:
      case Operation::GetReadingsByBillingCycle:
      case Operation::GetAmrSupportedMeters:
        return page_of(request, books, std::max<std::size_t>(1, settings_.page), services_.clock.now(),
                       field_, header);
      default:
        keep_books(request);
        return content;
    }
  }

  Result<ResponseContent> look_up(const Request& request) {
    if (request.meters.empty()) return permanent("no meter is named");
    const std::string& meter = request.meters.front().number;
    if (!books.contains(meter)) return permanent("no such meter");
    ResponseContent content;
    if (request.operation == Operation::GetCdMeterState) {
      const auto known = told_.find(meter);
      content.switch_state = known == told_.end() ? "Closed" : known->second;
      return content;
    }
    note(Entry::What::Executed, request.operation, request.transaction, meter);
    content.reads = {completed(field_.read(meter), meter, services_.clock.now())};
    return content;
  }

  void keep_books(const Request& request) {
    for (const MeterRecord& record : request.records) {
      if (request.operation == Operation::MeterAdd) {
        books[record.meter.number] = record;
      } else {
        books.erase(record.meter.number);
      }
    }
    for (const MeterChange& change : request.changes) {
      books.erase(change.removed.meter.number);
      books[change.installed.meter.number] = {change.installed.meter, {}, {}};
    }
  }

  Result<ResponseContent> accept(const Request& request) {
    std::vector<Task> tasks;
    Task like;
    like.operation = request.operation;
    like.transaction = request.transaction;
    like.response_url = request.response_url;
    like.expires_at = services_.clock.now() + request.expiry.value_or(kNoExpiry);
    for (const MeterId& meter : request.meters) {
      tasks.push_back(like);
      tasks.back().meter = meter.number;
    }
    for (const SwitchOrder& order : request.orders) {
      tasks.push_back(like);
      tasks.back().meter = order.meter.number;
      tasks.back().object_id = order.object_id;
      tasks.back().load_action = order.load_action;
    }
    if (tasks.empty()) return permanent("no meter is named");
    if (!http::parse_url(request.response_url)) return permanent("responseURL is no URL");
    ResponseContent content;
    for (Task& task : tasks) {
      note(Entry::What::Received, task.operation, task.transaction, task.meter, task.load_action);
      if (const auto found = orders.find(task.meter); found != orders.end()) task.orders = found->second;
      std::string refusal = task.orders.reject;
      if (refusal.empty() && !books.contains(task.meter)) refusal = "no such meter";
      // As a public demo service says it, helpful or not.
      if (refusal.empty() && task.operation == Operation::InitiateConnectDisconnect &&
          task.load_action.empty()) {
        refusal = "Meter not Connected/Disconnected.";
      }
      if (refusal.empty()) {
        begin(std::move(task));
        continue;
      }
      note(Entry::What::Rejected, task.operation, task.transaction, task.meter, refusal);
      content.rejections.push_back({task.meter, refusal, "meter", "", ""});
    }
    return content;
  }

  void begin(Task task) {
    const auto place = tasks_.insert(tasks_.end(), std::make_shared<asio::cancellation_signal>());
    auto ended = [self = shared_from_this(), place](std::exception_ptr thrown) {
      self->tasks_.erase(place);
      self->quiet_.cancel();
      if (thrown) std::rethrow_exception(thrown);
    };
    asio::co_spawn(services_.executor,
                   carry_out(shared_from_this(), std::make_shared<const Task>(std::move(task))),
                   asio::bind_cancellation_slot((*place)->slot(), std::move(ended)));
  }

  static sdk::Awaitable<void> carry_out(std::shared_ptr<Core> self, std::shared_ptr<const Task> task) {
    co_await asio::this_coro::throw_if_cancelled(false);  // what is under way says so itself
    const HeadEndSettings& settings = self->settings_;
    const UtcInstant begun = self->services_.clock.now();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(task->expires_at - begun);
    auto pause = settings.latency ? settings.latency() : std::chrono::milliseconds{0};
    const bool expires = pause > left && !task->orders.late_by;
    if (expires) pause = left;
    if (task->orders.late_by) pause = std::max(pause, left + *task->orders.late_by);
    if (pause.count() > 0) {
      const bool waited = co_await self->services_.clock.wait(pause);
      if (!waited) co_return;
    }
    if (self->stopping_) co_return;
    if (expires) {
      self->note(Entry::What::Expired, task->operation, task->transaction, task->meter);
      co_return;
    }
    co_await self->tell(*task);
  }

  sdk::Awaitable<void> tell(const Task& task) {
    const Version version = task.orders.other_namespace ? other(settings_.version) : settings_.version;
    const auto told = report(task, version, services_.clock.now(), field_);
    if (task.orders.error.empty())
      note(Entry::What::Executed, task.operation, task.transaction, task.meter, task.load_action);
    if (!told) {
      note(Entry::What::Expired, task.operation, task.transaction, task.meter, "no response from meter");
      co_return;
    }
    if (!told->states.empty() && told->states.front().error.empty())
      told_[task.meter] = field_.position(task.meter);
    if (task.orders.lose) {
      note(Entry::What::Lost, told->operation, task.transaction, task.meter);
      co_return;
    }
    const std::string body = encode_notification(*told, sender(version, settings_.soap));
    for (std::size_t i = 0; i < task.orders.copies && !stopping_; ++i)
      co_await post(task.response_url, told->operation, version, task.transaction, task.meter, body);
  }

  sdk::Awaitable<http::Answer> post(std::string url, Operation operation, Version version,
                                    std::string transaction, std::string meter, std::string body) {
    http::Answer answer = co_await outbox_.post(std::move(url), operation, version, std::move(body));
    note(answer.ok() ? Entry::What::Sent : Entry::What::NotTaken, operation, std::move(transaction),
         std::move(meter), answer.ok() ? std::string() : answer.failure->error.message);
    co_return answer;
  }

  const HeadEndSettings settings_;
  const sdk::Services services_;
  Field& field_;
  http::Server server_;
  Outbox outbox_;
  std::map<std::string, std::string> told_;  // meter -> where its switch was when a callback last told
  std::list<std::shared_ptr<asio::cancellation_signal>> tasks_;
  asio::steady_timer quiet_;  // only cancelled, when a task ends
  bool stopping_ = false;
};

HeadEnd::HeadEnd(HeadEndSettings settings, sdk::Services services, Field& field)
    : core_(std::make_shared<Core>(std::move(settings), services, field)) {}
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
void HeadEnd::know(MeterRecord record) {
  std::string number = record.meter.number;
  core_->books[std::move(number)] = std::move(record);
}
const std::map<std::string, MeterRecord>& HeadEnd::books() const {
  return core_->books;
}
void HeadEnd::order(const std::string& meter, Orders orders) {
  core_->orders[meter] = std::move(orders);
}
sdk::Awaitable<http::Answer> HeadEnd::notify(std::string url, NotificationContent content) {
  return core_->notify(std::move(url), std::move(content));
}
const std::vector<Entry>& HeadEnd::ledger() const {
  return core_->ledger;
}
void HeadEnd::clear_ledger() {
  core_->ledger.clear();
}
std::size_t HeadEnd::under_way() const {
  return core_->under_way();
}

}  // namespace ami::multispeak::peer
