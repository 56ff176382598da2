#include "tools/amictl/connection.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "meter_model/time/instant.h"

namespace ami::amictl {
namespace {

// gRPC says of a file that is no PEM only that the gateway has no address.
std::string pem_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) throw UsageError{"cannot read " + path};
  std::ostringstream text;
  text << in.rdbuf();
  if (text.str().find("-----BEGIN ") == std::string::npos) throw UsageError{path + " is not a PEM file"};
  return text.str();
}

}  // namespace

std::shared_ptr<grpc::Channel> connect(const Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);
  const bool local = options.address.rfind("unix:", 0) == 0;
  if (local || options.plaintext) {
    if (!options.cert.empty())
      throw UsageError{"--cert goes with a TLS address, not with " + options.address};
    return grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), arguments);
  }
  if (options.ca.empty() || options.cert.empty() || options.key.empty()) {
    throw UsageError{
        "a TLS address needs --ca, --cert and --key (or use unix:PATH on the gateway's own host)"};
  }
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = pem_text(options.ca);
  tls.pem_cert_chain = pem_text(options.cert);
  tls.pem_private_key = pem_text(options.key);
  return grpc::CreateCustomChannel(options.address, grpc::SslCredentials(tls), arguments);
}

void set_deadline(grpc::ClientContext& context, const Options& options) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(options.timeout_s));
}

int complain(const grpc::Status& status, const Options& options) {
  std::cerr << "amictl: " << status.error_message();
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& any : details.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::BadRequest bad;
      google::rpc::RetryInfo retry;
      if (any.UnpackTo(&info)) {
        std::cerr << " [" << info.reason() << "]";
        const std::map<std::string, std::string> facts(info.metadata().begin(), info.metadata().end());
        for (const auto& [key, value] : facts) std::cerr << "\n  " << key << ": " << value;
      } else if (any.UnpackTo(&bad)) {
        for (const auto& field : bad.field_violations()) {
          std::cerr << "\n  " << field.field() << ": " << field.description();
        }
      } else if (any.UnpackTo(&retry)) {
        std::cerr << "\n  try again in " << retry.retry_delay().seconds() << " s";
      }
    }
  }
  std::cerr << '\n';
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE ||
      status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    std::cerr << "  gateway: " << options.address << '\n';
    return kUnreachable;
  }
  return kRefused;
}

std::string to_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions style;
  style.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, style);
  if (!status.ok()) throw UsageError{"cannot print the answer as JSON: " + status.ToString()};
  return text;
}

std::string to_text(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return ami::to_text(
      UtcInstant{std::chrono::seconds{time.seconds()} + std::chrono::microseconds{time.nanos() / 1000}});
}

void parse_time(const std::string& text, google::protobuf::Timestamp& out) {
  const auto instant = parse_instant(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!instant) throw UsageError{"\"" + text + "\" is not a time: " + instant.error().message};
  const auto micros = instant.value().time_since_epoch().count();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(instant.value()).time_since_epoch().count();
  out.set_seconds(seconds);
  out.set_nanos(static_cast<std::int32_t>((micros - seconds * 1'000'000) * 1000));
}

void parse_duration(const std::string& text, google::protobuf::Duration& out) {
  constexpr std::pair<char, std::int64_t> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}};
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && stop + 1 == end && number >= 0 && number <= 100'000'000) {
    for (const auto& [unit, seconds] : kUnits) {
      if (*stop != unit) continue;
      out.set_seconds(number * seconds);
      return;
    }
  }
  throw UsageError{"\"" + text + "\" is no length of time; write it as 90s, 30m, 6h or 35d"};
}

std::string to_text(const google::protobuf::Duration& duration) {
  std::string text = std::to_string(duration.seconds());
  if (duration.nanos() != 0) {
    std::string digits = std::to_string(std::abs(duration.nanos()));
    digits.insert(0, 9 - digits.size(), '0');
    digits.erase(digits.find_last_not_of('0') + 1);
    if (duration.seconds() == 0 && duration.nanos() < 0) text = "-0";
    text += "." + digits;
  }
  return text + " s";
}

std::string parent(const Options& options) {
  if (options.utility.empty()) throw UsageError{"which utility? give --utility KEY or set AMI_UTILITY"};
  return "utilities/" + options.utility;
}

std::string meter_name(const Options& options, const std::string& key) {
  return key.rfind("utilities/", 0) == 0 ? key : parent(options) + "/meters/" + key;
}

std::string last_part(const std::string& name) {
  return name.substr(name.rfind('/') + 1);
}

}  // namespace ami::amictl
