#include "adapters/wire/multispeak/codec/header.h"

#include <charconv>

#include "meter_model/quantity/quoted.h"

namespace ami::multispeak {
namespace {

std::optional<std::int64_t> count_of(const xml::Element& element, std::string_view name) {
  if (!element.has_attribute(name)) return std::nullopt;
  const std::string_view text = element.attribute(name);
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  return error == std::errc{} && stop == end && count >= 0 ? count : -1;
}

std::string stated_version(const xml::Element& element) {
  std::string version(element.attribute("MajorVersion"));
  if (version.empty()) return std::string(element.attribute("Version"));
  for (const std::string_view part : {"MinorVersion", "Build"}) {
    if (element.has_attribute(part)) version += "." + std::string(element.attribute(part));
  }
  return version;
}

}  // namespace

MessageHeader decode_header(const xml::Element& element) {
  const auto text = [&](std::string_view name) { return std::string(element.attribute(name)); };
  MessageHeader header;
  header.version = stated_version(element);
  header.build_string = text("BuildString");
  header.user_id = text("UserID");
  header.password = Secret(text("Pwd"));
  header.app_name = text("AppName");
  header.app_version = text("AppVersion");
  header.company = text("Company");
  header.session_id = text("SessionID");
  header.previous_session_id = text("PreviousSessionID");
  header.registration_id = text("RegistrationID");
  header.audit_id = text("AuditID");
  header.audit_password = Secret(text("AuditPassword"));
  header.message_id = text("MessageID");
  header.time_stamp = text("TimeStamp");
  header.context = text("Context");
  header.objects_remaining = count_of(element, "ObjectsRemaining");
  header.last_sent = text("LastSent");
  return header;
}

void encode_header(const MessageHeader& header, Version version, xml::Writer& writer) {
  writer.open("MultiSpeakMsgHeader").attribute("xmlns", namespace_of(version));
  const auto put = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) writer.attribute(name, text);
  };
  if (version == Version::V30) {
    put("Version", header.version.empty() ? "3.0" : header.version);
    put("BuildString", header.build_string);
  } else if (header.version.empty()) {
    writer.attribute("MajorVersion", "4").attribute("MinorVersion", "1").attribute("Build", "6");
    put("BuildString", header.build_string.empty() ? "Release" : header.build_string);
  } else {
    // Major, minor, build; a text with fewer parts leaves the attributes out.
    constexpr std::string_view kParts[] = {"MajorVersion", "MinorVersion", "Build"};
    std::string_view rest = header.version;
    for (const std::string_view part : kParts) {
      const auto dot = rest.find('.');
      put(part, rest.substr(0, dot));
      rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
    }
    put("BuildString", header.build_string.empty() ? "Release" : header.build_string);
  }
  put("UserID", header.user_id);
  put("Pwd", header.password.reveal());
  put("AppName", header.app_name);
  put("AppVersion", header.app_version);
  put("Company", header.company);
  put("SessionID", header.session_id);
  put("PreviousSessionID", header.previous_session_id);
  if (header.objects_remaining) put("ObjectsRemaining", std::to_string(*header.objects_remaining));
  put("LastSent", header.last_sent);
  put("RegistrationID", header.registration_id);
  put("AuditID", header.audit_id);
  put("MessageID", header.message_id);
  put("TimeStamp", header.time_stamp);
  if (version == Version::V41) {
    put("Context", header.context);
    put("AuditPassword", header.audit_password.reveal());
  }
  writer.close();
}

Result<std::optional<std::string>> next_page(const MessageHeader& answer, std::string_view last_received) {
  const std::int64_t remaining = answer.objects_remaining.value_or(0);
  if (remaining < 0)
    return permanent("ObjectsRemaining is not a whole number: the rest of the pages cannot be asked for");
  if (remaining == 0) return std::optional<std::string>{};
  if (answer.last_sent.empty() || answer.last_sent == last_received) {
    return permanent("ObjectsRemaining is " + std::to_string(remaining) + " but LastSent is " +
                     quoted(answer.last_sent) + ", as in the page before: the next page cannot be asked for");
  }
  return std::optional<std::string>{answer.last_sent};
}

}  // namespace ami::multispeak
