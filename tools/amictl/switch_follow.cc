#include "tools/amictl/switch_follow.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/switch_service.grpc.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/switch_text.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::SwitchOperation;

class Live {
 public:
  explicit Live(bool updates)
      : updates_(updates), moves_(!updates && [] {
          const char* terminal = std::getenv("TERM");
          return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string(terminal) != "dumb";
        }()) {}
  ~Live() { clear(); }
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  void say(const v1::SwitchUpdate& update) {
    if (updates_) {
      if (update.changes_size() > 0 || update.operation().ended()) std::cout << to_json(update) << std::endl;
      return;
    }
    clear();
    for (const v1::SwitchChange& change : update.changes()) std::cerr << line_of(change) << '\n';
    const SwitchOperation& now = update.operation();
    if (now.evidence() != evidence_ && now.evidence() != SwitchOperation::NO_EVIDENCE) {
      std::cerr << std::string(17, ' ') << "evidence " << evidence_of(now)
                << (now.evidence_words().empty() ? "" : ": " + harmless(now.evidence_words())) << '\n';
    }
    evidence_ = now.evidence();
    if (!moves_ || (now.ended() && !now.unresolved() && now.evidence() >= now.evidence_attainable())) return;
    std::cerr << "\r\033[K" << SwitchOperation::State_Name(now.state()) << since(now) << "; evidence "
              << evidence_of(now) << std::flush;
    moving_ = true;
  }

 private:
  static std::string since(const SwitchOperation& now) {
    if (!now.has_send_time()) return ", waits to leave";
    const auto at = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at).count() - now.send_time().seconds();
    return seconds < 0 ? "" : ", left " + std::to_string(seconds) + " s ago";
  }
  void clear() {
    if (moving_) std::cerr << "\r\033[K" << std::flush;
    moving_ = false;
  }

  const bool updates_, moves_;
  bool moving_ = false;
  SwitchOperation::Evidence evidence_ = SwitchOperation::NO_EVIDENCE;
};

// Nobody but the gateway itself says UNAVAILABLE with a reason that time alone does not cure.
bool broke(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         (status.error_details().empty() ||
          status.error_details().find("GATEWAY_STOPPING") != std::string::npos);
}

}  // namespace

int follow_switch(const Options& options, const SwitchView& view, SwitchOperation& operation) {
  const auto end = std::chrono::system_clock::now() + view.patience;
  const auto stub = v1::SwitchService::NewStub(connect(options));
  v1::WatchSwitchRequest request;
  request.set_name(operation.name());
  request.set_follow_evidence(view.evidence);
  Live live(view.updates);
  for (bool seen = false;;) {
    grpc::ClientContext context;
    context.set_deadline(end);
    context.set_wait_for_ready(seen);  // once it has answered, it is worth waiting for
    const auto stream = stub->Watch(&context, request);
    v1::SwitchUpdate update;
    while (stream->Read(&update)) {
      seen = true;
      operation = update.operation();
      request.set_after_version(operation.version());
      live.say(update);
    }
    const grpc::Status status = stream->Finish();
    if (status.ok()) return kDone;
    if (seen && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) return kDone;
    if (!seen || !broke(status)) return complain_of_switch(status, options);
  }
}

}  // namespace ami::amictl
