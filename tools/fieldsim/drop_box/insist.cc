#include "tools/fieldsim/drop_box/insist.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace ami::fieldsim {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPause{250};

}  // namespace

sdk::Awaitable<bool> insist(std::function<sdk::Awaitable<http::Answer>()> attempt, const Courier& courier,
                            std::string& trouble) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    auto trying = attempt();
    const http::Answer answer = co_await std::move(trying);
    if (answer.ok()) co_return true;
    trouble = answer.failure->error.message;
    if (answer.failure->error.fault == Fault::Permanent || courier.stopping() ||
        std::chrono::steady_clock::now() >= give_up)
      co_return false;
    timer.expires_after(kPause);
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

}  // namespace ami::fieldsim
