// A web page that shows a simulated field, and lets people lay hands on it: cut and restore a meter's power, jam its
// switch, press its button.
//
//   GET  /                                        the page
//   GET  /networks                                {"now", "factor", "networks": [{"name", "family", "meters", …}]}
//   GET  /meters?network=N[&find=TEXT][&state=S][&from=I][&count=K]
//                                                 {"total", "next", "meters": [{"name", "powered", "switch", …}]};
//                                                 TEXT is in the name or the feeder; S is away, dark, jammed, armed, open
//   GET  /field?network=N                         {"meters": "cc.doj…"}: a letter a meter, c = none of these states
//   GET  /lately?network=N                        {"sent": [{"at", "message", "delivery", …}], "done": [{"at", "meter",
//                                                 "command", "by", "result", "switch"}]}, the newest first
//   POST /act  {"network", "meter", "action"}     {"result", "switch"}; action: cut_power, restore_power, jam, unjam,
//                                                 press_button
// Errors are {"error": words} with 400 (not understood), 403 (see below), 404 (no such network or meter).
//
// Security: it listens on loopback only, and has no log-in. Against other sites in the same browser: a request must name
// this server in Host (no rebinding of names); a POST must be JSON, and where it says from where it comes (Origin,
// Sec-Fetch-Site) that must be here. Nothing may frame the page, and it loads nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "adapters/wire/http/server.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim {

// Threads: services.executor. What `shown` points to outlives it.
class Page {
 public:
  Page(std::vector<Shown> shown, SimulatedClock& clock, http::ServerSettings settings, sdk::Services services);
  ~Page();  // only after stop()
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  // Permanent: an address that is not loopback. Else as http::Server.
  sdk::Awaitable<Outcome> start();
  sdk::Awaitable<void> stop();
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace ami::fieldsim
