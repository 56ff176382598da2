// Any bytes: a tree whose every element can be visited and lies within its parent, or an error with a word.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "adapters/wire/xml/tree.h"

namespace {

void visit(const ami::xml::Element& element) {
  for (auto child = element.first_child(); child; child = child.next()) {
    if (child.begin() < element.begin() || child.end() > element.end()) std::abort();
    if (child.parent().begin() != element.begin()) std::abort();
    visit(child);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tree = ami::xml::Tree::parse(std::string_view(reinterpret_cast<const char*>(data), size),
                                          {1 << 20, 1000, 32, 1000, 4096});
  if (tree.ok()) {
    visit(tree->root());
  } else if (tree.error().message.find(": ") == std::string::npos) {
    std::abort();
  }
  return 0;
}
