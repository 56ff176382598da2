// A simulated MultiSpeak head-end of either version: takes requests as a server, posts callbacks as a client,
// and misbehaves on order. For tests, benches and the field simulator; never linked into the daemon.
//
// It keeps the rules that a real one keeps (docs/multispeak.md): a response carries rejections only; results
// are posted later, one notification a meter, with the request's transactionID; a request that is not done by
// its expiry is dropped without a word; GetCDMeterState says Closed for every switch that it knows nothing
// of; what a list gives comes in pages.
//
// Deterministic: time is services.clock, chance is settings.latency and settings.seed; of the rest only the
// order in which sockets are ready is the system's. Of `services`, executor, clock and log are used.
// Threads: all on services.executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/wire/http/client.h"
#include "adapters/wire/http/retry.h"
#include "adapters/wire/http/server.h"
#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/multispeak/codec/notification.h"
#include "adapters/wire/multispeak/peer/field.h"

namespace ami::multispeak::peer {

// How a head-end treats one meter. As it stands: as it should be.
struct Orders {
  std::string reject;      // not empty: turned down at once, with this errorString
  std::string error;       // not empty: nothing is done, and the callback has this errorString and no value
  bool lose = false;       // done, and nobody is told
  std::size_t copies = 1;  // of the callback, byte for byte
  std::optional<std::chrono::milliseconds> late_by;  // done and told so long after the expiry
  bool other_namespace = false;                      // the callback is in the other version's
  std::optional<std::string> stamp;                  // instead of every time in the callback
  // What carries a read: ReadingChanged, IntervalData or FormattedBlock.
  Operation carrier = Operation::ReadingChanged;
};

struct HeadEndSettings {
  Version version = Version::V30;  // the only one that is understood
  std::optional<Version> answers;  // in another one, as brokers between two versions do
  Soap soap = Soap::V11;           // of the callbacks; a response is in the request's

  http::ServerSettings server;
  // What is served where: vendors have a URL for each role. No operation named = all.
  std::map<std::string, std::set<Operation>> paths{{"/multispeak", {}}};
  std::set<Operation> without;  // not implemented: faults, and not among GetMethods
  std::string user;             // what a request's header must show; empty = anything
  Secret password;
  std::size_t page = 100;  // objects of a list's page

  // How callbacks are posted. The URL is that of the request; connections to one host and port are shared.
  http::ClientSettings callbacks;
  MessageHeader header;  // of callbacks and responses; its TimeStamp is filled in when empty
  http::RetrySettings retry{1, std::chrono::milliseconds{500}, std::chrono::milliseconds{60'000},
                            std::chrono::milliseconds{0}};  // 503 and the like; one attempt = never again
  std::uint64_t seed = 1;                                   // of the retry's jitter
  // From a request to its callback, asked once for each meter. Null = at once.
  std::function<std::chrono::milliseconds()> latency;
};

// What truly happened, in order.
struct Entry {
  enum class What : std::uint8_t {
    Received,  // a request, one entry a meter; without a meter where the request names none
    Rejected,  // at once
    Executed,  // the field was asked: a read, a ping, a switch order, a reset
    Sent,      // a callback that was answered with 2xx
    NotTaken,  // a callback that was not; words: why
    Lost,      // a callback that was ordered to be lost
    Expired,   // dropped without a word
  };
  UtcInstant at{};
  What what = What::Received;
  Operation operation = Operation::PingUrl;  // of the request; of the notification when Sent, NotTaken, Lost
  std::string transaction, meter;
  std::string words;  // loadActionCode, errorString, failure
};

class HeadEnd {
 public:
  // `field` must outlive it.
  HeadEnd(HeadEndSettings settings, sdk::Services services, Field& field);
  ~HeadEnd();  // only after stop() returned, or when the executor runs no more
  HeadEnd(const HeadEnd&) = delete;
  HeadEnd& operator=(const HeadEnd&) = delete;

  sdk::Awaitable<Outcome> start();
  // Drops what is under way, without a word. Returns when all is quiet.
  sdk::Awaitable<void> stop();
  [[nodiscard]] std::vector<std::uint16_t> ports() const;

  // Its books. Requests for a meter that is not in them are rejected; life-cycle messages change them.
  void know(MeterRecord record);
  [[nodiscard]] const std::map<std::string, MeterRecord>& books() const;

  // From now on this meter is treated so; Orders{} ends it.
  void order(const std::string& meter, Orders orders);

  // Posts a notification that nobody asked for, now, with settings.retry. The ledger names its first meter.
  // Within co_await hand in variables, not temporaries: GCC 12 frees a temporary aggregate twice there.
  sdk::Awaitable<http::Answer> notify(std::string url, NotificationContent content);

  // Grows until it is cleared.
  [[nodiscard]] const std::vector<Entry>& ledger() const;
  void clear_ledger();
  // Meters whose request was accepted and whose result is neither told, lost nor dropped yet.
  [[nodiscard]] std::size_t under_way() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace ami::multispeak::peer
