#include "daemon/rpc/convert.h"

#include <gtest/gtest.h>

#include "meter_model/quantity/reading_type.h"

namespace ami::rpc {
namespace {

std::string refused_field(const std::function<void()>& work) {
  try {
    work();
  } catch (const StatusError& error) {
    EXPECT_EQ(error.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    const std::string& message = error.status.error_message();
    return message.substr(0, message.find(':'));
  }
  return "accepted";
}

TEST(Convert, EveryQuantityOfTheModelHasItsNameInTheApi) {
  for (auto quantity = Quantity::EnergyDelivered; quantity < Quantity::Other;
       quantity = static_cast<Quantity>(static_cast<int>(quantity) + 1)) {
    v1::Quantity found = v1::QUANTITY_UNSPECIFIED;
    EXPECT_TRUE(v1::Quantity_Parse(std::string(name_of(quantity)), &found)) << name_of(quantity);
    EXPECT_EQ(static_cast<int>(found), static_cast<int>(quantity)) << name_of(quantity);
  }
}

TEST(Convert, ReadingTypeTellsQuantityAndTou) {
  const Meaning bulk = meaning_of("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0");
  EXPECT_EQ(bulk.quantity, v1::ENERGY_DELIVERED);
  EXPECT_EQ(bulk.tou, 0);
  const Meaning tou = meaning_of("0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.0.72.0");
  EXPECT_EQ(tou.quantity, v1::ENERGY_DELIVERED);
  EXPECT_EQ(tou.tou, 2);
  EXPECT_EQ(meaning_of("0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0").quantity, v1::VOLTAGE);
  EXPECT_EQ(meaning_of("nonsense").quantity, v1::OTHER_QUANTITY);
}

TEST(Convert, InstantsBeforeTheEpochKeepTheirFraction) {
  const google::protobuf::Timestamp before = to_proto(UtcInstant{std::chrono::microseconds{-1}});
  EXPECT_EQ(before.seconds(), -1);
  EXPECT_EQ(before.nanos(), 999'999'000);
  EXPECT_EQ(instant_from("t", before), UtcInstant{std::chrono::microseconds{-1}});
}

TEST(Convert, TimesOutsideTheYearsOneToNineThousandAreRefused) {
  google::protobuf::Timestamp time;
  time.set_seconds(253'402'300'799);
  EXPECT_EQ(refused_field([&] { instant_from("t", time); }), "accepted");
  time.set_seconds(253'402'300'800);
  EXPECT_EQ(refused_field([&] { instant_from("t", time); }), "t");
  time.set_seconds(-62'135'596'801);
  EXPECT_EQ(refused_field([&] { instant_from("t", time); }), "t");
  time.set_seconds(0);
  time.set_nanos(-1);
  EXPECT_EQ(refused_field([&] { instant_from("t", time); }), "t");
  time.set_nanos(1'000'000'000);
  EXPECT_EQ(refused_field([&] { instant_from("t", time); }), "t");
}

TEST(Convert, MultiplierIsOneUnlessSaidAndNeverZeroOrLess) {
  EXPECT_EQ(multiplier_from("m", ""), (Decimal{1, 0}));
  EXPECT_EQ(multiplier_from("m", "0.5"), (Decimal{5, -1}));
  for (const char* text : {"0", "0.000", "-1", "x", "1e400", " 1", "nan"}) {
    EXPECT_EQ(refused_field([&] { multiplier_from("m", text); }), "m") << text;
  }
}

TEST(Convert, TextThatAStoreWouldCutIsRefused) {
  EXPECT_EQ(refused_field([] { text_from("f", "Zähler 1"); }), "accepted");
  EXPECT_EQ(refused_field([] { text_from("f", std::string("a\0b", 3)); }), "f");
  EXPECT_EQ(refused_field([] { text_from("f", "a\nb"); }), "f");
  EXPECT_EQ(refused_field([] { text_from("f", std::string(129, 'a')); }), "f");
}

TEST(Convert, PurposeIsNeverEmpty) {
  for (const char* text : {"", "ab"}) {
    EXPECT_EQ(refused_field([&] { purpose_from(text); }), "purpose");
  }
  EXPECT_EQ(refused_field([] { purpose_from("out"); }), "accepted");
}

TEST(Convert, MultiplierIsAFactorOfEnergyAndPowerOnly) {
  EXPECT_TRUE(takes_multiplier(v1::ENERGY_RECEIVED));
  EXPECT_TRUE(takes_multiplier(v1::DEMAND_MAX_DELIVERED));
  EXPECT_FALSE(takes_multiplier(v1::VOLTAGE));
  EXPECT_FALSE(takes_multiplier(v1::VOLUME));
  EXPECT_FALSE(takes_multiplier(v1::SWITCH_POSITION));
}

TEST(Convert, UnknownQuantityOfARequestIsRefused) {
  google::protobuf::RepeatedField<int> wanted;
  EXPECT_FALSE(filter_from(wanted));  // none wanted = no filter
  wanted.Add(v1::VOLTAGE);
  const storage::ChannelFilter filter = filter_from(wanted);
  storage::ChannelInfo channel;
  channel.reading_type = "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0";
  EXPECT_TRUE(filter(channel));
  channel.reading_type = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
  EXPECT_FALSE(filter(channel));
  wanted.Add(99);
  EXPECT_EQ(refused_field([&] { filter_from(wanted); }), "quantities");
}

}  // namespace
}  // namespace ami::rpc
