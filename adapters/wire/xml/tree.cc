#include "adapters/wire/xml/tree.h"

#include <functional>
#include <unordered_map>

#include "adapters/wire/xml/xml_stream.h"

namespace ami::xml {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kNil = "http://www.w3.org/2001/XMLSchema-instance\nnil";

// Looks up texts without making strings of them.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

}  // namespace

struct Tree::Builder final : XmlHandler {
  Builder(const TreeLimits& most, Tree& into)
      : limits(most), tree(into), stream({most.depth, most.attribute_bytes, most.bytes, 0}, *this) {}

  Slice put(std::string_view text) {
    const Slice slice{static_cast<std::uint32_t>(tree.text_.size()), static_cast<std::uint32_t>(text.size())};
    tree.text_ += text;
    return slice;
  }

  // Nearly always that of the element before.
  std::uint32_t space_of(std::string_view space) {
    if (last_space < tree.spaces_.size() && tree.spaces_[last_space] == space) return last_space;
    const auto known = spaces.find(space);
    if (known != spaces.end()) return last_space = known->second;
    last_space = static_cast<std::uint32_t>(tree.spaces_.size());
    tree.spaces_.emplace_back(space);
    spaces.emplace(space, last_space);
    return last_space;
  }

  // The same few names come again and again.
  Slice name_of(std::string_view name) {
    const auto known = names.find(name);
    if (known != names.end()) return known->second;
    return names.emplace(name, put(name)).first->second;
  }

  void on_start(const StartTag& tag) override {
    if (tree.nodes_.size() >= limits.elements)
      return stream.fail("too_many_elements",
                         "the message has more than " + std::to_string(limits.elements) + " elements");
    const auto at = static_cast<std::uint32_t>(tree.nodes_.size());
    Node node;
    node.space = space_of(tag.space);
    node.name = name_of(tag.name);
    node.begin = tag.begin;
    node.attributes = static_cast<std::uint32_t>(tree.attributes_.size());
    for (const char** pair = tag.attributes.list(); *pair != nullptr; pair += 2) {
      const std::string_view name(pair[0]), value(pair[1]);
      if (name == kNil) node.nil = value == "true" || value == "1";
      if (name.find('\n') != std::string_view::npos) continue;
      tree.attributes_.push_back({name_of(name), put(value)});
    }
    if (tree.attributes_.size() > limits.attributes)
      return stream.fail("too_many_attributes",
                         "the message has more than " + std::to_string(limits.attributes) + " attributes");
    node.attribute_count = static_cast<std::uint32_t>(tree.attributes_.size()) - node.attributes;
    if (depth > 0) {
      Level& above = open[depth - 1];
      node.parent = above.node;
      (above.last == 0 ? tree.nodes_[above.node].first : tree.nodes_[above.last].next) = at;
      above.last = at;
    }
    tree.nodes_.push_back(node);
    if (++depth > open.size()) open.emplace_back();
    Level& level = open[depth - 1];
    level.node = at;
    level.last = 0;
    level.text.clear();
  }

  void on_text(std::string_view text) override { open[depth - 1].text += text; }

  void on_end(std::uint64_t end) override {
    Level& level = open[--depth];
    Node& node = tree.nodes_[level.node];
    const auto first = level.text.find_first_not_of(kBlanks);
    const bool words = first != std::string::npos;
    // What only indents elements is not kept.
    if (!node.nil && (words || level.last == 0)) {
      node.untrimmed = put(level.text);
      if (words)
        node.text = {node.untrimmed.at + static_cast<std::uint32_t>(first),
                     static_cast<std::uint32_t>(level.text.find_last_not_of(kBlanks) - first + 1)};
    }
    node.end = end;
  }

  struct Level {
    std::uint32_t node = 0, last = 0;
    std::string text;
  };

  const TreeLimits& limits;
  Tree& tree;
  std::vector<Level> open;  // the first `depth` are of open elements; the others keep their memory
  std::size_t depth = 0;
  std::uint32_t last_space = 0;
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> spaces;
  std::unordered_map<std::string, Slice, TextHash, std::equal_to<>> names;
  XmlStream stream;
};

Result<Tree> Tree::parse(std::string_view bytes, const TreeLimits& limits) {
  if (bytes.size() > limits.bytes)
    return permanent("too_large: the message has " + std::to_string(bytes.size()) + " bytes, more than " +
                     std::to_string(limits.bytes));
  Tree tree;
  Builder builder(limits, tree);
  const Outcome read = builder.stream.feed(bytes, true);
  if (!read.ok()) return read.error();
  return tree;
}

std::string_view Element::space() const noexcept {
  return *this ? std::string_view(tree_->spaces_[tree_->nodes_[at_].space]) : std::string_view{};
}

std::string_view Element::name() const noexcept {
  return *this ? tree_->cut(tree_->nodes_[at_].name) : std::string_view{};
}

std::string_view Element::text() const noexcept {
  return *this ? tree_->cut(tree_->nodes_[at_].text) : std::string_view{};
}

std::string_view Element::untrimmed() const noexcept {
  return *this ? tree_->cut(tree_->nodes_[at_].untrimmed) : std::string_view{};
}

bool Element::nil() const noexcept {
  return *this && tree_->nodes_[at_].nil;
}

std::string_view Element::attribute(std::string_view name) const noexcept {
  if (!*this) return {};
  const auto& node = tree_->nodes_[at_];
  for (std::uint32_t i = node.attributes; i < node.attributes + node.attribute_count; ++i) {
    if (tree_->cut(tree_->attributes_[i].name) == name) return tree_->cut(tree_->attributes_[i].value);
  }
  return {};
}

bool Element::has_attribute(std::string_view name) const noexcept {
  if (!*this) return false;
  const auto& node = tree_->nodes_[at_];
  for (std::uint32_t i = node.attributes; i < node.attributes + node.attribute_count; ++i) {
    if (tree_->cut(tree_->attributes_[i].name) == name) return true;
  }
  return false;
}

Element Element::first_child() const noexcept {
  if (!*this || tree_->nodes_[at_].first == 0) return {};
  return {tree_, tree_->nodes_[at_].first};
}

Element Element::next() const noexcept {
  if (!*this || tree_->nodes_[at_].next == 0) return {};
  return {tree_, tree_->nodes_[at_].next};
}

Element Element::parent() const noexcept {
  if (!*this || at_ == 0) return {};
  return {tree_, tree_->nodes_[at_].parent};
}

Element Element::next_same() const noexcept {
  Element other = next();
  while (other && other.name() != name()) other = other.next();
  return other;
}

Element Element::child(std::string_view name) const noexcept {
  Element found = first_child();
  while (found && found.name() != name) found = found.next();
  return found;
}

Element Element::child(std::string_view space, std::string_view name) const noexcept {
  Element found = first_child();
  while (found && (found.name() != name || found.space() != space)) found = found.next();
  return found;
}

std::uint64_t Element::begin() const noexcept {
  return *this ? tree_->nodes_[at_].begin : 0;
}
std::uint64_t Element::end() const noexcept {
  return *this ? tree_->nodes_[at_].end : 0;
}

}  // namespace ami::xml
