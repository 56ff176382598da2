// Tells that a file in a folder was closed after writing, or moved in. A hint only: the rescan finds what it
// misses.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>
#include <vector>

#include "meter_model/result.h"

namespace ami::wire {

class InotifyWatch {
 public:
  explicit InotifyWatch(boost::asio::any_io_executor executor) : descriptor_(std::move(executor)) {}

  // Begins to watch; again after the folder was lost. Transient: the system has no watch left, or no such
  // folder.
  Outcome open(const std::string& folder);
  void close();

  struct Batch {
    std::vector<std::string> names;
    bool ended = false;  // closed by us, or the folder is gone: open() again
  };
  boost::asio::awaitable<Batch> next();

 private:
  boost::asio::posix::stream_descriptor descriptor_;
};

}  // namespace ami::wire
