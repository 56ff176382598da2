// Operations in a terminal: how far one is, what its meters said, and what a refusal means in plain words.
#pragma once

#include <chrono>
#include <string>

#include "tools/amictl/options.h"

namespace ami::v1 {
class Operation;
class Target;
}  // namespace ami::v1
namespace grpc {
class Status;
}

namespace ami::amictl {

// "utilities/U/operations/17" of a full name or a number. Throws UsageError.
std::string operation_name(const Options& options, const std::string& text);

// Another for each run: the same command twice is two requests.
std::string fresh_request_id();

// complain(), and what can be done about it.
int complain_of_command(const grpc::Status& status, const Options& options);

// "7 of 10 done (1 not as asked), 2 sent, 1 waits, about 12 s to go"
std::string progress_of(const v1::Operation& operation);
std::string note_of(const v1::Target& target);  // why it ended as it did; empty when all is well
bool all_succeeded(const v1::Operation& operation);

// Says on stderr how far an operation is: on a terminal one line that moves, else a line when something has
// changed and five seconds have passed.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void say(const v1::Operation& operation);

 private:
  const bool moves_;
  std::string last_;
  std::chrono::steady_clock::time_point said_{};
};

// Follows `operation` until it has ended or `patience` has passed; then `operation` is as it was last seen.
// kDone in both cases, else what complain() says.
int follow(const Options& options, v1::Operation& operation, std::chrono::seconds patience);

struct TargetView {
  bool readings = false, latest = false;
  std::string purpose, on_behalf_of;
};
// All meters of the operation, as a table or as one JSON object each. kDone, or what complain() says.
int print_targets(const Options& options, const v1::Operation& operation, const TargetView& view);

}  // namespace ami::amictl
