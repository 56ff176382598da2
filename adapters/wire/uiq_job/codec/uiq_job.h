// The SOAP jobs of UtilityIQ (Itron AMM): find a device, add a job, ask for its state, fetch its results.
// Bytes to values and back. No I/O, no clock. HTTP Basic is the link's: no credential comes in here.
//
// The flow and most names are those of public integrator scripts; the vendor's WSDL is not public, so all
// element names, their order and the paths of answers come from a site's template (site_template.h) and are
// *assumed* until the site has compared them with its WSDL. Both directions of both sides are here, so that a
// simulated far side reads and writes by the same template.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/uiq_job/codec/site_template.h"
#include "adapters/wire/xml/tree.h"
#include "meter_model/observation/observation.h"
#include "meter_model/result.h"

namespace ami::uiq_job {

// Stable words of MalformedRecord::reason, for rows of results.
namespace reason {
inline constexpr const char* kMissingDevice = "missing_device";  // a row without its mac
inline constexpr const char* kBadTime = "bad_time";
}  // namespace reason

inline constexpr std::size_t kMaxMessageBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxRows = 10'000;  // read of one answer
inline constexpr std::size_t kMaxRawBytes = 1024 * 1024;

// By name of the placeholder: meter, mac, job, job_name, action, read_type, retries, priority, rows, from,
// to.
using Values = std::map<std::string, std::string, std::less<>>;
// By name of the field: mac, meter, state, job, status, word, fault, time. What is not there is left out.
using Row = std::map<std::string, std::string, std::less<>>;

// What to send.
struct Call {
  std::string path;
  std::string soap_action;
  std::string body;  // the SOAP envelope
};
// Permanent when the template does not have the operation, or a value that its body needs is missing.
Result<Call> encode_call(const SiteTemplate& site, Operation operation, const Values& values);

// What came back.
struct Answer {
  std::optional<std::string> fault;  // words of a SOAP Fault: then there are no rows
  // The fault blames the request: SOAP 1.1 Client, 1.2 Sender, or a code that says that nobody looked at it.
  // Any other leaves open how far the far side came.
  bool refused = false;
  std::vector<Row> rows;  // those without any field are left out
  bool more = false;      // beyond kMaxRows
};
// An Error's message begins with a word: those of xml::Tree::parse, not_soap, unknown_operation, or
// missing_field (an operation other than a list of results whose answer lacks what it is for).
Result<Answer> decode_answer(const SiteTemplate& site, Operation operation, std::string_view message);

// Rows of results as command results: transaction = `job`, meter = mac (AliasKind::Mac), measure = name of
// the operation, word, fault, time (absent when 1970-01-01T00:00:00 or 0001-01-01T00:00:00). What a word
// means is not said here. raw = the whole message, up to kMaxRawBytes (a longer one has none).
Outcome decode_results(const SiteTemplate& site, Operation operation, std::string_view job,
                       std::string_view message, DecodedBatch& out);

// For a simulated far side: which operation a message asks for (by its element's local name and namespace)
// with the values at the template's places. Errors: those of xml::Tree::parse, not_soap, unknown_operation.
struct Asked {
  Operation operation;
  Values values;
};
Result<Asked> decode_call(const SiteTemplate& site, std::string_view message);
// Its answers. Fields that the template has no path for are left out.
std::string encode_answer(const SiteTemplate& site, Operation operation, const std::vector<Row>& rows);
// `refused`: as of Answer. Else Server, Receiver.
std::string encode_fault(const SiteTemplate& site, std::string_view words, bool refused = false);

}  // namespace ami::uiq_job
