#include "daemon/pipeline/worker_pool.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ami::daemon {
namespace asio = boost::asio;

WorkerPool::WorkerPool(std::size_t threads) : pool_(threads) {}
WorkerPool::~WorkerPool() {
  pool_.join();
}

sdk::Awaitable<void> WorkerPool::run(std::function<void()> work) {
  ++under_way_;
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(
      [this](auto handler, std::function<void()> job) {
        auto home =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        asio::post(pool_, [this, handler = std::move(handler), job = std::move(job), home]() mutable {
          std::exception_ptr failure;
          try {
            job();
          } catch (...) {
            failure = std::current_exception();
          }
          --under_way_;
          asio::post(home,
                     [handler = std::move(handler), failure]() mutable { std::move(handler)(failure); });
        });
      },
      asio::use_awaitable, std::move(work));
}

void WorkerPool::post(std::function<void()> work) {
  ++under_way_;
  asio::post(pool_, [this, work = std::move(work)] {
    work();
    --under_way_;
  });
}

}  // namespace ami::daemon
