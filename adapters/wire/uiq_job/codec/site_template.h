// What a site knows of UtilityIQ's SOAP services that is not public: element names and order, paths of
// answers, words of states. Data (YAML), so that it can be corrected from the licensed WSDL without a
// rebuild.
//
//   version: 1
//   name: uiq-assumed
//   assumed: "why this is only assumed"      # left out once a site has confirmed it
//   soap: "1.1"                              # or "1.2"
//   operations:
//     find_device:
//       path: /amm/webservice/v2.10/DeviceManagerPort
//       action: ""                           # SOAPAction
//       body: |                              # one element; a placeholder is the whole text of an element
//         <d:FindDevice xmlns:d="urn:…"><Name>{meter}</Name></d:FindDevice>
//       answer:
//         rows: SearchResponse               # repeated element below the body's first; left out: that itself
//         fields: {mac: DeviceConfig/MacID}  # paths of local names below a row; "." = the row's own text
//   states: {Completed: completed, Failure: failed}   # word of a job's status -> state
//   results: {Success: succeeded, Failure: failed}    # word of a row of results -> what became of the meter
//   actions: {connect: JOB_…}                # what is asked of a job -> word for {action} or {read_type}
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::uiq_job {

enum class Operation : std::uint8_t {
  FindDevice,           // find_device           a meter's name -> its MAC id
  AddReadJob,           // add_read_job          -> job
  AddProvisioningJob,   // add_provisioning_job  connect, disconnect, ask for the switch's state -> job
  AddPingJob,           // add_ping_job          -> job
  ActivateJob,          // activate_job          for jobs that do not start by themselves
  JobStatus,            // job_status            -> a word
  ReadResults,          // read_results
  ProvisioningResults,  // provisioning_results
  PingResults           // ping_results
};
inline constexpr std::size_t kOperations = 9;
std::string_view name_of(Operation operation);  // as in the template

enum class JobState : std::uint8_t { NotStarted, Running, Completed, Failed, Unknown };
std::string_view name_of(JobState state);  // not_started, running, completed, failed, unknown

// What a row of results says of its meter.
enum class Ending : std::uint8_t {
  Succeeded,
  Failed,
  NoAnswer,  // the meter did not answer: what it did is not known
  Open,      // where its service switch stands
  Armed,
  Closed,
  Unknown
};
std::string_view name_of(Ending ending);  // succeeded, failed, no_answer, open, armed, closed, unknown

struct Placeholder {
  // meter, mac, job, job_name, action, read_type, retries, priority, rows, from, to
  std::string name;
  std::vector<std::string> path;  // local names below the body's element
};

struct OperationTemplate {
  std::string path, action;
  std::string body;  // with placeholders
  std::string root, root_space;
  std::vector<Placeholder> placeholders;
  std::vector<std::string> rows;
  std::map<std::string, std::vector<std::string>, std::less<>> fields;  // empty path = the row itself
};

class SiteTemplate {
 public:
  // All problems at once, one a line: "name:line: message". Problems are: an unknown key, placeholder, field,
  // operation or state (with the nearest known one), a body that is no single element, a placeholder that
  // does not stand alone, a field that an operation needs and does not have.
  static Result<SiteTemplate> parse(std::string_view yaml, const std::string& name_for_errors);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Why it is only assumed; empty = a site has confirmed it. Whoever shows a status says so.
  [[nodiscard]] const std::string& assumed() const noexcept { return assumed_; }
  [[nodiscard]] bool soap12() const noexcept { return soap12_; }
  // Null: the site's template does not have it.
  [[nodiscard]] const OperationTemplate* find(Operation operation) const noexcept;
  // Unknown for a word that is not in the table.
  [[nodiscard]] JobState state_of(std::string_view word) const;
  [[nodiscard]] Ending ending_of(std::string_view word) const;
  // nullopt: the site's template does not have it.
  [[nodiscard]] std::optional<std::string> action_word(std::string_view what) const;

 private:
  friend class TemplateReader;
  std::string name_, assumed_;
  bool soap12_ = false;
  std::array<std::optional<OperationTemplate>, kOperations> operations_;
  std::map<std::string, JobState, std::less<>> states_;
  std::map<std::string, Ending, std::less<>> endings_;
  std::map<std::string, std::string, std::less<>> actions_;
};

}  // namespace ami::uiq_job
