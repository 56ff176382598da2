#include <gtest/gtest.h>

#include <random>

#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

std::string soap(const std::string& body) {
  return "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header/><e:Body>" + body +
         "</e:Body></e:Envelope>";
}

TEST(UiqJobAnswer, FindDeviceGivesTheMacAndNobodyIsAnEmptyList) {
  const SiteTemplate site = shipped();
  const auto found = decode_answer(
      site, Operation::FindDevice,
      soap("<n:FindDeviceResponse xmlns:n=\"urn:any\"><n:SearchResponse><n:Name>M1</n:Name><n:DeviceConfig>"
           "<n:MacID>00:13:50</n:MacID></n:DeviceConfig><n:UtilDeviceStateID><n:LocalizedValue>Active</"
           "n:LocalizedValue>"
           "</n:UtilDeviceStateID></n:SearchResponse></n:FindDeviceResponse>"));
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(found->rows[0], (Row{{"mac", "00:13:50"}, {"meter", "M1"}, {"state", "Active"}}));
  const auto nobody = decode_answer(site, Operation::FindDevice, soap("<FindDeviceResponse/>"));
  ASSERT_TRUE(nobody.ok());
  EXPECT_TRUE(nobody->rows.empty());
}

TEST(UiqJobAnswer, AJobWithoutItsIdIsAnErrorNotAnEmptyJob) {
  const SiteTemplate site = shipped();
  const auto job = decode_answer(site, Operation::AddReadJob,
                                 soap("<JobIDResponse><JobID> 4711 </JobID></JobIDResponse>"));
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->rows.at(0).at("job"), "4711");
  for (const char* body :
       {"<JobIDResponse/>", "<JobIDResponse><JobID/></JobIDResponse>", "<Other><Job>1</Job></Other>"}) {
    const auto missing = decode_answer(site, Operation::AddProvisioningJob, soap(body));
    ASSERT_FALSE(missing.ok()) << body;
    EXPECT_TRUE(missing.error().message.starts_with("missing_field: ")) << missing.error().message;
  }
  EXPECT_TRUE(decode_answer(site, Operation::ActivateJob, soap("<Done/>")).ok());
}

TEST(UiqJobAnswer, StatusIsAWordForTheTemplatesTable) {
  const SiteTemplate site = shipped();
  const auto state = [&](const char* word) {
    const auto answer = decode_answer(site, Operation::JobStatus,
                                      soap(std::string("<R><ExecutionStatus><LocalizedValue>") + word +
                                           "</LocalizedValue></ExecutionStatus></R>"));
    return answer ? site.state_of(answer->rows.at(0).at("status")) : JobState::Unknown;
  };
  EXPECT_EQ(state("Completed"), JobState::Completed);
  EXPECT_EQ(state("In Progress"), JobState::Running);
  EXPECT_EQ(state("Failure"), JobState::Failed);
  EXPECT_EQ(state("Paused"), JobState::Unknown);
}

TEST(UiqJobAnswer, FaultsOfBothSoapVersionsAreTold) {
  const SiteTemplate site = shipped();
  const auto one = decode_answer(
      site, Operation::JobStatus,
      soap("<e:Fault><faultcode>e:Client</faultcode><faultstring>no such job</faultstring></e:Fault>"));
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->fault, "no such job");
  const auto two = decode_answer(
      site, Operation::JobStatus,
      "<e:Envelope "
      "xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><e:Fault><e:Code><e:Value>e:Sender</"
      "e:Value>"
      "</e:Code><e:Reason><e:Text>no such job</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>");
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->fault, "no such job");
}

TEST(UiqJobResults, EachDeviceIsAResultOfItsJob) {
  const SiteTemplate site = shipped();
  DecodedBatch batch;
  const std::string text = soap(
      "<R><SearchResponse><DeviceMacID>00:13:50:01</DeviceMacID><ResultStatus><LocalizedValue>Success</"
      "LocalizedValue>"
      "</ResultStatus><CompletionTime>2026-01-15T00:00:00-05:00</CompletionTime></SearchResponse>"
      "<SearchResponse><DeviceMacID>00:13:50:02</DeviceMacID><ErrorMessage>no answer</ErrorMessage>"
      "<CompletionTime>1970-01-01T00:00:00Z</CompletionTime></SearchResponse></R>");
  ASSERT_TRUE(decode_results(site, Operation::ProvisioningResults, "4711", text, batch).ok());
  ASSERT_EQ(batch.results.size(), 2U);
  EXPECT_EQ(batch.results[0].transaction, "4711");
  EXPECT_EQ(batch.results[0].meter, "00:13:50:01");
  EXPECT_EQ(batch.results[0].meter_kind, AliasKind::Mac);
  EXPECT_EQ(batch.results[0].measure, "provisioning_results");
  EXPECT_EQ(batch.results[0].word, "Success");
  EXPECT_EQ(batch.results[0].time.text, "2026-01-15T00:00:00-05:00");
  EXPECT_EQ(batch.results[0].raw, text);
  EXPECT_EQ(batch.results[1].fault, "no answer");
  EXPECT_EQ(batch.results[1].word, "");
  EXPECT_FALSE(batch.results[1].time.present());
}

TEST(UiqJobResults, ABadRowCostsItself) {
  const SiteTemplate site = shipped();
  DecodedBatch batch;
  ASSERT_TRUE(decode_results(site, Operation::PingResults, "1",
                             soap("<R><SearchResponse><ErrorMessage>who?</ErrorMessage></SearchResponse>"
                                  "<SearchResponse><DeviceMacID>A</DeviceMacID><CompletionTime>soon</"
                                  "CompletionTime></SearchResponse>"
                                  "<SearchResponse/>"
                                  "<SearchResponse><DeviceMacID>B</DeviceMacID></SearchResponse></R>"),
                             batch)
                  .ok());
  ASSERT_EQ(batch.results.size(), 1U);
  EXPECT_EQ(batch.results[0].meter, "B");
  ASSERT_EQ(batch.malformed.size(), 2U);
  EXPECT_STREQ(batch.malformed[0].reason, "missing_device");
  EXPECT_STREQ(batch.malformed[1].reason, "bad_time");
  EXPECT_EQ(batch.malformed[1].meter, "A");
}

TEST(UiqJobResults, AFaultIsOneResultWithItsWords) {
  const SiteTemplate site = shipped();
  DecodedBatch batch;
  ASSERT_TRUE(
      decode_results(site, Operation::ReadResults, "9", encode_fault(site, "no <such> job"), batch).ok());
  ASSERT_EQ(batch.results.size(), 1U);
  EXPECT_EQ(batch.results[0].fault, "no <such> job");
  EXPECT_EQ(batch.results[0].transaction, "9");
}

TEST(UiqJobResults, RowsBeyondTheLimitAreToldOf) {
  std::string rows;
  for (std::size_t i = 0; i <= kMaxRows; ++i)
    rows += "<SearchResponse><DeviceMacID>A</DeviceMacID></SearchResponse>";
  const auto answer = decode_answer(shipped(), Operation::PingResults, soap("<R>" + rows + "</R>"));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->rows.size(), kMaxRows);
  EXPECT_TRUE(answer->more);
}

TEST(UiqJobAnswer, WhatASimulatedFarSideWritesReadsBack) {
  const SiteTemplate site = shipped();
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    for (std::size_t i = 0; i < kOperations; ++i) {
      const auto operation = static_cast<Operation>(i);
      const OperationTemplate& one = *site.find(operation);
      std::vector<Row> rows(one.rows.empty() ? 1 : random() % 4);
      for (Row& row : rows) {
        for (const auto& [name, path] : one.fields) row[name] = "x&<" + std::to_string(random() % 1000);
      }
      const auto answer = decode_answer(site, operation, encode_answer(site, operation, rows));
      ASSERT_TRUE(answer.ok()) << answer.error().message;
      if (one.fields.empty()) continue;
      ASSERT_EQ(answer->rows, rows) << name_of(operation);
    }
  }
}

TEST(UiqJobAnswer, FieldsThatShareAPathsBeginningShareItsElement) {
  const SiteTemplate site = site_of(
      "version: 1\noperations:\n  find_device:\n    path: /p\n    body: <a xmlns=\"urn:x\"/>\n    answer:\n"
      "      rows: List/Device\n      fields: {mac: Ids/Mac, meter: Ids/Name}\n");
  const std::string text =
      encode_answer(site, Operation::FindDevice, {{{"mac", "1"}, {"meter", "2"}}, {{"mac", "3"}}});
  EXPECT_NE(text.find("<List><Device><Ids><Mac>1</Mac><Name>2</Name></Ids></Device><Device><Ids><Mac>3</"
                      "Mac></Ids></Device></List>"),
            std::string::npos)
      << text;
  const auto answer = decode_answer(site, Operation::FindDevice, text);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->rows, (std::vector<Row>{{{"mac", "1"}, {"meter", "2"}}, {{"mac", "3"}}}));
}

}  // namespace
}  // namespace ami::uiq_job
