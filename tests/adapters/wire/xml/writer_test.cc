#include "adapters/wire/xml/writer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "adapters/wire/xml/tree.h"

namespace ami::xml {
namespace {

TEST(XmlWriter, WritesWhatItIsTold) {
  Writer writer;
  writer.open("a").attribute("xmlns", "u:x").attribute("q", "\"<&>\n");
  writer.leaf("b", "1 < 2 & 3").leaf("c", "").leaf_unless_empty("d", "").raw("<e/>");
  EXPECT_EQ(writer.take(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
            "<a xmlns=\"u:x\" q=\"&quot;&lt;&amp;&gt;&#10;\"><b>1 &lt; 2 &amp; 3</b><c/><e/></a>");
}

TEST(XmlWriter, ClosesWhatIsOpen) {
  Writer writer(false);
  writer.open("a").open("b").text("t");
  EXPECT_EQ(writer.take(), "<a><b>t</b></a>");
}

TEST(XmlWriter, WhatXmlCannotCarryIsReplaced) {
  Writer writer(false);
  writer.leaf("a", std::string_view("x\0\x1By", 4));
  EXPECT_EQ(writer.take(), "<a>x\xEF\xBF\xBD\xEF\xBF\xBDy</a>");
}

TEST(XmlWriter, AReaderGetsBackWhatWasWritten) {
  std::mt19937 random(7);
  const std::string letters = "ab<>&\"' \t\n\r;]x";
  for (int round = 0; round < 300; ++round) {
    std::string text, attribute;
    for (unsigned i = 0; i < random() % 12; ++i) text += letters[random() % letters.size()];
    for (unsigned i = 0; i < random() % 12; ++i) attribute += letters[random() % letters.size()];
    Writer writer;
    writer.open("a").attribute("b", attribute).text("[" + text + "]");
    const std::string xml = writer.take();
    const auto tree = Tree::parse(xml);
    ASSERT_TRUE(tree.ok()) << xml << ": " << tree.error().message;
    EXPECT_EQ(tree->root().text(), "[" + text + "]") << xml;
    EXPECT_EQ(tree->root().attribute("b"), attribute) << xml;
  }
}

}  // namespace
}  // namespace ami::xml
