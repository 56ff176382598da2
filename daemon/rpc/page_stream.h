// A server stream that ends: pages read from the store, written one message at a time.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/rpc/call.h"

namespace ami::rpc {

// Fills `page` with the next messages; false when there are no more after them. Runs on the executor; an
// empty page is no end. Throws StatusError to end the stream with that status.
template <class Message>
using ReadPage = std::function<bool(const Call& call, std::vector<Message>& page)>;

// The reactor owns itself until gRPC is done with it. At most one page is held; the next one is read when the
// caller has taken it, so a slow caller costs a page of memory and no thread.
template <class Message>
class PageStream final : public grpc::ServerWriteReactor<Message> {
 public:
  static PageStream* start(Gate& gate, grpc::CallbackServerContext& context, std::string_view method,
                           ReadPage<Message> read) {
    Gate::Admission admission = gate.admit(context, method);
    auto* const stream = new PageStream(std::move(admission.call), std::move(read));  // deleted in OnDone
    if (stream->call_ == nullptr) {
      stream->Finish(admission.refusal);
    } else {
      stream->next();
    }
    return stream;
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      this->Finish(grpc::Status::CANCELLED);
      return;
    }
    ++written_;
    write_or_read();
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  PageStream(std::shared_ptr<Call> call, ReadPage<Message> read)
      : call_(std::move(call)), read_(std::move(read)) {}

  // One of these is under way at any time: a read of the store, a write to the caller, or the end. After the
  // call that hands over to the next one `this` may be gone.
  void next() {
    call_->backend().executor([this, call = call_] {
      page_.clear();
      written_ = 0;
      const grpc::Status status = cancelled_
                                      ? grpc::Status::CANCELLED
                                      : Gate::run(*call, [this](const Call& c) { more_ = read_(c, page_); });
      if (status.ok()) {
        write_or_read();
      } else {
        this->Finish(status);
      }
    });
  }

  void write_or_read() {
    if (written_ < page_.size()) {
      this->StartWrite(&page_[written_]);
    } else if (more_) {
      next();
    } else {
      this->Finish(grpc::Status::OK);
    }
  }

  const std::shared_ptr<Call> call_;
  const ReadPage<Message> read_;
  std::atomic<bool> cancelled_{false};
  bool more_ = true;
  std::vector<Message> page_;
  std::size_t written_ = 0;
};

}  // namespace ami::rpc
