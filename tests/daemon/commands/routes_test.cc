#include "daemon/commands/routes.h"

#include <gtest/gtest.h>

namespace ami::daemon::commands {
namespace {

using storage::MeterWays;
using storage::OperationKind;

constexpr storage::UtilityId kNorth = 1, kSouth = 2;

FeedFacts feed(const std::string& name, const std::string& family, bool reads, bool resets = false) {
  FeedFacts out;
  out.name = name;
  out.family = family;
  out.utility = kNorth;
  out.can.read_on_demand = reads;
  out.can.demand_reset = resets;
  return out;
}

MeterWays meter(std::vector<storage::Alias> names, std::vector<std::string> delivers = {},
                std::string module = {}) {
  MeterWays out;
  out.key = "M1";
  out.meter = 7;
  out.names = std::move(names);
  out.delivers = std::move(delivers);
  out.module = std::move(module);
  return out;
}

storage::Alias badge(const std::string& of_feed, const std::string& value) {
  return {of_feed, AliasKind::Badge, value, {}};
}

std::string told(const MeterWays& ways, const std::vector<FeedFacts>& feeds,
                 OperationKind kind = OperationKind::Read) {
  const Route route = route_of(ways, kNorth, kind, feeds);
  return route.reason.empty() ? route.feed + "/" + route.vendor_id : route.reason;
}

TEST(Routes, NameOfAFeedComesBeforeWhatLastDelivered) {
  const std::vector<FeedFacts> feeds{feed("a", "x", true), feed("b", "y", true)};
  EXPECT_EQ(told(meter({badge("b", "B7"), badge("", "G7")}, {"a"}), feeds), "b/B7");
  EXPECT_EQ(told(meter({badge("", "G7")}, {"a", "b"}), feeds), "a/G7");
  EXPECT_EQ(told(meter({badge("", "G7")}, {"b", "a"}), feeds), "b/G7");
}

TEST(Routes, FeedThatStatesTheCommandIsTakenWhereTheDeliveringOneDoesNot) {
  // Files deliver, and the same family's message interface takes commands.
  const std::vector<FeedFacts> feeds{feed("files", "flexnet", false), feed("soap", "FlexNet", true)};
  EXPECT_EQ(told(meter({badge("", "G7")}, {"files"}), feeds), "soap/G7");
  EXPECT_EQ(told(meter({badge("", "G7")}, {}, "Flex-Net"), feeds), "soap/G7");
}

TEST(Routes, OfAFamilysFeedsOnlyThoseCountThatStateTheCommand) {
  // A site with files and two message interfaces, of which one gives recorded values and the other reads.
  std::vector<FeedFacts> feeds{feed("files", "gridstream", false), feed("soap", "gridstream", true),
                               feed("cim", "gridstream", false)};
  feeds[2].can.backfill = true;
  const MeterWays ways = meter({badge("", "G7")}, {"files"});
  EXPECT_EQ(told(ways, feeds), "soap/G7");
  EXPECT_EQ(told(ways, feeds, OperationKind::Backfill), "cim/G7");
  EXPECT_EQ(told(ways, feeds, OperationKind::Ping), "not_stated");
  feeds[1].can.backfill = true;
  EXPECT_EQ(told(ways, feeds, OperationKind::Backfill), "not_assigned") << "which of the two, nobody says";
  EXPECT_EQ(told(meter({badge("", "G7"), badge("soap", "S7")}, {"files"}), feeds, OperationKind::Backfill),
            "soap/S7");
  EXPECT_EQ(told(meter({badge("files", "F7")}, {"files"}), feeds), "no_name")
      << "a name that is only the files' is not what the messages call it";
}

TEST(Routes, SeveralFeedsOfTheFamilyAreNoAnswer) {
  const std::vector<FeedFacts> feeds{feed("east", "flexnet", true), feed("west", "flexnet", true)};
  const Route route = route_of(meter({badge("", "G7")}, {}, "flexnet"), kNorth, OperationKind::Read, feeds);
  EXPECT_EQ(route.reason, "not_assigned");
  EXPECT_NE(route.words.find("east, west"), std::string::npos) << route.words;
  EXPECT_EQ(told(meter({badge("", "G7"), badge("west", "W7")}, {}, "flexnet"), feeds), "west/W7");
}

TEST(Routes, SaysWhyNot) {
  const std::vector<FeedFacts> feeds{feed("a", "x", true)};
  EXPECT_EQ(told(meter({badge("", "G7")}), feeds), "not_assigned");
  EXPECT_EQ(told(meter({badge("gone", "G7")}, {"gone"}), feeds), "not_assigned")
      << "a feed that does not run";
  EXPECT_EQ(told(meter({badge("a", "G7")}), feeds, OperationKind::DemandReset), "not_stated");
  EXPECT_EQ(told(meter({badge("a", "G7")}), feeds, OperationKind::Ping), "not_stated");
  EXPECT_EQ(told(meter({{"a", AliasKind::Mac, "00:01", {}}}), feeds), "no_name");
  MeterWays nobody;
  nobody.key = "M2";
  nobody.nearest = "M1";
  const Route unknown = route_of(nobody, kNorth, OperationKind::Read, feeds);
  EXPECT_EQ(unknown.reason, "no_such_meter");
  EXPECT_NE(unknown.words.find("'M1'"), std::string::npos);
}

TEST(Routes, FeedOfAnotherUtilityDoesNotExist) {
  std::vector<FeedFacts> feeds{feed("a", "x", true)};
  feeds[0].utility = kSouth;
  EXPECT_EQ(told(meter({badge("a", "G7")}, {"a"}, "x"), feeds), "not_assigned");
}

TEST(Routes, FarSideIsAskedByTheKindOfNameThatItKnows) {
  std::vector<FeedFacts> feeds{feed("a", "x", true)};
  feeds[0].names = AliasKind::VendorControl;
  EXPECT_EQ(told(meter({badge("a", "G7"), {"", AliasKind::VendorControl, "V7", {}}}), feeds), "a/V7");
  EXPECT_EQ(told(meter({badge("a", "G7"), {"b", AliasKind::VendorControl, "V7", {}}}), feeds), "no_name")
      << "another feed's name is not this one's";
}

}  // namespace
}  // namespace ami::daemon::commands
