// A run as one self-contained SVG: power, intervals and demand over the civil time of its zone, with the
// maximum, the events and the outages marked. Legible on a light and on a dark page.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "meter_model/time/zone.h"
#include "tools/amictl/scenario/elapsed.h"

namespace ami::amictl {

// What is drawn. Times are true time since the start of the run: after a clock set they differ from the
// stamps of the meter's records.
struct Picture {
  std::string title;
  std::vector<std::string> subtitles;  // a line each
  UtcInstant start{};
  Elapsed length{};
  Zone zone = Zone::utc();

  struct Stretch {  // a segment's power: points joined by straight lines, in W
    std::vector<std::pair<Elapsed, double>> points;
  };
  std::vector<Stretch> power;
  std::vector<std::pair<Elapsed, Elapsed>> outages;

  struct Bar {
    Elapsed from{}, to{};
    double delivered_wh = 0, received_wh = 0;
    std::string flags;  // names with commas; empty = none
    std::string end;    // as stamped by the meter
    bool runs = false;  // at the end of the run: not recorded yet
  };
  std::vector<Bar> intervals;

  enum class DemandShape { Steps, Curve };
  DemandShape demand_shape = DemandShape::Steps;  // Steps: a point's level holds since the point before it
  std::vector<std::pair<Elapsed, double>> demand_kw;
  struct Maximum {
    Elapsed at{};
    double kw = 0;
    std::string text;      // "max 8.000 kW at 00:20"
    bool present = false;  // of the period that still runs; others were closed by a demand reset
  };
  std::vector<Maximum> maxima;

  enum class MarkKind { DemandReset, ClockSet, TouTier, TestMode };
  struct Mark {
    Elapsed at{};
    MarkKind kind{};
    std::string text;
  };
  std::vector<Mark> marks;
};

// Size does not grow with the run beyond some thousand elements: what is finer than a pixel is drawn as its
// envelope.
std::string plot_svg(const Picture& picture);

}  // namespace ami::amictl
