#include "daemon/rpc/interval_stream.h"

#include <algorithm>
#include <atomic>
#include <map>
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

constexpr std::size_t kPageChannelDays = 400;  // a year of one channel
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
  void OnDone() override {
    // Not here: this is a gRPC thread, and the store may be slow.
    std::vector<storage::AccessSubject> sent;
    for (const auto& [subject, rows] : sent_) sent.push_back({subject.first, subject.second, rows});
    call_->backend().executor([call = call_, sent = std::move(sent)] { call->close_accesses(sent); });
    delete this;
  }

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
    } else if (group_ == targets_.size()) {
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
    as_of_ = as_of_from(call, request_);
    layer_ = layer_from(request_.layer());
    targets_ = find_targets(call, utility, names, period);
    const auto days = static_cast<std::size_t>((period.to - period.from) / std::chrono::days{1}) + 1;
    group_size_ = std::max<std::size_t>(1, kPageChannelDays / days);
    log_access(call, utility, purpose, period);
    std::set<MeterId> meters;
    for (const ReadingTarget& target : targets_) {
      for (const auto& [id, meter] : target.meters) meters.insert(id);
    }
    messages_ = std::make_unique<IntervalMessages>(
        utility, request_.apply_multiplier(),
        standings_of(call, utility, std::vector<MeterId>(meters.begin(), meters.end())));
  }

  // Before the first value is read: who, why, and whose.
  void log_access(const Call& call, const storage::Utility& utility, const std::string& purpose,
                  const storage::Period& period) {
    const std::string on_behalf_of = text_from("on_behalf_of", request_.on_behalf_of());
    const auto log = [&](const std::string& usage_point, const std::string& meter) {
      if (!sent_.try_emplace({usage_point, meter}, 0).second) return;
      call.log({.kind = CallRecord::Kind::Access,
                .utility = utility.key,
                .usage_point = usage_point,
                .meter = meter,
                .purpose = purpose,
                .on_behalf_of = on_behalf_of,
                .period = period});
    };
    for (const ReadingTarget& target : targets_) {
      for (const auto& [id, meter] : target.meters) {
        for (const Placement& placement : meter.placements) log(placement.usage_point_key, meter.key);
        if (meter.placements.empty()) log("", meter.key);
      }
    }
  }

  void count(const std::vector<const ReadingTarget*>& of_span, const storage::IntervalPage& page) {
    for (const storage::IntervalBlock& block : page.blocks) {
      const TargetMeter& meter = of_span[block.span]->meters.at(block.meter);
      for (const SlotRange& range :
           cut_at_placements(block.first_start, block.length, block.mantissas.size(), meter.placements)) {
        const std::string point = range.placement != nullptr ? range.placement->usage_point_key
                                  : meter.placements.empty() ? std::string()
                                                             : meter.placements.front().usage_point_key;
        const auto slots = std::span(block.mantissas).subspan(range.first, range.count);
        sent_[{point, meter.key}] += static_cast<std::uint64_t>(std::ranges::count_if(
            slots, [](std::int64_t m) { return m != storage::IntervalBlock::kMissing; }));
      }
    }
  }

  // Reads on until there is something to write or nothing is left.
  void read(const Call& call) {
    page_.clear();
    written_ = 0;
    while (page_.empty() && group_ < targets_.size() && !cancelled_) {
      const std::size_t end = std::min(targets_.size(), group_ + group_size_);
      std::vector<storage::MeterSpan> spans;
      std::vector<const ReadingTarget*> of_span;
      for (std::size_t i = group_; i < end; ++i) {
        for (const storage::MeterSpan& span : targets_[i].spans) {
          spans.push_back(span);
          of_span.push_back(&targets_[i]);
        }
      }
      if (!spans.empty()) {
        storage::IntervalPage page =
            call.take(call.readers().intervals(spans, filter_, {kPageChannelDays, token_}, as_of_, layer_));
        count(of_span, page);
        messages_->append(of_span, page, page_);
        token_ = page.next_token;
      }
      if (token_.empty()) group_ = end;
    }
  }

  const std::shared_ptr<Call> call_;
  const v1::StreamIntervalsRequest request_;
  std::atomic<bool> cancelled_{false};
  storage::ChannelFilter filter_;
  std::vector<ReadingTarget> targets_;
  std::unique_ptr<IntervalMessages> messages_;
  std::optional<UtcInstant> as_of_;
  storage::Layer layer_ = storage::Layer::Validated;
  // Targets are read together, as many as give about a page: those from group_ on.
  std::size_t group_ = 0, group_size_ = 1;
  std::string token_;                                                  // of their next page
  std::map<std::pair<std::string, std::string>, std::uint64_t> sent_;  // (usage point, meter): values
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
