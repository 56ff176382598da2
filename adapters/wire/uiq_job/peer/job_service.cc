#include "adapters/wire/uiq_job/peer/job_service.h"

#include <set>
#include <utility>

namespace ami::uiq_job::peer {

JobService::JobService(SimulatedJobs& jobs, http::ServerSettings settings, sdk::Services services)
    : jobs_(jobs), clock_(services.clock), server_(std::move(settings), services) {
  std::set<std::string> paths;
  for (std::size_t i = 0; i < kOperations; ++i) {
    if (const OperationTemplate* one = jobs_.site().find(static_cast<Operation>(i))) paths.insert(one->path);
  }
  for (const std::string& path : paths) {
    server_.route("POST", path, [this](http::Request request) -> sdk::Awaitable<http::Response> {
      SimulatedJobs::Reply reply = jobs_.answer(request.body, clock_.now());
      http::Response response;
      response.status = reply.status;
      response.headers.add("Content-Type", jobs_.site().soap12() ? "application/soap+xml" : "text/xml");
      response.body = std::move(reply.body);
      response.close = reply.lost;
      co_return response;
    });
  }
}

sdk::Awaitable<Outcome> JobService::start() {
  return server_.start();
}

sdk::Awaitable<void> JobService::stop() {
  return server_.stop();
}

}  // namespace ami::uiq_job::peer
