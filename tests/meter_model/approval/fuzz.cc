// Any bytes as a notice: an error with a message, or a notice that every verdict can be drawn from.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "meter_model/approval/meter_shop.h"
#include "meter_model/approval/notice_yaml.h"
#include "meter_model/approval/quantity.h"
#include "meter_model/approval/service_switch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ami::approval;
  const auto notice = parse_notice({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!notice) {
    if (notice.error().message.empty()) std::abort();
    return 0;
  }
  const auto energy = ami::ReadingType::parse("0.0.2.4.1.1.12.0.0.0.0.1.0.0.0.3.72.0").value();
  for (const Module& module : notice->modules) {
    if (notice->module_named(module.key) != &module) std::abort();
    for (const Model& model : notice->models) {
      if (notice->model_named(model.name) != &model) std::abort();
      Device device;
      device.model = model.name;
      device.module = module.key;
      for (const auto& service : notice->services) {
        device.elements = service.elements;
        device.wires = service.wires;
        device.class_a = notice->ranges.front().max_a;
        const CarryVerdict carry = may_carry(&*notice, device);
        if ((carry.answer == Answer::Allowed) != carry.findings.empty()) std::abort();
        const auto of_energy = type_approval(&*notice, device, energy);
        if (of_energy.status == TypeApproval::Approved) std::abort();  // the firmware is not known
        if (may_operate_switch(&*notice, device).allowed && carry.answer != Answer::Allowed) std::abort();
      }
    }
  }
  (void)judge_temperature(*notice, {20, 0});
  return 0;
}
