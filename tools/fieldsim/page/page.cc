#include "tools/fieldsim/page/page.h"

#include <functional>
#include <string>
#include <utility>

#include "tools/fieldsim/page/page_html.h"
#include "tools/fieldsim/page/page_json.h"

namespace ami::fieldsim {
namespace {

void protect(http::Response& response, std::string type) {
  response.headers.add("Content-Type", std::move(type));
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("X-Frame-Options", "DENY");
  response.headers.add("Referrer-Policy", "no-referrer");
  response.headers.add("Content-Security-Policy",
                       "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
}

http::Response written(PageAnswer answer) {
  http::Response response;
  response.status = answer.status;
  response.body = std::move(answer.body);
  protect(response, "application/json; charset=utf-8");
  return response;
}

// Empty: the request is meant for this server. A site whose name was made to mean 127.0.0.1 still sends its own name.
std::string wrong_host(const http::Request& request, std::uint16_t port) {
  const std::string* host = request.headers.find("Host");
  if (host == nullptr || request.headers.count("Host") != 1) return "one Host header is needed";
  const auto named = http::parse_endpoint(*host);
  if (!named || named->port != port || !http::is_loopback(named->host)) return "Host is not this server";
  return {};
}

// Empty: no other site made the browser send it.
std::string cross_site(const http::Request& request) {
  const std::string* type = request.headers.find("Content-Type");
  if (type == nullptr || !http::same_name(type->substr(0, type->find(';')), "application/json"))
    return "the body must be application/json";
  const std::string* origin = request.headers.find("Origin");
  if (origin != nullptr && *origin != "http://" + *request.headers.find("Host")) return "Origin is another site";
  const std::string* site = request.headers.find("Sec-Fetch-Site");
  if (site != nullptr && *site != "same-origin" && *site != "none") return "Sec-Fetch-Site is not same-origin";
  return {};
}

}  // namespace

class Page::Core {
 public:
  Core(std::vector<Shown> shown, SimulatedClock& clock, http::ServerSettings settings, sdk::Services services)
      : shown_(std::move(shown)), listen_(settings.listen), server_(std::move(settings), services) {
    route("GET", "/networks", [this, &clock](const http::Request&) { return show_networks(shown_, clock); });
    route("GET", "/meters", [this, &clock](const http::Request& request) {
      return show_meters(shown_, clock.now(), request.query);
    });
    route("GET", "/field", [this](const http::Request& request) { return show_field(shown_, request.query); });
    route("GET", "/lately", [this](const http::Request& request) { return show_lately(shown_, request.query); });
    route("POST", "/act", [this](const http::Request& request) {
      const std::string problem = cross_site(request);
      return problem.empty() ? act(shown_, request.body) : page_error(403, problem);
    });
    server_.route("GET", "/", [this](http::Request request) -> sdk::Awaitable<http::Response> {
      const std::string problem = wrong_host(request, port());
      if (!problem.empty()) co_return written(page_error(403, problem));
      http::Response response;
      response.body = std::string(kPageHtml);
      protect(response, "text/html; charset=utf-8");
      co_return response;
    });
  }

  sdk::Awaitable<Outcome> start() {
    for (const http::Endpoint& endpoint : listen_) {
      if (!http::is_loopback(endpoint.host)) {
        co_return permanent("the page has no log-in: it listens on loopback only, not on " + endpoint.host);
      }
    }
    auto starting = server_.start();
    co_return co_await std::move(starting);
  }

  sdk::Awaitable<void> stop() { return server_.stop(); }
  [[nodiscard]] std::uint16_t port() const { return server_.ports().front(); }

 private:
  using Answering = std::function<PageAnswer(const http::Request&)>;
  void route(const char* method, const char* path, Answering answering) {
    server_.route(method, path,
                  [this, answering = std::move(answering)](http::Request request) -> sdk::Awaitable<http::Response> {
                    const std::string problem = wrong_host(request, port());
                    PageAnswer answer = problem.empty() ? answering(request) : page_error(403, problem);
                    co_return written(std::move(answer));
                  });
  }

  const std::vector<Shown> shown_;
  const std::vector<http::Endpoint> listen_;
  http::Server server_;
};

Page::Page(std::vector<Shown> shown, SimulatedClock& clock, http::ServerSettings settings, sdk::Services services)
    : core_(std::make_unique<Core>(std::move(shown), clock, std::move(settings), services)) {}
Page::~Page() = default;

sdk::Awaitable<Outcome> Page::start() {
  return core_->start();
}
sdk::Awaitable<void> Page::stop() {
  return core_->stop();
}
std::uint16_t Page::port() const {
  return core_->port();
}

}  // namespace ami::fieldsim
