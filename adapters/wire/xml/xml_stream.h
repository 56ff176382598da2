// A bounded, namespace-aware XML reader over fed bytes, for documents of any size. Expat stays in the source
// file.
//
// It keeps the bytes as sent of the token under way and, on request, of everything since some offset, so that
// the caller can quote the original. No DTD, no entities beyond the five of XML, UTF-8 only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "meter_model/result.h"

struct XML_ParserStruct;

namespace ami::xml {

// Attributes of a start tag, valid during the callback.
class Attributes {
 public:
  explicit Attributes(const char** list) : list_(list) {}
  // Those without a namespace. Empty when absent: no attribute of the formats here means anything by being
  // there and empty.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
  // Names and values in turn, ended by a null pointer; a name in a namespace is "namespace\nname".
  [[nodiscard]] const char** list() const noexcept { return list_; }

 private:
  [[nodiscard]] const char* find(std::string_view name) const noexcept;
  const char** list_;
};

struct StartTag {
  std::string_view space;  // namespace; empty = none
  std::string_view name;   // local name
  Attributes attributes;
  std::uint64_t begin;  // byte offset of '<'
  std::uint64_t end;    // one past '>'
};

class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void on_start(const StartTag& tag) = 0;
  virtual void on_end(std::uint64_t end) = 0;  // one past the end tag's '>'
  virtual void on_text(std::string_view text) = 0;
};

struct XmlLimits {
  std::size_t depth;
  std::size_t attribute_bytes;
  std::size_t token_bytes;
  std::size_t kept_bytes;  // most that keep_from() holds
};

class XmlStream {
 public:
  XmlStream(const XmlLimits& limits, XmlHandler& handler);
  ~XmlStream();
  XmlStream(const XmlStream&) = delete;
  XmlStream& operator=(const XmlStream&) = delete;

  Outcome feed(std::string_view bytes, bool last);
  [[nodiscard]] std::uint64_t fed() const noexcept { return fed_; }
  [[nodiscard]] const char* fatal_reason() const noexcept { return reason_; }

  // Ends the document with an error at the present token. For use within a callback.
  void fail(const char* reason, const std::string& detail);

  // Keeps the bytes from `offset` (not before the present token) until drop().
  void keep_from(std::uint64_t offset);
  void drop() noexcept;
  // More than kept_bytes were to be kept: only the first of them are still there.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  [[nodiscard]] std::string_view head() const noexcept { return head_; }
  // [begin, end) as sent: of the present token or of what is kept (and did not overflow).
  [[nodiscard]] std::string_view bytes(std::uint64_t begin, std::uint64_t end) const;

 private:
  struct Callbacks;
  struct FreeParser {
    void operator()(XML_ParserStruct* parser) const noexcept;
  };

  void feed_some(std::string_view bytes, bool last);
  void set_error(const char* reason, const std::string& detail, std::uint64_t offset);
  void set_parser_error(bool last);
  void slide_window();
  std::uint64_t position() noexcept;

  XmlLimits limits_;
  XmlHandler& handler_;
  std::unique_ptr<XML_ParserStruct, FreeParser> parser_;
  std::uint64_t fed_ = 0;
  std::uint64_t position_ = 0;
  std::size_t depth_ = 0;
  bool ended_ = false;
  bool parsing_ = false;
  char first_byte_ = 0;

  std::string window_;  // bytes [window_begin_, fed_)
  std::uint64_t window_begin_ = 0;
  bool keeping_ = false;
  std::uint64_t kept_begin_ = 0;
  bool overflowed_ = false;
  std::string head_;

  const char* reason_ = "";
  Error error_;
  std::exception_ptr thrown_;  // an exception of the handler, carried around the C code
};

}  // namespace ami::xml
