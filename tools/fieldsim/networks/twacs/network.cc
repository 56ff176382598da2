#include "tools/fieldsim/networks/twacs/network.h"

#include <array>

#include "adapters/twacs/peer/head_end.h"
#include "tools/fieldsim/multispeak/side.h"
#include "tools/fieldsim/networks/twacs/ports.h"

namespace ami::fieldsim::twacs {
namespace {

constexpr std::array kKeys{multispeak_keys::kListen,
                           multispeak_keys::kCallback,
                           multispeak_keys::kRegistersEvery,
                           OwnKey{"water", "0", "Water meters on port 1 of as many boards."},
                           OwnKey{"gas", "0", "Gas meters on port 2 of as many boards."},
                           OwnKey{"ports_folder", "", "Drop folder of the files with their readings."},
                           OwnKey{"ports_every", "4h", "How often such a file is written."}};

// The electric meters' side, and the ports'.
class Side : public FarSide {
 public:
  Side(std::unique_ptr<FarSide> meters, std::unique_ptr<PortBoards> boards)
      : meters_(std::move(meters)), boards_(std::move(boards)) {}

  sdk::Awaitable<Outcome> start() override {
    if (Outcome ready = boards_->ready(); !ready) co_return ready;
    co_return co_await meters_->start();
  }
  sdk::Awaitable<void> stop() override { return meters_->stop(); }
  sdk::Awaitable<void> report(UtcInstant now) override {
    boards_->report(now);
    return meters_->report(now);
  }
  void settle() override { meters_->settle(); }
  [[nodiscard]] fieldsim::Ports ports() const override { return meters_->ports(); }
  [[nodiscard]] Status status() const override {
    Status status = meters_->status();
    if (!boards_->trouble().empty()) status.words = boards_->trouble();
    return status;
  }
  [[nodiscard]] std::vector<BookRow> books() const override { return boards_->books(); }

 private:
  std::unique_ptr<FarSide> meters_;
  std::unique_ptr<PortBoards> boards_;
};

Result<std::unique_ptr<FarSide>> make(const NetworkSetup& setup, Surroundings around) {
  auto boards = PortBoards::create(setup, around);
  if (!boards) return boards.error();
  auto meters = make_multispeak_side({ami::twacs::peer::head_end(), false, false}, setup, around);
  if (!meters) return meters.error();
  return std::unique_ptr<FarSide>(
      std::make_unique<Side>(std::move(meters).value(), std::move(boards).value()));
}

}  // namespace

NetworkKind network() {
  return {"twacs", "TW", "UMT", kKeys, make};
}

}  // namespace ami::fieldsim::twacs
