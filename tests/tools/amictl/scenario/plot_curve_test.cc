#include "tools/amictl/scenario/plot_curve.h"

#include <gtest/gtest.h>

namespace ami::amictl {
namespace {

TEST(Thinned, KeepsEveryPeakOfACrowdedColumn) {
  std::vector<PlotPoint> line;
  for (int i = 0; i < 10'000; ++i) line.push_back({i * 0.0001, i == 7'777 ? 99.0 : i == 3'333 ? -99.0 : 0.0});
  const auto thin = thinned(line);
  EXPECT_LE(thin.size(), 8U) << "two columns of half a pixel";
  double low = 0;
  double high = 0;
  for (const PlotPoint& point : thin) {
    low = std::min(low, point.y);
    high = std::max(high, point.y);
  }
  EXPECT_EQ(low, -99);
  EXPECT_EQ(high, 99);
  EXPECT_EQ(thin.front().x, line.front().x);
  EXPECT_EQ(thin.back().x, line.back().x);
}

TEST(Thinned, LeavesAFewPointsAlone) {
  EXPECT_EQ(thinned({}).size(), 0U);
  EXPECT_EQ(path_of(thinned({{0, 1}, {0, 2}, {10, 3}})), "M0 1 L0 2 L10 3");
}

TEST(Area, EndsWhereTheLineCrossesZero) {
  // From 10 pixels above to 30 below the level 50: crosses a quarter of the way.
  const std::vector<PlotPoint> line{{0, 40}, {40, 80}};
  EXPECT_EQ(area_above(line, 50), "M0 50 L0 40 L10 50 L40 50 L40 50Z");
  EXPECT_EQ(area_below(line, 50), "M0 50 L0 50 L10 50 L40 80 L40 50Z");
}

TEST(Area, OfALineOnOneSideIsEmptyOnTheOther) {
  const std::vector<PlotPoint> line{{0, 40}, {40, 50}};
  EXPECT_NE(area_above(line, 50), "");
  EXPECT_EQ(area_below(line, 50), "");
}

}  // namespace
}  // namespace ami::amictl
