// How amictl decode reads a delimited file: by the keys of a feed of the twacs family, interface files.
#pragma once

#include <string>

#include "adapters/wire/delimited/codec/delimited.h"

namespace ami::amictl {

// Keys delimiter, columns, meters, time_form, time_is_utc, zone. Empty path: the documented columns and no
// table of meters, so that reads have no unit. Throws UsageError with file and line.
delimited::Options delimited_options(const std::string& feed_file);

}  // namespace ami::amictl
