// What we ask, as a simulated far side and an independent reader (oracle.py) understand it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

TEST(UiqJobCall, FindDeviceLooksAsInPublicScripts) {
  const auto call = encode_call(shipped(), Operation::FindDevice, {{"meter", "A<1>"}, {"rows", "1"}});
  ASSERT_TRUE(call.ok()) << call.error().message;
  EXPECT_EQ(call->path, "/amm/webservice/v2.10/DeviceManagerPort");
  EXPECT_EQ(call->body,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
            "<d:FindDevice xmlns:d=\"urn:com:ssn:schema:service:DeviceManager.xsd\">\n"
            "  "
            "<d:SearchParameters><d:CommonAttributes><d:Name>A&lt;1&gt;</d:Name></d:CommonAttributes></"
            "d:SearchParameters>\n"
            "  <d:NumberRows>1</d:NumberRows>\n"
            "</d:FindDevice></s:Body></s:Envelope>");
}

TEST(UiqJobCall, AMissingValueIsNamed) {
  const SiteTemplate site = shipped();
  const auto call = encode_call(site, Operation::FindDevice, {{"meter", "A1"}});
  ASSERT_FALSE(call.ok());
  EXPECT_EQ(call.error().message, "find_device needs a value for {rows}");
  EXPECT_FALSE(encode_call(site, Operation::FindDevice, {{"meter", ""}, {"rows", "1"}}).ok());
  const auto other =
      encode_call(site_of("version: 1\nname: bare\noperations: {}\n"), Operation::JobStatus, {});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().message, "the site template \"bare\" does not have job_status");
}

Values all_values(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  static const std::vector<std::string> pieces{"a",  "Z", "9",     "&",        "<",   ">",
                                               "\"", "'", "{job}", "\xC3\xA9", "]]>", ":"};
  Values values;
  for (const char* name :
       {"meter", "mac", "job", "job_name", "action", "read_type", "retries", "priority", "rows", "from", "to"}) {
    std::string text = "x";
    for (std::size_t i = random() % 6; i > 0; --i) text += pieces[random() % pieces.size()];
    values[name] = text;
  }
  return values;
}

TEST(UiqJobCall, ASimulatedFarSideReadsWhatWasAskedWhateverTheValuesHold) {
  const SiteTemplate site = shipped();
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Values values = all_values(seed);
    for (std::size_t i = 0; i < kOperations; ++i) {
      const auto operation = static_cast<Operation>(i);
      const auto call = encode_call(site, operation, values);
      ASSERT_TRUE(call.ok()) << call.error().message;
      const auto asked = decode_call(site, call->body);
      ASSERT_TRUE(asked.ok()) << asked.error().message;
      ASSERT_EQ(asked->operation, operation);
      ASSERT_EQ(asked->values.size(), site.find(operation)->placeholders.size());
      for (const auto& [name, value] : asked->values) ASSERT_EQ(value, values.at(name)) << name;
    }
  }
}

TEST(UiqJobCall, AnIndependentReaderFindsTheSameLeaves) {
  const SiteTemplate site = shipped();
  const Values values{{"mac", "00:13:50:00:00:00:00:01"},
                      {"job_name", "gw-1"},
                      {"action", "JOB_OP_PROVISION_DISCONNECT"},
                      {"retries", "0"},
                      {"priority", "JOB_PRIORITY_HIGH"}};
  const auto call = encode_call(site, Operation::AddProvisioningJob, values);
  ASSERT_TRUE(call.ok());
  const auto file = std::filesystem::path{testing::TempDir()} / ("uiq-" + std::to_string(getpid()) + ".xml");
  std::ofstream(file, std::ios::binary) << call->body;
  const char* root = std::getenv("AMI_SOURCE_DIR");
  const std::string command = "python3 '" + std::string(root == nullptr ? "." : root) +
                              "/tests/adapters/wire/uiq_job/oracle.py' '" + file.string() + "'";
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char part[4096];
  while (const std::size_t got = std::fread(part, 1, sizeof part, pipe)) said.append(part, got);
  const int status = pclose(pipe);
  std::filesystem::remove(file);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) GTEST_SKIP() << "python3 is not installed";
  ASSERT_EQ(status, 0);
  EXPECT_EQ(said,
            "{urn:com:ssn:schema:service:v2.1:JobManager.xsd}AddRemoteProvisioningJob\n"
            "JobInfo/Name=gw-1\n"
            "RemoteProvisioningJob/DeviceMacID=00:13:50:00:00:00:00:01\n"
            "RemoteProvisioningJob/NumberRetries=0\n"
            "RemoteProvisioningJob/Priority/Name=JOB_PRIORITY_HIGH\n"
            "RemoteProvisioningJob/ProvisioningAction/Name=JOB_OP_PROVISION_DISCONNECT\n"
            "Schedule/Immediate=\n"
            "AutoActivate=true\n");
}

TEST(UiqJobCall, WhatIsNoCallOfTheTemplateIsRefused) {
  const SiteTemplate site = shipped();
  const auto word = [&](const std::string& text) {
    const auto asked = decode_call(site, text);
    return asked ? std::string("ok") : asked.error().message.substr(0, asked.error().message.find(':'));
  };
  EXPECT_EQ(word(""), "empty_file");
  EXPECT_EQ(word("<a/>"), "not_soap");
  EXPECT_EQ(word("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body/></s:Envelope>"),
            "not_soap");
  EXPECT_EQ(word("<Envelope><Body><FindDevice/></Body></Envelope>"), "not_soap");
  EXPECT_EQ(word("<s:Envelope "
                 "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><FindDevice/></s:Body></"
                 "s:Envelope>"),
            "unknown_operation");
}

TEST(UiqJobCall, TheSoapVersionIsTheTemplates) {
  const SiteTemplate site = site_of(
      "version: 1\nsoap: \"1.2\"\noperations:\n  activate_job: {path: /p, action: urn:a, body: '<a "
      "xmlns=\"urn:x\"><b>{job}</b></a>'}\n");
  const auto call = encode_call(site, Operation::ActivateJob, {{"job", "7"}});
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(call->soap_action, "urn:a");
  EXPECT_NE(call->body.find("http://www.w3.org/2003/05/soap-envelope"), std::string::npos);
  EXPECT_TRUE(decode_call(site, call->body).ok());
}

}  // namespace
}  // namespace ami::uiq_job
