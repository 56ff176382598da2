#include "tools/fieldsim/peer_services.h"

#include <iostream>

namespace ami::fieldsim {

struct PeerServices::Refusing : sdk::ObservationSink,
                                sdk::DurableState,
                                sdk::MeterDirectory,
                                sdk::Offload,
                                sdk::Log {
  explicit Refusing(bool with_debug) : verbose(with_debug) {}

  sdk::Awaitable<Result<sdk::CommitReceipt>> commit(sdk::SourceSpan, DecodedBatch,
                                                    std::vector<sdk::StateChange>) override {
    co_return permanent("a simulated far side stores nothing");
  }
  sdk::Awaitable<Result<std::optional<std::string>>> load(std::string) override {
    co_return std::optional<std::string>();
  }
  sdk::Awaitable<Outcome> save(std::vector<sdk::StateChange>) override {
    co_return permanent("a simulated far side keeps no state");
  }
  [[nodiscard]] std::optional<ResolvedMeter> find(AliasKind, std::string_view, UtcInstant) const override {
    return std::nullopt;
  }
  sdk::Awaitable<void> run(std::function<void()> work) override {
    work();
    co_return;
  }
  void write(sdk::LogLevel level, std::string_view message_id, std::string text) override {
    if (level == sdk::LogLevel::Debug && !verbose) return;
    std::cerr << "fieldsim: " << name_of(level) << ' ' << message_id << ' ' << text << '\n';
  }

  bool verbose;
};

PeerServices::PeerServices(boost::asio::any_io_executor executor, sdk::Clock& clock, bool verbose)
    : executor_(std::move(executor)), clock_(clock), refusing_(std::make_unique<Refusing>(verbose)) {}
PeerServices::~PeerServices() = default;

sdk::Services PeerServices::services() {
  Refusing& none = *refusing_;
  return {executor_, clock_, none, none, none, none, none};
}

sdk::Log& PeerServices::log() {
  return *refusing_;
}

}  // namespace ami::fieldsim
