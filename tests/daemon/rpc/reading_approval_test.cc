// Type approval and verification of what is read: by the assets at each value's own time.
#include <gtest/gtest.h>

#include "tests/daemon/regime/shipped_regimes.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::at;
using testing::stamp;
using testing::text_of;

// Meter m1 of "maui" (see store_data.h), now under AE-1641: a FOCUS AXR-SD of which all is known since
// 2012-06-01, with SSN until 2013-04-07T23:20Z, then TS2; sealed in 2012, the seal broken by the swap.
class ReadingApprovalTest : public testing::ServicesTest {
 protected:
  ReadingApprovalTest() : ServicesTest(testing::create_filled_database()) {
    fixture.regimes = regime::testing::shipped_regimes();
    storage::Assets store(fixture.database);
    storage::Utility maui = *store.get_utility("maui");
    maui.notice = "AE-1641";
    EXPECT_TRUE(store.put_utility(maui).ok());
    storage::MeterChange known;
    known.detail = regime::testing::axr_sd();
    known.detail->valid.from = at("2012-06-01T00:00:00Z");
    known.module = regime::testing::module("SSN", {at("2012-06-01T00:00:00Z")});
    EXPECT_TRUE(store.change_meter(maui.id, "m1", known).ok());
    storage::MeterChange swap;
    swap.module = regime::testing::module("TS2", {at("2013-04-07T23:20:00Z")}, true);
    EXPECT_TRUE(store.change_meter(maui.id, "m1", swap).ok());
    EXPECT_TRUE(store.set_verification(maui.id, "m1", regime::testing::seal(2012, 5, 3, 2020)).ok());
  }

  grpc::Status registers(const std::string& name) {
    v1::ListRegistersRequest request;
    request.set_name(name);
    return call(readings, &v1::ReadingService::Stub::ListRegisters, request, listed);
  }

  v1::ListRegistersResponse listed;
};

TEST_F(ReadingApprovalTest, RegisterIsJudgedByWhatWasFittedAtItsTime) {
  ASSERT_TRUE(registers("utilities/maui/meters/m1").ok());
  std::vector<std::string> told;
  for (const v1::RegisterValue& value : listed.values()) {
    told.push_back(value.channel() + " " + text_of(value.time()).substr(0, 10) + " " +
                   v1::TypeApproval_Name(value.type_approval()) + " " +
                   v1::Verification_Name(value.verification()));
  }
  // TS2: what it transmits is not stated. Voltage is no quantity of the notice.
  EXPECT_EQ(told, (std::vector<std::string>{
                      "ssn:reg:1 2013-04-08 TYPE_APPROVAL_NOT_STATED VERIFICATION_NOT_VERIFIED",
                      "ssn:reg:1 2013-04-09 TYPE_APPROVAL_NOT_STATED VERIFICATION_NOT_VERIFIED",
                      "ssn:v 2013-04-08 TYPE_APPROVAL_NOT_STATED VERIFICATION_NOT_VERIFIED"}));
  EXPECT_EQ(listed.values(0).approval().notice(), "AE-1641");
  EXPECT_EQ(listed.values(0).approval().revision(), "Rev. 6");
  EXPECT_EQ(listed.values(0).approval().clause(), "COMMUNICATIONS, Landis+Gyr EMS, item 2, paragraph 1");
  EXPECT_NE(listed.values(0).approval().reason(), "");
  EXPECT_FALSE(listed.values(0).approval().nonconforming());
}

TEST_F(ReadingApprovalTest, LatestOfManySaysTheSameAndAMeterOfWhichLessIsKnownIsUnknown) {
  v1::GetLatestRequest request;
  request.add_names("utilities/maui/usagePoints/up1");
  request.add_names("utilities/maui/meters/ct1");
  request.add_quantities(v1::ENERGY_DELIVERED);
  v1::GetLatestResponse response;
  ASSERT_TRUE(call(readings, &v1::ReadingService::Stub::GetLatest, request, response).ok());
  EXPECT_EQ(response.latest(0).values(0).type_approval(), v1::TYPE_APPROVAL_NOT_STATED);
  EXPECT_EQ(response.latest(0).values(0).verification(), v1::VERIFICATION_NOT_VERIFIED);
  EXPECT_EQ(response.latest(1).values(0).type_approval(), v1::TYPE_APPROVAL_UNKNOWN);
  EXPECT_EQ(response.latest(1).values(0).verification(), v1::VERIFICATION_UNKNOWN);
  EXPECT_EQ(response.latest(1).values(0).approval().clause(), "");
  EXPECT_NE(response.latest(1).values(0).approval().reason(), "");
}

TEST_F(ReadingApprovalTest, ReadsOfANonconformingMeterAreThereAndMarked) {
  storage::Assets store(fixture.database);
  const storage::UtilityId maui = store.get_utility("maui")->id;
  storage::MeterChange change;
  change.detail = regime::testing::axr_sd();
  change.detail->class_a = "20";  // a service switch in a transformer-rated meter
  change.detail->valid.from = at("2013-04-08T12:00:00Z");
  ASSERT_TRUE(store.change_meter(maui, "m1", change).ok());
  ASSERT_TRUE(registers("utilities/maui/meters/m1").ok());
  EXPECT_FALSE(listed.values(0).approval().nonconforming());
  EXPECT_TRUE(listed.values(1).approval().nonconforming());
  EXPECT_EQ(listed.values(1).value(), "12400.000");
  EXPECT_EQ(listed.values(1).type_approval(), v1::TYPE_APPROVAL_OUTSIDE);
  EXPECT_EQ(listed.values(1).approval().clause(), "SUMMARY DESCRIPTION, paragraph 7");
}

TEST_F(ReadingApprovalTest, IntervalsBeginANewNumberAtTheSwap) {
  v1::StreamIntervalsRequest request;
  request.add_names("utilities/maui/meters/m1");
  *request.mutable_start() = stamp("2013-04-07T00:00:00Z");
  *request.mutable_end() = stamp("2013-04-08T00:00:00Z");
  request.set_purpose("test");
  grpc::ClientContext context;
  const auto reader = readings->StreamIntervals(&context, request);
  std::map<std::uint32_t, v1::Dictionary::Channel> channels;
  std::vector<std::string> told;
  v1::StreamIntervalsResponse message;
  while (reader->Read(&message)) {
    for (const auto& one : message.dictionary().channels()) channels[one.number()] = one;
    if (!message.has_block()) continue;
    const v1::Dictionary::Channel& of_block = channels.at(message.block().channel());
    told.push_back(text_of(message.block().first_start()) + " " +
                   std::to_string(message.block().mantissas_size()) + " " +
                   v1::TypeApproval_Name(of_block.type_approval()) + " " +
                   v1::Verification_Name(of_block.verification()));
  }
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_EQ(told, (std::vector<std::string>{
                      "2013-04-07T23:00:00Z 1 TYPE_APPROVAL_APPROVED VERIFICATION_IN_PERIOD",
                      "2013-04-07T23:15:00Z 1 TYPE_APPROVAL_UNKNOWN VERIFICATION_UNKNOWN",
                      "2013-04-07T23:30:00Z 2 TYPE_APPROVAL_NOT_STATED VERIFICATION_NOT_VERIFIED"}));
}

TEST_F(ReadingApprovalTest, ChangeFeedSaysItOfEachRunAndOfTheWholeWhereItIsOne) {
  v1::StreamChangesRequest request;
  request.set_parent("utilities/maui");
  request.set_purpose("test");
  request.set_until_caught_up(true);
  grpc::ClientContext context;
  const auto reader = readings->StreamChanges(&context, request);
  std::vector<std::string> told;
  v1::StreamChangesResponse message;
  while (reader->Read(&message)) {
    const v1::Change& change = message.change();
    if (!message.has_change() || !change.meter().ends_with("/m1") || change.channel().empty()) continue;
    std::string line = change.channel() + " " + v1::TypeApproval_Name(change.type_approval()).substr(14);
    for (const auto& run : change.intervals()) {
      line += ", " + text_of(run.first_start()).substr(11, 5) + " " +
              v1::TypeApproval_Name(run.type_approval()).substr(14) + " " +
              v1::Verification_Name(run.verification()).substr(13);
    }
    for (const auto& value : change.registers())
      line += ", " + v1::TypeApproval_Name(value.now().type_approval()).substr(14);
    told.push_back(line);
  }
  ASSERT_TRUE(reader->Finish().ok());
  std::ranges::sort(told);
  // 23:15 is a hole, so nothing changed there; from the 8th on all is the new module's.
  EXPECT_EQ(told,
            (std::vector<std::string>{
                "ssn:lp:1 NOT_STATED, 00:00 NOT_STATED NOT_VERIFIED",
                "ssn:lp:1 UNSPECIFIED, 23:00 APPROVED IN_PERIOD, 23:30 NOT_STATED NOT_VERIFIED",
                "ssn:lp:2 NOT_STATED, 00:00 NOT_STATED NOT_VERIFIED", "ssn:reg:1 NOT_STATED, NOT_STATED",
                "ssn:reg:1 NOT_STATED, NOT_STATED", "ssn:v NOT_STATED, NOT_STATED"}));
}

}  // namespace
}  // namespace ami::rpc
