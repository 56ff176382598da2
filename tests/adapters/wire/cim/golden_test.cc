// Golden files (expectations by oracle.py, read over by hand) and the real sample beside the checkout.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

class CimGolden : public testing::TestWithParam<const char*> {};

TEST_P(CimGolden, ReadsAsExpected) {
  const std::string file = test_folder() + "golden/" + GetParam();
  const Options options = std::string(GetParam()) == "command_center" ? with_landis_gyr() : Options{};
  EXPECT_EQ(render(read_file(file + ".xml"), options), read_file(file + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(Files, CimGolden,
                         testing::Values("second_edition", "first_edition", "command_center", "trouble",
                                         "control", "soap_fault"),
                         [](const auto& file) { return std::string{file.param}; });

TEST(CimSample, TheRealEventOfCommandCenterIsAPowerFailure) {
  const char* samples = std::getenv("AMI_SAMPLES_DIR");
  const std::string file =
      std::string(samples == nullptr ? "" : samples) + "/landisgyr/cim-enddeviceevent-sample.xml";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no samples beside the checkout";
  const auto decoded = decode(read_file(file), with_landis_gyr());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_TRUE(decoded->batch.malformed.empty());
  ASSERT_EQ(decoded->batch.observations.size(), 1U);
  const auto& event = std::get<EventObservation>(decoded->batch.observations[0]);
  EXPECT_EQ(event.meter, "abcde");
  EXPECT_EQ(event.code, "6.20.1.185");
  EXPECT_EQ(event.text, "POWER_FAIL");
  EXPECT_EQ(event.time.text, "2017-10-11T19:19:12.1554361Z");
  EXPECT_EQ(decoded->message.kind, Kind::Request);
  EXPECT_EQ(decoded->message.soap, Soap::V11);
  EXPECT_EQ(decoded->message.edition, Edition::CommandCenter);
  ASSERT_TRUE(decoded->message.credentials.has_value());
  EXPECT_EQ(decoded->message.credential_place, CredentialPlace::SoapHeader);
  const auto start = read_request_time(decoded->message.request.start_time);
  ASSERT_TRUE(start.ok()) << start.error().message;
  using namespace std::chrono;
  EXPECT_EQ(start->civil,
            CivilTime{local_days{year{2017} / 10 / 11} + hours{19} + minutes{19} + seconds{12}});

  Options standard_only;
  const auto refused = decode(read_file(file), standard_only);
  ASSERT_TRUE(refused.ok());
  ASSERT_EQ(refused->batch.malformed.size(), 1U);
  EXPECT_STREQ(refused->batch.malformed[0].reason, "wrong_namespace");
}

}  // namespace
}  // namespace ami::cim
