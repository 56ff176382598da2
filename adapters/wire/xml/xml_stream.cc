#include "adapters/wire/xml/xml_stream.h"

#include <expat.h>

#include <algorithm>
#include <cassert>
#include <cctype>
#include <new>
#include <utility>

namespace ami::xml {
namespace {

constexpr char kSeparator = '\n';  // between namespace and local name; expat refuses it inside a namespace
constexpr std::size_t kStep = 16 * 1024;  // bytes for expat at a time, so that limits act early

bool is_utf8_name(std::string_view encoding) {
  std::string upper(encoding);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper == "UTF-8" || upper == "UTF8" || upper == "US-ASCII" || upper == "ASCII";
}

}  // namespace

const char* Attributes::find(std::string_view name) const noexcept {
  for (const char** at = list_; *at != nullptr; at += 2) {
    if (name == *at) return at[1];
  }
  return nullptr;
}

std::string_view Attributes::get(std::string_view name) const noexcept {
  const char* value = find(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

// What expat calls. Nothing may throw through it, and it may go on calling for a while after it was stopped.
struct XmlStream::Callbacks {
  template <class Body>
  static void guarded(void* self, Body body) {
    auto& stream = *static_cast<XmlStream*>(self);
    if (*stream.reason_ != '\0' || stream.thrown_) return;
    try {
      body(stream);
    } catch (...) {
      stream.thrown_ = std::current_exception();
      XML_StopParser(stream.parser_.get(), XML_FALSE);
    }
  }

  static void start(void* self, const char* name, const char** attributes) {
    guarded(self, [&](XmlStream& s) {
      if (++s.depth_ > s.limits_.depth) {
        return s.fail("too_deep",
                      "elements are nested more than " + std::to_string(s.limits_.depth) + " deep");
      }
      for (const char** at = attributes; *at != nullptr; at += 2) {
        if (std::string_view(at[1]).size() > s.limits_.attribute_bytes) {
          return s.fail("attribute_too_long",
                        "an attribute has more than " + std::to_string(s.limits_.attribute_bytes) + " bytes");
        }
      }
      const std::string_view full(name);
      const auto cut = full.rfind(kSeparator);
      const bool bare = cut == std::string_view::npos;
      const std::uint64_t begin = s.position();
      const auto length = static_cast<std::uint64_t>(XML_GetCurrentByteCount(s.parser_.get()));
      s.handler_.on_start({bare ? std::string_view{} : full.substr(0, cut),
                           bare ? full : full.substr(cut + 1), Attributes(attributes), begin,
                           begin + length});
    });
  }

  static void end(void* self, const char*) {
    guarded(self, [](XmlStream& s) {
      --s.depth_;
      const auto length = static_cast<std::uint64_t>(XML_GetCurrentByteCount(s.parser_.get()));
      s.handler_.on_end(s.position() + length);
    });
  }

  static void text(void* self, const char* text, int length) {
    guarded(self, [&](XmlStream& s) { s.handler_.on_text({text, static_cast<std::size_t>(length)}); });
  }

  static void declaration(void* self, const char*, const char* encoding, int) {
    guarded(self, [&](XmlStream& s) {
      if (encoding == nullptr || is_utf8_name(encoding)) return;
      s.fail("unsupported_encoding", "the document says another encoding than UTF-8");
    });
  }

  static void doctype(void* self, const char*, const char*, const char*, int) {
    guarded(self, [](XmlStream& s) {
      s.fail("entity_declaration", "a DOCTYPE is not accepted: it can declare entities");
    });
  }
};

void XmlStream::FreeParser::operator()(XML_ParserStruct* parser) const noexcept {
  XML_ParserFree(parser);
}

XmlStream::XmlStream(const XmlLimits& limits, XmlHandler& handler)
    : limits_(limits), handler_(handler), parser_(XML_ParserCreateNS("UTF-8", kSeparator)) {
  if (!parser_) throw std::bad_alloc();
  XML_SetUserData(parser_.get(), this);
  XML_SetElementHandler(parser_.get(), &Callbacks::start, &Callbacks::end);
  XML_SetCharacterDataHandler(parser_.get(), &Callbacks::text);
  XML_SetXmlDeclHandler(parser_.get(), &Callbacks::declaration);
  XML_SetStartDoctypeDeclHandler(parser_.get(), &Callbacks::doctype);
}

XmlStream::~XmlStream() = default;

// Start of the present token, or of the first byte not yet read. Expat forgets where it is while it waits for
// more of a token: then the last answer still holds.
std::uint64_t XmlStream::position() noexcept {
  const auto index = XML_GetCurrentByteIndex(parser_.get());
  if (index >= 0) position_ = static_cast<std::uint64_t>(index);
  return position_;
}

Outcome XmlStream::feed(std::string_view bytes, bool last) {
  if (ended_ && *reason_ == '\0') return permanent("bytes were fed after the end of the document");
  do {
    if (*reason_ != '\0') return error_;
    const auto step = bytes.substr(0, kStep);
    bytes.remove_prefix(step.size());
    feed_some(step, last && bytes.empty());
  } while (!bytes.empty());
  if (*reason_ != '\0') return error_;
  ended_ = last;
  return Done{};
}

void XmlStream::feed_some(std::string_view bytes, bool last) {
  // UTF-16 is recognised by its first two bytes whatever the parser was told, so it is refused before it.
  for (std::size_t i = 0; i < bytes.size() && fed_ + i < 2; ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (fed_ + i == 0) {
      first_byte_ = bytes[i];
      if (c >= 0xFE || c == 0) return set_error("unsupported_encoding", "the document is not UTF-8", 0);
    } else if (first_byte_ == '<' && c == 0) {
      return set_error("unsupported_encoding", "the document is not UTF-8", 1);
    }
  }
  window_.append(bytes);
  fed_ += bytes.size();
  parsing_ = true;
  const auto status =
      XML_Parse(parser_.get(), bytes.data(), static_cast<int>(bytes.size()), last ? XML_TRUE : XML_FALSE);
  parsing_ = false;
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  if (*reason_ != '\0') return;
  if (status != XML_STATUS_OK) return set_parser_error(last);
  if (fed_ - position() > limits_.token_bytes) {
    return set_error("token_too_long",
                     "a tag, comment or processing instruction has more than " +
                         std::to_string(limits_.token_bytes) + " bytes",
                     position());
  }
  slide_window();
}

void XmlStream::fail(const char* reason, const std::string& detail) {
  set_error(reason, detail, position());
  if (parsing_) XML_StopParser(parser_.get(), XML_FALSE);
}

void XmlStream::set_error(const char* reason, const std::string& detail, std::uint64_t offset) {
  reason_ = reason;
  error_ = permanent(std::string(reason) + ": " + detail + " (byte " + std::to_string(offset) + ", line " +
                     std::to_string(XML_GetCurrentLineNumber(parser_.get())) + ")");
}

void XmlStream::set_parser_error(bool last) {
  const auto code = XML_GetErrorCode(parser_.get());
  if (code == XML_ERROR_NO_MEMORY) throw std::bad_alloc();
  if (fed_ == 0) return set_error("empty_file", "the document has no bytes", 0);
  switch (code) {
    case XML_ERROR_NO_ELEMENTS:
    case XML_ERROR_UNCLOSED_TOKEN:
    case XML_ERROR_PARTIAL_CHAR:
    case XML_ERROR_UNCLOSED_CDATA_SECTION:
      if (last) return set_error("truncated", "the document ends before its root element is closed", fed_);
      break;
    default:
      break;
  }
  set_error("not_well_formed", XML_ErrorString(code), position());
}

void XmlStream::keep_from(std::uint64_t offset) {
  keeping_ = true;
  kept_begin_ = offset;
  overflowed_ = false;
}

void XmlStream::drop() noexcept {
  keeping_ = false;
  overflowed_ = false;
  head_.clear();
  if (head_.capacity() > kStep) head_.shrink_to_fit();
}

std::string_view XmlStream::bytes(std::uint64_t begin, std::uint64_t end) const {
  assert(begin >= window_begin_ && begin <= end && end <= fed_);
  return std::string_view(window_).substr(static_cast<std::size_t>(begin - window_begin_),
                                          static_cast<std::size_t>(end - begin));
}

// Forgets what neither the parser nor the caller can ask for again.
void XmlStream::slide_window() {
  std::uint64_t from = position();
  if (keeping_ && !overflowed_) {
    if (from - kept_begin_ > limits_.kept_bytes) {
      head_ = bytes(kept_begin_, kept_begin_ + limits_.kept_bytes);
      overflowed_ = true;
    } else {
      from = kept_begin_;
    }
  }
  window_.erase(0, static_cast<std::size_t>(from - window_begin_));
  window_begin_ = from;
}

}  // namespace ami::xml
