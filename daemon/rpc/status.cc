#include "daemon/rpc/status.h"

#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace ami::rpc {
namespace {

class Details {
 public:
  Details(grpc::StatusCode code, std::string_view reason, std::string message) {
    status_.set_code(static_cast<int>(code));
    status_.set_message(std::move(message));
    info_.set_reason(std::string(reason));
    info_.set_domain("ami.v1");
  }
  void fact(const std::string& key, const std::string& value) { (*info_.mutable_metadata())[key] = value; }
  template <class Message>
  void add(const Message& message) {
    extra_.push_back(google::protobuf::Any());
    extra_.back().PackFrom(message);
  }
  grpc::Status status() {
    status_.add_details()->PackFrom(info_);
    for (google::protobuf::Any& any : extra_) *status_.add_details() = std::move(any);
    return {static_cast<grpc::StatusCode>(status_.code()), status_.message(), status_.SerializeAsString()};
  }

 private:
  google::rpc::Status status_;
  google::rpc::ErrorInfo info_;
  std::vector<google::protobuf::Any> extra_;
};

grpc::Status fields(const std::vector<FieldProblem>& problems, std::string_view reason) {
  std::string message;
  google::rpc::BadRequest bad;
  for (const FieldProblem& problem : problems) {
    if (!message.empty()) message += "; ";
    message += problem.field + ": " + problem.description;
    auto* violation = bad.add_field_violations();
    violation->set_field(problem.field);
    violation->set_description(problem.description);
  }
  Details details(grpc::StatusCode::INVALID_ARGUMENT, reason, std::move(message));
  details.add(bad);
  return details.status();
}

constexpr std::string_view kind_word(ResourceName::Kind kind) {
  return kind == ResourceName::Kind::Meter ? "METER" : "USAGE_POINT";
}

}  // namespace

grpc::Status invalid_fields(const std::vector<FieldProblem>& problems) {
  return fields(problems, "INVALID_FIELD");
}

grpc::Status invalid_field(std::string field, std::string description, std::string_view reason) {
  return fields({{std::move(field), std::move(description)}}, reason);
}

grpc::Status not_found(ResourceName::Kind kind, const std::string& name, const std::string& nearest) {
  std::string message = name + " is not known";
  if (!nearest.empty()) message += "; the nearest known is " + nearest;
  Details details(grpc::StatusCode::NOT_FOUND, std::string(kind_word(kind)) + "_NOT_FOUND",
                  std::move(message));
  if (!nearest.empty()) details.fact("nearest", nearest);
  google::rpc::ResourceInfo info;
  info.set_resource_type(kind == ResourceName::Kind::Meter ? "ami.v1.Meter" : "ami.v1.UsagePoint");
  info.set_resource_name(name);
  if (!nearest.empty()) info.set_description("nearest known: " + nearest);
  details.add(info);
  return details.status();
}

grpc::Status refused(grpc::StatusCode code, std::string_view reason, const std::string& message,
                     int retry_after_s) {
  return refused_because(code, reason, message, {}, retry_after_s);
}

grpc::Status refused_because(grpc::StatusCode code, std::string_view reason, const std::string& message,
                             const std::map<std::string, std::string>& facts, std::int64_t retry_after_s) {
  Details details(code, reason, message);
  for (const auto& [key, value] : facts) details.fact(key, value);
  if (retry_after_s > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(retry_after_s);
    details.add(retry);
  }
  return details.status();
}

grpc::Status from_refusal(const storage::Refusal& refusal, const ResourceName& subject) {
  using Kind = storage::Refusal::Kind;
  const bool meter = subject.kind == ResourceName::Kind::Meter;
  const auto name_of_key = [&](const std::string& key) {
    if (key.empty()) return std::string();
    return meter ? meter_name(subject.utility, key) : usage_point_name(subject.utility, key);
  };
  switch (refusal.kind) {
    case Kind::Invalid:
      return invalid_field(refusal.field, refusal.message);
    case Kind::NotFound:
      if (subject.key.empty()) return refused(grpc::StatusCode::NOT_FOUND, "NOT_FOUND", refusal.message);
      return not_found(subject.kind, name_of_key(subject.key), name_of_key(refusal.nearest));
    case Kind::AlreadyExists:
      return refused(grpc::StatusCode::ALREADY_EXISTS, std::string(kind_word(subject.kind)) + "_EXISTS",
                     refusal.message);
    case Kind::Collision:
      return refused(grpc::StatusCode::FAILED_PRECONDITION, "ASSET_CONFLICT", refusal.message);
    case Kind::Excluded:
      return refused_because(
          grpc::StatusCode::FAILED_PRECONDITION, refusal.rule->name,
          refusal.message + "; what is on the wall already is stored with already_in_place",
          refusal.rule->facts);
    case Kind::Unavailable:
      return refused(grpc::StatusCode::UNAVAILABLE, "STORE_UNAVAILABLE",
                     "the store is away; nothing was changed", 2);
    case Kind::InDoubt:
      return refused(grpc::StatusCode::ABORTED, "OUTCOME_IN_DOUBT",
                     "the store did not confirm: read what is there, then decide");
    case Kind::Internal:
      break;
  }
  return refused(grpc::StatusCode::INTERNAL, "INTERNAL_ERROR", "a defect of the gateway; its log says more");
}

}  // namespace ami::rpc
