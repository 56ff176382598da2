// Which jobs are waited for, across restarts; and which module a meter was last seen with.
//
// Threads: the adapter's strand.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/uiq_job/link/job.h"

namespace ami::uiq_job {

// As many places as there may be jobs at once:
//   jobs     "64", how many places there are
//   job:<n>  the job in place n
class JobBook {
 public:
  // At least `places`; more while jobs of a time with more are in the book.
  JobBook(sdk::DurableState& state, std::size_t places) : state_(state), places_(places) {}

  struct Kept {
    std::size_t place = 0;
    Job job;
  };
  struct Contents {
    std::vector<Kept> jobs;
    std::vector<std::string> unreadable;  // keys: forgotten, since nobody can ask for them
  };
  // First of all.
  sdk::Awaitable<Result<Contents>> load();

  // nullopt: all are taken. Given back by free() or forget().
  std::optional<std::size_t> take_place();
  void free(std::size_t place) { free_.insert(place); }

  sdk::Awaitable<Outcome> keep(std::size_t place, const Job& job);
  // On an error the job is still in its place.
  sdk::Awaitable<Outcome> forget(std::size_t place);

 private:
  sdk::DurableState& state_;
  std::size_t places_;
  std::set<std::size_t> free_;
};

// Meter -> MAC id. Bounded: each meter has one place among kPlaces, which it may lose to another (mac:<n>).
// What cannot be stored or read is as if it was never known.
class DeviceBook {
 public:
  static constexpr std::size_t kPlaces = 65'536;

  DeviceBook(sdk::DurableState& state, sdk::Clock& clock, std::chrono::milliseconds longest)
      : state_(state), clock_(clock), longest_(longest) {}

  // Nothing also when it was found longer ago than `longest`.
  sdk::Awaitable<std::optional<std::string>> mac_of(const std::string& meter);
  sdk::Awaitable<void> note(const std::string& meter, const std::string& mac);
  sdk::Awaitable<void> forget(const std::string& meter);

 private:
  sdk::DurableState& state_;
  sdk::Clock& clock_;
  const std::chrono::milliseconds longest_;
};

}  // namespace ami::uiq_job
