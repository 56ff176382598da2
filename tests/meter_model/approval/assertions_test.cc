// The assertions of metrology reference 1.4, by number, against the shipped notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "meter_model/approval/meter_shop.h"
#include "meter_model/approval/service_switch.h"
#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TypeApproval status(const Device& device, const std::string& code,
                    Provenance provenance = Provenance::SourceRegister) {
  return type_approval(&ae1641(), device, type(code), provenance).status;
}

TEST(AssertionsOfAe1641, A01_ExactlyFourModelNamesWithIndependentRAndSd) {
  std::set<std::string> names;
  std::set<std::pair<Stated, Stated>> bits;
  for (const Model& model : ae1641().models) {
    names.insert(model.name);
    bits.insert({model.recorder.stated, model.service_switch.stated});
    const bool has_r = model.name.find("AXR") != std::string::npos;
    const bool has_sd = model.name.ends_with("-SD");
    EXPECT_EQ(model.recorder.stated, has_r ? Stated::Yes : Stated::No) << model.name;
    EXPECT_EQ(model.service_switch.stated, has_sd ? Stated::Yes : Stated::No) << model.name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"FOCUS AX", "FOCUS AX-SD", "FOCUS AXR", "FOCUS AXR-SD"}));
  EXPECT_EQ(bits.size(), 4U);
  // Their designations alone are aliases; nothing else is a model.
  for (const char* alias : {"AX", "AX-SD", "AXR", "AXR-SD"}) {
    ASSERT_NE(ae1641().model_named(alias), nullptr) << alias;
    EXPECT_EQ(ae1641().model_named(alias)->name, "FOCUS " + std::string(alias));
  }
  for (const char* wrong : {"", "FOCUS", "FOCUS AXS", "focus ax", "FOCUS AX SD", "FOCUS AX-SDR",
                            "FOCUS AXR-SD ", "FOCUS AXRX", "FOCUS AX-R", "I-210+c", "RES-3000-FocusAX-P"}) {
    EXPECT_EQ(ae1641().model_named(wrong), nullptr) << wrong;
  }
}

TEST(AssertionsOfAe1641, A02_EveryRangeBeginsAtAHundredthOfItsEnd) {
  ASSERT_EQ(ae1641().ranges.size(), 4U);
  for (const CurrentRange& range : ae1641().ranges)
    EXPECT_EQ(range.min_a.times(Decimal{100, 0}), range.max_a) << range.max_a.to_string();
}

TEST(AssertionsOfAe1641, A03_ServiceSwitchOnlyOnSelfContainedWhichIsAFlaggedInference) {
  for (const char* model : {"FOCUS AX-SD", "FOCUS AXR-SD"}) {
    for (const int class_a : {10, 20}) {
      const CarryVerdict verdict = may_carry(&ae1641(), meter(model, "1.5", 3, class_a, "TS2"));
      EXPECT_EQ(verdict.answer, Answer::Refused) << model << class_a;
      EXPECT_THAT(rules(verdict.findings), ElementsAre("MODEL_RESTRICTION"));
      EXPECT_THAT(keys(verdict.findings[0].grounds), ElementsAre("summary.switch"));
      EXPECT_THAT(inferences(verdict.findings[0].grounds), ElementsAre("RANGE_CONNECTION"));
    }
    for (const int class_a : {100, 200}) {
      const CarryVerdict verdict = may_carry(&ae1641(), meter(model, "1.5", 3, class_a, "TS2"));
      EXPECT_EQ(verdict.answer, Answer::Allowed) << model << class_a;
      EXPECT_THAT(inferences(verdict.grounds), ElementsAre("RANGE_CONNECTION"));
    }
  }
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AXR", "1.5", 3, 20, "TS2")).answer, Answer::Allowed);
}

TEST(AssertionsOfAe1641, A04_SecureMeshOnlyOnForm2SOneAndAHalfElementsThreeWires) {
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AX", "1.5", 3, 200, "TRILLIANT")).answer, Answer::Allowed);
  Device one_element = meter("FOCUS AX", "1", 2, 200, "TRILLIANT");
  one_element.form = "1S";
  Device other_form = meter("FOCUS AX", "1.5", 3, 200, "TRILLIANT");
  other_form.form = "4S";
  const Device half = meter("FOCUS AX", "1", 2, 200, "TRILLIANT");
  for (const Device& wrong : {one_element, other_form, half}) {
    const CarryVerdict verdict = may_carry(&ae1641(), wrong);
    EXPECT_EQ(verdict.answer, Answer::Refused);
    EXPECT_THAT(rules(verdict.findings), ElementsAre("MODULE_RESTRICTION"));
    ASSERT_EQ(verdict.findings[0].grounds.clauses.size(), 1U);
    EXPECT_EQ(verdict.findings[0].grounds.clauses[0].section,
              "COMMUNICATIONS, Trilliant SecureMesh, paragraph 1");
    EXPECT_EQ(verdict.findings[0].grounds.clauses[0].revision, "Rev. 4");
  }
}

TEST(AssertionsOfAe1641, A05_SsnNotOnOneElementTwoWireTwentyAmperes) {
  const CarryVerdict verdict = may_carry(&ae1641(), meter("FOCUS AX", "1", 2, 20, "SSN"));
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(rules(verdict.findings), ElementsAre("MODULE_RESTRICTION"));
  EXPECT_THAT(keys(verdict.findings[0].grounds), ElementsAre("ssn.forms"));
  EXPECT_EQ(verdict.findings[0].grounds.clauses[0].revision, "Rev. 2");
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AX", "1", 2, 10, "SSN")).answer, Answer::Allowed);
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AX", "1", 2, 100, "SSN")).answer, Answer::Allowed);
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AX", "1.5", 3, 20, "SSN")).answer, Answer::Allowed);
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AX", "1", 2, 20, "FLEXNET")).answer, Answer::Allowed);
}

TEST(AssertionsOfAe1641, A06_LegalIntervalDataNeedTheMetersRecorder) {
  Device with = meter("ssn"), without = meter("ssn");
  without.model = "FOCUS AX-SD";
  EXPECT_EQ(status(with, kQuarterHour, Provenance::MeterRecorder), TypeApproval::Approved);
  EXPECT_EQ(status(with, kQuarterHour, Provenance::ModuleRecorder), TypeApproval::NotStated);
  EXPECT_EQ(status(with, kQuarterHour, Provenance::Unknown), TypeApproval::Unknown);
  EXPECT_EQ(status(without, kQuarterHour, Provenance::MeterRecorder), TypeApproval::Outside);
  EXPECT_EQ(status(without, kQuarterHour, Provenance::ModuleRecorder), TypeApproval::NotStated);
  EXPECT_EQ(status(without, kQuarterHour, Provenance::Unknown), TypeApproval::NotStated);
  // A register needs no recorder.
  EXPECT_EQ(status(without, kDelivered), TypeApproval::Approved);
  const auto module_kept = type_approval(&ae1641(), with, type(kQuarterHour), Provenance::ModuleRecorder);
  EXPECT_THAT(inferences(module_kept.aspect(Aspect::Of::Recorder)->grounds), ElementsAre("MODULE_RECORDER"));
}

TEST(AssertionsOfAe1641, A07_SwitchOnlyWithSdAndAStatedModule) {
  const std::set<std::string> stated = {"SSN", "FLEXNET", "TRILLIANT", "TS2"};
  for (const Module& module : ae1641().modules) {
    const SwitchVerdict verdict = may_operate_switch(&ae1641(), meter(module.key));
    EXPECT_EQ(verdict.allowed, stated.contains(module.key)) << module.key;
    Device no_switch = meter(module.key);
    no_switch.model = "FOCUS AXR";
    EXPECT_FALSE(may_operate_switch(&ae1641(), no_switch).allowed) << module.key;
  }
  for (const char* silent : {"gridstream", "UMT-R-F"}) {
    const SwitchVerdict verdict = may_operate_switch(&ae1641(), meter(silent));
    EXPECT_EQ(verdict.stated, Stated::NotStated);
    EXPECT_THAT(rules(verdict.findings), ElementsAre("DISCONNECT_NOT_STATED"));
    EXPECT_THAT(numbers(verdict.grounds), Contains(1));
    EXPECT_TRUE(
        may_operate_switch(&ae1641(), meter(silent), SiteEvidence{silent, "A. Smith", "TR-7"}).allowed);
  }
}

TEST(AssertionsOfAe1641, A08_WaterAndGasThroughEmtrAreNotCovered) {
  for (const std::string& code : {kGas, kWater}) {
    const QuantityVerdict verdict = type_approval(&ae1641(), meter("EMTR-3-FX"), type(code));
    EXPECT_EQ(verdict.status, TypeApproval::Outside);
    EXPECT_EQ(legal_status(verdict), "NOT_COVERED_BY_AE1641");
    EXPECT_THAT(keys(verdict.grounds), Contains("aclara.emtr"));
    EXPECT_THAT(keys(verdict.grounds), Contains("page1.device"));
  }
  EXPECT_EQ(legal_status(type_approval(&ae1641(), meter("SSN"), type(kDelivered))), "");
}

TEST(AssertionsOfAe1641, A09_EnergyOfATierIsApprovedItsAssignmentIsNot) {
  const QuantityVerdict verdict =
      type_approval(&ae1641(), meter("RF_MESH"), type(kTierB), Provenance::SourceRegister);
  EXPECT_EQ(verdict.status, TypeApproval::Approved);
  EXPECT_FALSE(verdict.tou_switching_legal());
  ASSERT_NE(verdict.aspect(Aspect::Of::TouAssignment), nullptr);
  EXPECT_EQ(verdict.aspect(Aspect::Of::TouAssignment)->status, TypeApproval::NotSubject);
  EXPECT_THAT(keys(verdict.grounds), Contains("summary.tou"));
  EXPECT_TRUE(type_approval(&ae1641(), meter("RF_MESH"), type(kDelivered)).tou_switching_legal());
}

TEST(AssertionsOfAe1641, A10_KilowattsOfAKilowatthourModuleAreNeverMeterApprovedDemand) {
  for (const char* module : {"SSN", "FLEXNET", "UMT"}) {
    for (const Provenance from : {Provenance::Unknown, Provenance::SourceRegister, Provenance::MeterRecorder,
                                  Provenance::ModuleRecorder})
      EXPECT_EQ(status(meter(module), kDemand, from), TypeApproval::NotStated) << module;
    const auto computed = type_approval(&ae1641(), meter(module), type(kDemand), Provenance::Processed);
    EXPECT_EQ(computed.status, TypeApproval::Outside) << module;
    EXPECT_THAT(inferences(computed.grounds), ElementsAre("PROCESSED_OUTSIDE"));
  }
  EXPECT_EQ(status(meter("RF_MESH"), kDemand), TypeApproval::Approved);
  EXPECT_EQ(status(meter("RF_MESH"), kDemand, Provenance::Processed), TypeApproval::Outside);
}

TEST(AssertionsOfAe1641, A11_UnlistedFirmwareIsNeverSilentlyAcceptedAndTemperatureQualifies) {
  for (const char* version : {"5.31", "5.35", "5.3", "5.320", "05.32", "V5.32", "6"}) {
    Device device = meter("SSN");
    device.firmware = version;
    const CarryVerdict verdict = may_carry(&ae1641(), device);
    EXPECT_EQ(verdict.answer, Answer::Unknown) << version;
    EXPECT_THAT(rules(verdict.findings), ElementsAre("UNKNOWN_FIRMWARE"));
    EXPECT_EQ(status(device, kDelivered), TypeApproval::Unknown) << version;
  }
  for (const char* version : {"5.32", "5.33", "5.34"}) {
    Device device = meter("SSN");
    device.firmware = version;
    EXPECT_EQ(may_carry(&ae1641(), device).answer, Answer::Allowed) << version;
    EXPECT_EQ(status(device, kDelivered), TypeApproval::Approved) << version;
  }
  Device silent = meter("SSN");
  silent.firmware.clear();
  EXPECT_EQ(may_carry(&ae1641(), silent).answer, Answer::Allowed);  // not asked
  EXPECT_EQ(status(silent, kDelivered), TypeApproval::Unknown);

  for (const char* inside : {"-40", "-40.0", "0", "53"})
    EXPECT_EQ(judge_temperature(ae1641(), number(inside)).in_range, Stated::Yes) << inside;
  for (const char* outside : {"-40.1", "53.01", "90"}) {
    const TemperatureVerdict verdict = judge_temperature(ae1641(), number(outside));
    EXPECT_EQ(verdict.in_range, Stated::No) << outside;
    EXPECT_THAT(keys(verdict.grounds), ElementsAre("specifications.temperature"));
  }
}

TEST(AssertionsOfAe1641, A12_ColdStartIsSecureOnlyWithBothMessages) {
  const std::string clearance = "Insufficient Security Clearance", failed = "Cold Start failed";
  using Shown = std::vector<std::string>;
  const auto judge = [](const Shown& shown, bool proceeded) {
    return judge_cold_start(ae1641(), shown, proceeded);
  };
  EXPECT_EQ(judge({clearance, failed}, false), ColdStart::Secure);
  EXPECT_EQ(judge({failed, "Wait", clearance}, false), ColdStart::Secure);
  EXPECT_EQ(judge({clearance}, false), ColdStart::NotShown);
  EXPECT_EQ(judge({failed, failed}, false), ColdStart::NotShown);
  EXPECT_EQ(judge({}, false), ColdStart::NotShown);
  EXPECT_EQ(judge({clearance, failed}, true), ColdStart::SealSecurityFailed);
  Notice without = ae1641();
  without.cold_start_messages.clear();
  EXPECT_EQ(judge_cold_start(without, Shown{}, false), ColdStart::NotShown);
}

}  // namespace
}  // namespace ami::approval
