#include "adapters/wire/xml/writer.h"

#include <utility>

namespace ami::xml {

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
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
      case '\t':
        out += "&#9;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\xEF\xBF\xBD";
        } else {
          out += c;
        }
    }
  }
}

Writer::Writer(bool declaration) {
  if (declaration) out_ = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
}

void Writer::content() {
  if (in_tag_) out_ += '>';
  in_tag_ = false;
}

Writer& Writer::open(std::string_view name) {
  content();
  out_ += '<';
  out_ += name;
  open_.emplace_back(name);
  in_tag_ = true;
  return *this;
}

Writer& Writer::attribute(std::string_view name, std::string_view value) {
  out_ += ' ';
  out_ += name;
  out_ += "=\"";
  append_escaped(value, out_);
  out_ += '"';
  return *this;
}

Writer& Writer::text(std::string_view text) {
  content();
  append_escaped(text, out_);
  return *this;
}

Writer& Writer::raw(std::string_view xml) {
  content();
  out_ += xml;
  return *this;
}

Writer& Writer::close() {
  if (in_tag_) {
    out_ += "/>";
    in_tag_ = false;
  } else {
    out_ += "</" + open_.back() + ">";
  }
  open_.pop_back();
  return *this;
}

Writer& Writer::leaf(std::string_view name, std::string_view text) {
  open(name);
  if (!text.empty()) this->text(text);
  return close();
}

Writer& Writer::leaf_unless_empty(std::string_view name, std::string_view text) {
  return text.empty() ? *this : leaf(name, text);
}

std::string Writer::take() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace ami::xml
