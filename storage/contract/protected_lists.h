// Who must not be cut off: lists of usage points that the utility signs and hands in whole, again and again.
// Two implementations: storage/memory/protected_lists.h, storage/postgres/protected_lists.h; one suite of tests
// for both. The newest version of each kind counts. Of an older one the head stays for ever, with the hash and the
// signature of the file; the names go, because they tell of people's health.
//
// Calls block: use them from the database pool. Refusals: storage/postgres/refusal.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/time/instant.h"
#include "storage/postgres/refusal.h"

namespace ami::storage {

enum class ProtectedKind : std::uint8_t { Medical, LifeSupport, CriticalCustomer };
inline constexpr std::array kProtectedKinds{ProtectedKind::Medical, ProtectedKind::LifeSupport,
                                            ProtectedKind::CriticalCustomer};
std::string_view name_of(ProtectedKind kind);  // "LIFE_SUPPORT"
std::optional<ProtectedKind> protected_kind_from(std::string_view name);

// A list whose signature was checked (daemon/switching/rules/protected_list.h).
struct ProtectedImport {
  std::int32_t utility = 0;
  ProtectedKind kind = ProtectedKind::Medical;
  std::int64_t version = 0;               // grows; an old list cannot be handed in again
  UtcInstant made_at{};                   // by the utility's books, as signed
  std::vector<std::string> usage_points;  // keys, each once
  std::string sha256;                     // of the file as it was signed; 64 hex digits
  std::string signature;                  // 128 hex digits
  std::string signed_with;                // name of the key
  std::string actor;                      // who handed it in
};

// Of the newest version of a kind.
struct ProtectedMark {
  ProtectedKind kind = ProtectedKind::Medical;
  std::int64_t version = 0;
  UtcInstant made_at{};
  std::string sha256;
  std::int64_t entries = 0;
  bool listed = false;  // the usage point that was asked for is on it
};

// What every store refuses of a list by itself. nullopt = nothing.
std::optional<Refusal> wrong_import(const ProtectedImport& list);
// Collision on version.
Refusal old_protected_list(const ProtectedImport& list);

class ProtectedLists {
 public:
  virtual ~ProtectedLists() = default;

  // Collision on version: there is that version or a newer one, or made_at goes back. Invalid: a field is
  // empty or not of its form, or a usage point stands there twice. A usage point that the utility does not have (yet) is kept: it may come.
  virtual Answer<Done> import(const ProtectedImport& list) = 0;

  // One for each kind that was ever imported, in the order of ProtectedKind.
  virtual Answer<std::vector<ProtectedMark>> marks(std::int32_t utility, const std::string& usage_point) = 0;
};

}  // namespace ami::storage
