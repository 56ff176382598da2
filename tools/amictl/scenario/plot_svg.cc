#include "tools/amictl/scenario/plot_svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "tools/amictl/scenario/plot_axis.h"
#include "tools/amictl/scenario/plot_curve.h"
#include "tools/amictl/scenario/plot_style.h"
#include "tools/amictl/scenario/svg.h"

namespace ami::amictl {
namespace {

constexpr double kWidth = 1200;
constexpr double kLeft = 92;
constexpr double kRight = kWidth - 30;
constexpr double kLaneHeight = 20;
constexpr std::size_t kMostLanes = 5;
constexpr double kPanelHead = 34;  // room above a panel for its heading and legend
constexpr double kPowerHeight = 200;
constexpr double kIntervalHeight = 170;
constexpr double kDemandHeight = 170;
constexpr std::size_t kMostTimeTicks = 14;
constexpr std::size_t kMostTooltips = 1500;
constexpr std::size_t kMostDots = 150;
constexpr double kBoldWidth = 1.1;
constexpr double kVisibleGap = 0.5;  // pixels
constexpr std::size_t kMostLongLabels = 4;
constexpr std::size_t kDenseLine = 2500;  // points

std::string_view weight_of(std::size_t points) {
  return points > kDenseLine ? " dense" : "";
}

// Of DejaVu Sans at 13 px, which is wide as fonts go: good to a few per cent, so labels do not meet.
double text_width(std::string_view text) {
  constexpr double kSize = 13;
  double width = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // continues a character
    if (std::string_view(" .,:;'|!ijlIftr()-").find(c) != std::string_view::npos) {
      width += 0.38;
    } else if (std::string_view("mwMW%@").find(c) != std::string_view::npos) {
      width += 0.92;
    } else {
      width += c >= 'A' && c <= 'Z' ? 0.70 : 0.62;
    }
  }
  return width * kSize;
}

double hours_of(Elapsed time) {
  return std::chrono::duration<double, std::ratio<3600>>(time).count();
}

std::string_view class_of(Picture::MarkKind kind) {
  constexpr std::array<std::string_view, 4> kClasses{"reset", "clock", "tier", "test"};
  return kClasses[static_cast<std::size_t>(kind)];
}

struct Legend {
  std::string_view css_class;
  enum { Box, Line, Dot } shape;
  std::string_view text;
};

class Drawing {
 public:
  explicit Drawing(const Picture& picture);
  std::string draw();

 private:
  struct PlacedLabel {
    std::size_t mark = 0;
    std::size_t lane = 0;
    double left = 0;
  };

  struct LabelBox {
    double left = 0, right = 0, base = 0;
    [[nodiscard]] bool meets(const LabelBox& other) const {
      return left < other.right && other.left < right && std::abs(base - other.base) < 16;
    }
  };

  void place_labels();
  void draw_head();
  void draw_marks();
  void draw_outages();
  void draw_time_axis();
  Scale begin_panel(std::string_view id, double top, double height, const ValueAxis& axis,
                    std::string_view heading, const std::vector<Legend>& legend);
  void draw_power();
  void draw_intervals();
  void draw_bars(const Scale& y, double per_unit);
  void draw_bar_envelopes(const Scale& y, double per_unit);
  void draw_demand();
  void draw_maxima();
  void draw_maximum(const Picture::Maximum& maximum, std::vector<LabelBox>& taken);
  [[nodiscard]] double x(Elapsed at) const { return x_(hours_of(at)); }

  const Picture& picture_;
  Scale x_;
  Scale demand_y_;
  std::vector<PlacedLabel> labels_;
  std::size_t lanes_ = 0;
  std::size_t unlabelled_ = 0;
  struct Panel {
    double top = 0, height = 0;
  };
  [[nodiscard]] std::array<Panel, 3> panels() const {
    return {{{power_top_, kPowerHeight}, {interval_top_, kIntervalHeight}, {demand_top_, kDemandHeight}}};
  }
  double marks_top_, power_top_ = 0, interval_top_ = 0, demand_top_ = 0, bottom_ = 0;
  std::vector<TimeTick> ticks_;
  SvgWriter svg_;
};

Drawing::Drawing(const Picture& picture)
    : picture_(picture),
      x_{0, std::max(hours_of(picture.length), 1e-9), kLeft, kRight},
      marks_top_(70 + 20 * static_cast<double>(picture.subtitles.size())),
      svg_(kWidth, 1, "", "") {
  place_labels();
  power_top_ = marks_top_ + kLaneHeight * static_cast<double>(lanes_) + kPanelHead;
  interval_top_ = power_top_ + kPowerHeight + kPanelHead;
  demand_top_ = interval_top_ + kIntervalHeight + kPanelHead;
  bottom_ = demand_top_ + kDemandHeight;
  ticks_ = time_ticks(picture.start, picture.start + picture.length, picture.zone, kMostTimeTicks);
  svg_ = SvgWriter(kWidth, bottom_ + 66, kPlotStyle, picture.title);
}

// Each label in the highest lane where it has room; what finds none keeps its line and its tooltip.
void Drawing::place_labels() {
  std::array<double, kMostLanes> taken_to;
  taken_to.fill(0);
  for (std::size_t i = 0; i < picture_.marks.size(); ++i) {
    const double width = text_width(picture_.marks[i].text) + 8;
    const double at = x(picture_.marks[i].at);
    const double left = at + width > kRight ? at - width : at + 6;
    std::size_t lane = 0;
    while (lane < kMostLanes && taken_to[lane] > left - 4) ++lane;
    if (lane == kMostLanes) {
      ++unlabelled_;
      continue;
    }
    taken_to[lane] = left + width;
    lanes_ = std::max(lanes_, lane + 1);
    labels_.push_back({i, lane, left});
  }
}

void Drawing::draw_head() {
  svg_.rect(0, 0, kWidth, bottom_ + 66, "page");
  svg_.text(kLeft, 38, picture_.title, "title");
  double y = 62;
  for (const std::string& line : picture_.subtitles) {
    svg_.text(kLeft, y, line, "muted");
    y += 20;
  }
}

Scale Drawing::begin_panel(std::string_view id, double top, double height, const ValueAxis& axis,
                           std::string_view heading, const std::vector<Legend>& legend) {
  svg_.begin_group(id);
  svg_.rect(kLeft, top, kRight - kLeft, height, "panel");
  svg_.text(kLeft, top - 10, heading, "heading");
  double right = kRight;
  for (auto entry = legend.rbegin(); entry != legend.rend(); ++entry) {
    right -= text_width(entry->text);
    svg_.text(right, top - 10, entry->text, "muted");
    right -= 22;
    const std::string css_class(entry->css_class);
    if (entry->shape == Legend::Box) svg_.rect(right, top - 20, 14, 10, css_class);
    if (entry->shape == Legend::Line) svg_.line(right, top - 15, right + 16, top - 15, css_class);
    if (entry->shape == Legend::Dot) svg_.circle(right + 8, top - 15, 5, css_class);
    right -= 18;
  }
  const Scale y{axis.lo, axis.hi, top + height, top};
  for (const double tick : axis.ticks) {
    svg_.line(kLeft, y(tick), kRight, y(tick), tick == 0 ? "zero" : "grid");
    svg_.text(kLeft - 8, y(tick) + 4.5, axis_label(tick, axis.decimals), "muted", Anchor::End);
  }
  for (const TimeTick& tick : ticks_) {
    const double at = x(tick.at - picture_.start);
    svg_.line(at, top, at, top + height, "grid");
  }
  return y;
}

void Drawing::draw_power() {
  double lo = 0;
  double hi = 0;
  for (const Picture::Stretch& stretch : picture_.power) {
    for (const auto& [at, power_w] : stretch.points) {
      lo = std::min(lo, power_w);
      hi = std::max(hi, power_w);
    }
  }
  const bool kilo = std::max(hi, -lo) >= 1000;
  const double per_unit = kilo ? 1e-3 : 1;
  std::vector<Legend> legend{{"delivered area", Legend::Box, "delivered"},
                             {"received area", Legend::Box, "received"}};
  if (!picture_.outages.empty()) legend.push_back({"outage", Legend::Box, "outage"});
  const Scale y = begin_panel("power", power_top_, kPowerHeight, value_axis(lo * per_unit, hi * per_unit, 5),
                              kilo ? "Element power, kW" : "Element power, W", legend);
  // Stretches that touch become one line, with the step between them drawn.
  std::vector<PlotPoint> line;
  const auto flush = [&] {
    line = thinned(line);
    if (line.empty()) return;
    if (const auto up = area_above(line, y(0)); !up.empty()) svg_.path(up, "delivered area");
    if (const auto down = area_below(line, y(0)); !down.empty()) svg_.path(down, "received area");
    svg_.path(path_of(line), "power" + std::string(weight_of(line.size())));
    line.clear();
  };
  Elapsed end{};
  for (const Picture::Stretch& stretch : picture_.power) {
    if (stretch.points.empty()) continue;
    if (x(stretch.points.front().first) - x(end) >= kVisibleGap) flush();
    for (const auto& [at, power_w] : stretch.points) line.push_back({x(at), y(power_w * per_unit)});
    end = stretch.points.back().first;
  }
  flush();
  svg_.end_group();
}

void Drawing::draw_intervals() {
  double most = 0;
  double least = 0;
  bool flagged = false;
  for (const Picture::Bar& bar : picture_.intervals) {
    most = std::max(most, bar.delivered_wh);
    least = std::min(least, -bar.received_wh);
    flagged = flagged || !bar.flags.empty();
  }
  const bool kilo = std::max(most, -least) >= 10'000;
  const double per_unit = kilo ? 1e-3 : 1;
  std::vector<Legend> legend{{"delivered", Legend::Box, "delivered (up)"},
                             {"received", Legend::Box, "received (down)"}};
  if (flagged) legend.push_back({"flagged", Legend::Box, "flagged"});
  const Scale y = begin_panel("intervals", interval_top_, kIntervalHeight,
                              value_axis(least * per_unit, most * per_unit, 6),
                              kilo ? "Energy of each interval, kWh" : "Energy of each interval, Wh", legend);
  if (picture_.intervals.size() <= kMostTooltips) {
    draw_bars(y, per_unit);
  } else {
    draw_bar_envelopes(y, per_unit);
  }
  svg_.end_group();
}

void Drawing::draw_bars(const Scale& y, double per_unit) {
  for (const Picture::Bar& bar : picture_.intervals) {
    const double full = x(bar.to) - x(bar.from);
    const double gap = full > 4 ? 1 : 0;
    const double left = x(bar.from) + gap / 2;
    const double width = std::max(full - gap, 0.6);
    std::string tooltip = (bar.runs ? "still running" : "ends " + bar.end) + ": delivered " +
                          axis_label(bar.delivered_wh, 3) + " Wh, received " +
                          axis_label(bar.received_wh, 3) + " Wh";
    if (!bar.flags.empty()) tooltip += ", " + bar.flags;
    const double up = y(0) - y(bar.delivered_wh * per_unit);
    const double down = y(-bar.received_wh * per_unit) - y(0);
    if (up > 0) svg_.rect(left, y(0) - up, width, up, bar.runs ? "delivered area" : "delivered", tooltip);
    if (down > 0) svg_.rect(left, y(0), width, down, bar.runs ? "received area" : "received", tooltip);
    if (!bar.flags.empty())
      svg_.rect(left, y(0) - up - 2, std::max(width, 3.0), up + down + 4, "flagged", tooltip);
  }
}

// Too many for a tooltip each: one outline a direction, thinned like a curve.
void Drawing::draw_bar_envelopes(const Scale& y, double per_unit) {
  std::vector<PlotPoint> up;
  std::vector<PlotPoint> down;
  std::set<long> drawn;
  for (const Picture::Bar& bar : picture_.intervals) {
    for (const Elapsed at : {bar.from, bar.to}) {
      up.push_back({x(at), y(bar.delivered_wh * per_unit)});
      down.push_back({x(at), y(-bar.received_wh * per_unit)});
    }
    if (!bar.flags.empty() && drawn.insert(std::lround(x(bar.from))).second)
      svg_.rect(x(bar.from), y(0) - 4, 3, 8, "flagged", "ends " + bar.end + ": " + bar.flags);
  }
  if (const auto area = area_above(thinned(up), y(0)); !area.empty()) svg_.path(area, "delivered");
  if (const auto area = area_below(thinned(down), y(0)); !area.empty()) svg_.path(area, "received");
}

void Drawing::draw_demand() {
  double most = 0;
  double least = 0;
  for (const auto& [at, kw] : picture_.demand_kw) {
    most = std::max(most, kw);
    least = std::min(least, kw);
  }
  bool closed = false;
  for (const Picture::Maximum& maximum : picture_.maxima) {
    most = std::max(most, maximum.kw);
    closed = closed || !maximum.present;
  }
  std::vector<Legend> legend{{"demand", Legend::Line, "demand"}, {"max", Legend::Dot, "maximum"}};
  if (closed) legend.push_back({"closed", Legend::Dot, "maximum closed by a reset"});
  // Room for the maximum's label above the line.
  const Scale y = begin_panel("demand", demand_top_, kDemandHeight, value_axis(least, most * 1.12, 4),
                              "Demand, kW", legend);
  std::vector<PlotPoint> line;
  double previous_x = x({});
  for (const auto& [at, kw] : picture_.demand_kw) {
    if (picture_.demand_shape == Picture::DemandShape::Steps) line.push_back({previous_x, y(kw)});
    line.push_back({x(at), y(kw)});
    previous_x = x(at);
  }
  line = thinned(line);
  if (!line.empty()) svg_.path(path_of(line), "demand" + std::string(weight_of(line.size())));
  if (picture_.demand_shape == Picture::DemandShape::Steps && picture_.demand_kw.size() <= kMostDots) {
    for (const auto& [at, kw] : picture_.demand_kw)
      svg_.circle(x(at), y(kw), 2.6, "dot", axis_label(kw, 3) + " kW");
  }
  svg_.end_group();
  demand_y_ = y;
}

// Above everything else, with a halo: the number that people look for. A label that would cover another one
// is shortened or left to the tooltip; the present maximum comes first.
void Drawing::draw_maxima() {
  if (picture_.maxima.empty()) return;
  svg_.begin_group("maxima");
  std::vector<LabelBox> taken;
  for (const Picture::Maximum& maximum : picture_.maxima) {
    const double at = x(maximum.at);
    taken.push_back({at - 6, at + 6, demand_y_(maximum.kw) + 5});
    svg_.circle(at, demand_y_(maximum.kw), 6, maximum.present ? "max" : "closed", maximum.text);
  }
  for (const bool present : {true, false}) {
    for (const Picture::Maximum& maximum : picture_.maxima) {
      if (maximum.present == present) draw_maximum(maximum, taken);
    }
  }
  svg_.end_group();
}

void Drawing::draw_maximum(const Picture::Maximum& maximum, std::vector<LabelBox>& taken) {
  constexpr double kOffset = 11;
  const double at = x(maximum.at);
  const double level = demand_y_(maximum.kw);
  const std::string brief = axis_label(maximum.kw, 2) + " kW";
  const bool room = maximum.present || picture_.maxima.size() <= kMostLongLabels;
  for (const std::string& text : {room ? maximum.text : brief, brief}) {
    const double width = text_width(text) * kBoldWidth;
    const bool fits_right = at + kOffset + width <= kRight;
    const double left = fits_right ? at + kOffset : at - kOffset - width;
    const LabelBox box{left - 4, left + width + 4, level - 7};
    if (std::ranges::any_of(taken, [&](const LabelBox& other) { return box.meets(other); })) continue;
    taken.push_back(box);
    svg_.text(fits_right ? left : at - kOffset, level - 7, text, "maxtext halo",
              fits_right ? Anchor::Start : Anchor::End);
    return;
  }
}

void Drawing::draw_outages() {
  if (picture_.outages.empty()) return;
  svg_.begin_group("outages");
  std::set<long> drawn;
  for (const auto& [from, to] : picture_.outages) {
    if (x(to) - x(from) < 1 && !drawn.insert(std::lround(x(from))).second) continue;
    const double width = std::max(x(to) - x(from), 1.5);
    for (const Panel& panel : panels())
      svg_.rect(x(from), panel.top, width, panel.height, "outage", "no voltage at the meter");
  }
  svg_.end_group();
}

void Drawing::draw_marks() {
  if (picture_.marks.empty()) return;
  svg_.begin_group("events");
  // Lines end where a panel's heading stands, which would be hard to read behind them.
  std::set<std::pair<Picture::MarkKind, long>> drawn;  // one of a kind a pixel is all that can be seen
  for (const Picture::Mark& mark : picture_.marks) {
    if (!drawn.emplace(mark.kind, std::lround(x(mark.at))).second) continue;
    const std::string css_class = "mark " + std::string(class_of(mark.kind));
    for (const Panel& panel : panels())
      svg_.line(x(mark.at), panel.top, x(mark.at), panel.top + panel.height, css_class);
  }
  const auto lane_top = [&](const PlacedLabel& label) {
    return marks_top_ + kLaneHeight * static_cast<double>(label.lane);
  };
  for (const PlacedLabel& label : labels_) {
    const Picture::Mark& mark = picture_.marks[label.mark];
    svg_.line(x(mark.at), lane_top(label), x(mark.at), power_top_ - kPanelHead + 8,
              "mark " + std::string(class_of(mark.kind)));
  }
  for (const PlacedLabel& label : labels_) {
    const Picture::Mark& mark = picture_.marks[label.mark];
    svg_.text(label.left, lane_top(label) + 13, mark.text,
              "eventtext " + std::string(class_of(mark.kind)) + "text");
  }
  if (unlabelled_ > 0) {
    svg_.text(kRight, marks_top_ - 6,
              "and " + std::to_string(unlabelled_) + " more events, marked by their lines", "muted",
              Anchor::End);
  }
  svg_.end_group();
}

void Drawing::draw_time_axis() {
  svg_.begin_group("time");
  for (const TimeTick& tick : ticks_) {
    const double at = x(tick.at - picture_.start);
    svg_.line(at, bottom_, at, bottom_ + 5, "zero");
    if (!tick.time.empty()) svg_.text(at, bottom_ + 20, tick.time, "time", Anchor::Middle);
    const Anchor anchor = at > kRight - 20 ? Anchor::End : Anchor::Middle;
    if (!tick.date.empty())
      svg_.text(anchor == Anchor::End ? kRight + 20 : at, bottom_ + (tick.time.empty() ? 20 : 38), tick.date,
                "muted", anchor);
  }
  svg_.text(kRight, bottom_ + 58, "civil time, " + picture_.zone.name(), "muted", Anchor::End);
  svg_.end_group();
}

std::string Drawing::draw() {
  draw_head();
  draw_power();
  draw_intervals();
  draw_demand();
  draw_outages();
  draw_marks();
  draw_maxima();
  draw_time_axis();
  return std::move(svg_).finish();
}

}  // namespace

std::string plot_svg(const Picture& picture) {
  return Drawing(picture).draw();
}

}  // namespace ami::amictl
