#include "meter_model/approval/installation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const char* const kModels[] = {"FOCUS AX", "FOCUS AX-SD", "FOCUS AXR", "FOCUS AXR-SD"};

int allowed_combinations(const std::string& module, const std::string& form) {
  int allowed = 0;
  for (const char* model : kModels) {
    for (const int class_a : {10, 20, 100, 200}) {
      for (const bool one : {true, false}) {
        Device device = meter(model, one ? "1" : "1.5", one ? 2 : 3, class_a, module);
        device.form = form;
        const CarryVerdict verdict = may_carry(&ae1641(), device);
        EXPECT_NE(verdict.answer, Answer::Unknown);
        EXPECT_EQ(verdict.answer == Answer::Refused, !nonconformities(&ae1641(), device).empty());
        EXPECT_EQ(verdict.answer == Answer::Allowed, verdict.findings.empty());
        EXPECT_THAT(numbers(verdict.grounds), Contains(2));  // pairs are not given: always told
        if (verdict.answer == Answer::Allowed) ++allowed;
      }
    }
  }
  return allowed;
}

// By hand: 4 models x 4 classes x 2 services = 32; the two SD models lose classes 10 and 20 (8): 24. SSN
// loses class 20 of 1 element, 2 wires for the two others: 22. SecureMesh keeps the 1.5-element half of 24,
// on 2S.
TEST(Installation, AllowedCombinationsAreThoseOfTheNotice) {
  for (const char* module : {"RF_MESH", "FLEXNET", "TS2", "UMT", "EMTR3FX"}) {
    EXPECT_EQ(allowed_combinations(module, "2S"), 24) << module;
    EXPECT_EQ(allowed_combinations(module, "3S"), 24) << module;
  }
  EXPECT_EQ(allowed_combinations("SSN", "2S"), 22);
  EXPECT_EQ(allowed_combinations("TRILLIANT", "2S"), 12);
  EXPECT_EQ(allowed_combinations("TRILLIANT", "1S"), 0);
}

TEST(Installation, AliasesAndFamiliesMeanTheSameModuleAndTheGivenNameIsKept) {
  const std::map<std::string, std::string> names = {{"UMT-R-F", "UMT"},
                                                    {"UMT-R-FX", "UMT"},
                                                    {"umt r fx", "UMT"},
                                                    {"twacs", "UMT"},
                                                    {"Aclara UMT-R-F with EMTR-3-FX", "UMT"},
                                                    {"EMTR-3", "EMTR3FX"},
                                                    {"EMTR-3-FX", "EMTR3FX"},
                                                    {"RES-3000-FocusAX-P", "TRILLIANT"},
                                                    {"securemesh", "TRILLIANT"},
                                                    {"Trilliant SecureMesh", "TRILLIANT"},
                                                    {"RF Mesh Endpoint", "RF_MESH"},
                                                    {"gridstream", "RF_MESH"},
                                                    {"Gridstream RF Mesh endpoint", "RF_MESH"},
                                                    {"Silver Spring Networks", "SSN"},
                                                    {"ssn", "SSN"},
                                                    {"Sensus FlexNet", "FLEXNET"},
                                                    {"flexnet", "FLEXNET"},
                                                    {"TS2", "TS2"},
                                                    {"TS2 with Zigbee", "TS2"},
                                                    {"ts2", "TS2"}};
  for (const auto& [given, key] : names) {
    const CarryVerdict verdict = may_carry(&ae1641(), meter(given));
    EXPECT_EQ(verdict.module, key) << given;
    EXPECT_EQ(verdict.module_raw, given);
    EXPECT_EQ(verdict.answer, Answer::Allowed) << given;
  }
  const CarryVerdict verdict = may_carry(&ae1641(), meter("AXR", "1.5", 3, 200, "SSN"));
  EXPECT_EQ(verdict.model, "FOCUS AXR");
  EXPECT_EQ(verdict.model_raw, "AXR");
}

TEST(Installation, WhatTheNoticeDoesNotListIsRefused) {
  Device device = meter("I-210+c", "2", 3, 320, "Itron");
  const CarryVerdict verdict = may_carry(&ae1641(), device);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(rules(verdict.findings), UnorderedElementsAre("MODEL_NOT_LISTED", "SERVICE_NOT_LISTED",
                                                            "CLASS_NOT_LISTED", "MODULE_NOT_LISTED"));
  for (const Finding& finding : verdict.findings) {
    EXPECT_EQ(finding.kind, Finding::Kind::NotListed);
    EXPECT_FALSE(finding.grounds.clauses.empty()) << finding.rule;
  }
  EXPECT_EQ(verdict.model, "");
  EXPECT_EQ(verdict.module, "");
  EXPECT_EQ(verdict.module_raw, "Itron");
  EXPECT_EQ(rules(nonconformities(&ae1641(), device)), rules(verdict.findings));
}

TEST(Installation, ClassIsTheEndOfARangeAndNothingBetween) {
  for (const int class_a : {1, 2, 15, 30, 150, 201, 320}) {
    EXPECT_THAT(rules(may_carry(&ae1641(), meter("FOCUS AX", "1.5", 3, class_a, "TS2")).findings),
                ElementsAre("CLASS_NOT_LISTED"))
        << class_a;
  }
}

TEST(Installation, ElementsAndWiresMustBelongTogether) {
  EXPECT_THAT(rules(may_carry(&ae1641(), meter("FOCUS AX", "1", 3, 200, "TS2")).findings),
              ElementsAre("SERVICE_NOT_LISTED"));
  EXPECT_THAT(rules(may_carry(&ae1641(), meter("FOCUS AX", "1.5", 2, 200, "TS2")).findings),
              ElementsAre("SERVICE_NOT_LISTED"));
  EXPECT_EQ(may_carry(&ae1641(), meter("FOCUS AX", "1.50", 3, 200, "TS2")).answer, Answer::Allowed);
}

TEST(Installation, EachMissingFactGivesUnknownAndNeverAYes) {
  const auto without = [](auto forget, const std::string& module = "TRILLIANT") {
    Device device = meter(module);
    forget(device);
    EXPECT_THAT(nonconformities(&ae1641(), device), IsEmpty());
    return may_carry(&ae1641(), device);
  };
  const auto expect_unknown = [](const CarryVerdict& verdict, const char* rule) {
    EXPECT_EQ(verdict.answer, Answer::Unknown) << rule;
    EXPECT_THAT(rules(verdict.findings), Contains(rule));
    for (const Finding& finding : verdict.findings) EXPECT_EQ(finding.kind, Finding::Kind::Missing);
  };
  expect_unknown(without([](Device& device) { device.model.clear(); }), "MODEL_MISSING");
  expect_unknown(without([](Device& device) { device.form.clear(); }), "MODULE_RESTRICTION");
  expect_unknown(without([](Device& device) { device.elements.reset(); }), "SERVICE_MISSING");
  expect_unknown(without([](Device& device) { device.wires.reset(); }), "SERVICE_MISSING");
  expect_unknown(without([](Device& device) { device.class_a.reset(); }), "CLASS_MISSING");
  expect_unknown(without([](Device& device) { device.module.clear(); }), "MODULE_MISSING");
  expect_unknown(may_carry(&ae1641(), Device{}), "MODEL_MISSING");
  // No clause asks TS2 for a form.
  EXPECT_EQ(without([](Device& device) { device.form.clear(); }, "TS2").answer, Answer::Allowed);
}

TEST(Installation, AKnownFactThatExcludesOutranksAMissingOne) {
  Device device = meter("TRILLIANT");
  device.form = "1S";
  device.class_a.reset();
  const CarryVerdict verdict = may_carry(&ae1641(), device);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(rules(nonconformities(&ae1641(), device)), ElementsAre("MODULE_RESTRICTION"));
}

TEST(Installation, ExceptionIsUnknownOnlyWhileNoneOfItsFactsDiffers) {
  Device device = meter("FOCUS AX", "1.5", 3, 20, "SSN");
  device.class_a.reset();
  EXPECT_THAT(rules(may_carry(&ae1641(), device).findings), ElementsAre("CLASS_MISSING"));
  device = meter("FOCUS AX", "1", 2, 20, "SSN");
  device.class_a.reset();
  const CarryVerdict verdict = may_carry(&ae1641(), device);
  EXPECT_THAT(rules(verdict.findings), ElementsAre("CLASS_MISSING", "MODULE_RESTRICTION"));
  EXPECT_EQ(verdict.answer, Answer::Unknown);
  EXPECT_THAT(nonconformities(&ae1641(), device), IsEmpty());
}

TEST(Installation, WhatTheSiteKnowsOfTheConnectionReplacesTheInference) {
  Device device = meter("FOCUS AX-SD", "1.5", 3, 20, "TS2");
  device.connection = Connection::SelfContained;
  const CarryVerdict allowed = may_carry(&ae1641(), device);
  EXPECT_EQ(allowed.answer, Answer::Allowed);
  EXPECT_THAT(inferences(allowed.grounds), IsEmpty());
  device.class_a = Decimal{200, 0};
  device.connection = Connection::TransformerRated;
  const CarryVerdict refused = may_carry(&ae1641(), device);
  EXPECT_EQ(refused.answer, Answer::Refused);
  EXPECT_THAT(inferences(refused.findings.at(0).grounds), IsEmpty());
}

TEST(Installation, FormIsComparedWithoutCaseOrBlanks) {
  Device device = meter("TRILLIANT");
  for (const char* form : {"2s", " 2S", "2 S"}) {
    device.form = form;
    EXPECT_EQ(may_carry(&ae1641(), device).answer, Answer::Allowed) << form;
  }
  for (const char* form : {"02S", "2", "S2", "12S"}) {
    device.form = form;
    EXPECT_EQ(may_carry(&ae1641(), device).answer, Answer::Refused) << form;
  }
}

TEST(Installation, FindingSaysWhatIsApprovedAndWhatThisIs) {
  const CarryVerdict verdict = may_carry(&ae1641(), meter("FOCUS AX", "1", 2, 20, "SSN"));
  EXPECT_EQ(verdict.findings.at(0).message,
            "Silver Spring Networks is approved except on: 1 element, 2 wires, class 20; this is form 2S, 1 "
            "element, "
            "2 wires, class 20");
}

TEST(Installation, VerdictNamesNoticeRevisionAndTheModulesOwnQuestions) {
  const CarryVerdict umt = may_carry(&ae1641(), meter("UMT"));
  EXPECT_EQ(umt.notice, "AE-1641");
  EXPECT_EQ(umt.revision, "Rev. 6");
  EXPECT_THAT(numbers(umt.grounds), ElementsAre(2, 5));
  EXPECT_THAT(numbers(may_carry(&ae1641(), meter("TRILLIANT")).grounds), Contains(6));
  EXPECT_THAT(numbers(may_carry(&ae1641(), meter("TS2")).grounds), Contains(7));
  EXPECT_THAT(numbers(may_carry(&ae1641(), meter("SSN")).grounds), Not(Contains(7)));
  Device old = meter("SSN");
  old.firmware = "5.34";
  EXPECT_THAT(numbers(may_carry(&ae1641(), old).grounds), Contains(8));
  EXPECT_THAT(keys(umt.grounds), AllOf(Contains("page1.models"), Contains("page1.services"),
                                       Contains("page1.current"), Contains("aclara.umt")));
}

TEST(Installation, WithoutANoticeThereIsNoRegime) {
  const CarryVerdict verdict = may_carry(nullptr, meter("SSN"));
  EXPECT_EQ(verdict.answer, Answer::NoRegime);
  EXPECT_EQ(verdict.notice, "");
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_THAT(nonconformities(nullptr, Device{}), IsEmpty());
}

TEST(Installation, ClassAndElementsAreReadAsWritten) {
  for (const char* text : {"200", "CL200", "200 A", "200A", "CL 200", "200.0"})
    EXPECT_EQ(parse_class(text).value(), (Decimal{200, 0})) << text;
  for (const char* text : {"", "A", "CL", "-20", "0", "2e99", "twenty", "200 V", "nan"})
    EXPECT_FALSE(parse_class(text)) << text;
  EXPECT_EQ(parse_elements("1.5").value(), number("1.5"));
  for (const char* text : {"", "0", "-1", "1 1/2", "one"}) EXPECT_FALSE(parse_elements(text)) << text;
  EXPECT_THAT(parse_class("twenty").error().message, HasSubstr("\"twenty\" is no class"));
}

}  // namespace
}  // namespace ami::approval
