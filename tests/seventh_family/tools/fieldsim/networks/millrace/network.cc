#include "tools/fieldsim/networks/millrace/network.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "adapters/millrace/peer/head_end.h"
#include "tools/fieldsim/networks/millrace/lines_of.h"

namespace ami::fieldsim::millrace {
namespace {

namespace asio = boost::asio;

constexpr std::array kKeys{OwnKey{"port", "0", "TCP port on 127.0.0.1 at which it waits for the gateway; 0 = a free one."}};
constexpr std::string_view kBy = "millrace ask";
// Of the machine's time, for a gateway that is away. Simulated time may be waiting for this.
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLook{250};

class Mill : public FarSide {
 public:
  Mill(const NetworkSetup& setup, Surroundings around, std::uint16_t port)
      : setup_(setup), around_(around), port_(port) {}

  sdk::Awaitable<Outcome> start() override {
    try {
      head_end_ = std::make_unique<ami::millrace::peer::HeadEnd>(
          around_.services.executor, [this](const ami::millrace::Ask& ask) { return answer(ask); }, port_);
    } catch (const std::exception& error) {
      co_return permanent("port " + std::to_string(port_) + ": " + error.what());
    }
    co_return ami::Done{};
  }

  sdk::Awaitable<void> stop() override {
    if (!head_end_) co_return;
    head_end_->close();
    while (!head_end_->quiet()) co_await asio::post(around_.services.executor, asio::use_awaitable);
  }

  sdk::Awaitable<void> report(UtcInstant now) override {
    for (MeterIndex meter = 0; meter < around_.world.size(); ++meter) {
      Content content(setup_.name);
      const auto lines = std::make_shared<const std::vector<std::string>>(
          lines_of(around_.world.take(meter), content));
      if (lines->empty()) continue;
      char name[24];
      std::snprintf(name, sizeof name, "-%06llu", static_cast<unsigned long long>(++messages_));
      around_.courier.carry(
          {setup_.name + name, "callback", [this, lines] { return bring(lines); }, std::move(content)});
      if ((meter + 1) % setup_.batch == 0) co_await around_.courier.room();
    }
    co_await around_.courier.room();
    ++status_.reports;
    status_.last_report = now;
  }

  [[nodiscard]] Ports ports() const override { return {{"lines", head_end_->port()}}; }
  [[nodiscard]] Status status() const override {
    Status status = status_;
    if (head_end_) status.under_way = head_end_->waiting();
    return status;
  }

 private:
  // True: every line was acknowledged. A line that is not stays in the head-end's queue, which keeps its order.
  sdk::Awaitable<bool> bring(std::shared_ptr<const std::vector<std::string>> lines) {
    struct Open {
      std::size_t left;
      bool all;
      asio::steady_timer woken;
    };
    const auto open = std::make_shared<Open>(Open{lines->size(), true, asio::steady_timer(around_.services.executor)});
    for (const std::string& line : *lines) {
      head_end_->push(line, [open](bool acknowledged) {
        open->all = open->all && acknowledged;
        if (--open->left == 0) open->woken.cancel();
      });
    }
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (open->left > 0 && !around_.courier.stopping() && std::chrono::steady_clock::now() < give_up) {
      open->woken.expires_after(kLook);
      boost::system::error_code woken;
      co_await open->woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    const bool taken = open->left == 0 && open->all;
    status_.words = taken ? "" : "the gateway does not acknowledge";
    co_return taken;
  }

  std::optional<std::string> answer(const ami::millrace::Ask& ask) {
    ++status_.requests;
    step(ask, "received", {});
    const auto meter = around_.world.find(ask.meter);
    if (!meter) {
      step(ask, "rejected", "no such meter");
      return std::nullopt;
    }
    const auto reading = around_.world.read_now(around_.world.answering_for(*meter), ask.transaction, kBy);
    if (!reading) return std::nullopt;
    Content content(setup_.name);
    std::string line = dial_of(ask.meter, *reading, content);
    around_.ledger.write(content, {Delivered::Unsure, 1, "answer", ask.transaction, around_.clock.now()});
    return line;
  }

  void step(const ami::millrace::Ask& ask, std::string_view step, std::string_view result) {
    around_.ledger.command(
        {setup_.name, ask.meter, step, "read", ask.transaction, kBy, result, {}, around_.clock.now()});
  }

  const NetworkSetup setup_;
  const Surroundings around_;
  const std::uint16_t port_;
  std::unique_ptr<ami::millrace::peer::HeadEnd> head_end_;
  std::uint64_t messages_ = 0;
  Status status_;
};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  const std::string& text = setup.own.at("port");
  std::uint16_t port = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || at != text.data() + text.size() || text.empty())
    return permanent("port \"" + text + "\" is not a whole number up to 65535");
  return std::unique_ptr<FarSide>(std::make_unique<Mill>(setup, around, port));
}

}  // namespace

NetworkKind network() {
  return {"millrace", "ML", "", kKeys, make};
}

}  // namespace ami::fieldsim::millrace
