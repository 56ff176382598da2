// The adapter contract. An adapter speaks one vendor's published interface and reports what was said.
//
// Threads: an instance lives on one strand (services.executor); start, stop and every coroutine of it run
// there, and none of them blocks: slow work goes through services.offload. health() may be called from any
// thread. Nothing throws across this boundary except std::bad_alloc.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sdk/command.h"
#include "meter_model/normaliser/normaliser.h"
#include "meter_model/observation/observation.h"
#include "meter_model/result.h"

namespace ami::sdk {

namespace asio = boost::asio;
template <class T>
using Awaitable = asio::awaitable<T>;

// What the interface states. Not stated = false, until a site configures its evidence.
struct Capabilities {
  bool files = false;            // reads dropped files
  bool pushed_messages = false;  // is pushed to: gets the durable journal
  bool registers = false;
  bool intervals = false;
  bool events = false;
  bool read_on_demand = false;
  bool ping = false;
  bool demand_reset = false;
  bool backfill = false;
  bool switch_open = false;
  bool switch_close = false;
  bool switch_arm = false;
  bool switch_state = false;
};

struct AdapterInfo {
  std::string family;     // "flexnet"
  std::string interface;  // the honest claim: "CMEP MEPMD01/02 files"
  Capabilities capabilities;
  std::string key{};  // names the interface within its family in a feed file: "cmep"; empty = the only one
};

enum class HealthState { Starting, Healthy, Degraded, Failed, Stopped };
struct Health {
  HealthState state = HealthState::Starting;
  std::string reason;  // for an operator; empty when healthy
  std::optional<UtcInstant> last_success;
  std::uint64_t records = 0;  // observations handed to the sink and committed
  std::uint64_t malformed = 0;
  std::uint64_t pending_files = 0;
  // What else an operator may want to see, in order: {"head-end", "MultiSpeak 3.0, 14 methods"}, {"breaker",
  // "closed"}, {"assumed", "interface to be confirmed by the site"}. No readings, no secrets.
  std::vector<std::pair<std::string, std::string>> facts{};
};
std::string_view name_of(HealthState state);

// Time, so that tests run on a virtual clock.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UtcInstant now() = 0;
  // Completes after `span` of this clock (returns true), or at once when the awaiting coroutine is cancelled
  // (returns false; throws nothing).
  virtual Awaitable<bool> wait(std::chrono::milliseconds span) = 0;
};

// Where a batch came from. (feed, content_sha256, offset) identifies it for ever.
struct SourceSpan {
  std::string name;            // file name or message id, for people
  std::string content_sha256;  // 64 hex characters, of the whole file or message
  std::uint64_t offset = 0;    // of this batch in it
  std::uint64_t length = 0;
  UtcInstant received_at{};
  // Not 0: this content was read before, with other settings of the feed; a negative number that identifies
  // today's.
  std::int64_t read_again = 0;
};

// A small durable fact of an adapter (a file's position). Saved in the same transaction as the batch beside
// it.
struct StateChange {
  std::string key;
  std::optional<std::string> value;  // nullopt = forget it
};

struct CommitReceipt {
  std::uint64_t registers = 0, interval_values = 0, events = 0;
  std::uint64_t quarantined = 0;  // items of this batch that are in quarantine now
  std::uint64_t unmapped_events = 0;
};

// The only way into the store. commit() completes when batch and state changes are durable in one
// transaction. It waits out Transient faults itself (PostgreSQL away) until stopped; what it returns is
// final: Permanent = this batch can never be stored (a defect: keep the file); Transient = the host is
// stopping, nothing was stored. An adapter that stops cancels its commit (Asio cancellation, terminal): wait
// no longer for the store then, but return Transient, or the true result if the transaction is under way.
class ObservationSink {
 public:
  virtual ~ObservationSink() = default;
  virtual Awaitable<Result<CommitReceipt>> commit(SourceSpan source, DecodedBatch batch,
                                                  std::vector<StateChange> state) = 0;
};

// Durable facts saved by commit().
class DurableState {
 public:
  virtual ~DurableState() = default;
  virtual Awaitable<Result<std::optional<std::string>>> load(std::string key) = 0;
  virtual Awaitable<Outcome> save(std::vector<StateChange> changes) = 0;  // without a batch
};

// Durable inbox for pushed messages. The adapter puts a message in, and acknowledges it to its sender when
// append() said yes; all else is the host's: it reads messages back, those of an earlier run too, gives each
// to AdapterFamily::decode, stores what that says with the message's id as its source, and forgets the
// message. A crash between storing and forgetting stores the same again, which changes nothing.
class Journal {
 public:
  virtual ~Journal() = default;
  // Completes when the message is on disk; gives its id. Messages of one `key` (a meter, a collector, a
  // session) are decoded and stored one after another in the order of append(), those of different keys side
  // by side. A message of the same key and content that is still in the journal is not put in twice: its id
  // is the answer. Transient: the inbox is full or its disk fails: nothing was kept; tell the sender to send
  // again later. Permanent: larger than the journal takes (16 MiB), or a key beyond 1 KiB. Cancellation does
  // not end it early.
  virtual Awaitable<Result<std::uint64_t>> append(std::string key, std::string message) = 0;
};

// What arrived, for keeping.
struct RawContent {
  std::string name;    // for people
  std::string sha256;  // of all of it, 64 lower-case hex digits
  std::uint64_t size = 0;
  UtcInstant received_at{};
  // Copies up to `size` bytes from `offset` on; fewer only at the end. Called off the strand.
  std::function<Result<std::size_t>(char* into, std::size_t size, std::uint64_t offset)> read;
};

// Keeps what arrived, so that it can be read again with a corrected mapping. keep() completes when the
// content is durable; the same content again costs next to nothing. An adapter keeps a content before it
// commits the first batch of it. Transient (disk full, store away): nothing may be committed yet; try again
// later, and say so in health().
class RawStore {
 public:
  virtual ~RawStore() = default;
  virtual Awaitable<Outcome> keep(RawContent content) = 0;
};

// Which meters this feed may speak of.
class MeterDirectory {
 public:
  virtual ~MeterDirectory() = default;
  [[nodiscard]] virtual std::optional<ResolvedMeter> find(AliasKind kind, std::string_view id,
                                                          UtcInstant at) const = 0;
};

// Runs blocking or long work off the strand; completes on the strand, and not before the work has ended, even
// when the awaiting coroutine is cancelled. An exception comes back at co_await.
class Offload {
 public:
  virtual ~Offload() = default;
  virtual Awaitable<void> run(std::function<void()> work) = 0;
};

// Where an adapter says what an operator should know. One message id an event (DROP_FILE_DONE), then
// key=value text; no readings, no secrets. Warn: someone should look. Error: someone must act. Callable from
// any thread.
enum class LogLevel { Debug, Info, Warn, Error };
std::string_view name_of(LogLevel level);  // "info" …
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view message_id, std::string text) = 0;
};

struct Services {
  asio::any_io_executor executor;  // the adapter's strand
  Clock& clock;
  ObservationSink& sink;
  DurableState& state;
  MeterDirectory& meters;
  Offload& offload;
  Log& log;
  Journal* journal = nullptr;  // set when capabilities.pushed_messages
  RawStore* raw = nullptr;     // null: what arrives is not kept
  // Changes with everything that decides what a content means: utility, zone, mapping. Empty = not told.
  std::string settings_mark{};
};

class Adapter {
 public:
  virtual ~Adapter() = default;
  [[nodiscard]] virtual const AdapterInfo& info() const noexcept = 0;
  [[nodiscard]] virtual Health health() const = 0;
  // Begins work and returns when the adapter is running (not when the first read came).
  virtual Awaitable<Outcome> start() = 0;
  // Finishes or abandons what is under way; nothing acknowledged may be lost. Returns when all is quiet.
  virtual Awaitable<void> stop() = 0;
  // Asks the far side once. One answer a meter, in their order. Readings that come with the answer go to the
  // sink as ever. What is under way when the adapter stops ends as Unknown, or Failed "not_sent". An adapter
  // that states no commands refuses.
  virtual Awaitable<std::vector<AttemptAnswer>> attempt(Attempt attempt);
};

}  // namespace ami::sdk
