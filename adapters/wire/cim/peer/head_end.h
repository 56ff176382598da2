// A simulated head-end that speaks CIM: takes requests as a server, posts replies and events as a client,
// drops files, and misbehaves on order. For tests, benches and the field simulator; never linked into the
// daemon.
//
// It keeps the rules that a real one keeps: the immediate reply says what was taken (OK, PARTIAL with an
// Error a meter, FAILED); what became of it is posted later to Header/ReplyAddress with the same
// CorrelationID; without a ReplyAddress readings come with the immediate reply. What of that is assumed:
// docs/cim.md.
//
// Deterministic: time is services.clock, and the order in which sockets are ready is the system's. Of
// `services`, executor, clock and log are used. Threads: all on services.executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/wire/cim/codec/message.h"
#include "adapters/wire/cim/peer/field.h"
#include "adapters/wire/http/client.h"
#include "adapters/wire/http/server.h"

namespace ami::cim::peer {

// How a head-end treats one meter. As it stands: as it should be.
struct Orders {
  std::string reject_code;             // not empty: an Error with this code in the immediate reply
  std::string fail_code;               // not empty: nothing is done, and the later reply has this code
  bool lose = false;                   // done, and nobody is told
  std::size_t copies = 1;              // of what is posted, byte for byte
  std::chrono::milliseconds later{0};  // beyond the latency
  std::string correlation;             // not empty: instead of the right one
  bool at_once = false;                // the readings come with the immediate reply and are not posted
};

struct HeadEndSettings {
  http::ServerSettings server;
  std::set<std::string> paths{"/cim"};
  std::optional<Credentials> expected;  // of requests; absent = anything
  std::optional<Credentials> shown;     // in what is posted, at `place`
  CredentialPlace place = CredentialPlace::Body;
  // Of what is posted; an immediate reply is like its request.
  Edition edition = Edition::Second;
  Soap soap = Soap::V11;
  bool meter_is_mrid = false;
  std::string name_type;
  std::chrono::milliseconds latency{2'000};  // from a request to what becomes of it
  // How it posts. The URL is that of the request; connections to one host and port are shared.
  http::ClientSettings client;
  // Where a ReplyAddress is truly found, as behind a router that maps ports. Null = where it says.
  std::function<std::string(const std::string&)> reach;
};

// What truly happened, in order.
struct Entry {
  enum class What : std::uint8_t {
    Received,  // a request, one entry a meter
    Refused,   // at once: unknown meter, wrong credentials, or by order
    Executed,  // the field was asked
    Sent,      // posted, and answered with 2xx
    NotTaken,  // posted, and not: words say why
    Lost,      // by order
  };
  UtcInstant at{};
  What what = What::Received;
  std::string transaction, meter, words;
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

  void know(std::string meter);  // others are refused with 2.4
  // From now on this meter is treated so; Orders{} ends it.
  void order(const std::string& meter, Orders orders);
  // The next request is answered with a SOAP Fault of these words (in plain XML: a reply FAILED).
  void fault_next(std::string words);

  // Posts events that nobody asked for, now. Within co_await hand in variables, not temporaries.
  sdk::Awaitable<http::Answer> publish(std::string url, std::vector<Event> events);
  // The same as posted, into a folder: written beside and moved in.
  Outcome drop(const std::filesystem::path& folder, const std::string& name,
               std::vector<MeterReading> readings, std::vector<Event> events);

  // Grows until it is cleared.
  [[nodiscard]] const std::vector<Entry>& ledger() const;
  void clear_ledger();
  // Meters whose request was taken and whose end is neither told nor lost yet.
  [[nodiscard]] std::size_t under_way() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace ami::cim::peer
