// Messages to decode, and what a decode says, one line a fact (the form that oracle.py prints too):
//   R|meter|channel|measure|unit|commodity|tou|time|value|flag|occurred_at
//   I|meter|channel|measure|unit|commodity|seconds|first end (or: from start)|value~flag,…|slot=register,…
//   E|meter|KIND|code|text|time|SOURCE
//   T|meter|transaction|word|fault|time
//   M|meter|reason
//   K|skipped|placeholder times
// Times as written; "-" = none.
#pragma once

#include <string>
#include <string_view>

#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/multispeak/codec/notification.h"

namespace ami::multispeak::testing {

inline const std::string kNs30(namespace_of(Version::V30));
inline const std::string kNs41(namespace_of(Version::V41));

// A whole SOAP 1.1 message with a header (user "hes", password kPassword) around `content`.
inline constexpr const char* kPassword = "s3cret-Pa55";
std::string soap(std::string_view content, Version version = Version::V30);
// <name xmlns=…>parts</name>
std::string operation(std::string_view name, std::string_view parts, Version version = Version::V30);
// ReadingChangedNotification of 3.0 with this meterRead, and the transaction t-1.
std::string reading(std::string_view meter_read);
// … of 4.1 with this meterReading.
std::string reading41(std::string_view meter_reading);
std::string intervals(std::string_view data, std::string_view after = "<transactionID>t-1</transactionID>");

Sender sender(Version version = Version::V30, Soap soap = Soap::V11);

// Fails the test when the message is refused.
Notification decoded(std::string_view message, const Options& options = {});
std::string refusal(std::string_view message, const Options& options = {});

std::string describe(const Reports& reports);
std::string describe(const Notification& notification);
// The lines that begin with this letter.
std::string lines(const Notification& notification, char kind);

std::string read_file(const std::string& path);
std::string source_folder();                  // of these tests
std::string sample(const std::string& name);  // "" where there are no samples
bool have_samples();

}  // namespace ami::multispeak::testing
