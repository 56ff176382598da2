// Water and gas meters on the ports of a TWACS network's EMTR-3-FX boards, and the files that tell of them.
//
// All count in cubic metres. MeterTypeID 3001 is water, 4001 is gas: what a feed's list of meters must say. A
// board that has not heard a meter again repeats what it heard, which is then the same line of the ledger
// again.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "meter_model/virtual_meter/volume_device.h"
#include "tools/fieldsim/drop_box/drop_box.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::twacs {

class PortBoards {
 public:
  // Errors: as NetworkKind::make.
  static Result<std::unique_ptr<PortBoards>> create(const NetworkSetup& setup, Surroundings around);

  [[nodiscard]] Outcome ready() const;
  void report(UtcInstant now);
  [[nodiscard]] const std::string& trouble() const;
  [[nodiscard]] std::vector<BookRow> books() const;

 private:
  struct Port {
    virtual_meter::VolumeDevice device;
    std::string id, module;
    virtual_meter::Commodity commodity;
  };
  PortBoards(const NetworkSetup& setup, Surroundings around, std::chrono::seconds every)
      : setup_(setup),
        begun_(around.clock.now()),
        every_(every),
        box_(setup.path("ports_folder"), around.courier) {}

  const NetworkSetup setup_;
  const UtcInstant begun_;
  const std::chrono::seconds every_;
  DropBox box_;
  std::vector<Port> ports_;
  std::string trouble_;
  std::uint64_t files_ = 0;
};

}  // namespace ami::fieldsim::twacs
