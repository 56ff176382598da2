// Asks for the state of jobs until each has ended, fetches what came of it, and tells the sink.
//
// A result is committed before its job is forgotten: after a crash between the two it is fetched and told
// once more, which is harmless. A head-end that does not answer, or not readably, is not the end of a job.
//
// Threads: the adapter's strand.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "adapters/wire/drop_folder/event.h"
#include "adapters/wire/uiq_job/link/far_side.h"
#include "adapters/wire/uiq_job/link/job_book.h"
#include "adapters/wire/uiq_job/link/settings.h"
#include "adapters/wire/uiq_job/link/standing.h"

namespace ami::uiq_job {

// What adapter and poller share.
struct Link {
  Link(JobSettings with, sdk::Services of)
      : settings(std::move(with)),
        services(of),
        far(settings.site, settings.head_end, services),
        jobs(services.state, settings.max_jobs),
        devices(services.state, services.clock, settings.mac_age),
        random(std::random_device{}()) {}

  const JobSettings settings;
  const sdk::Services services;
  FarSide far;
  JobBook jobs;
  DeviceBook devices;
  Standing standing;
  std::mt19937_64 random;
};

class Poller : public std::enable_shared_from_this<Poller> {
 public:
  explicit Poller(std::shared_ptr<Link> link);

  void start();
  // Of a job that is in the book.
  void add(JobBook::Kept kept);
  // The jobs stay in the book. Returns when nothing is under way.
  sdk::Awaitable<void> stop();

 private:
  struct Open {
    explicit Open(JobBook::Kept of) : kept(std::move(of)) {}
    JobBook::Kept kept;
    int looks = 0;
    int bad_results = 0;     // answers to the question for results that cannot be read
    bool activated = false;  // answered, whatever was said; of a switch job see Job
    bool told_of_word = false;
    std::chrono::milliseconds at_least{0};  // what the head-end asked us to wait
    boost::asio::cancellation_signal cancel;
  };
  using OpenPtr = std::shared_ptr<Open>;
  enum class Next { Again, Over };

  sdk::Awaitable<void> dispatch();
  sdk::Awaitable<void> look(OpenPtr open);
  sdk::Awaitable<Next> step(OpenPtr open);
  sdk::Awaitable<Next> go_on(OpenPtr open, JobState state, std::string word);
  sdk::Awaitable<void> activate(OpenPtr open);
  sdk::Awaitable<Outcome> mark_activated(OpenPtr open);
  sdk::Awaitable<Next> finish(OpenPtr open, JobState state, Told status);
  sdk::Awaitable<Next> commit(OpenPtr open, std::shared_ptr<const std::string> record, DecodedBatch batch);
  sdk::Awaitable<void> forget(OpenPtr open);

  Next unanswered(Open& open, const Told& told, const char* what);
  Next give_up(const Open& open, const std::string& why);
  [[nodiscard]] bool late(const Open& open, bool with_patience) const;
  void schedule(OpenPtr open);
  void log(sdk::LogLevel level, const char* id, const Open& open, const std::string& more) const;
  void spawn(OpenPtr open);

  const std::shared_ptr<Link> link_;
  wire::Event bell_, quiet_;
  std::set<std::pair<UtcInstant, OpenPtr>> due_;
  std::set<OpenPtr> looking_;
  bool dispatching_ = false, stopping_ = false;
};

}  // namespace ami::uiq_job
