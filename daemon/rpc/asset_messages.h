// Between asset rows and asset messages.
#pragma once

#include <string>
#include <vector>

#include "ami/v1/asset_service.pb.h"
#include "daemon/rpc/call.h"
#include "storage/postgres/assets.h"

namespace ami::rpc {

v1::Meter to_proto(const storage::Utility& utility, const storage::Meter& meter, UtcInstant at);
v1::UsagePoint to_proto(const storage::Utility& utility, const storage::UsagePoint& point, UtcInstant at);
v1::Installation to_proto(const storage::Utility& utility, const storage::Installation& installation);

// Each throws StatusError with the field's path when something will not do.
storage::MeterDetail meter_detail_from(const v1::Meter& meter);
storage::UsagePointDetail usage_point_detail_from(const v1::UsagePoint& point);
storage::Alias alias_from(const std::string& field, const v1::Alias& alias);
std::vector<storage::DialRead> dial_reads_from(const std::string& field,
                                               const google::protobuf::RepeatedPtrField<v1::DialRead>& reads);

// Copies the named fields of `from` over `onto`; a name that is no such field throws.
void overwrite(const google::protobuf::RepeatedPtrField<std::string>& fields,
               const storage::MeterDetail& from, storage::MeterDetail& onto);
void overwrite(const google::protobuf::RepeatedPtrField<std::string>& fields,
               const storage::UsagePointDetail& from, storage::UsagePointDetail& onto);

}  // namespace ami::rpc
