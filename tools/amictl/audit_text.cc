#include "tools/amictl/audit_text.h"

#include <boost/json.hpp>
#include <stdexcept>

#include "ami/v1/audit_service.pb.h"
#include "meter_model/audit/chain.h"
#include "tools/amictl/connection.h"

namespace ami::amictl {

audit::Fields fields_of(const v1::AuditLine& line) {
  const auto fields = audit::parse_canonical(line.canonical());
  if (!fields) throw std::runtime_error("the gateway sent bytes that are no line of the audit, at position " + std::to_string(line.position()));
  return *fields;
}

std::string field_text(const audit::Fields& fields, const char* name) {
  const std::size_t index = audit::field_index(name);
  const auto& field = fields.at(index);
  if (!field) return "";
  if (audit::fields()[index].kind == audit::FieldKind::Time) {
    if (const auto at = audit::time_of(field)) return ami::to_text(*at);
  }
  return std::string(*field);
}

std::string line_json(const v1::AuditLine& line) {
  boost::json::object out;
  if (line.position() > 0) {
    out["position"] = line.position();
    out["row_sha256"] = audit::hex(audit::digest_from_bytes(line.row_sha256()).value_or(audit::Digest{}));
    out["chain_sha256"] = audit::hex(audit::digest_from_bytes(line.chain_sha256()).value_or(audit::Digest{}));
    out["sealed_at"] = to_text(line.seal_time());
  }
  const audit::Fields fields = fields_of(line);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const audit::FieldInfo& info = audit::fields()[i];
    // The operation's last known position of the switch, not that in the chain.
    const std::string_view name = info.name == "position" ? std::string_view("switch_position") : info.name;
    if (!fields.at(i)) {
      out[name] = nullptr;
    } else if (const auto number = audit::number_of(fields.at(i)); number && info.kind == audit::FieldKind::Number) {
      out[name] = *number;
    } else if (info.kind == audit::FieldKind::Flag) {
      out[name] = fields.at(i) == "1";
    } else {
      out[name] = field_text(fields, std::string(info.name).c_str());
    }
  }
  return boost::json::serialize(out);
}

}  // namespace ami::amictl
