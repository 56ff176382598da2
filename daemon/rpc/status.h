// gRPC statuses with google.rpc.Status details. The reasons are listed in proto/ami/v1/types.proto.
#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/rpc/names.h"
#include "storage/postgres/refusal.h"

namespace ami::rpc {

struct FieldProblem {
  std::string field;  // path in the request
  std::string description;
};

grpc::Status invalid_fields(const std::vector<FieldProblem>& problems);
grpc::Status invalid_field(std::string field, std::string description,
                           std::string_view reason = "INVALID_FIELD");

// NOT_FOUND with ResourceInfo; `nearest` is a full name, or empty.
grpc::Status not_found(ResourceName::Kind kind, const std::string& name, const std::string& nearest);

// Any other refusal: ErrorInfo alone, and RetryInfo when retry_after_s is above 0.
grpc::Status refused(grpc::StatusCode code, std::string_view reason, const std::string& message,
                     int retry_after_s = 0);
// With facts of this refusal in ErrorInfo.metadata; RetryInfo as above.
grpc::Status refused_because(grpc::StatusCode code, std::string_view reason, const std::string& message,
                             const std::map<std::string, std::string>& facts, std::int64_t retry_after_s = 0);

// What a store's refusal is for a caller who asked about `subject`. Internal says nothing of the cause: the
// caller of this function logs it (log_text).
grpc::Status from_refusal(const storage::Refusal& refusal, const ResourceName& subject);

}  // namespace ami::rpc
