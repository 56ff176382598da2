// AssetService about modules, verification and what a notice excludes.
#include <gtest/gtest.h>

#include "tests/daemon/regime/shipped_regimes.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::AssetService::Stub;

// In utility "oahu" (AE-1641, Pacific/Honolulu); now is 2013-04-10.
class MeterApprovalTest : public testing::ServicesTest {
 protected:
  MeterApprovalTest() : ServicesTest(testing::create_empty_database()) {
    fixture.regimes = regime::testing::shipped_regimes();
  }

  static std::string name(const std::string& key) { return "utilities/oahu/meters/" + key; }

  static v1::Meter axr_sd(const std::string& key) {
    v1::Meter meter;
    meter.set_name(name(key));
    meter.set_model("AXR-SD");
    meter.set_form("2S");
    meter.set_elements("1.5");
    meter.set_wires(3);
    meter.set_meter_class("200");
    meter.set_firmware("5.33");
    meter.set_module_type("SSN");
    *meter.mutable_valid_from() = stamp("2012-01-01T00:00:00Z");
    return meter;
  }
  static v1::Meter excluded(const std::string& key) {  // SecureMesh in a form 12S
    v1::Meter meter = axr_sd(key);
    meter.set_form("12S");
    meter.set_module_type("Trilliant SecureMesh");
    return meter;
  }
  grpc::Status create(const v1::Meter& wanted) {
    v1::CreateMeterRequest request;
    *request.mutable_meter() = wanted;
    return call(assets, &Stub::CreateMeter, request, meter);
  }
  grpc::Status create_point(const std::string& key) {
    v1::CreateUsagePointRequest request;
    request.mutable_usage_point()->set_name("utilities/oahu/usagePoints/" + key);
    v1::UsagePoint point;
    return call(assets, &Stub::CreateUsagePoint, request, point);
  }
  grpc::Status install(const std::string& key, const std::string& point, const std::string& when,
                       bool in_place) {
    v1::InstallRequest request;
    request.set_meter(name(key));
    request.set_usage_point("utilities/oahu/usagePoints/" + point);
    *request.mutable_at() = stamp(when);
    request.set_already_in_place(in_place);
    v1::Installation installation;
    return call(assets, &Stub::Install, request, installation);
  }
  grpc::Status get(const std::string& key) {
    v1::GetMeterRequest request;
    request.set_name(name(key));
    return call(assets, &Stub::GetMeter, request, meter);
  }
  v1::UpdateMeterRequest swap(const std::string& key, const std::string& module, const std::string& when) {
    v1::UpdateMeterRequest request;
    request.mutable_meter()->set_name(name(key));
    request.mutable_meter()->set_module_type(module);
    request.add_update_fields("module_type");
    *request.mutable_at() = stamp(when);
    return request;
  }
  grpc::Status update(const v1::UpdateMeterRequest& request) {
    return call(assets, &Stub::UpdateMeter, request, meter);
  }
  grpc::Status verify(const std::string& key, const std::string& sealed, int due,
                      const std::string& certificate = "C-1", const std::string& lot = "") {
    v1::SetVerificationRequest request;
    request.set_meter(name(key));
    request.set_seal_date(sealed);
    request.set_due_year(due);
    request.set_certificate(certificate);
    request.set_lot(lot);
    return call(assets, &Stub::SetVerification, request, meter);
  }
  std::vector<v1::NonconformingMeter> nonconforming(const std::string& utility = "oahu", int page_size = 0) {
    v1::ListNonconformingRequest request;
    request.set_parent("utilities/" + utility);
    request.set_page_size(page_size);
    std::vector<v1::NonconformingMeter> out;
    do {
      v1::ListNonconformingResponse response;
      const grpc::Status status = call(assets, &Stub::ListNonconforming, request, response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (page_size > 0) {
        EXPECT_LE(response.meters_size(), page_size);
      }
      out.insert(out.end(), response.meters().begin(), response.meters().end());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return out;
  }

  v1::Meter meter;
};

TEST_F(MeterApprovalTest, ModuleIsToldByTheNameAsSaidAndByTheNoticesOwn) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_module_type("umt-r-f");
  wanted.set_board("EMTR-3");
  ASSERT_TRUE(create(wanted).ok());
  EXPECT_EQ(meter.module_type(), "umt-r-f");
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.module_type(), "umt-r-f");
  EXPECT_EQ(meter.board(), "EMTR-3");
  ASSERT_EQ(meter.modules_size(), 1);
  EXPECT_EQ(meter.modules(0).key(), "UMT");
  EXPECT_EQ(text_of(meter.modules(0).valid_from()), "2012-01-01T00:00:00Z");
  EXPECT_FALSE(meter.modules(0).has_valid_to());
  v1::ListMetersRequest list;
  list.set_parent("utilities/oahu");
  v1::ListMetersResponse listed;
  ASSERT_TRUE(call(assets, &Stub::ListMeters, list, listed).ok());
  EXPECT_EQ(listed.meters(0).module_type(), "umt-r-f");
}

TEST_F(MeterApprovalTest, UnknownModuleIsRefusedWithThoseThatTheNoticeKnows) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_module_type("Itron");
  grpc::Status status = create(wanted);
  EXPECT_EQ(field_of(status), "meter.module_type");
  EXPECT_NE(status.error_message().find("FLEXNET, RF_MESH, SSN, TRILLIANT, TS2, UMT"), std::string::npos)
      << status.error_message();
  wanted.set_module_type("EMTR-3-FX");
  EXPECT_EQ(field_of(create(wanted)), "meter.module_type") << "it is a board";
  wanted.set_module_type("UMT");
  wanted.set_board("SSN");
  status = create(wanted);
  EXPECT_EQ(field_of(status), "meter.board");
  EXPECT_NE(status.error_message().find("EMTR3FX"), std::string::npos) << status.error_message();
  wanted.clear_module_type();
  wanted.set_board("EMTR-3-FX");
  EXPECT_EQ(field_of(create(wanted)), "meter.board");
  EXPECT_EQ(reason_of(get("m1")), "METER_NOT_FOUND") << "nothing of it was stored";
}

TEST_F(MeterApprovalTest, UtilityWithoutANoticeTakesAnyModule) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_name("utilities/maui/meters/m1");
  wanted.set_module_type("Itron");
  ASSERT_TRUE(create(wanted).ok());
  v1::GetMeterRequest request;
  request.set_name("utilities/maui/meters/m1");
  ASSERT_TRUE(call(assets, &Stub::GetMeter, request, meter).ok());
  EXPECT_EQ(meter.modules(0).key(), "Itron");
  EXPECT_EQ(meter.conformity().state(), v1::Conformity::NO_REGIME);
  EXPECT_EQ(meter.conformity().switch_capability(), v1::SWITCH_REFUSED);
}

TEST_F(MeterApprovalTest, MeterSaysWhatTheNoticeSaysOfIt) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.conformity().state(), v1::Conformity::CONFORMING);
  EXPECT_EQ(meter.conformity().notice(), "AE-1641");
  EXPECT_EQ(meter.conformity().revision(), "Rev. 6");
  EXPECT_EQ(meter.conformity().switch_capability(), v1::SWITCH_ALLOWED);

  ASSERT_TRUE(create(excluded("m2")).ok());
  ASSERT_TRUE(get("m2").ok());
  EXPECT_EQ(meter.conformity().state(), v1::Conformity::NONCONFORMING);
  ASSERT_GE(meter.conformity().findings_size(), 1);
  EXPECT_EQ(meter.conformity().findings(0).rule(), "MODULE_RESTRICTION");
  EXPECT_EQ(meter.conformity().findings(0).kind(), "EXCLUDED");
  EXPECT_EQ(meter.conformity().findings(0).clauses(0).key(), "trilliant.forms");
  EXPECT_EQ(meter.conformity().switch_capability(), v1::SWITCH_REFUSED);
  EXPECT_NE(meter.conformity().switch_reason().find("COMMUNICATIONS, Trilliant SecureMesh"),
            std::string::npos);
  EXPECT_GE(meter.conformity().switch_findings_size(), 1);
}

TEST_F(MeterApprovalTest, SitesEvidenceAllowsTheSwitchWhereTheNoticeIsSilent) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_module_type("RF_MESH");
  ASSERT_TRUE(create(wanted).ok());
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.conformity().switch_capability(), v1::SWITCH_REFUSED);
  auto regimes = regime::testing::shipped_regimes();
  regimes->evidence["oahu"] = {{"RF Mesh Endpoint", "J. Doe", "Test report 7"}};
  fixture.regimes = regimes;
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.conformity().switch_capability(), v1::SWITCH_ALLOWED_BY_SITE_EVIDENCE);
}

TEST_F(MeterApprovalTest, PlannedInstallOfAnExcludedCombinationIsRefusedWithItsClause) {
  ASSERT_TRUE(create(excluded("m1")).ok());
  ASSERT_TRUE(create_point("up1").ok());
  const grpc::Status status = install("m1", "up1", "2013-05-01T00:00:00Z", false);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  const auto info = testing::detail<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->reason(), "MODULE_RESTRICTION");
  EXPECT_EQ(info->metadata().at("notice"), "AE-1641");
  EXPECT_EQ(info->metadata().at("revision"), "Rev. 6");
  EXPECT_EQ(info->metadata().at("clause"), "COMMUNICATIONS, Trilliant SecureMesh, paragraph 1");
  EXPECT_EQ(info->metadata().at("clause_key"), "trilliant.forms");
  EXPECT_NE(status.error_message().find("COMMUNICATIONS, Trilliant SecureMesh"), std::string::npos);
  ASSERT_TRUE(get("m1").ok());
  EXPECT_FALSE(meter.has_installation());
  storage::Assets store(fixture.database);
  EXPECT_TRUE(store.installations_of_meter(store.get_utility("oahu")->id, "m1")->empty());
}

TEST_F(MeterApprovalTest, WhatIsOnTheWallIsTakenAsItIs) {
  ASSERT_TRUE(create(excluded("m1")).ok());
  ASSERT_TRUE(create_point("up1").ok());
  EXPECT_EQ(field_of(install("m1", "up1", "2013-05-01T00:00:00Z", true)), "at") << "that is to come";
  ASSERT_TRUE(install("m1", "up1", "2013-04-01T00:00:00Z", true).ok());
  const auto listed = nonconforming();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].meter().name(), name("m1"));
  EXPECT_EQ(listed[0].meter().module_type(), "Trilliant SecureMesh");
  EXPECT_EQ(listed[0].usage_point(), "utilities/oahu/usagePoints/up1");
  EXPECT_EQ(listed[0].notice(), "AE-1641");
  EXPECT_EQ(listed[0].revision(), "Rev. 6");
  ASSERT_GE(listed[0].findings_size(), 1);
  EXPECT_EQ(listed[0].findings(0).clauses(0).key(), "trilliant.forms");
}

TEST_F(MeterApprovalTest, ExchangeForAnExcludedMeterChangesNothing) {
  ASSERT_TRUE(create(axr_sd("old")).ok());
  ASSERT_TRUE(create(excluded("new")).ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("old", "up1", "2012-01-01T00:00:00Z", false).ok());
  v1::ExchangeRequest request;
  request.set_usage_point("utilities/oahu/usagePoints/up1");
  request.set_new_meter(name("new"));
  *request.mutable_at() = stamp("2013-04-08T10:37:00Z");
  v1::ExchangeResponse response;
  EXPECT_EQ(reason_of(call(assets, &Stub::Exchange, request, response)), "MODULE_RESTRICTION");
  ASSERT_TRUE(get("old").ok());
  EXPECT_TRUE(meter.has_installation()) << "the old one is still there";
  request.set_already_in_place(true);
  EXPECT_TRUE(call(assets, &Stub::Exchange, request, response).ok());
}

TEST_F(MeterApprovalTest, SwapIsDatedAndBreaksTheSealUnlessItIsSaid) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  ASSERT_TRUE(update(swap("m1", "FlexNet", "2013-01-01T00:00:00Z")).ok());
  ASSERT_EQ(meter.modules_size(), 2);
  EXPECT_EQ(text_of(meter.modules(0).valid_to()), "2013-01-01T00:00:00Z");
  EXPECT_FALSE(meter.modules(0).seal_broken()) << "it was the first that was known";
  EXPECT_EQ(meter.modules(1).key(), "FLEXNET");
  EXPECT_TRUE(meter.modules(1).seal_broken());
  v1::UpdateMeterRequest kept = swap("m1", "TS2", "2013-02-01T00:00:00Z");
  kept.set_seal_broken(false);
  ASSERT_TRUE(update(kept).ok());
  EXPECT_FALSE(meter.modules(2).seal_broken());
  EXPECT_EQ(meter.module_type(), "TS2");
  EXPECT_EQ(meter.model(), "AXR-SD") << "the meter itself is as it was";
}

TEST_F(MeterApprovalTest, SwapThatOverlapsALaterOneIsAConflict) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  ASSERT_TRUE(update(swap("m1", "FlexNet", "2013-01-01T00:00:00Z")).ok());
  const grpc::Status status = update(swap("m1", "TS2", "2012-06-01T00:00:00Z"));
  EXPECT_EQ(reason_of(status), "ASSET_CONFLICT");
  EXPECT_NE(status.error_message().find("2013-01-01"), std::string::npos) << status.error_message();
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.modules_size(), 2);
}

TEST_F(MeterApprovalTest, ModuleThatIsTakenOutLeavesNone) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_module_type("UMT");
  wanted.set_board("EMTR-3-FX");
  ASSERT_TRUE(create(wanted).ok());
  ASSERT_TRUE(update(swap("m1", "", "2013-01-01T00:00:00Z")).ok());
  EXPECT_EQ(meter.module_type(), "");
  EXPECT_EQ(meter.board(), "");
  ASSERT_EQ(meter.modules_size(), 2);
  EXPECT_TRUE(meter.modules(1).seal_broken());
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.conformity().state(), v1::Conformity::UNKNOWN);
}

TEST_F(MeterApprovalTest, RadioIntoTheHomeIsOfTheModuleAndSayingItIsNoSwap) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_module_type("TS2");
  ASSERT_TRUE(create(wanted).ok());
  EXPECT_EQ(meter.han(), "") << "not known";
  v1::UpdateMeterRequest request;
  request.mutable_meter()->set_name(name("m1"));
  request.mutable_meter()->set_han("ZIGBEE");
  request.add_update_fields("han");
  *request.mutable_at() = stamp("2013-01-01T00:00:00Z");
  ASSERT_TRUE(update(request).ok());
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.han(), "ZIGBEE");
  ASSERT_EQ(meter.modules_size(), 1) << "the same module, all the time";
  EXPECT_EQ(meter.modules(0).han(), "ZIGBEE");
  EXPECT_FALSE(meter.modules(0).seal_broken());
  // Another module has its own, which nobody has told yet.
  ASSERT_TRUE(update(swap("m1", "SSN", "2013-02-01T00:00:00Z")).ok());
  EXPECT_EQ(meter.han(), "");
  EXPECT_EQ(meter.modules(0).han(), "ZIGBEE");
  request.mutable_meter()->set_han("");
  ASSERT_TRUE(update(request).ok()) << "taken back, of the module that was there in January";
  EXPECT_EQ(meter.modules(0).han(), "");
}

TEST_F(MeterApprovalTest, RadioIntoTheHomeStaysWithAModuleThatGetsABoard) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_module_type("UMT");
  wanted.set_han("NONE");
  ASSERT_TRUE(create(wanted).ok());
  EXPECT_EQ(meter.han(), "NONE");
  v1::UpdateMeterRequest request;
  request.mutable_meter()->set_name(name("m1"));
  request.mutable_meter()->set_board("EMTR-3-FX");
  request.add_update_fields("board");
  *request.mutable_at() = stamp("2013-01-01T00:00:00Z");
  ASSERT_TRUE(update(request).ok());
  EXPECT_EQ(meter.han(), "NONE");
}

TEST_F(MeterApprovalTest, BadRadiosAreNamed) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_han("zigbee");
  const grpc::Status status = create(wanted);
  EXPECT_EQ(field_of(status), "meter.han");
  EXPECT_NE(status.error_message().find("NONE, ZIGBEE"), std::string::npos) << status.error_message();
  wanted.clear_module_type();
  wanted.set_han("ZIGBEE");
  EXPECT_EQ(field_of(create(wanted)), "meter.han") << "of which module?";
  wanted.clear_han();
  ASSERT_TRUE(create(wanted).ok());
  v1::UpdateMeterRequest request;
  request.mutable_meter()->set_name(name("m1"));
  request.mutable_meter()->set_han("ZIGBEE");
  request.add_update_fields("han");
  EXPECT_FALSE(update(request).ok()) << "no module is known";
  request.mutable_meter()->set_han("WIFI");
  EXPECT_EQ(field_of(update(request)), "meter.han");
}

TEST_F(MeterApprovalTest, BadSwapsAreNamed) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  EXPECT_EQ(field_of(update(swap("m1", "Itron", "2013-01-01T00:00:00Z"))), "meter.module_type");
  v1::UpdateMeterRequest request = swap("m1", "", "2013-01-01T00:00:00Z");
  request.mutable_meter()->set_board("EMTR-3-FX");
  request.add_update_fields("board");
  EXPECT_EQ(field_of(update(request)), "meter.board");
  request = swap("m1", "SSN", "2013-01-01T00:00:00Z");
  request.clear_update_fields();
  request.add_update_fields("form");
  request.set_seal_broken(true);
  EXPECT_EQ(field_of(update(request)), "seal_broken");
  EXPECT_EQ(reason_of(update(swap("m9", "SSN", "2013-01-01T00:00:00Z"))), "METER_NOT_FOUND");
}

TEST_F(MeterApprovalTest, ExcludedSwapOfAnInstalledMeterIsRefusedUnlessItHasBeenDone) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_form("12S");  // which SecureMesh may not be in
  ASSERT_TRUE(create(wanted).ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("m1", "up1", "2012-01-01T00:00:00Z", false).ok());
  v1::UpdateMeterRequest request = swap("m1", "TRILLIANT", "2013-02-01T00:00:00Z");
  EXPECT_EQ(reason_of(update(request)), "MODULE_RESTRICTION");
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.module_type(), "SSN");
  request.set_already_in_place(true);
  ASSERT_TRUE(update(request).ok());
  // What is known of it already does not stand in the way of other news about the meter.
  v1::UpdateMeterRequest news;
  news.mutable_meter()->set_name(name("m1"));
  news.mutable_meter()->set_firmware("5.34");
  news.add_update_fields("firmware");
  *news.mutable_at() = stamp("2013-03-01T00:00:00Z");
  EXPECT_TRUE(update(news).ok());
}

TEST_F(MeterApprovalTest, SwapBeforeAPlannedInstallIsCheckedForIt) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_form("12S");
  ASSERT_TRUE(create(wanted).ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("m1", "up1", "2013-06-01T00:00:00Z", false).ok());
  EXPECT_EQ(reason_of(update(swap("m1", "TRILLIANT", "2013-05-01T00:00:00Z"))), "MODULE_RESTRICTION");
}

TEST_F(MeterApprovalTest, VerificationIsDatedAndShown) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_UNKNOWN);
  ASSERT_TRUE(verify("m1", "2012-05-03", 2014, "C-7", "L-1").ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_IN_PERIOD);
  ASSERT_TRUE(get("m1").ok());
  ASSERT_EQ(meter.verifications_size(), 1);
  EXPECT_EQ(meter.verifications(0).certificate(), "C-7");
  EXPECT_EQ(meter.verifications(0).seal_date(), "2012-05-03");
  EXPECT_EQ(meter.verifications(0).lot(), "L-1");
  EXPECT_EQ(meter.verifications(0).due_year(), 2014);
  EXPECT_EQ(meter.verifications(0).recorded_by(), "local operator");
  EXPECT_FALSE(meter.verification_reason().empty());
  fixture.now = at("2015-01-01T10:00:00Z");  // midnight in Honolulu
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_EXPIRED);
}

TEST_F(MeterApprovalTest, BrokenSealIsNotVerifiedUntilANewerSeal) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  ASSERT_TRUE(verify("m1", "2012-05-03", 2020).ok());
  ASSERT_TRUE(update(swap("m1", "FlexNet", "2013-02-01T00:00:00Z")).ok());
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_NOT_VERIFIED);
  ASSERT_TRUE(verify("m1", "2013-03-01", 2020, "C-2").ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_IN_PERIOD);
}

TEST_F(MeterApprovalTest, CorrectedVerificationKeepsWhatWasSaidAndOneMayBeTakenBack) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  ASSERT_TRUE(verify("m1", "2012-05-03", 2012).ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_EXPIRED);
  ASSERT_TRUE(verify("m1", "2012-05-03", 2020).ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_IN_PERIOD);
  ASSERT_TRUE(verify("m1", "2012-05-03", 2020).ok());
  EXPECT_EQ(meter.verifications_size(), 2) << "said again, it is no news";
  v1::SetVerificationRequest back;
  back.set_meter(name("m1"));
  back.set_seal_date("2012-05-03");
  back.set_withdraw(true);
  ASSERT_TRUE(call(assets, &Stub::SetVerification, back, meter).ok());
  EXPECT_EQ(meter.verification(), v1::VERIFICATION_UNKNOWN);
  EXPECT_EQ(meter.verifications_size(), 3);
  EXPECT_EQ(field_of(call(assets, &Stub::SetVerification, back, meter)), "seal_date") << "it is gone already";
  back.set_certificate("C");
  EXPECT_EQ(field_of(call(assets, &Stub::SetVerification, back, meter)), "withdraw");
}

TEST_F(MeterApprovalTest, BadVerificationsAreNamed) {
  ASSERT_TRUE(create(axr_sd("m1")).ok());
  EXPECT_EQ(field_of(verify("m1", "2012-05-03", 2011)), "due_year");
  EXPECT_EQ(field_of(verify("m1", "2012-05-03", 0)), "due_year");
  EXPECT_EQ(field_of(verify("m1", "2012-05-03", 9999)), "due_year");
  EXPECT_EQ(field_of(verify("m1", "2012-13-03", 2020)), "seal_date");
  EXPECT_EQ(field_of(verify("m1", "yesterday", 2020)), "seal_date");
  EXPECT_EQ(field_of(verify("m1", "1012-05-03", 2020)), "seal_date");
  EXPECT_EQ(field_of(verify("m1", "2013-04-10", 2020)), "seal_date") << "in Honolulu it is still the 9th";
  EXPECT_TRUE(verify("m1", "2013-04-09", 2020).ok());
  EXPECT_EQ(field_of(verify("m1", "2012-05-03", 2020, "")), "certificate");
  EXPECT_EQ(field_of(verify("m1", "2012-05-03", 2020, std::string(129, 'x'))), "certificate");
  EXPECT_EQ(reason_of(verify("m9", "2012-05-03", 2020)), "METER_NOT_FOUND");
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.verifications_size(), 1);
}

TEST_F(MeterApprovalTest, NonconformingMetersComeInPagesInOrder) {
  for (const char* key : {"c", "a", "d", "b"}) ASSERT_TRUE(create(excluded(key)).ok());
  ASSERT_TRUE(create(axr_sd("good")).ok());
  v1::Meter transformer_rated = axr_sd("e");
  transformer_rated.set_meter_class("CL20");
  ASSERT_TRUE(create(transformer_rated).ok());
  std::string order, rules;
  for (const auto& one : nonconforming("oahu", 2)) {
    order += one.meter().name().back();
    rules += one.findings(0).rule() + " ";
  }
  EXPECT_EQ(order, "abcde");
  EXPECT_EQ(rules,
            "MODULE_RESTRICTION MODULE_RESTRICTION MODULE_RESTRICTION MODULE_RESTRICTION MODEL_RESTRICTION ");
  EXPECT_TRUE(nonconforming("maui").empty());
  fixture.regimes = std::make_shared<const regime::Regimes>();
  v1::ListNonconformingRequest request;
  request.set_parent("utilities/oahu");
  v1::ListNonconformingResponse response;
  EXPECT_EQ(reason_of(call(assets, &Stub::ListNonconforming, request, response)), "NOTICE_NOT_LOADED");
}

TEST_F(MeterApprovalTest, NonconformityIsAskedForAMoment) {
  v1::Meter wanted = axr_sd("m1");
  wanted.set_form("12S");
  ASSERT_TRUE(create(wanted).ok());
  ASSERT_TRUE(update(swap("m1", "TRILLIANT", "2013-02-01T00:00:00Z")).ok());
  v1::ListNonconformingRequest request;
  request.set_parent("utilities/oahu");
  v1::ListNonconformingResponse response;
  *request.mutable_at() = stamp("2013-01-31T23:59:59Z");
  ASSERT_TRUE(call(assets, &Stub::ListNonconforming, request, response).ok());
  EXPECT_EQ(response.meters_size(), 0);
  *request.mutable_at() = stamp("2013-02-01T00:00:00Z");
  ASSERT_TRUE(call(assets, &Stub::ListNonconforming, request, response).ok());
  EXPECT_EQ(response.meters_size(), 1);
}

class ImportApprovalTest : public MeterApprovalTest {
 protected:
  v1::ImportRow& add(const v1::Meter& wanted, const std::string& point) {
    v1::ImportRow& row = *rows.mutable_rows()->add_rows();
    row.set_meter(wanted.name().substr(wanted.name().rfind('/') + 1));
    row.set_model(wanted.model());
    row.set_form(wanted.form());
    row.set_elements(wanted.elements());
    row.set_wires(wanted.wires());
    row.set_meter_class(wanted.meter_class());
    row.set_firmware(wanted.firmware());
    row.set_module_type(wanted.module_type());
    row.set_usage_point(point);
    *row.mutable_valid_from() = wanted.valid_from();
    return row;
  }
  grpc::Status import(v1::ImportOptions::Mode mode, bool dry_run = false) {
    v1::ImportMetersRequest options;
    options.mutable_options()->set_parent("utilities/oahu");
    options.mutable_options()->set_mode(mode);
    options.mutable_options()->set_dry_run(dry_run);
    options.mutable_options()->set_row_count(static_cast<std::uint64_t>(rows.rows().rows_size()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    response.Clear();
    const auto writer = assets->ImportMeters(&context, &response);
    writer->Write(options);
    writer->Write(rows);
    writer->WritesDone();
    return writer->Finish();
  }
  int meters() {
    v1::ListMetersRequest request;
    request.set_parent("utilities/oahu");
    v1::ListMetersResponse list;
    EXPECT_TRUE(call(assets, &Stub::ListMeters, request, list).ok());
    return list.meters_size();
  }
  v1::ImportMetersRequest rows;
  v1::ImportMetersResponse response;
};

TEST_F(ImportApprovalTest, PlannedRowThatTheNoticeExcludesKeepsEverythingOut) {
  add(axr_sd("m1"), "up1");
  add(excluded("m2"), "up2");
  ASSERT_TRUE(import(v1::ImportOptions::PLANNED).ok());
  EXPECT_FALSE(response.stored());
  EXPECT_EQ(response.created(), 0U);
  ASSERT_EQ(response.errors_size(), 1);
  EXPECT_EQ(response.errors(0).row(), 2U);
  EXPECT_EQ(response.errors(0).reason(), "MODULE_RESTRICTION");
  EXPECT_NE(response.errors(0).message().find("COMMUNICATIONS, Trilliant SecureMesh"), std::string::npos)
      << response.errors(0).message();
  EXPECT_EQ(meters(), 0);
}

TEST_F(ImportApprovalTest, InstalledRowThatTheNoticeExcludesIsStoredCountedAndListed) {
  add(axr_sd("m1"), "up1");
  add(excluded("m2"), "up2");
  add(excluded("m3"), "");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED, true).ok());
  EXPECT_EQ(response.nonconforming(), 2U);
  EXPECT_EQ(meters(), 0);
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  EXPECT_TRUE(response.stored());
  EXPECT_EQ(response.installed(), 2U);
  EXPECT_EQ(response.nonconforming(), 2U);
  const auto listed = nonconforming();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].usage_point(), "utilities/oahu/usagePoints/up2");
  EXPECT_EQ(listed[1].usage_point(), "");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  EXPECT_EQ(response.unchanged(), 3U);
}

TEST_F(ImportApprovalTest, RevisionOfEachRowsDayCounts) {
  v1::Meter early = axr_sd("m1");
  *early.mutable_valid_from() = stamp("2010-03-29T12:00:00Z");  // SSN was approved the day after
  add(early, "");
  add(axr_sd("m2"), "");
  ASSERT_TRUE(import(v1::ImportOptions::PLANNED).ok());
  ASSERT_EQ(response.errors_size(), 1);
  EXPECT_EQ(response.errors(0).row(), 1U);
  EXPECT_EQ(response.errors(0).reason(), "MODULE_NOT_YET_APPROVED");
}

TEST_F(ImportApprovalTest, UnknownModuleNamesTheKnownOnesAndTheOtherRowsAreStillChecked) {
  add(axr_sd("m1"), "").set_module_type("Itron");
  add(axr_sd("m2"), "").set_module_type("SSN");
  rows.mutable_rows()->mutable_rows(1)->set_board("SSN");
  add(excluded("m3"), "");
  ASSERT_TRUE(import(v1::ImportOptions::PLANNED).ok());
  ASSERT_EQ(response.errors_size(), 3);
  EXPECT_EQ(response.errors(0).field(), "module_type");
  EXPECT_NE(response.errors(0).message().find("FLEXNET, RF_MESH"), std::string::npos);
  EXPECT_EQ(response.errors(1).field(), "board");
  EXPECT_EQ(response.errors(2).row(), 3U);
  EXPECT_EQ(response.errors(2).reason(), "MODULE_RESTRICTION");
  EXPECT_EQ(meters(), 0);
}

TEST_F(ImportApprovalTest, RadioIntoTheHomeIsStoredFilledInAndNotContradicted) {
  v1::Meter known = axr_sd("m1");
  known.set_module_type("TS2");
  ASSERT_TRUE(create(known).ok());
  add(known, "").set_han("ZIGBEE");  // was not known
  v1::Meter fresh = known;
  fresh.set_name(name("m2"));
  add(fresh, "").set_han("NONE");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  EXPECT_TRUE(response.stored());
  EXPECT_EQ(response.unchanged(), 0U);
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.han(), "ZIGBEE");
  ASSERT_TRUE(get("m2").ok());
  EXPECT_EQ(meter.han(), "NONE");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  EXPECT_EQ(response.unchanged(), 2U);

  rows.Clear();
  add(known, "").set_han("NONE");
  v1::Meter none = axr_sd("m3");
  none.clear_module_type();
  add(none, "").set_han("ZIGBEE");
  add(fresh, "").set_han("wifi");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  EXPECT_FALSE(response.stored());
  ASSERT_EQ(response.errors_size(), 3);
  for (const auto& error : response.errors()) EXPECT_EQ(error.field(), "han") << error.message();
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.han(), "ZIGBEE");
}

TEST_F(ImportApprovalTest, OtherModuleThanTheKnownOneIsAnErrorAndOneThatWasMissingIsAdded) {
  v1::Meter bare = axr_sd("m1");
  bare.clear_module_type();
  ASSERT_TRUE(create(bare).ok());
  ASSERT_TRUE(create(axr_sd("m2")).ok());
  add(axr_sd("m1"), "");
  v1::Meter other = axr_sd("m2");
  other.set_module_type("TS2");
  add(other, "");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  ASSERT_EQ(response.errors_size(), 1);
  EXPECT_EQ(response.errors(0).field(), "module_type");
  EXPECT_NE(response.errors(0).message().find("SSN"), std::string::npos) << response.errors(0).message();
  rows.mutable_rows()->mutable_rows()->RemoveLast();
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED).ok());
  EXPECT_TRUE(response.stored());
  EXPECT_EQ(response.unchanged(), 0U);
  ASSERT_TRUE(get("m1").ok());
  EXPECT_EQ(meter.module_type(), "SSN");
}

}  // namespace
}  // namespace ami::rpc
