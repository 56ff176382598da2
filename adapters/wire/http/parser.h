// HTTP/1 messages from bytes, over Beast's grammar. Private: heavy.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "adapters/wire/http/message.h"

namespace ami::http {

// Takes header fields and body as they come. The body grows with what arrives, never with what is announced;
// trailers are read and dropped, so that nothing behind the body can pose as a header.
template <bool IsRequest>
class MessageParser : public boost::beast::http::basic_parser<IsRequest> {
  using Base = boost::beast::http::basic_parser<IsRequest>;
  using ErrorCode = boost::system::error_code;
  using Text = boost::core::string_view;

 public:
  MessageParser(std::uint32_t max_header_bytes, std::size_t max_body_bytes)
      : max_body_bytes_(max_body_bytes) {
    Base::header_limit(max_header_bytes);
    Base::body_limit(boost::none);  // counted here, so that a large Content-Length still gets its own answer
    Base::eager(false);
  }

  std::string method, target;  // of a request
  int status = 0;              // of a response
  int version = 11;
  Headers headers;
  std::string body;

 private:
  void on_request_impl(boost::beast::http::verb, Text method_text, Text target_text, int version_number,
                       ErrorCode&) override {
    method.assign(method_text.data(), method_text.size());
    target.assign(target_text.data(), target_text.size());
    version = version_number;
  }
  void on_response_impl(int code, Text, int version_number, ErrorCode&) override {
    status = code;
    version = version_number;
  }
  void on_field_impl(boost::beast::http::field, Text name, Text value, ErrorCode&) override {
    if (!in_header_) return;
    headers.add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(ErrorCode&) override { in_header_ = false; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode& error) override {
    // Of a request the server says so itself, after what is wrong with its header.
    if (!IsRequest && length && *length > max_body_bytes_) error = boost::beast::http::error::body_limit;
  }
  std::size_t on_body_impl(Text part, ErrorCode& error) override { return take(part, error); }
  void on_chunk_header_impl(std::uint64_t size, Text, ErrorCode& error) override {
    if (size > max_body_bytes_ - body.size()) error = boost::beast::http::error::body_limit;
  }
  std::size_t on_chunk_body_impl(std::uint64_t, Text part, ErrorCode& error) override {
    return take(part, error);
  }
  void on_finish_impl(ErrorCode&) override {}

  std::size_t take(Text part, ErrorCode& error) {
    if (part.size() > max_body_bytes_ - body.size()) {
      error = boost::beast::http::error::body_limit;
      return 0;
    }
    body.append(part.data(), part.size());
    return part.size();
  }

  std::size_t max_body_bytes_;
  bool in_header_ = true;
};

using RequestParser = MessageParser<true>;
using ResponseParser = MessageParser<false>;

}  // namespace ami::http
