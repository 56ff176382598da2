#include "adapters/wire/xml/tree.h"

#include <gtest/gtest.h>

#include <string>

namespace ami::xml {
namespace {

std::string word_of(std::string_view xml, const TreeLimits& limits = {}) {
  const auto tree = Tree::parse(xml, limits);
  if (tree.ok()) return "good";
  return tree.error().message.substr(0, tree.error().message.find(':'));
}

TEST(XmlTree, FindsElementsByLocalNameWhateverThePrefix) {
  const auto tree = Tree::parse(
      R"(<s:E xmlns:s="urn:soap"><s:B><m:read xmlns:m="urn:m" no="7"> 12 </m:read><read xmlns="urn:n">13</read></s:B></s:E>)");
  ASSERT_TRUE(tree.ok());
  const Element body = tree->root().child("urn:soap", "B");
  ASSERT_TRUE(body);
  EXPECT_EQ(tree->root().name(), "E");
  EXPECT_EQ(tree->root().space(), "urn:soap");
  EXPECT_EQ(body.child("read").text(), "12");
  EXPECT_EQ(body.child("read").attribute("no"), "7");
  EXPECT_EQ(body.child("urn:n", "read").text(), "13");
  EXPECT_EQ(body.child("read").next_same().text(), "13");
  EXPECT_FALSE(body.child("urn:n", "read").next());
  EXPECT_EQ(body.child("read").parent().name(), "B");
}

TEST(XmlTree, CharactersAreToBeHadUncutToo) {
  const auto tree = Tree::parse("<a>\n <b>\t</b> <c> x y\t</c><d/><e> &#9; </e>\n</a>");
  ASSERT_TRUE(tree.ok());
  const Element a = tree->root();
  EXPECT_EQ(a.child("b").untrimmed(), "\t");
  EXPECT_EQ(a.child("b").text(), "");
  EXPECT_EQ(a.child("c").untrimmed(), " x y\t");
  EXPECT_EQ(a.child("c").text(), "x y");
  EXPECT_EQ(a.child("d").untrimmed(), "");
  EXPECT_EQ(a.child("e").untrimmed(), " \t ");
  EXPECT_EQ(a.text(), "");
  EXPECT_EQ(a.child("nowhere").untrimmed(), "");
}

TEST(XmlTree, WhatIsNotThereIsEmptyAllTheWayDown) {
  const auto tree = Tree::parse("<a/>");
  ASSERT_TRUE(tree.ok());
  const Element nothing = tree->root().child("b").child("c").next().first_child();
  EXPECT_FALSE(nothing);
  EXPECT_EQ(nothing.text(), "");
  EXPECT_EQ(nothing.attribute("x"), "");
  EXPECT_FALSE(nothing.has_attribute("x"));
  EXPECT_FALSE(tree->root().parent());
  EXPECT_FALSE(tree->root().next());
}

TEST(XmlTree, TextIsAnElementsOwnAndTrimmed) {
  const auto tree = Tree::parse("<a> one <b>two</b><![CDATA[<three>]]> &amp; &#52; \n</a>");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(tree->root().text(), "one <three> & 4");
  EXPECT_EQ(tree->root().child("b").text(), "two");
}

TEST(XmlTree, NilHasNoText) {
  const auto tree = Tree::parse(
      R"(<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><b i:nil="true"> 5 </b><c i:nil="0">6</c><d nil="true">7</d></a>)");
  ASSERT_TRUE(tree.ok());
  EXPECT_TRUE(tree->root().child("b").nil());
  EXPECT_EQ(tree->root().child("b").text(), "");
  EXPECT_FALSE(tree->root().child("c").nil());
  EXPECT_EQ(tree->root().child("c").text(), "6");
  EXPECT_FALSE(tree->root().child("d").nil()) << "not the attribute of XML Schema";
  EXPECT_EQ(tree->root().child("d").attribute("nil"), "true");
}

TEST(XmlTree, TellsWhereAnElementStands) {
  const std::string xml = "<a>\n <b x='1'>é</b><c/></a>";
  const auto tree = Tree::parse(xml);
  ASSERT_TRUE(tree.ok());
  const Element b = tree->root().child("b"), c = tree->root().child("c");
  EXPECT_EQ(xml.substr(b.begin(), b.end() - b.begin()), "<b x='1'>é</b>");
  EXPECT_EQ(xml.substr(c.begin(), c.end() - c.begin()), "<c/>");
  EXPECT_EQ(tree->root().begin(), 0U);
  EXPECT_EQ(tree->root().end(), xml.size());
}

TEST(XmlTree, BadMessagesAreNamedByAWord) {
  EXPECT_EQ(word_of(""), "empty_file");
  EXPECT_EQ(word_of("<a><b></a>"), "not_well_formed");
  EXPECT_EQ(word_of("<a/><b/>"), "not_well_formed");
  EXPECT_EQ(word_of("<p:a/>"), "not_well_formed") << "a prefix that nobody declared";
  EXPECT_EQ(word_of(R"(<?xml version="1.0" encoding="ISO-8859-1"?><a/>)"), "unsupported_encoding");
  EXPECT_EQ(word_of(std::string("<\0a\0/\0>\0", 8)), "unsupported_encoding");
  EXPECT_EQ(word_of("<a>\xC3</a>"), "not_well_formed");
}

TEST(XmlTree, EntitiesAreNotExpandedByAnyWay) {
  EXPECT_EQ(word_of(R"(<!DOCTYPE l [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><l>&c;</l>)"), "entity_declaration");
  EXPECT_EQ(word_of(R"(<!DOCTYPE l SYSTEM "file:///etc/passwd"><l/>)"), "entity_declaration");
  EXPECT_EQ(word_of("<l>&unknown;</l>"), "not_well_formed");
}

TEST(XmlTree, EveryPrefixOfAMessageIsRefused) {
  const std::string xml = R"(<?xml version="1.0"?><a b="c"><d>e</d><!-- f --><g/></a>)";
  for (std::size_t length = 0; length < xml.size(); ++length)
    EXPECT_NE(word_of(std::string_view(xml).substr(0, length)), "good") << length;
  EXPECT_EQ(word_of(xml), "good");
}

TEST(XmlTree, LimitsHoldAtTheirExactValue) {
  TreeLimits limits;
  limits.bytes = 24;
  limits.elements = 3;
  limits.depth = 2;
  limits.attributes = 2;
  limits.attribute_bytes = 4;
  EXPECT_EQ(word_of("<a><b/><c/></a>", limits), "good");
  EXPECT_EQ(word_of("<a><b/><c/><d/></a>", limits), "too_many_elements");
  EXPECT_EQ(word_of("<a><b><c/></b></a>", limits), "too_deep");
  EXPECT_EQ(word_of("<a x='1' y='2'/>", limits), "good");
  EXPECT_EQ(word_of("<a x='1' y='2' z='3'/>", limits), "too_many_attributes");
  EXPECT_EQ(word_of("<a x='1234'/>", limits), "good");
  EXPECT_EQ(word_of("<a x='12345'/>", limits), "attribute_too_long");
  EXPECT_EQ(word_of("<a>                 </a>", limits), "good");
  EXPECT_EQ(word_of("<a>                  </a>", limits), "too_large");
}

TEST(XmlTree, AsManyNamespacesAsElements) {
  std::string xml = "<a>";
  for (int i = 0; i < 100'000; ++i)
    xml += "<b xmlns='u:" + std::to_string(i) + "'>" + std::to_string(i) + "</b>";
  xml += "</a>";
  const auto tree = Tree::parse(xml);
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(tree->root().child("u:99999", "b").text(), "99999");
}

}  // namespace
}  // namespace ami::xml
