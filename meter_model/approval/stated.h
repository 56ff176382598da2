// Words of an approval: what a notice says of a thing, and what follows for a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ami::approval {

// What a notice says. Silence is neither yes nor no, so this converts to nothing: compare with a name.
enum class Stated : std::uint8_t { Yes, NotStated, No };

// Whether a value stands under the type approval.
enum class TypeApproval : std::uint8_t {
  Approved,    // every aspect of it is stated
  NotStated,   // the notice is silent on it
  Outside,     // the notice leaves it out, or it is of a meter or module that the notice does not cover
  NotSubject,  // the notice says that Measurement Canada's requirements do not apply to it
  Unknown,     // not enough is known of the meter to say
  NoRegime,    // no notice binds the utility
};

// May it be done or installed?
enum class Answer : std::uint8_t { Allowed, Refused, Unknown, NoRegime };

// How the meter is connected to the line.
enum class Connection : std::uint8_t { SelfContained, TransformerRated };

// Which device formed a value (metrology reference 1.4, assertions 6 and 10).
enum class Provenance : std::uint8_t {
  Unknown,
  SourceRegister,  // a register of the meter
  MeterRecorder,   // the meter's internal pulse recorder
  ModuleRecorder,  // a load profile that the communication module keeps
  Processed,       // computed outside the meter
  Manual,          // read from the meter's display by a person
};

std::string_view name_of(Stated stated);          // "YES", "NOT_STATED", "NO"
std::string_view name_of(TypeApproval approval);  // "APPROVED", "NOT_STATED", …
std::string_view name_of(Answer answer);          // "ALLOWED", "REFUSED", "UNKNOWN", "NO_REGIME"
std::string_view name_of(Connection connection);  // "SELF_CONTAINED", "TRANSFORMER_RATED"
std::string_view name_of(Provenance provenance);  // "SOURCE_REGISTER", …, "UNKNOWN"
std::optional<Stated> stated_from(std::string_view name);
std::optional<TypeApproval> type_approval_from(std::string_view name);
std::optional<Connection> connection_from(std::string_view name);
std::optional<Provenance> provenance_from(std::string_view name);

}  // namespace ami::approval
