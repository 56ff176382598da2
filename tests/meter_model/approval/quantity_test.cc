#include "meter_model/approval/quantity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Of = Aspect::Of;

QuantityVerdict judged(const std::string& module, const std::string& code,
                       Provenance provenance = Provenance::SourceRegister) {
  return type_approval(&ae1641(), meter(module), type(code), provenance);
}

TypeApproval status(const QuantityVerdict& verdict, Of of) {
  const Aspect* aspect = verdict.aspect(of);
  EXPECT_NE(aspect, nullptr) << name_of(of);
  return aspect == nullptr ? TypeApproval::NoRegime : aspect->status;
}

TEST(TypeApprovalOfAQuantity, FollowsTheTableOfModules) {
  constexpr auto A = TypeApproval::Approved, N = TypeApproval::NotStated, X = TypeApproval::Outside;
  struct Row {
    const char* module;
    TypeApproval delivered, received, net, demand, gas;
  };
  const Row rows[] = {{"RF_MESH", A, A, A, A, X},   {"SSN", A, N, N, N, X}, {"FLEXNET", A, N, N, N, X},
                      {"TRILLIANT", N, N, N, N, X}, {"TS2", N, N, N, N, X}, {"UMT", A, N, N, N, X},
                      {"EMTR3FX", X, X, X, X, X}};
  for (const Row& row : rows) {
    EXPECT_EQ(judged(row.module, kDelivered).status, row.delivered) << row.module;
    EXPECT_EQ(judged(row.module, kReceived).status, row.received) << row.module;
    EXPECT_EQ(judged(row.module, kNet).status, row.net) << row.module;
    EXPECT_EQ(judged(row.module, kDemand).status, row.demand) << row.module;
    EXPECT_EQ(judged(row.module, kGas).status, row.gas) << row.module;
  }
}

TEST(TypeApprovalOfAQuantity, SecureMeshStatesTheQuantityAndNotItsUnit) {
  const QuantityVerdict delivered = judged("securemesh", kDelivered);
  EXPECT_EQ(status(delivered, Of::Quantity), TypeApproval::Approved);
  EXPECT_EQ(status(delivered, Of::Module), TypeApproval::Approved);
  EXPECT_EQ(status(delivered, Of::Unit), TypeApproval::NotStated);
  EXPECT_THAT(numbers(delivered.grounds), Contains(10));
  EXPECT_EQ(status(judged("securemesh", kReceived), Of::Module), TypeApproval::NotStated);
}

TEST(TypeApprovalOfAQuantity, Ts2SaysNeitherQuantityNorUnit) {
  const QuantityVerdict verdict = judged("ts2", kDelivered);
  EXPECT_EQ(status(verdict, Of::Quantity), TypeApproval::Approved);
  EXPECT_EQ(status(verdict, Of::Module), TypeApproval::NotStated);
  EXPECT_EQ(status(verdict, Of::Unit), TypeApproval::NotStated);
  EXPECT_THAT(numbers(verdict.grounds), Contains(10));
}

TEST(TypeApprovalOfAQuantity, ReceivedOverAConsumptionModuleNamesTheClauseThatIsSilent) {
  const QuantityVerdict verdict = judged("flexnet", kReceived);
  EXPECT_EQ(verdict.reason, "Sensus FlexNet transmits energy consumption; energy received is not stated");
  EXPECT_THAT(keys(verdict.grounds), ElementsAre("flexnet.transmits"));
  EXPECT_EQ(verdict.grounds.clauses[0].revision, "Rev. 3");
  EXPECT_EQ(verdict.grounds.clauses[0].notice, "AE-1641");
  EXPECT_THAT(verdict.grounds.inferences.at(0).key, "ENERGY_CONSUMPTION_DELIVERED");
}

TEST(TypeApprovalOfAQuantity, ScaleAndAcceptedSpellingsDoNotMatter) {
  // kWh and Wh; a TOU register as bulk quantity; a monthly register.
  for (const char* code : {"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0", "0.0.0.1.1.1.12.0.0.0.0.3.0.0.0.3.72.0",
                           "13.0.0.9.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "0.0.0.1.1.2.12.0.0.0.0.0.0.0.0.3.72.0"})
    EXPECT_EQ(judged("SSN", code).status, TypeApproval::Approved) << code;
}

TEST(TypeApprovalOfAQuantity, DemandIsApprovedAsMaximumDeliveredOnlyWhateverItsMethod) {
  // Block, rolling, exponential: the notice does not say which.
  for (const char* code : {"8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "8.8.71.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0",
                           "8.8.2.10.1.1.8.0.0.0.0.0.0.0.0.3.38.0"}) {
    const QuantityVerdict verdict = judged("gridstream", code);
    EXPECT_EQ(verdict.status, TypeApproval::Approved) << code;
    EXPECT_THAT(numbers(verdict.grounds), Contains(9)) << code;
  }
  // Received, net, cumulative, in VA.
  for (const char* code :
       {"8.8.53.6.19.1.8.0.0.0.0.0.0.0.0.3.38.0", "8.8.53.6.4.1.8.0.0.0.0.0.0.0.0.3.38.0",
        "0.8.53.3.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.61.0"}) {
    const QuantityVerdict verdict = judged("gridstream", code);
    EXPECT_EQ(verdict.status, TypeApproval::NotStated) << code;
    EXPECT_THAT(numbers(verdict.grounds), Contains(13)) << code;
  }
}

TEST(TypeApprovalOfAQuantity, WhatTheNoticeDoesNotNameIsNotStated) {
  for (const char* code : {"0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0",  // voltage
                           "0.0.0.12.1.1.37.0.0.0.0.0.0.0.0.0.38.0",    // power now
                           "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.73.0",     // varh
                           "0.0.0.1.20.1.12.0.0.0.0.0.0.0.0.3.72.0",    // total
                           "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.111.0",    // recorder pulses
                           "0.0.0.1.1.1.12.1.1.0.0.0.0.0.0.3.72.0"})    // energy of the fundamental only
    EXPECT_EQ(judged("RF_MESH", code, Provenance::MeterRecorder).status, TypeApproval::NotStated) << code;
  EXPECT_THAT(keys(judged("RF_MESH", "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0").grounds),
              ElementsAre("summary.energy"));
  EXPECT_THAT(numbers(judged("RF_MESH", "0.0.0.12.1.1.37.0.0.0.0.0.0.0.0.0.38.0").grounds), Contains(14));
  EXPECT_THAT(numbers(judged("RF_MESH", "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.111.0").grounds), Contains(9));
}

TEST(TypeApprovalOfAQuantity, ServiceSwitchIsNotSubject) {
  for (const char* code :
       {"0.0.0.12.0.1.43.0.0.0.0.0.0.0.0.0.114.0", "0.0.0.12.0.1.13.0.0.0.0.0.0.0.0.0.109.0",
        "0.0.0.12.0.1.146.0.0.0.0.0.0.0.0.0.109.0"}) {
    const QuantityVerdict verdict = judged("SSN", code);
    EXPECT_EQ(verdict.status, TypeApproval::NotSubject) << code;
    EXPECT_THAT(keys(verdict.grounds), ElementsAre("summary.switch_scope"));
  }
}

TEST(TypeApprovalOfAQuantity, SettledByTheNoticeOutranksUnknownOfTheMeter) {
  Device device = meter("SSN");
  device.firmware.clear();
  EXPECT_EQ(type_approval(&ae1641(), device, type(kDelivered)).status, TypeApproval::Unknown);
  EXPECT_EQ(type_approval(&ae1641(), device, type(kReceived)).status, TypeApproval::NotStated);
  EXPECT_EQ(type_approval(&ae1641(), device, type(kGas)).status, TypeApproval::Outside);
}

TEST(TypeApprovalOfAQuantity, ReadsOfANonconformingInstallationAreOutside) {
  Device device = meter("FOCUS AX", "1", 2, 20, "SSN");
  device.firmware = "5.33";
  const QuantityVerdict verdict =
      type_approval(&ae1641(), device, type(kDelivered), Provenance::SourceRegister);
  EXPECT_EQ(verdict.status, TypeApproval::Outside);
  EXPECT_EQ(status(verdict, Of::Quantity), TypeApproval::Approved);
  EXPECT_EQ(status(verdict, Of::Installation), TypeApproval::Outside);
  EXPECT_THAT(keys(verdict.grounds), ElementsAre("ssn.forms"));
  EXPECT_EQ(legal_status(verdict), "NOT_COVERED_BY_AE1641");
}

TEST(TypeApprovalOfAQuantity, MissingFactsOfTheMeterAreUnknown) {
  for (const auto forget :
       {+[](Device& device) { device.model.clear(); }, +[](Device& device) { device.wires.reset(); },
        +[](Device& device) { device.class_a.reset(); }, +[](Device& device) { device.module.clear(); }}) {
    Device device = meter("SSN");
    forget(device);
    EXPECT_EQ(type_approval(&ae1641(), device, type(kDelivered)).status, TypeApproval::Unknown);
  }
}

TEST(TypeApprovalOfAQuantity, ReadByHandAtTheMeterNeedsNoModule) {
  Device device = meter("");
  EXPECT_EQ(type_approval(&ae1641(), device, type(kReceived), Provenance::Manual).status,
            TypeApproval::Approved);
  EXPECT_EQ(type_approval(&ae1641(), device, type(kReceived)).status, TypeApproval::Unknown);
  device.module = "TS2";
  EXPECT_EQ(type_approval(&ae1641(), device, type(kReceived), Provenance::Manual).status,
            TypeApproval::Approved);
}

TEST(TypeApprovalOfAQuantity, NoCommodityOrKindIsUnknown) {
  EXPECT_EQ(judged("SSN", "0.0.0.1.1.0.12.0.0.0.0.0.0.0.0.3.72.0").status, TypeApproval::Unknown);
  EXPECT_EQ(judged("SSN", "0.0.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0").status,
            TypeApproval::NotStated);  // no unit either
  EXPECT_EQ(judged("RF_MESH", "0.0.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0").status, TypeApproval::Unknown);
}

TEST(TypeApprovalOfAQuantity, WithoutANoticeThereIsNoRegime) {
  const QuantityVerdict verdict = type_approval(nullptr, Device{}, type(kGas));
  EXPECT_EQ(verdict.status, TypeApproval::NoRegime);
  EXPECT_THAT(verdict.aspects, IsEmpty());
  EXPECT_EQ(legal_status(verdict), "");
}

TEST(TypeApprovalOfAQuantity, ApprovedCitesEveryAspectAndItsQuestions) {
  const QuantityVerdict verdict = judged("RF_MESH", kQuarterHour, Provenance::MeterRecorder);
  EXPECT_EQ(verdict.status, TypeApproval::Approved);
  for (const char* clause : {"page1.device", "page1.models", "rf_mesh.approved", "summary.energy",
                             "rf_mesh.transmits", "designations.r", "specifications.firmware"})
    EXPECT_THAT(keys(verdict.grounds), Contains(clause));
  EXPECT_THAT(numbers(verdict.grounds), ElementsAre(2, 3, 7, 14));
  EXPECT_EQ(verdict.revision, "Rev. 6");
}

}  // namespace
}  // namespace ami::approval
