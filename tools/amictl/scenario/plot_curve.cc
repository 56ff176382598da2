#include "tools/amictl/scenario/plot_curve.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tools/amictl/scenario/svg.h"

namespace ami::amictl {
namespace {

constexpr double kColumn = 0.5;  // pixels

// The line with a point wherever it crosses the level.
std::vector<PlotPoint> with_crossings(const std::vector<PlotPoint>& line, double level) {
  std::vector<PlotPoint> out;
  for (const PlotPoint& point : line) {
    if (!out.empty() && (out.back().y - level) * (point.y - level) < 0) {
      const PlotPoint from = out.back();
      const double part = (level - from.y) / (point.y - from.y);
      out.push_back({from.x + part * (point.x - from.x), level});
    }
    out.push_back(point);
  }
  return out;
}

template <class Keep>
std::string area(const std::vector<PlotPoint>& line, double zero, Keep keep) {
  std::vector<PlotPoint> outline = with_crossings(line, zero);
  if (std::ranges::none_of(outline, [&](const PlotPoint& point) { return keep(point.y, zero) != zero; }))
    return {};
  for (PlotPoint& point : outline) point.y = keep(point.y, zero);
  const double right = outline.back().x;
  outline.insert(outline.begin(), {outline.front().x, zero});
  outline.push_back({right, zero});
  return path_of(outline) + "Z";
}

}  // namespace

std::vector<PlotPoint> thinned(const std::vector<PlotPoint>& line) {
  std::vector<PlotPoint> out;
  for (auto first = line.begin(); first != line.end();) {
    const double column = std::floor(first->x / kColumn);
    const auto end = std::find_if(
        first, line.end(), [&](const PlotPoint& point) { return std::floor(point.x / kColumn) != column; });
    if (end - first <= 4) {
      out.insert(out.end(), first, end);
    } else {
      auto [low, high] =
          std::minmax_element(first, end, [](const PlotPoint& a, const PlotPoint& b) { return a.y < b.y; });
      if (low > high) std::swap(low, high);
      out.insert(out.end(), {*first, *low, *high, *std::prev(end)});
    }
    first = end;
  }
  return out;
}

std::string path_of(const std::vector<PlotPoint>& line) {
  std::string commands;
  for (const PlotPoint& point : line) {
    commands += (commands.empty() ? "M" : " L") + svg_number(point.x) + " " + svg_number(point.y);
  }
  return commands;
}

std::string area_above(const std::vector<PlotPoint>& line, double zero) {
  return area(line, zero, [](double y, double level) { return std::min(y, level); });
}

std::string area_below(const std::vector<PlotPoint>& line, double zero) {
  return area(line, zero, [](double y, double level) { return std::max(y, level); });
}

}  // namespace ami::amictl
