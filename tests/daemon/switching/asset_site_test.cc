#include "daemon/switching/asset_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/regime/shipped_regimes.h"

namespace ami::daemon::switching {
namespace {

using ::testing::HasSubstr;

const UtcInstant kNow = parse_instant("2013-04-08T12:00:00Z").value();

// A FOCUS AXR-SD with a FlexNet module, of a utility under AE-1641, that one feed has a name for.
class AssetSiteTest : public ::testing::Test {
 protected:
  AssetSiteTest() {
    facts.regimes = regime::testing::shipped_regimes();
    add_feed("flex", "flexnet", true);
    meter.id = 7;
    meter.utility = {1, "hydro", "America/Toronto", "AE-1641"};
    meter.usage_point = "UP-7";
    meter.fitted.detail = regime::testing::axr_sd();
    meter.fitted.module = regime::testing::module("FLEXNET");
    meter.ways.key = "M7";
    meter.ways.meter = 7;
    meter.ways.module = "FLEXNET";
    meter.ways.names = {{"flex", AliasKind::Badge, "B7", {}}, {"", AliasKind::ManufacturerSerial, "00994711", {}}};
  }
  void add_feed(const std::string& name, const std::string& family, bool switches) {
    SwitchFeed feed;
    feed.facts.name = name;
    feed.facts.family = family;
    feed.facts.utility = 1;
    feed.facts.can.read_on_demand = true;
    feed.facts.can.switch_open = feed.facts.can.switch_close = switches;
    feed.flight = std::chrono::seconds{420};
    facts.feeds.push_back(feed);
  }
  MeterNow now() { return meter_now(facts, meter, kNow); }
  static std::string line(const MeterNow& of, const std::string& source) {
    for (const CapabilityLine& line : of.capability.lines) {
      if (line.source == source) return (line.yes ? "yes: " : "no: ") + line.words;
    }
    return "none";
  }

  SiteFacts facts;
  storage::SwitchedMeter meter;
};

TEST_F(AssetSiteTest, TellsWhereTheMeterIsAndHowItIsReached) {
  const MeterNow found = now();
  EXPECT_EQ(found.house.meter_id, 7);
  EXPECT_EQ(found.house.usage_point, "UP-7");
  EXPECT_EQ(found.house.serial, "00994711");
  EXPECT_EQ(found.feed, "flex");
  EXPECT_EQ(found.vendor_id, "B7");
  EXPECT_EQ(found.flight, std::chrono::seconds{420});
  EXPECT_EQ(found.load_side, LoadSideVoltage::Unreadable) << "no interface reads it";
  EXPECT_TRUE(found.capability.open) << found.capability.refusal(SwitchAction::Open);
  EXPECT_FALSE(found.capability.arm);
  EXPECT_FALSE(found.means.reports_device_time) << "nothing was configured";
  EXPECT_EQ(found.minimum, 1);
}

TEST_F(AssetSiteTest, ANoticeThatIsNotLoadedIsANo) {
  meter.utility.notice = "AE-9999";
  const MeterNow found = now();
  EXPECT_FALSE(found.capability.open);
  EXPECT_THAT(line(found, "approval"), HasSubstr("AE-9999 is not among"));
}

TEST_F(AssetSiteTest, AUtilityWithoutANoticeTakesTheSitesWordOnly) {
  meter.utility.notice.reset();
  EXPECT_FALSE(now().capability.open);
  facts.utilities["hydro"].shown = {{"flexnet", "5.33", true, false, false, false, "", "J. Doe", "EV-1"}};
  const MeterNow found = now();
  EXPECT_TRUE(found.capability.open) << found.capability.refusal(SwitchAction::Open);
  EXPECT_FALSE(found.capability.close) << "the site's evidence does not cover it";
}

TEST_F(AssetSiteTest, EvidenceOfTheModuleAloneCountsWhereNoRowIsOfTheMeter) {
  meter.fitted.module = regime::testing::module("RF_MESH");  // the notice is silent about it
  EXPECT_FALSE(now().capability.open);
  auto regimes = std::make_shared<regime::Regimes>(*facts.regimes);
  regimes->evidence["hydro"] = {{"RF_MESH", "J. Doe", "EV-2"}};
  facts.regimes = regimes;
  EXPECT_THAT(line(now(), "approval"), HasSubstr("yes"));
}

TEST_F(AssetSiteTest, AFirmwareThatIsNotKnownIsANo) {
  meter.fitted.detail.firmware.clear();
  const MeterNow found = now();
  EXPECT_FALSE(found.capability.open);
  EXPECT_THAT(line(found, "firmware"), HasSubstr("not known"));
}

TEST_F(AssetSiteTest, TwoSerialsThatDifferAreNone) {
  meter.ways.names.push_back({"flex", AliasKind::ManufacturerSerial, "00994712", {}});
  EXPECT_EQ(now().house.serial, "");
  meter.ways.names.back().value = "00994711";
  EXPECT_EQ(now().house.serial, "00994711");
}

TEST_F(AssetSiteTest, AMeterThatNoFeedReachesSaysSo) {
  facts.feeds.clear();
  const MeterNow found = now();
  EXPECT_EQ(found.feed, "");
  EXPECT_FALSE(found.capability.open);
  EXPECT_THAT(line(found, "adapter"), HasSubstr("no adapter reaches"));
}

TEST_F(AssetSiteTest, AnInterfaceThatStatesNoSwitchingIsNamed) {
  facts.feeds.clear();
  add_feed("flex", "flexnet", false);
  const MeterNow found = now();
  EXPECT_FALSE(found.capability.open);
  EXPECT_THAT(line(found, "adapter"), HasSubstr("flexnet states no switching"));
}

TEST_F(AssetSiteTest, AnotherUtilitysFeedIsNoWay) {
  facts.feeds[0].facts.utility = 2;
  EXPECT_EQ(now().feed, "");
}

TEST_F(AssetSiteTest, WhatIsSaidOfAFeedGoesBeforeWhatIsSaidOfItsFamily) {
  SiteMeans family, feed;
  family.family = "flexnet";
  family.minimum = 2;
  feed.feed = "flex";
  feed.minimum = 3;
  feed.means.reports_device_time = true;
  facts.utilities["hydro"].means = {feed, family};
  EXPECT_EQ(now().minimum, 3);
  EXPECT_TRUE(now().means.reports_device_time);
  facts.utilities["hydro"].means = {family};
  EXPECT_EQ(now().minimum, 2);
  family.family = "ts2";
  facts.utilities["hydro"].means = {family};
  EXPECT_EQ(now().minimum, 1);
  facts.utilities["other"].means = {feed};
  EXPECT_EQ(now().minimum, 1) << "another utility's";
}

}  // namespace
}  // namespace ami::daemon::switching
