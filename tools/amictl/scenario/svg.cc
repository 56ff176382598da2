#include "tools/amictl/scenario/svg.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "tools/amictl/scenario/utf8.h"

namespace ami::amictl {
std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' && c != '\n' ? '?' : c;
    }
  }
  return out;
}

std::string svg_number(double value) {
  const auto tenths = static_cast<std::int64_t>(std::lround(value * 10));
  const std::int64_t size = tenths < 0 ? -tenths : tenths;
  std::string text = (tenths < 0 ? "-" : "") + std::to_string(size / 10);
  if (size % 10 != 0) text += "." + std::to_string(size % 10);
  return text;
}

SvgWriter::SvgWriter(double width, double height, std::string_view css, std::string_view title,
                     std::string_view description) {
  const std::string w = svg_number(width);
  const std::string h = svg_number(height);
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
         w + "\" height=\"" + h + "\" viewBox=\"0 0 " + w + " " + h + "\" role=\"img\">\n<title>" +
         xml_escaped(title) + "</title>\n";
  if (!description.empty()) out_ += "<desc>" + xml_escaped(description) + "</desc>\n";
  out_ += "<style>" + xml_escaped(css) + "</style>\n";
}

void SvgWriter::close(std::string_view element, std::string_view tooltip) {
  if (tooltip.empty()) {
    out_ += "/>\n";
  } else {
    out_ += "><title>" + xml_escaped(tooltip) + "</title></" + std::string(element) + ">\n";
  }
}

void SvgWriter::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  out_ += "<line class=\"" + std::string(css_class) + "\" x1=\"" + svg_number(x1) + "\" y1=\"" +
          svg_number(y1) + "\" x2=\"" + svg_number(x2) + "\" y2=\"" + svg_number(y2) + "\"/>\n";
}

void SvgWriter::rect(double x, double y, double width, double height, std::string_view css_class,
                     std::string_view tooltip) {
  out_ += "<rect class=\"" + std::string(css_class) + "\" x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) +
          "\" width=\"" + svg_number(width) + "\" height=\"" + svg_number(height) + "\"";
  close("rect", tooltip);
}

void SvgWriter::circle(double x, double y, double radius, std::string_view css_class,
                       std::string_view tooltip) {
  out_ += "<circle class=\"" + std::string(css_class) + "\" cx=\"" + svg_number(x) + "\" cy=\"" +
          svg_number(y) + "\" r=\"" + svg_number(radius) + "\"";
  close("circle", tooltip);
}

void SvgWriter::path(std::string_view commands, std::string_view css_class, std::string_view tooltip) {
  out_ += "<path class=\"" + std::string(css_class) + "\" d=\"" + std::string(commands) + "\"";
  close("path", tooltip);
}

void SvgWriter::text(double x, double y, std::string_view content, std::string_view css_class, Anchor anchor,
                     std::string_view tooltip) {
  static constexpr std::string_view kAnchors[] = {"start", "middle", "end"};
  out_ += "<text class=\"" + std::string(css_class) + "\" x=\"" + svg_number(x) + "\" y=\"" + svg_number(y) +
          "\" text-anchor=\"" + std::string(kAnchors[static_cast<std::size_t>(anchor)]) + "\">" +
          xml_escaped(content);
  if (!tooltip.empty()) out_ += "<title>" + xml_escaped(tooltip) + "</title>";
  out_ += "</text>\n";
}

void SvgWriter::begin_group(std::string_view id) {
  out_ += "<g id=\"" + xml_escaped(id) + "\">\n";
}

std::string SvgWriter::finish() && {
  out_ += "</svg>\n";
  return std::move(out_);
}

}  // namespace ami::amictl
