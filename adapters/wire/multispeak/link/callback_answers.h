// What is said to whoever posts to the callback server, and who may post: apart from sockets and journal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/wire/http/message.h"
#include "adapters/wire/multispeak/link/callback_server.h"

namespace ami::multispeak {

// Answers in the version and SOAP version of the caller. No credentials are ever in an answer.
class CallbackAnswers {
 public:
  CallbackAnswers(std::string company, std::string app_name, std::string retry_after_s);

  // Taken: an array of errorObject that has none, or nothing where the schema has an empty response.
  [[nodiscard]] http::Response taken(const Incoming& incoming, UtcInstant now) const;
  [[nodiscard]] http::Response methods(const Incoming& incoming, UtcInstant now) const;
  [[nodiscard]] http::Response fault(const Incoming& incoming, const Error& error, UtcInstant now) const;
  // Of a message that could not be read: version and SOAP version as far as bytes and content type show them.
  [[nodiscard]] http::Response fault(std::string_view bytes, std::string_view content_type,
                                     const Error& error, UtcInstant now) const;
  // 503: the message was not kept, the sender keeps it and sends it again.
  [[nodiscard]] http::Response later(const Incoming& incoming, const Error& error, UtcInstant now) const;

 private:
  [[nodiscard]] Sender sender(Version version, Soap soap, UtcInstant now) const;
  std::string company_, app_name_, retry_after_s_;
};

// Names of what is answered, in that version: GetMethods says them.
std::vector<std::string> callback_methods(Version version);

// Why a message is refused that asks for something else; nothing when it is answered here.
std::optional<Error> not_for_us(const Incoming& incoming);

// Does the header show user and password? Both are compared, in a time that does not tell where they differ.
bool shows(const std::optional<MessageHeader>& header, const http::BasicCredentials& asked);

// Under what a notification is journalled: its transaction, else its first meter, else one of 256 groups by
// content. Messages of different keys are stored side by side; the same content has the same key.
std::string journal_key(const Incoming& notification);

}  // namespace ami::multispeak
