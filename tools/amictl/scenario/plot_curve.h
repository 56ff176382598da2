// Lines of a picture in pixels: thinned to what a pixel can show, as SVG path commands.
#pragma once

#include <string>
#include <vector>

namespace ami::amictl {

struct PlotPoint {
  double x = 0, y = 0;
};

// A line whose x never falls, at most four points a half pixel: first, lowest, highest and last, so that
// every peak survives.
std::vector<PlotPoint> thinned(const std::vector<PlotPoint>& line);

// "M1 2 L3 4 …"; empty for no points.
std::string path_of(const std::vector<PlotPoint>& line);

// The area between the line and the level y = zero, of the part above it (smaller y) or below it.
std::string area_above(const std::vector<PlotPoint>& line, double zero);
std::string area_below(const std::vector<PlotPoint>& line, double zero);

}  // namespace ami::amictl
