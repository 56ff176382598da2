#include "daemon/rpc/change_stream.h"

#include <grpcpp/alarm.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "daemon/rpc/change_cursors.h"
#include "daemon/rpc/change_messages.h"
#include "daemon/rpc/change_values.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/fleet.h"

namespace ami::rpc {
namespace {

// A page costs some fifteen statements, which name each meter once: the changes of a message of a hundred meters should
// not be on two. It is held until the caller has taken it, so large changes are fewer.
constexpr std::size_t kLeastPageChanges = 200, kMostPageChanges = 1000, kPageBytes = 1 << 20;
constexpr int kRetryAfterS = 2;

using Clock = std::chrono::steady_clock;

class ChangeStream final : public grpc::ServerWriteReactor<v1::StreamChangesResponse>,
                           public Subscriptions::Member {
 public:
  ChangeStream(std::shared_ptr<Call> call, Subscriptions& subscriptions,
               const v1::StreamChangesRequest& request)
      : call_(std::move(call)), subscriptions_(subscriptions), request_(request) {
    if (subscriptions_.join(*this, call_->caller().name)) {
      next();
    } else {
      Finish(refused(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS",
                     "this certificate has " + std::to_string(subscriptions_.options().streams_per_caller) +
                         " change streams open, as many as it may",
                     kRetryAfterS));
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      finish(grpc::Status::CANCELLED);
      return;
    }
    ++written_;
    go_on();
  }
  void OnCancel() override {
    {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
    }
    wake();
  }
  void OnDone() override {
    subscriptions_.leave(*this, call_->caller().name);
    delete this;
  }
  void wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    if (alarm_ != nullptr) alarm_->Cancel();
  }

 private:
  // The place is free again before the caller hears of the end: it may come back at once.
  void finish(const grpc::Status& status) {
    subscriptions_.leave(*this, call_->caller().name);
    Finish(status);
  }

  // One of these is under way at any time: a read of the store, a write to the caller, a pause, or the end.
  // After the call that hands over to the next one `this` may be gone.
  void next() {
    call_->backend().executor([this, call = call_] {
      if (const std::optional<grpc::Status> end = ended()) {
        finish(*end);
        return;
      }
      const grpc::Status status = Gate::run(*call, [this](const Call& c) {
        if (!filter_) prepare(c);
        read(c);
      });
      if (status.ok()) {
        away_since_.reset();
        go_on();
      } else if (may_wait_for_store(status)) {
        pause();
      } else {
        finish(status);
      }
    });
  }

  void go_on() {
    if (written_ < page_.size()) {
      StartWrite(&page_[written_]);
    } else if (!caught_up_) {
      next();
    } else if (request_.until_caught_up()) {
      finish(grpc::Status::OK);
    } else {
      pause();
    }
  }

  // A timer of gRPC's, so that waiting costs no thread. Whoever wakes the stream before the timer is set
  // leaves word in woken_.
  void pause() {
    {
      const std::lock_guard lock(mutex_);
      if (!woken_) {
        // A new one each time: the one before may still be leaving its callback.
        alarm_ = std::make_unique<grpc::Alarm>();
        alarm_->Set(std::chrono::system_clock::now() + subscriptions_.options().poll,
                    [this](bool) { next(); });
        return;
      }
    }
    next();
  }

  std::optional<grpc::Status> ended() const {
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return grpc::Status::CANCELLED;
    }
    if (!subscriptions_.stopping()) return std::nullopt;
    return refused(grpc::StatusCode::UNAVAILABLE, "GATEWAY_STOPPING",
                   "the gateway is stopping: connect again with the last cursor", kRetryAfterS);
  }

  // A caller that has just come is told at once; one that is being served is kept.
  bool may_wait_for_store(const grpc::Status& status) {
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || !filter_) return false;
    if (!away_since_) away_since_ = Clock::now();
    return Clock::now() - *away_since_ < subscriptions_.options().store_patience;
  }

  void prepare(const Call& call) {
    ChangeFilter filter;
    storage::ChangeQuery query;
    const std::string purpose = purpose_from(request_.purpose());
    const std::string on_behalf_of = text_from("on_behalf_of", request_.on_behalf_of());
    if (!v1::StreamChangesRequest::BeginAt_IsValid(request_.begin_at()))
      throw StatusError{invalid_field("begin_at", "must be OLDEST or NEWEST")};
    for (const int kind : request_.kinds()) {
      const std::int16_t bit = bit_of(static_cast<v1::Change::Kind>(kind));
      if (bit == 0) throw StatusError{invalid_field("kinds", "holds a value that is no Change.Kind")};
      filter.kinds = static_cast<std::int16_t>(filter.kinds | bit);
    }
    query.channels = filter_from(request_.quantities());
    if (!request_.subscriber().empty()) subscriber_from(request_.subscriber());
    if (!request_.cursor().empty()) at_ = cursor_from(request_.cursor());
    const storage::Utility utility = call.parent(request_.parent());
    choose_names(call, utility, filter, query);
    query.utility = utility.id;
    query.kinds = filter.kinds;
    query.size = kLeastPageChanges;
    if (request_.cursor().empty()) at_ = beginning(call, utility);
    query_ = std::move(query);
    notes_.emplace(utility.key, purpose, on_behalf_of);
    utility_ = utility;
    filter_ = std::move(filter);
  }

  void choose_names(const Call& call, const storage::Utility& utility, ChangeFilter& filter,
                    storage::ChangeQuery& query) const {
    if (request_.names().empty()) return;
    for (const ResourceName& name : names_of_one_utility(call, request_.names())) {
      if (name.utility != utility.key)
        throw StatusError{invalid_field("names", "must be of the parent utility")};
      if (name.kind == ResourceName::Kind::Meter) {
        filter.meters.insert(call.take(call.assets().get_meter(utility.id, name.key), name).id);
      } else {
        query.usage_points.push_back(call.take(call.assets().get_usage_point(utility.id, name.key), name).id);
        filter.usage_points.insert(name.key);
      }
    }
    query.meters.assign(filter.meters.begin(), filter.meters.end());
  }

  storage::ChangeCursor beginning(const Call& call, const storage::Utility& utility) const {
    storage::Changes changes = changes_of(call);
    if (!request_.subscriber().empty()) {
      if (const auto acked = call.take(changes.acked(utility.id, request_.subscriber()))) return *acked;
    }
    const storage::FeedBounds bounds = call.take(changes.bounds(utility.id));
    return request_.begin_at() == v1::StreamChangesRequest::NEWEST ? bounds.newest : bounds.oldest;
  }

  // Reads one page of the feed and what it is about. Nothing moves on before all of it is there.
  void read(const Call& call) {
    page_.clear();
    written_ = 0;
    const storage::ChangePage page = call.take(changes_of(call).page(query_, at_));
    if (page.fault != storage::CursorFault::None) out_of_range(page.fault, page.oldest);
    std::vector<v1::StreamChangesResponse> messages;
    if (!page.rows.empty()) add_changes(call, page, messages);
    if (page.caught_up) {
      const bool due = !last_heartbeat_ || sent_since_heartbeat_ || !messages.empty() ||
                       Clock::now() - *last_heartbeat_ >= subscriptions_.options().heartbeat;
      if (due) {
        v1::Heartbeat& heartbeat = *messages.emplace_back().mutable_heartbeat();
        heartbeat.set_cursor(storage::to_token(page.next));
        *heartbeat.mutable_time() = to_proto(call.now());
        heartbeat.set_held_back_ms(call.take(changes_of(call).bounds(utility_.id)).held_back.count());
        last_heartbeat_ = Clock::now();
        sent_since_heartbeat_ = false;
      }
    } else {
      sent_since_heartbeat_ |= !messages.empty();
    }
    fit_next_page(messages);
    page_ = std::move(messages);
    at_ = page.next;
    caught_up_ = page.caught_up;
  }

  void fit_next_page(const std::vector<v1::StreamChangesResponse>& messages) {
    std::size_t bytes = 0;
    for (const v1::StreamChangesResponse& message : messages) bytes += message.ByteSizeLong();
    if (bytes == 0) return;
    query_.size = std::clamp(messages.size() * kPageBytes / bytes, kLeastPageChanges, kMostPageChanges);
  }

  void add_changes(const Call& call, const storage::ChangePage& page,
                   std::vector<v1::StreamChangesResponse>& messages) {
    std::set<MeterId> meters;
    for (const storage::ChangeRow& row : page.rows) meters.insert(row.meter);
    const Fleet fleet = load_fleet(call, utility_, std::vector<MeterId>(meters.begin(), meters.end()));
    const PresentValues present = read_present(call, utility_, page.rows);
    const UsagePointNames points(call, utility_, present.usage_points());
    regime::Standings standings = standings_of(call, utility_, {meters.begin(), meters.end()});
    const ChangeContext context{utility_, page.next.feed, present, page.dictionary, fleet, points, standings};
    for (const storage::ChangeRow& row : page.rows) {
      std::optional<v1::Change> change = change_message(row, context, *filter_);
      if (!change) continue;
      for (const v1::ChangedIntervals& run : change->intervals()) {
        const std::string& point = run.usage_point();
        notes_->note(call, point.substr(point.rfind('/') + 1), fleet.at(row.meter).key);
      }
      *messages.emplace_back().mutable_change() = *std::move(change);
    }
  }

  const std::shared_ptr<Call> call_;
  Subscriptions& subscriptions_;
  const v1::StreamChangesRequest request_;

  mutable std::mutex mutex_;  // guards the next three
  bool cancelled_ = false;
  bool woken_ = false;
  std::unique_ptr<grpc::Alarm> alarm_;

  std::optional<ChangeFilter> filter_;  // set: the request is understood
  storage::ChangeQuery query_;
  storage::Utility utility_;
  std::optional<AccessNotes> notes_;
  storage::ChangeCursor at_;
  bool caught_up_ = false;
  bool sent_since_heartbeat_ = false;
  std::optional<Clock::time_point> last_heartbeat_, away_since_;
  std::vector<v1::StreamChangesResponse> page_;
  std::size_t written_ = 0;
};

class Refusal final : public grpc::ServerWriteReactor<v1::StreamChangesResponse> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::StreamChangesResponse>* start_change_stream(
    Gate& gate, Subscriptions& subscriptions, grpc::CallbackServerContext& context,
    const v1::StreamChangesRequest& request) {
  Gate::Admission admission = gate.admit(context, "/ami.v1.ReadingService/StreamChanges");
  // Both delete themselves in OnDone, which gRPC calls exactly once.
  if (admission.call == nullptr) return new Refusal(admission.refusal);
  return new ChangeStream(std::move(admission.call), subscriptions, request);
}

}  // namespace ami::rpc
