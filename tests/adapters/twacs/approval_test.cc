// What the shipped notice says of what this family delivers: electric Wh of the UMT is approved, water and
// gas of the EMTR-3-FX are not in its scope, whatever module they are said to come through.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "adapters/twacs/family.h"
#include "meter_model/approval/notice_yaml.h"
#include "meter_model/approval/quantity.h"
#include "tests/adapters/support/family_scene.h"

namespace ami::twacs {
namespace {

class TwacsApproval : public testing::FamilyScene {
 protected:
  TwacsApproval() : FamilyScene(interfaces()), notice_(shipped_notice()) { meters = {{"TW1", 1}, {"W1", 2}}; }

  static approval::Notice shipped_notice() {
    auto notice = approval::parse_notice(read("config/approvals/ae-1641.yaml"), "ae-1641.yaml");
    EXPECT_TRUE(notice.ok());
    return std::move(notice).value();
  }

  // Status of the one register in `lines`, by its reading type.
  std::string status(const std::vector<std::string>& lines, const std::string& module) const {
    const auto line =
        std::find_if(lines.begin(), lines.end(), [](const auto& one) { return one.starts_with("reg "); });
    if (line == lines.end()) return "no register";
    const std::size_t type = line->find(" 0.0.0.") + 1;
    approval::Device device;
    device.model = "FOCUS AXR-SD";
    device.form = "2S";
    device.elements = approval::parse_elements("1.5").value();
    device.wires = 3;
    device.class_a = approval::parse_class("200").value();
    device.firmware = "5.33";
    device.module = module;
    const auto verdict = approval::type_approval(
        &notice_, device, ReadingType::parse(line->substr(type, line->find(' ', type) - type)).value(),
        approval::Provenance::SourceRegister);
    return std::string(name_of(verdict.status));
  }

  const approval::Notice notice_;
};

TEST_F(TwacsApproval, ElectricEnergyThroughTheUmtIsApproved) {
  const auto lines = message(shipped("twacs.yaml"), golden("twacs", "read.xml"), "2026-01-15T11:30:00Z");
  EXPECT_EQ(status(lines, "UMT-R-FX"), "APPROVED");
  EXPECT_EQ(status(lines, "twacs"), "APPROVED");  // the adapter's family stands for its module
}

TEST_F(TwacsApproval, WaterAndGasOfThePortsAreOutsideWhateverTheModule) {
  for (const char* commodity : {"water", "gas"}) {
    const auto lines =
        file(shipped_without("twacs-water.yaml", {"meters"},
                             std::string("meters: [{commodity: ") + commodity + ", unit: m3}]\n"),
             "MeterSN,MTUID,Port,MeterTypeID,ScaledRead,RawRead,Scalar,ReadingTime,LocalTime,Active\n"
             "W1,1,1,1,7,,,2026-01-15 17:00,,1\n",
             "2026-01-15T18:00:00Z");
    for (const char* module : {"EMTR-3-FX", "UMT-R-FX", ""})
      EXPECT_EQ(status(lines, module), "OUTSIDE") << commodity << module;
  }
}

}  // namespace
}  // namespace ami::twacs
