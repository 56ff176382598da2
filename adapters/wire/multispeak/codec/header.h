// MultiSpeakMsgHeader of both versions. Attributes that are not named here are ignored: the schema allows
// any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "adapters/wire/multispeak/codec/operation.h"
#include "adapters/wire/secret/secret.h"
#include "adapters/wire/xml/tree.h"
#include "adapters/wire/xml/writer.h"
#include "meter_model/result.h"

namespace ami::multispeak {

using wire::Secret;

struct MessageHeader {
  // 3.0: Version. 4.1: MajorVersion.MinorVersion.Build, or the attribute Version where a sender has that
  // instead. A statement only ("4.0" is met in 4.1 messages): the namespace of the body decides. Empty when
  // encoding = the version's own.
  std::string version;
  std::string build_string;  // 4.1, required there; empty when encoding = "Release"
  std::string user_id;
  Secret password;
  std::string app_name, app_version, company;
  std::string session_id, previous_session_id, registration_id;
  std::string audit_id;
  Secret audit_password;  // 4.1
  std::string message_id;
  std::string time_stamp;  // as written
  std::string context;     // 4.1: Production, Testing, …

  // Paging: what is still to come after this message, and where the next request goes on.
  // -1 = written, but not a whole number; nullopt = not written.
  std::optional<std::int64_t> objects_remaining;
  std::string last_sent;
};

MessageHeader decode_header(const xml::Element& element);
void encode_header(const MessageHeader& header, Version version, xml::Writer& writer);

// What to put into lastReceived of the next request, "" having been the first; nullopt = that was the last
// page. Permanent: the head-end says that more is to come but not from where, or names the same place again,
// or the count cannot be read; going on would never end or would lose the rest silently.
Result<std::optional<std::string>> next_page(const MessageHeader& answer, std::string_view last_received);

}  // namespace ami::multispeak
