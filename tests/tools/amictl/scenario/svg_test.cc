#include "tools/amictl/scenario/svg.h"

#include <gtest/gtest.h>

#include "tools/amictl/scenario/utf8.h"

namespace ami::amictl {
namespace {

TEST(XmlEscaped, LeavesNothingThatXmlReadsAsMarkup) {
  EXPECT_EQ(xml_escaped("a<b>&\"c\"'"), "a&lt;b&gt;&amp;&quot;c&quot;&#39;");
  EXPECT_EQ(xml_escaped(std::string_view("x\0y\x1b", 4)), "x?y?");
}

TEST(ValidUtf8, KeepsCharactersAndReplacesTheRest) {
  EXPECT_EQ(valid_utf8("caf\u00e9 \u2212 \U0001F50C"), "caf\u00e9 \u2212 \U0001F50C");
  EXPECT_EQ(valid_utf8("caf\xe9"), "caf?");
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "??") << "overlong";
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(valid_utf8("\xef\xbf\xbe"), "???") << "no character of XML";
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "????") << "beyond the last";
  EXPECT_EQ(valid_utf8("\xe2\x82"), "??") << "cut off";
}

TEST(SvgNumber, HasOneDecimalAtMostAndNoMinusZero) {
  EXPECT_EQ(svg_number(12), "12");
  EXPECT_EQ(svg_number(12.34), "12.3");
  EXPECT_EQ(svg_number(-0.04), "0");
  EXPECT_EQ(svg_number(-0.26), "-0.3");
}

TEST(SvgWriter, WritesWhatItIsTold) {
  SvgWriter svg(10, 20, ".a{fill:red}", "T<");
  svg.begin_group("g");
  svg.rect(1, 2, 3, 4, "a", "tip");
  svg.text(5, 6, "a & b", "t", Anchor::End);
  svg.end_group();
  EXPECT_EQ(std::move(svg).finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"20\" viewBox=\"0 0 10 20\" "
            "role=\"img\">\n<title>T&lt;</title>\n<style>.a{fill:red}</style>\n<g id=\"g\">\n"
            "<rect class=\"a\" x=\"1\" y=\"2\" width=\"3\" height=\"4\"><title>tip</title></rect>\n"
            "<text class=\"t\" x=\"5\" y=\"6\" text-anchor=\"end\">a &amp; b</text>\n</g>\n</svg>\n");
}

}  // namespace
}  // namespace ami::amictl
