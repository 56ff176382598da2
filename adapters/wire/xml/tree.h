// A whole XML message as a tree: for messages that have a bounded size. Documents of any size: xml_stream.h.
//
// Namespaces are resolved, prefixes mean nothing. No DTD, no entities beyond the five of XML, UTF-8 only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::xml {

class Tree;

// One element of a tree, which must outlive it. A default one is "not there": everything it has is empty, so
// that paths can be followed without asking at each step.
class Element {
 public:
  Element() = default;
  explicit operator bool() const noexcept { return tree_ != nullptr; }

  [[nodiscard]] std::string_view space() const noexcept;  // namespace; empty = none
  [[nodiscard]] std::string_view name() const noexcept;   // local name
  // Its own characters (not those of elements within), XML white space cut at both ends. Empty also for an
  // element that xsi:nil says is not there.
  [[nodiscard]] std::string_view text() const noexcept;
  // The same without the cut: what blanks stand for is not always nothing (a separator).
  [[nodiscard]] std::string_view untrimmed() const noexcept;
  [[nodiscard]] bool nil() const noexcept;  // xsi:nil = true or 1
  // Of attributes without a namespace, as sent. Empty when absent.
  [[nodiscard]] std::string_view attribute(std::string_view name) const noexcept;
  [[nodiscard]] bool has_attribute(std::string_view name) const noexcept;

  // The first child of that local name, in any namespace.
  [[nodiscard]] Element child(std::string_view name) const noexcept;
  [[nodiscard]] Element child(std::string_view space, std::string_view name) const noexcept;
  [[nodiscard]] Element first_child() const noexcept;
  [[nodiscard]] Element next() const noexcept;  // next sibling
  [[nodiscard]] Element parent() const noexcept;
  // The next sibling of the same local name: for (Element m = list.child("a"); m; m = m.next_same()).
  [[nodiscard]] Element next_same() const noexcept;

  // Where it stands in the message: from its '<' to one past its last '>'.
  [[nodiscard]] std::uint64_t begin() const noexcept;
  [[nodiscard]] std::uint64_t end() const noexcept;

 private:
  friend class Tree;
  Element(const Tree* tree, std::uint32_t at) : tree_(tree), at_(at) {}
  const Tree* tree_ = nullptr;
  std::uint32_t at_ = 0;
};

struct TreeLimits {
  std::size_t bytes = 16 * 1024 * 1024;
  std::size_t elements = 2'000'000;
  std::size_t depth = 64;
  std::size_t attributes = 1'000'000;  // of all elements together
  std::size_t attribute_bytes = 64 * 1024;
};

// Movable: elements of a tree that was moved are of the new one's contents but point at the old; ask root()
// again.
class Tree {
 public:
  // An Error's message begins with a word: too_large, empty_file, truncated, not_well_formed,
  // unsupported_encoding, entity_declaration, too_deep, too_many_elements, too_many_attributes,
  // attribute_too_long, token_too_long; then what and where (byte and line).
  static Result<Tree> parse(std::string_view bytes, const TreeLimits& limits = {});
  [[nodiscard]] Element root() const noexcept { return Element(this, 0); }

 private:
  friend class Element;
  struct Builder;
  struct Slice {
    std::uint32_t at = 0, size = 0;
  };
  struct Attribute {
    Slice name, value;
  };
  struct Node {
    std::uint32_t space = 0;  // index into spaces_
    Slice name, text, untrimmed;
    std::uint32_t parent = 0, next = 0, first = 0;  // 0 = none (the root is nobody's child)
    std::uint32_t attributes = 0, attribute_count = 0;
    std::uint64_t begin = 0, end = 0;
    bool nil = false;
  };
  [[nodiscard]] std::string_view cut(Slice slice) const noexcept {
    return std::string_view(text_).substr(slice.at, slice.size);
  }

  std::string text_;  // names, attribute values and characters
  std::vector<std::string> spaces_;
  std::vector<Node> nodes_;
  std::vector<Attribute> attributes_;
};

}  // namespace ami::xml
