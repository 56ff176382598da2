#include "daemon/rpc/interval_stream.h"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/rpc/convert.h"
#include "daemon/rpc/interval_blocks.h"
#include "daemon/rpc/reading_target.h"

namespace ami::rpc {
namespace {

constexpr std::size_t kPageChannelDays = 200;
constexpr std::chrono::days kLongestPeriod{1100};

class IntervalStream final : public grpc::ServerWriteReactor<v1::StreamIntervalsResponse> {
 public:
  IntervalStream(std::shared_ptr<Call> call, const v1::StreamIntervalsRequest& request)
      : call_(std::move(call)), request_(request) {
    next();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
      return;
    }
    ++written_;
    write_or_read();
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  // One of these is under way at any time: a read of the store, a write to the caller, or the end. After the
  // call that hands over to the next one `this` may be gone.
  void next() {
    call_->backend().executor([this, call = call_] {
      const grpc::Status status =
          cancelled_ ? grpc::Status::CANCELLED : Gate::run(*call, [this](const Call& c) {
            if (messages_ == nullptr) prepare(c);
            read(c);
          });
      if (status.ok()) {
        write_or_read();
      } else {
        Finish(status);
      }
    });
  }

  void write_or_read() {
    if (written_ < page_.size()) {
      StartWrite(&page_[written_]);
    } else if (target_ == targets_.size()) {
      Finish(grpc::Status::OK);
    } else {
      next();
    }
  }

  void prepare(const Call& call) {
    const std::string purpose = purpose_from(request_.purpose());
    if (!request_.has_start()) throw StatusError{invalid_field("start", "is required")};
    if (!request_.has_end()) throw StatusError{invalid_field("end", "is required")};
    const storage::Period period = period_from(request_);
    if (period.to - period.from > kLongestPeriod) {
      throw StatusError{invalid_field("end", "must be at most 1100 days after start")};
    }
    filter_ = filter_from(request_.quantities());
    const std::vector<ResourceName> names = names_of_one_utility(call, request_.names());
    const storage::Utility utility = call.utility_of(names.front().utility);
    for (const ResourceName& name : names) targets_.push_back(find_target(call, utility, name, period));
    log_access(call, utility, purpose);
    messages_ = std::make_unique<IntervalMessages>(utility, request_.apply_multiplier());
  }

  // Before the first value is read: who, why, and whose.
  void log_access(const Call& call, const storage::Utility& utility, const std::string& purpose) const {
    std::set<std::pair<std::string, std::string>> logged;
    const auto log = [&](const std::string& usage_point, const std::string& meter) {
      if (!logged.emplace(usage_point, meter).second) return;
      call.log({.kind = CallRecord::Kind::Access,
                .utility = utility.key,
                .usage_point = usage_point,
                .meter = meter,
                .purpose = purpose});
    };
    for (const ReadingTarget& target : targets_) {
      for (const auto& [id, meter] : target.meters) {
        for (const Placement& placement : meter.placements) log(placement.usage_point_key, meter.key);
        if (meter.placements.empty()) log("", meter.key);
      }
    }
  }

  // Reads on until there is something to write or nothing is left.
  void read(const Call& call) {
    page_.clear();
    written_ = 0;
    while (page_.empty() && target_ < targets_.size() && !cancelled_) {
      const ReadingTarget& target = targets_[target_];
      if (target.spans.empty()) {
        ++target_;
        continue;
      }
      const storage::IntervalPage page =
          call.take(call.readers().intervals(target.spans, filter_, {kPageChannelDays, token_}));
      messages_->append(target, page, page_);
      token_ = page.next_token;
      if (token_.empty()) ++target_;
    }
  }

  const std::shared_ptr<Call> call_;
  const v1::StreamIntervalsRequest request_;
  std::atomic<bool> cancelled_{false};
  storage::ChannelFilter filter_;
  std::vector<ReadingTarget> targets_;
  std::unique_ptr<IntervalMessages> messages_;
  std::size_t target_ = 0;  // the one that is being read
  std::string token_;       // of its next page
  std::vector<v1::StreamIntervalsResponse> page_;
  std::size_t written_ = 0;
};

class Refusal final : public grpc::ServerWriteReactor<v1::StreamIntervalsResponse> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::StreamIntervalsResponse>* start_interval_stream(
    Gate& gate, grpc::CallbackServerContext& context, const v1::StreamIntervalsRequest& request) {
  Gate::Admission admission = gate.admit(context, "/ami.v1.ReadingService/StreamIntervals");
  // Both delete themselves in OnDone, which gRPC calls exactly once.
  if (admission.call == nullptr) return new Refusal(admission.refusal);
  return new IntervalStream(std::move(admission.call), request);
}

}  // namespace ami::rpc
