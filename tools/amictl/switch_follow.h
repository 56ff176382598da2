// The live view of a switch operation: every change as it happens, until it has ended.
#pragma once

#include <chrono>

#include "tools/amictl/options.h"

namespace ami::v1 {
class SwitchOperation;
}

namespace ami::amictl {

struct SwitchView {
  std::chrono::seconds patience{0};
  bool evidence = false;  // goes on after the end, while evidence may still come
  bool updates = false;   // each message as one JSON object on stdout, instead of lines on stderr
};

// Follows `operation` by its name; then it is as it was last seen. Lines go to stderr; on a terminal a last one
// moves and says what is waited for. A stream that breaks because the gateway restarts goes on where it was.
// kDone also when the patience is over, else what complain() says.
int follow_switch(const Options& options, const SwitchView& view, v1::SwitchOperation& operation);

}  // namespace ami::amictl
