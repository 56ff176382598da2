// Writes SVG elements as text. Coordinates are pixels of the picture, y downwards.
#pragma once

#include <string>
#include <string_view>

namespace ami::amictl {

// Fit for XML text and attribute values: the five marks escaped, what XML cannot hold shown as '?'.
std::string xml_escaped(std::string_view text);

// A coordinate to a tenth of a pixel: "12", "12.5".
std::string svg_number(double value);

enum class Anchor { Start, Middle, End };

class SvgWriter {
 public:
  // `css` goes into the picture itself, so that one file is all there is. `title` is read out by browsers,
  // and `description` where the picture alone would leave somebody out.
  SvgWriter(double width, double height, std::string_view css, std::string_view title,
            std::string_view description = {});

  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  // With a tooltip, an SVG viewer shows it over the shape.
  void rect(double x, double y, double width, double height, std::string_view css_class,
            std::string_view tooltip = {});
  void circle(double x, double y, double radius, std::string_view css_class, std::string_view tooltip = {});
  void path(std::string_view commands, std::string_view css_class, std::string_view tooltip = {});
  void text(double x, double y, std::string_view content, std::string_view css_class,
            Anchor anchor = Anchor::Start, std::string_view tooltip = {});
  // A named group, closed by end_group(): what a test or a style sheet can find again.
  void begin_group(std::string_view id);
  void end_group() { out_ += "</g>\n"; }

  [[nodiscard]] std::string finish() &&;

 private:
  void close(std::string_view element, std::string_view tooltip);

  std::string out_;
};

}  // namespace ami::amictl
