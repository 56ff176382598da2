// A gRPC channel to a gateway, and how its answers become messages and exit codes. Only for files that speak
// gRPC.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "tools/amictl/options.h"

namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc
namespace google::protobuf {
class Duration;
class Message;
class Timestamp;
}  // namespace google::protobuf

namespace ami::amictl {

// Throws UsageError when the options do not fit together or a certificate file cannot be read.
std::shared_ptr<grpc::Channel> connect(const Options& options);

struct UsageError {
  std::string message;
};

void set_deadline(grpc::ClientContext& context, const Options& options);

// Prints what the gateway said (reason, fields, when to come back) to stderr; returns the exit code.
int complain(const grpc::Status& status, const Options& options);

std::string to_json(const google::protobuf::Message& message);  // one line
std::string to_text(const google::protobuf::Timestamp& time);   // RFC 3339, UTC; empty for the default value
// RFC 3339, or a date (its UTC midnight). Throws UsageError.
void parse_time(const std::string& text, google::protobuf::Timestamp& out);

// "90s", "30m", "6h", "35d". Throws UsageError.
void parse_duration(const std::string& text, google::protobuf::Duration& out);
std::string to_text(
    const google::protobuf::Duration& duration);  // "-5400 s", with a fraction where there is one

// "utilities/U"; throws UsageError without a --utility.
std::string parent(const Options& options);
// A full resource name stays; a bare key becomes utilities/U/meters/KEY.
std::string meter_name(const Options& options, const std::string& key);
std::string last_part(const std::string& name);

}  // namespace ami::amictl
