#include "adapters/wire/multispeak/link/callback_answers.h"

#include <cstdio>

#include "adapters/wire/http/credentials.h"

namespace ami::multispeak {
namespace {

constexpr std::size_t kLooked = 64 << 10;   // how far into an unreadable message is looked for namespaces
constexpr std::size_t kLongestInKey = 200;  // of a text from outside; a longer one is its hash

// FNV-1a. A key must be the same after a restart, which std::hash does not promise.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

std::string hex(std::uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

std::string bounded(std::string_view text) {
  return text.size() <= kLongestInKey ? std::string(text) : "#" + hex(hash_of(text));
}

http::Response soap_response(int status, Soap soap, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", std::string(content_type(soap)));
  response.body = std::move(body);
  return response;
}

// SOAP 1.1 has every fault as 500; 1.2 (part 2, 7.5.2.2) has a sender's as 400.
int status_of(const SoapFault& fault, Soap soap) {
  return soap == Soap::V12 && fault.blame == SoapFault::Blame::Sender ? 400 : 500;
}

bool answered_here(Operation operation) {
  return is_notification(operation) || operation == Operation::PingUrl ||
         operation == Operation::GetMethods || operation == Operation::MeterExchange;
}

}  // namespace

CallbackAnswers::CallbackAnswers(std::string company, std::string app_name, std::string retry_after_s)
    : company_(std::move(company)),
      app_name_(std::move(app_name)),
      retry_after_s_(std::move(retry_after_s)) {}

Sender CallbackAnswers::sender(Version version, Soap soap, UtcInstant now) const {
  Sender sender;
  sender.version = version;
  sender.soap = soap;
  sender.header.company = company_;
  sender.header.app_name = app_name_;
  sender.header.time_stamp = to_text(std::chrono::floor<std::chrono::seconds>(now));
  return sender;
}

http::Response CallbackAnswers::taken(const Incoming& incoming, UtcInstant now) const {
  return soap_response(200, incoming.soap,
                       encode_response(incoming.operation, {}, sender(incoming.version, incoming.soap, now)));
}

http::Response CallbackAnswers::methods(const Incoming& incoming, UtcInstant now) const {
  ResponseContent content;
  content.methods = callback_methods(incoming.version);
  return soap_response(
      200, incoming.soap,
      encode_response(incoming.operation, content, sender(incoming.version, incoming.soap, now)));
}

http::Response CallbackAnswers::fault(const Incoming& incoming, const Error& error, UtcInstant now) const {
  const SoapFault said = fault_for(error);
  return soap_response(status_of(said, incoming.soap), incoming.soap,
                       encode_fault_message(sender(incoming.version, incoming.soap, now), said));
}

http::Response CallbackAnswers::fault(std::string_view bytes, std::string_view content_type,
                                      const Error& error, UtcInstant now) const {
  const std::string_view looked = bytes.substr(0, kLooked);
  const auto names = [&](std::string_view space) { return looked.find(space) != std::string_view::npos; };
  Incoming guessed;
  guessed.soap = soap_of_content_type(content_type);
  for (const Soap soap : {Soap::V11, Soap::V12}) {
    if (names(envelope_namespace(soap))) guessed.soap = soap;
  }
  guessed.version = names(namespace_of(Version::V41)) ? Version::V41 : Version::V30;
  return fault(guessed, error, now);
}

http::Response CallbackAnswers::later(const Incoming& incoming, const Error& error, UtcInstant now) const {
  http::Response response = fault(incoming, error, now);
  response.status = 503;
  response.headers.add("Retry-After", retry_after_s_);
  return response;
}

std::vector<std::string> callback_methods(Version version) {
  std::vector<std::string> names;
  for (const Operation operation : all_operations()) {
    const std::string_view name = name_of(operation, version);
    if (answered_here(operation) && !name.empty()) names.emplace_back(name);
  }
  return names;
}

std::optional<Error> not_for_us(const Incoming& incoming) {
  if (answered_here(incoming.operation)) return std::nullopt;
  std::string_view name = name_of(incoming.operation, incoming.version);
  if (name.empty())
    name = name_of(incoming.operation, Version::V41);  // the other version's, in this namespace
  return permanent("not_for_us: " + std::string(name) +
                   " is a request to a head-end, and this address takes what a head-end reports;"
                   " GetMethods says what");
}

bool shows(const std::optional<MessageHeader>& header, const http::BasicCredentials& asked) {
  const MessageHeader none;
  const MessageHeader& shown = header ? *header : none;
  const bool same = constant_time_equal(asked, {shown.user_id, shown.password});
  return header.has_value() & same;
}

std::string journal_key(const Incoming& notification) {
  if (!notification.transaction.empty()) return "transaction:" + bounded(notification.transaction);
  if (!notification.first_meter.empty()) return "meter:" + bounded(notification.first_meter);
  return "content:" + hex(hash_of(notification.journal) % 256).substr(14);
}

}  // namespace ami::multispeak
