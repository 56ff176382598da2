// Writes XML text. What is put in is escaped; names are the caller's and written as given.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ami::xml {

// Characters that XML 1.0 cannot carry (controls other than tab and line ends) become U+FFFD. Tabs and line
// ends in attributes become references, so that a reader gets them back.
void append_escaped(std::string_view text, std::string& out);

class Writer {
 public:
  // With `declaration`: begins with <?xml version="1.0" encoding="utf-8"?>.
  explicit Writer(bool declaration = true);

  Writer& open(std::string_view name);
  // Of the element opened last, before anything was put into it.
  Writer& attribute(std::string_view name, std::string_view value);
  Writer& text(std::string_view text);
  Writer& raw(std::string_view xml);  // well-formed XML, as it stands
  Writer& close();                    // the element under way; <a/> when nothing was put into it
  Writer& leaf(std::string_view name, std::string_view text);
  // Nothing when `text` is empty.
  Writer& leaf_unless_empty(std::string_view name, std::string_view text);
  // Closes what is open and gives all of it.
  std::string take();

 private:
  void content();  // ends the start tag

  std::string out_;
  std::vector<std::string> open_;
  bool in_tag_ = false;
};

}  // namespace ami::xml
