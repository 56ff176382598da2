// The drop folder's name for what a family reads files with.
#pragma once

#include "adapters/sdk/file_reader.h"

namespace ami::wire {

using sdk::FileReader;

}  // namespace ami::wire
