#include "storage/postgres/switched_meter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class SwitchedMeterTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    MeterDetail detail;
    detail.valid.from = at("2020-01-01T00:00:00Z");
    detail.model = "FOCUS AXR-SD";
    detail.form = "2S";
    detail.elements = "1.5";
    detail.wires = 3;
    detail.class_a = "200";
    detail.firmware = "5.33";
    detail.firmware_source = "table";
    detail.firmware_at = at("2024-01-01T00:00:00Z");
    FittedModule module;
    module.valid.from = detail.valid.from;
    module.key = "FLEXNET";
    module.module = "FlexNet";
    const auto made = assets->create_meter(
        north, "M1", detail,
        {{"radio", AliasKind::Badge, "B1", {detail.valid.from}},
         {"", AliasKind::ManufacturerSerial, "00994711", {detail.valid.from}},
         {"", AliasKind::ManufacturerSerial, "old", {detail.valid.from, at("2021-01-01T00:00:00Z")}}},
        module);
    ASSERT_TRUE(made.ok()) << made.refusal().message;
    id = made->id;
    for (const char* key : {"UP-1", "UP-2"})
      ASSERT_TRUE(assets->create_usage_point(north, key, {{detail.valid.from}, "", "F1", "", ""}).ok());
    move_to("UP-1", "2020-01-01T00:00:00Z");
  }
  void move_to(const std::string& usage_point, const char* when) {
    InstallRequest install;
    install.utility = north;
    install.meter = "M1";
    install.usage_point = usage_point;
    install.at = at(when);
    const auto done = assets->install(install);
    ASSERT_TRUE(done.ok()) << done.refusal().message;
  }
  SwitchedMeter found(const char* when) {
    const auto answer = SwitchedMeters(*database).at(north, "M1", at(when), false);
    EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.refusal().message);
    return answer.ok() ? *answer : SwitchedMeter{};
  }
  MeterId id = 0;
};

TEST_F(SwitchedMeterTest, TellsAllThatIsTogetherThen) {
  const SwitchedMeter meter = found("2025-01-01T00:00:00Z");
  EXPECT_EQ(meter.id, id);
  EXPECT_EQ(meter.utility.key, "north");
  EXPECT_EQ(meter.usage_point, "UP-1");
  EXPECT_EQ(meter.fitted.detail.model, "FOCUS AXR-SD");
  EXPECT_EQ(meter.fitted.detail.elements, "1.5");
  EXPECT_EQ(meter.fitted.detail.wires, 3);
  EXPECT_EQ(meter.fitted.detail.class_a, "200");
  EXPECT_EQ(meter.fitted.detail.firmware, "5.33");
  EXPECT_EQ(meter.fitted.module.key, "FLEXNET");
  EXPECT_EQ(meter.fitted.module.module, "FlexNet");
  ASSERT_EQ(meter.ways.names.size(), 2U) << "names that are valid no longer are none";
  EXPECT_TRUE(std::ranges::any_of(meter.ways.names, [](const Alias& name) { return name.value == "00994711"; }));
}

TEST_F(SwitchedMeterTest, AFirmwareThatWasNotKnownThenIsNone) {
  EXPECT_EQ(found("2023-12-31T23:59:59Z").fitted.detail.firmware, "");
  EXPECT_EQ(found("2024-01-01T00:00:00Z").fitted.detail.firmware, "5.33");
}

TEST_F(SwitchedMeterTest, AfterAnExchangeItIsWhereItIsNow) {
  RemoveRequest remove;
  remove.utility = north;
  remove.meter = "M1";
  remove.at = at("2025-06-01T10:37:00Z");
  ASSERT_TRUE(assets->remove(remove).ok());
  EXPECT_EQ(found("2025-06-01T10:36:59Z").usage_point, "UP-1");
  EXPECT_EQ(found("2025-06-01T10:37:00Z").usage_point, "");
  move_to("UP-2", "2025-06-02T00:00:00Z");
  EXPECT_EQ(found("2025-06-02T00:00:00Z").usage_point, "UP-2");
}

TEST_F(SwitchedMeterTest, AnotherUtilitysMeterIsNone) {
  const auto answer = SwitchedMeters(*database).at(south, "M1", at("2025-01-01T00:00:00Z"), false);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.refusal().kind, Refusal::Kind::NotFound);
  const auto near = SwitchedMeters(*database).at(north, "M11", at("2025-01-01T00:00:00Z"), false);
  ASSERT_FALSE(near.ok());
  EXPECT_EQ(near.refusal().nearest, "M1");
}

TEST_F(SwitchedMeterTest, BothWaysOfAskingTellTheSame) {
  const SwitchedMeter quick = found("2025-01-01T00:00:00Z");
  const auto whole = SwitchedMeters(*database).at(north, "M1", at("2025-01-01T00:00:00Z"), true);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->usage_point, quick.usage_point);
  EXPECT_EQ(whole->ways.meter, quick.ways.meter);
  EXPECT_EQ(whole->ways.module, quick.ways.module);
  EXPECT_EQ(whole->ways.feeder, "F1");
  ASSERT_EQ(whole->ways.names.size(), quick.ways.names.size());
  for (std::size_t i = 0; i < quick.ways.names.size(); ++i) {
    EXPECT_EQ(whole->ways.names[i].feed, quick.ways.names[i].feed);
    EXPECT_EQ(whole->ways.names[i].kind, quick.ways.names[i].kind);
    EXPECT_EQ(whole->ways.names[i].value, quick.ways.names[i].value);
  }
}

}  // namespace
}  // namespace ami::storage
