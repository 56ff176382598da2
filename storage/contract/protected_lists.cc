#include "storage/contract/protected_lists.h"

#include <algorithm>
#include <set>

namespace ami::storage {
namespace {

constexpr std::array<std::string_view, 3> kNames{"MEDICAL", "LIFE_SUPPORT", "CRITICAL_CUSTOMER"};
static_assert(kNames.size() == kProtectedKinds.size());

bool hex(const std::string& text, std::size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Refusal invalid(const char* field, std::string message) {
  Refusal out;
  out.kind = Refusal::Kind::Invalid;
  out.message = std::move(message);
  out.field = field;
  return out;
}

}  // namespace

std::string_view name_of(ProtectedKind kind) {
  return kNames.at(static_cast<std::size_t>(kind));
}
std::optional<ProtectedKind> protected_kind_from(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<ProtectedKind>(at - kNames.begin());
}

std::optional<Refusal> wrong_import(const ProtectedImport& list) {
  if (list.version <= 0) return invalid("version", "must be above zero");
  if (!hex(list.sha256, 64)) return invalid("sha256", "is 64 hex digits");
  if (!hex(list.signature, 128)) return invalid("signature", "is 128 hex digits");
  if (list.signed_with.empty()) return invalid("signed_with", "is needed");
  if (list.actor.empty()) return invalid("actor", "is needed");
  std::set<std::string_view> seen;
  for (const std::string& point : list.usage_points) {
    if (point.empty()) return invalid("usage_points", "a usage point without a key");
    if (!seen.insert(point).second) return invalid("usage_points", "usage point " + point + " is there twice");
  }
  return std::nullopt;
}

Refusal old_protected_list(const ProtectedImport& list) {
  Refusal out;
  out.kind = Refusal::Kind::Collision;
  out.message = "version " + std::to_string(list.version) + " of list " + std::string(name_of(list.kind)) +
                ", made at " + to_text(list.made_at) + ", is not newer than the one that is here";
  out.field = "version";
  return out;
}

}  // namespace ami::storage
