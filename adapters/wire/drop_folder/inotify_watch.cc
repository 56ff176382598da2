#include "adapters/wire/drop_folder/inotify_watch.h"

#include <sys/inotify.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "adapters/wire/drop_folder/inbox.h"

namespace ami::wire {

namespace asio = boost::asio;

namespace {

// Each event is a fixed head, then a name padded with NULs.
void parse_events(std::string_view bytes, InotifyWatch::Batch& batch) {
  while (bytes.size() >= sizeof(inotify_event)) {
    inotify_event event{};
    std::memcpy(&event, bytes.data(), sizeof event);
    bytes.remove_prefix(sizeof event);
    const std::string_view padded = bytes.substr(0, event.len);
    bytes.remove_prefix(padded.size());
    if ((event.mask & (IN_IGNORED | IN_UNMOUNT | IN_MOVE_SELF | IN_DELETE_SELF)) != 0) batch.ended = true;
    const std::string_view name = padded.substr(0, padded.find('\0'));
    if (!name.empty() && (event.mask & IN_ISDIR) == 0) batch.names.emplace_back(name);
  }
}

}  // namespace

Outcome InotifyWatch::open(const std::string& folder) {
  close();
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (fd.get() < 0 || ::inotify_add_watch(fd.get(), folder.c_str(),
                                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF |
                                              IN_ONLYDIR | IN_EXCL_UNLINK) < 0) {
    return transient("cannot watch " + folder + ": " + std::system_category().message(errno));
  }
  descriptor_.assign(fd.release());
  return Done{};
}

void InotifyWatch::close() {
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

asio::awaitable<InotifyWatch::Batch> InotifyWatch::next() {
  Batch batch;
  std::array<char, 16 * 1024> buffer;
  const auto [error, size] =
      co_await descriptor_.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
  if (error) {
    batch.ended = true;
    co_return batch;
  }
  parse_events(std::string_view(buffer.data(), size), batch);
  co_return batch;
}

}  // namespace ami::wire
