#include "tools/amictl/day_plot.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "tools/amictl/connection.h"
#include "tools/amictl/scenario/plot_axis.h"
#include "tools/amictl/scenario/plot_style.h"
#include "tools/amictl/scenario/svg.h"

namespace ami::amictl {
namespace {

constexpr double kWidth = 1100, kLeft = 92, kRight = 30, kTop = 104;
constexpr double kPlotHeight = 210, kPanelHeight = 322;

constexpr std::string_view kDayStyle = R"(
.step{fill:none;stroke:#2f6fb5;stroke-width:1.8;stroke-linejoin:round}
.under{fill:#2f6fb5;opacity:.16}
.hatch{fill:none;stroke:#0f766e;stroke-width:1.2}
.guess{fill:none;stroke:#0f766e;stroke-width:1.4;stroke-dasharray:4 2}
.found{fill:#b4143c;opacity:.17}
.foundtext{fill:#b4143c;font-weight:600;font-size:12px}
.hole{fill:#946200;opacity:.2}
.reading{fill:#334155;stroke:#ffffff;stroke-width:1}
.beyond{fill:#ffffff;stroke:#334155;stroke-width:1.5}
.agree{stroke:#15766a;stroke-width:3}.agreetext{fill:#10655b;font-size:12px}
.differ{stroke:#b4143c;stroke-width:3}.differtext{fill:#b4143c;font-size:12px;font-weight:600}
.unjudged{stroke:#8a94a3;stroke-width:2;stroke-dasharray:4 4}.unjudgedtext{fill:#566072;font-size:12px}
@media (prefers-color-scheme:dark){
.step{stroke:#5b9fe3}.under{fill:#5b9fe3}.hatch,.guess{stroke:#4fc9b8}
.found{fill:#ff7a96;opacity:.25}.foundtext{fill:#ff7a96}.hole{fill:#e0b050;opacity:.22}
.reading{fill:#cbd5e1;stroke:#14181f}.beyond{fill:#14181f;stroke:#cbd5e1}
.agree{stroke:#4fc9b8}.agreetext{fill:#4fc9b8}
.differ{stroke:#ff7a96}.differtext{fill:#ff7a96}.unjudged{stroke:#7d8897}.unjudgedtext{fill:#a3adba}
}
)";

UtcInstant instant(const google::protobuf::Timestamp& time) {
  return UtcInstant{std::chrono::seconds{time.seconds()} + std::chrono::microseconds{time.nanos() / 1000}};
}

// For pixels only; every number that is told is the text that came.
double number(const std::string& decimal) {
  return std::strtod(decimal.c_str(), nullptr);
}

double seconds(UtcInstant at) {
  return static_cast<double>(at.time_since_epoch().count()) / 1e6;
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& codes) {
  std::string text;
  for (const std::string& code : codes) text += " " + code;
  return text;
}

class DayDrawing {
 public:
  DayDrawing(const v1::ExplainedDay& day, const std::string& only)
      : day_(day),
        zone_(zone_of(day)),
        panels_(panels_of(day, only)),
        from_(instant(day.start())),
        to_(instant(day.end())),
        time_{seconds(from_), seconds(to_), kLeft, kWidth - kRight},
        height_(kTop + kPanelHeight * static_cast<double>(std::max<std::size_t>(panels_.size(), 1)) + 34),
        svg_(kWidth, height_, std::string(kPlotStyle) + std::string(kDayStyle), title(), description()) {}

  std::string run() {
    svg_.rect(0, 0, kWidth, height_, "page");
    svg_.text(kLeft, 40, title(), "title");
    svg_.text(kLeft, 64, subtitle(), "muted");
    svg_.text(kLeft, 84,
              day_.judged() ? "thresholds of feed " + day_.feed() + ", profile " + day_.profile()
                            : "not judged: profile " + day_.profile(),
              "muted");
    double top = kTop;
    for (const v1::ExplainedChannel* channel : panels_) {
      panel(*channel, top);
      top += kPanelHeight;
    }
    if (panels_.empty()) svg_.text(kLeft, kTop + 60, "no intervals are known of this day", "heading");
    svg_.text(
        kLeft, height_ - 14,
        "line: interval, hatched: estimate, red: finding, amber: missing, grey: outage; below: register "
        "readings and the sum check between them",
        "muted");
    return std::move(svg_).finish();
  }

 private:
  static Zone zone_of(const v1::ExplainedDay& day) {
    const Result<Zone> zone = Zone::load(day.time_zone());
    return zone ? *zone : Zone::utc();
  }
  static std::vector<const v1::ExplainedChannel*> panels_of(const v1::ExplainedDay& day,
                                                            const std::string& only) {
    std::vector<const v1::ExplainedChannel*> panels;
    for (const v1::ExplainedChannel& channel : day.channels()) {
      if (!channel.slots().empty() && (only.empty() || channel.channel() == only)) panels.push_back(&channel);
    }
    return panels;
  }

  [[nodiscard]] std::string title() const { return last_part(day_.meter()) + ", " + day_.day(); }
  [[nodiscard]] std::string subtitle() const {
    std::string text = day_.time_zone();
    const auto hours = std::chrono::duration_cast<std::chrono::minutes>(to_ - from_).count();
    if (hours != 24 * 60) text += " (a day of " + std::to_string(hours / 60) + " h)";
    for (const auto& stay : day_.stays())
      text += ", at " + last_part(stay.usage_point()) + " with multiplier " + stay.multiplier() +
              " (not applied)";
    return text;
  }
  // The picture in words.
  [[nodiscard]] std::string description() const {
    std::string text;
    for (const v1::ExplainedChannel* channel : panels_) {
      int missing = 0, estimated = 0;
      for (const v1::ExplainedSlot& slot : channel->slots()) {
        if (!slot.value().empty()) continue;
        ++(slot.estimate().empty() ? missing : estimated);
      }
      text += channel->channel() + ": " + std::to_string(channel->slots_size()) + " intervals of " +
              std::to_string(channel->length_s()) + " s, " + std::to_string(missing) + " missing, " +
              std::to_string(estimated) + " estimated, " + std::to_string(channel->registers_size()) +
              " register readings. ";
      for (const v1::ExplainedFinding& finding : channel->findings())
        text += finding.check() + ": " + finding.words() + ". ";
    }
    for (const v1::ExplainedFinding& finding : day_.findings())
      text += finding.check() + ": " + finding.words() + ". ";
    return text.empty() ? "No intervals." : text;
  }

  [[nodiscard]] double x(const google::protobuf::Timestamp& time) const {
    return time_(seconds(std::clamp(instant(time), from_, to_)));
  }

  void panel(const v1::ExplainedChannel& channel, double top) {
    svg_.begin_group("channel " + channel.channel());
    const double plot_top = top + 26, plot_bottom = plot_top + kPlotHeight;
    svg_.text(kLeft, top + 14,
              channel.channel() + "  " + v1::Quantity_Name(channel.quantity()) + ", " + channel.unit() +
                  " an interval of " + std::to_string(channel.length_s()) + " s",
              "heading");
    svg_.rect(kLeft, plot_top, kWidth - kLeft - kRight, kPlotHeight, "panel");
    double lo = 0, hi = 0;
    for (const v1::ExplainedSlot& slot : channel.slots()) {
      for (const std::string* value : {&slot.value(), &slot.estimate()}) {
        if (value->empty()) continue;
        lo = std::min(lo, number(*value));
        hi = std::max(hi, number(*value));
      }
    }
    const ValueAxis axis = value_axis(lo, hi, 5);
    const Scale y{axis.lo, axis.hi, plot_bottom, plot_top};
    for (const double tick : axis.ticks) {
      svg_.line(kLeft, y(tick), kWidth - kRight, y(tick), tick == 0 ? "zero" : "grid");
      svg_.text(kLeft - 8, y(tick) + 4, axis_label(tick, axis.decimals), "muted", Anchor::End);
    }
    for (const TimeTick& tick : time_ticks(from_, to_, zone_, 13)) {
      const double at = time_(seconds(tick.at));
      svg_.line(at, plot_top, at, plot_bottom, "grid");
      svg_.text(at, plot_bottom + 18, tick.time, "muted", Anchor::Middle);
    }
    for (const auto& outage : day_.outages()) {
      svg_.rect(x(outage.start()), plot_top, x(outage.end()) - x(outage.start()), kPlotHeight, "outage",
                "outage from " + to_text(outage.start()) + " to " + to_text(outage.end()));
    }
    findings(channel, plot_top);
    slots(channel, y);
    strip(channel, plot_bottom + 46);
    svg_.end_group();
  }

  void findings(const v1::ExplainedChannel& channel, double top) {
    int row = 0;
    for (const v1::ExplainedFinding& finding : channel.findings()) {
      if (finding.slots() == 0 || !finding.has_start() || !finding.has_end()) continue;
      const double from = x(finding.start()), to = std::max(x(finding.end()), from + 2);
      svg_.rect(from, top, to - from, kPlotHeight, "found",
                finding.check() + " " + finding.quality_code() + ": " + finding.words());
      // Labels of neighbours stand below each other.
      svg_.text(std::min(from + 3, kWidth - kRight - 30), top + 14 + 14 * (row++ % 4), finding.check(),
                "foundtext");
    }
  }

  void slots(const v1::ExplainedChannel& channel, const Scale& y) {
    std::string line;
    std::optional<double> pen;  // where the line ends; none after a hole
    for (const v1::ExplainedSlot& slot : channel.slots()) {
      const double from = x(slot.start()), to = x(slot.end());
      const std::string when = to_text(slot.start());
      if (!slot.value().empty()) {
        const double level = y(number(slot.value()));
        svg_.rect(from, std::min(level, y(0)), to - from, std::abs(y(0) - level), "under",
                  when + ": " + slot.value() + " " + channel.unit() + joined(slot.quality().codes()) +
                      joined(slot.found()));
        line += (pen ? "L" : "M") + svg_number(from) + " " + svg_number(level) + "L" + svg_number(to) + " " +
                svg_number(level);
        pen = to;
        continue;
      }
      pen.reset();
      if (slot.estimate().empty()) {
        svg_.rect(from, y.to, to - from, y.from - y.to, "hole", when + ": missing" + joined(slot.found()));
        continue;
      }
      const double level = y(number(slot.estimate()));
      const auto number_of = slot.estimate_number();
      const std::string method = number_of >= 1 && number_of <= channel.estimates_size()
                                     ? channel.estimates(number_of - 1).method()
                                     : std::string();
      hatch(from, std::min(level, y(0)), to - from, std::abs(y(0) - level),
            when + ": estimated " + slot.estimate() + " " + channel.unit() + " " + method);
    }
    if (!line.empty()) svg_.path(line, "step");
  }

  // Strokes at 45 degrees, cut at the edges of the box.
  void hatch(double left, double top, double width, double height, const std::string& tooltip) {
    constexpr double kStep = 5;
    std::string strokes;
    for (double k = kStep - height; k < width; k += kStep) {
      const double x1 = std::max(k, 0.0), y1 = x1 - k, x2 = std::min(k + height, width), y2 = x2 - k;
      strokes += "M" + svg_number(left + x1) + " " + svg_number(top + y1) + "L" + svg_number(left + x2) +
                 " " + svg_number(top + y2);
    }
    if (!strokes.empty()) svg_.path(strokes, "hatch");
    svg_.rect(left, top, width, height, "guess", tooltip);
  }

  // Register readings of one register after the other, with the sum check between each two.
  void strip(const v1::ExplainedChannel& channel, double y) {
    if (channel.registers().empty()) {
      svg_.text(kLeft, y + 4, "no register to compare with: " + channel.pairing(), "muted");
      return;
    }
    const v1::RegisterPoint* before = nullptr;
    for (const v1::RegisterPoint& point : channel.registers()) {
      if (before != nullptr && before->channel() == point.channel()) between(channel, *before, point, y);
      before = &point;
    }
    for (const v1::RegisterPoint& point : channel.registers()) {
      const UtcInstant at = instant(point.time());
      const bool inside = from_ <= at && at <= to_;
      svg_.circle(x(point.time()), y, 5, inside ? "reading" : "beyond",
                  point.channel() + " at " + to_text(point.time()) + ": " + point.value() + " " +
                      channel.unit() + joined(point.found()) + (inside ? "" : " (beyond the day)"));
    }
    // As many of their values as there is room for.
    double free_from = 0;
    for (const v1::RegisterPoint& point : channel.registers()) {
      const double at = x(point.time());
      if (at < free_from || instant(point.time()) < from_ || instant(point.time()) > to_) continue;
      const Anchor anchor = at < kLeft + 60             ? Anchor::Start
                            : at > kWidth - kRight - 60 ? Anchor::End
                                                        : Anchor::Middle;
      svg_.text(at, y + 22, point.value() + " " + channel.unit(), "muted", anchor);
      free_from = at + 120;
    }
  }

  void between(const v1::ExplainedChannel& channel, const v1::RegisterPoint& a, const v1::RegisterPoint& b,
               double y) {
    const double from = x(a.time()), to = x(b.time());
    if (to - from < 1) return;
    const v1::ExplainedFinding* found = nullptr;
    for (const v1::ExplainedFinding& finding : channel.findings()) {
      const bool of_registers = finding.check() == "V14" || finding.check() == "V17";
      if (of_registers && finding.has_start() && finding.has_end() &&
          instant(finding.start()) < instant(b.time()) && instant(a.time()) < instant(finding.end()))
        found = &finding;
    }
    int passed = 0, unjudged = 0;
    for (const v1::CheckResult& check : channel.checks()) {
      if (check.check() != "V14") continue;
      passed += check.verdict() == v1::CheckResult::PASSED ? 1 : 0;
      unjudged += check.verdict() == v1::CheckResult::NOT_JUDGED ? 1 : 0;
    }
    const std::string word = found != nullptr ? "differ" : passed > 0 && unjudged == 0 ? "agree" : "unjudged";
    svg_.line(from, y, to, y, word);
    if (to - from < 90) return;
    std::string text = word == "agree" ? "sum agrees" : "sum not judged";
    if (found != nullptr) {
      text = found->check() + " fails";
      for (const v1::Figure& figure : found->figures()) {
        if (figure.name() == "by") text += " by " + figure.value() + " " + figure.unit();
      }
    }
    svg_.text((from + to) / 2, y - 9, text, word + "text", Anchor::Middle,
              found != nullptr ? found->words() : std::string());
  }

  const v1::ExplainedDay& day_;
  const Zone zone_;
  const std::vector<const v1::ExplainedChannel*> panels_;
  const UtcInstant from_, to_;
  const Scale time_;
  const double height_;
  SvgWriter svg_;
};

}  // namespace

std::string draw_day(const v1::ExplainedDay& day, const std::string& channel) {
  return DayDrawing(day, channel).run();
}

}  // namespace ami::amictl
