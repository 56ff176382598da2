// The meters of a World behind the simulated CIM head-end, and what became of each request, for the ledger.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "adapters/wire/cim/peer/head_end.h"
#include "tools/fieldsim/far_side.h"

namespace ami::fieldsim::securemesh {

class MeshField : public cim::peer::Field {
 public:
  MeshField(std::string network, Surroundings around) : network_(std::move(network)), around_(around) {}
  // The head-end that asks this field; before it starts.
  void serve(cim::peer::HeadEnd& head_end) { head_end_ = &head_end; }

  std::optional<cim::MeterReading> read(const std::string& meter) override;
  std::optional<cim::MeterReading> recorded(const std::string& meter, UtcInstant from, UtcInstant to) override;
  cim::peer::Switched act(const std::string& meter, const std::string& control) override;

  // Takes over the head-end's entries since the last time, and clears them.
  void settle();
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  // Of a meter in a request: what it was asked, and what stands in the answer.
  struct Pending {
    std::string command;
    Content content;
    bool told = false;
  };
  using Key = std::pair<std::string, std::string>;  // transaction, meter

  [[nodiscard]] std::string transaction_of(const std::string& meter) const;
  Pending& pending(const std::string& transaction, const std::string& meter, std::string_view command);
  std::optional<cim::MeterReading> stated(const virtual_meter::Collected& collected, Pending& pending);
  void step(const cim::peer::Entry& entry, std::string_view step, std::string_view command);
  void write(const cim::peer::Entry& entry, Delivered delivered, std::string_view via);

  const std::string network_;
  const Surroundings around_;
  cim::peer::HeadEnd* head_end_ = nullptr;
  std::map<Key, Pending> pending_;
  std::uint64_t requests_ = 0;
  std::string trouble_;
};

}  // namespace ami::fieldsim::securemesh
