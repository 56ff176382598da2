// A password is where it belongs and nowhere else.
#include <gtest/gtest.h>

#include "adapters/wire/cim/codec/encode.h"
#include "tests/adapters/wire/cim/render.h"

namespace ami::cim {
namespace {

constexpr const char* kSecret = "open-sesame";

Message message_with(CredentialPlace place) {
  Message message;
  message.kind = Kind::Event;
  message.soap = Soap::V11;
  message.header.verb = "created";
  message.header.noun = "MeterReadings";
  message.header.properties = {{"QOSLevel", "LEVEL-2"}};
  message.credentials = Credentials{"ali-baba", Secret(kSecret)};
  message.credential_place = place;
  MeterReading reading;
  reading.meter = {"M1", false, ""};
  reading.readings.push_back(
      {"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "1", "2026-01-15T00:00:00Z", "", "", "", {}});
  reading.readings.push_back(
      {"0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "x", "2026-01-15T00:00:00Z", "", "", "", {}});
  message.meter_readings.push_back(reading);
  message.events.push_back({"", "", "2026-01-15T00:00:00Z", "", "", "", "", {"M1", false, ""}});
  message.reply = Reply{"OK", {}};
  return message;
}

class CimCredentialPlaces : public testing::TestWithParam<CredentialPlace> {};

TEST_P(CimCredentialPlaces, AreFoundAndLeftOutOfEverythingElse) {
  const std::string text = encode(message_with(GetParam()));
  ASSERT_NE(text.find(kSecret), std::string::npos);
  const auto decoded = decode(text, {});
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_TRUE(decoded->message.credentials.has_value());
  EXPECT_EQ(decoded->message.credentials->user, "ali-baba");
  EXPECT_EQ(decoded->message.credentials->password.reveal(), kSecret);
  EXPECT_EQ(decoded->message.credential_place, GetParam());
  EXPECT_EQ(decoded->message.header.user, "");
  EXPECT_EQ(decoded->message.header.properties,
            (std::vector<std::pair<std::string, std::string>>{{"QOSLevel", "LEVEL-2"}}));
  ASSERT_EQ(decoded->batch.observations.size(), 1U);
  ASSERT_EQ(decoded->batch.malformed.size(), 2U);
  ASSERT_EQ(decoded->batch.results.size(), 1U);
  const std::string everything = render_all(text, {});
  EXPECT_NE(everything.find("<Header>"), std::string::npos);
  EXPECT_EQ(everything.find(kSecret), std::string::npos);
  EXPECT_EQ(everything.find("ali-baba"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Places, CimCredentialPlaces,
                         testing::Values(CredentialPlace::Body, CredentialPlace::SoapHeader),
                         [](const auto& place) {
                           return place.param == CredentialPlace::Body ? "Body" : "SoapHeader";
                         });

TEST(CimCredentials, NoErrorOfABrokenMessageQuotesThem) {
  for (const auto place : {CredentialPlace::Body, CredentialPlace::SoapHeader}) {
    const std::string text = encode(message_with(place));
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      const auto decoded = decode(text.substr(0, cut), {});
      ASSERT_FALSE(decoded.ok()) << cut;
      ASSERT_EQ(decoded.error().message.find(kSecret), std::string::npos);
      ASSERT_EQ(decoded.error().message.find("ali-baba"), std::string::npos);
    }
  }
}

TEST(CimCredentials, AUserWithoutAPasswordIsAPlainUserAndNotInRaw) {
  Message message = message_with(CredentialPlace::Body);
  message.credentials.reset();
  message.header.user = "ali-baba";
  const auto decoded = decode(encode(message), {});
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(decoded->message.credentials.has_value());
  EXPECT_EQ(decoded->message.header.user, "ali-baba");
  EXPECT_EQ(render_all(encode(message), {}).find("ali-baba"), std::string::npos);
}

}  // namespace
}  // namespace ami::cim
