#include "meter_model/approval/stated.h"

#include <array>
#include <utility>

namespace ami::approval {
namespace {

template <class T>
using Name = std::pair<T, std::string_view>;

constexpr std::array kStated = {Name<Stated>{Stated::Yes, "YES"},
                                Name<Stated>{Stated::NotStated, "NOT_STATED"},
                                Name<Stated>{Stated::No, "NO"}};
constexpr std::array kApprovals = {Name<TypeApproval>{TypeApproval::Approved, "APPROVED"},
                                   Name<TypeApproval>{TypeApproval::NotStated, "NOT_STATED"},
                                   Name<TypeApproval>{TypeApproval::Outside, "OUTSIDE"},
                                   Name<TypeApproval>{TypeApproval::NotSubject, "NOT_SUBJECT"},
                                   Name<TypeApproval>{TypeApproval::Unknown, "UNKNOWN"},
                                   Name<TypeApproval>{TypeApproval::NoRegime, "NO_REGIME"}};
constexpr std::array kAnswers = {
    Name<Answer>{Answer::Allowed, "ALLOWED"}, Name<Answer>{Answer::Refused, "REFUSED"},
    Name<Answer>{Answer::Unknown, "UNKNOWN"}, Name<Answer>{Answer::NoRegime, "NO_REGIME"}};
constexpr std::array kConnections = {Name<Connection>{Connection::SelfContained, "SELF_CONTAINED"},
                                     Name<Connection>{Connection::TransformerRated, "TRANSFORMER_RATED"}};
constexpr std::array kProvenances = {Name<Provenance>{Provenance::Unknown, "UNKNOWN"},
                                     Name<Provenance>{Provenance::SourceRegister, "SOURCE_REGISTER"},
                                     Name<Provenance>{Provenance::MeterRecorder, "METER_RECORDER"},
                                     Name<Provenance>{Provenance::ModuleRecorder, "MODULE_RECORDER"},
                                     Name<Provenance>{Provenance::Processed, "PROCESSED"},
                                     Name<Provenance>{Provenance::Manual, "MANUAL"}};

template <class Table, class T>
std::string_view name_in(const Table& table, T value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  return "UNKNOWN";
}

template <class T, class Table>
std::optional<T> value_in(const Table& table, std::string_view text) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Stated stated) {
  return name_in(kStated, stated);
}
std::string_view name_of(TypeApproval approval) {
  return name_in(kApprovals, approval);
}
std::string_view name_of(Answer answer) {
  return name_in(kAnswers, answer);
}
std::string_view name_of(Connection connection) {
  return name_in(kConnections, connection);
}
std::string_view name_of(Provenance provenance) {
  return name_in(kProvenances, provenance);
}
std::optional<Stated> stated_from(std::string_view name) {
  return value_in<Stated>(kStated, name);
}
std::optional<TypeApproval> type_approval_from(std::string_view name) {
  return value_in<TypeApproval>(kApprovals, name);
}
std::optional<Connection> connection_from(std::string_view name) {
  return value_in<Connection>(kConnections, name);
}
std::optional<Provenance> provenance_from(std::string_view name) {
  return value_in<Provenance>(kProvenances, name);
}

}  // namespace ami::approval
