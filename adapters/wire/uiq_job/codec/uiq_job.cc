#include "adapters/wire/uiq_job/codec/uiq_job.h"

#include <algorithm>
#include <array>

#include "adapters/wire/xml/writer.h"
#include "meter_model/quantity/quoted.h"

namespace ami::uiq_job {
namespace {

constexpr const char* kSoap11 = "http://schemas.xmlsoap.org/soap/envelope/";
constexpr const char* kSoap12 = "http://www.w3.org/2003/05/soap-envelope";

const char* soap_space(const SiteTemplate& site) {
  return site.soap12() ? kSoap12 : kSoap11;
}

std::string enveloped(const SiteTemplate& site, const std::string& inside) {
  xml::Writer writer;
  writer.open("s:Envelope").attribute("xmlns:s", soap_space(site)).open("s:Body").raw(inside);
  return writer.take();
}

std::string no_operation(const SiteTemplate& site, Operation operation) {
  return "the site template " + quoted(site.name()) + " does not have " + std::string(name_of(operation));
}

// The element that the body carries. Both SOAP versions are read, whichever is written.
Result<xml::Element> body_of(const xml::Tree& tree) {
  const xml::Element root = tree.root();
  const bool soap = root.name() == "Envelope" && (root.space() == kSoap11 || root.space() == kSoap12);
  const xml::Element body = soap ? root.child(root.space(), "Body") : xml::Element{};
  if (!body.first_child())
    return permanent("not_soap: " + quoted(root.name()) + " is no SOAP envelope with something in its body");
  return body.first_child();
}

std::string words_of(const xml::Element& fault) {
  for (const std::string_view words :
       {fault.child("faultstring").text(), fault.child("Reason").child("Text").text(),
        fault.child("faultcode").text(), fault.child("Code").child("Value").text()}) {
    if (!words.empty()) return std::string(words);
  }
  return "a SOAP Fault without words";
}

bool blames_request(const xml::Element& fault) {
  constexpr std::array<std::string_view, 5> kRefusals{"Client", "Sender", "VersionMismatch", "MustUnderstand",
                                                      "DataEncodingUnknown"};
  std::string_view code = fault.child("faultcode").text();
  if (code.empty()) code = fault.child("Code").child("Value").text();
  if (const auto colon = code.rfind(':'); colon != std::string_view::npos) code.remove_prefix(colon + 1);
  // SOAP 1.1 lets a code be narrowed: Client.Authentication.
  return std::find(kRefusals.begin(), kRefusals.end(), code.substr(0, code.find('.'))) != kRefusals.end();
}

xml::Element follow(xml::Element at, const std::vector<std::string>& path) {
  for (const std::string& step : path) at = at.child(step);
  return at;
}

xml::TreeLimits limits() {
  xml::TreeLimits limits;
  limits.bytes = kMaxMessageBytes;
  return limits;
}

bool is_results(Operation operation) {
  return operation == Operation::ReadResults || operation == Operation::ProvisioningResults ||
         operation == Operation::PingResults;
}

// The field that an answer is for.
std::string_view wanted_field(Operation operation) {
  switch (operation) {
    case Operation::FindDevice:
      return "mac";
    case Operation::JobStatus:
      return "status";
    case Operation::ActivateJob:
      return "";
    default:
      return "job";
  }
}

bool is_unset(const StatedTime& time) {
  using namespace std::chrono;
  return time.civil == CivilTime{} || time.civil == CivilTime{local_days{year{1} / 1 / 1}} ||
         (time.utc_offset && time.civil - *time.utc_offset == CivilTime{});
}

// Elements to write, several fields sharing what their paths begin with.
struct Branch {
  std::string name, text;
  std::vector<Branch> branches;

  void put(const std::vector<std::string>& path, std::size_t at, const std::string& value) {
    if (at == path.size()) {
      text = value;
      return;
    }
    auto found = std::find_if(branches.begin(), branches.end(),
                              [&](const Branch& one) { return one.name == path[at]; });
    if (found == branches.end()) found = branches.insert(branches.end(), Branch{path[at], {}, {}});
    found->put(path, at + 1, value);
  }
  void write(xml::Writer& writer) const {
    if (!text.empty()) writer.text(text);
    for (const Branch& branch : branches) {
      writer.open(branch.name);
      branch.write(writer);
      writer.close();
    }
  }
};

}  // namespace

Result<Call> encode_call(const SiteTemplate& site, Operation operation, const Values& values) {
  const OperationTemplate* one = site.find(operation);
  if (one == nullptr) return permanent(no_operation(site, operation));
  std::string body;
  std::size_t from = 0;
  for (std::size_t at = one->body.find('{'); at != std::string::npos; at = one->body.find('{', from)) {
    const std::size_t close = one->body.find('}', at);
    const std::string name = one->body.substr(at + 1, close - at - 1);
    const auto value = values.find(name);
    if (value == values.end() || value->second.empty())
      return permanent(std::string(name_of(operation)) + " needs a value for {" + name + "}");
    body += one->body.substr(from, at - from);
    xml::append_escaped(value->second, body);
    from = close + 1;
  }
  body += one->body.substr(from);
  return Call{one->path, one->action, enveloped(site, body)};
}

Result<Answer> decode_answer(const SiteTemplate& site, Operation operation, std::string_view message) {
  const OperationTemplate* one = site.find(operation);
  if (one == nullptr) return permanent("unknown_operation: " + no_operation(site, operation));
  const auto tree = xml::Tree::parse(message, limits());
  if (!tree) return tree.error();
  const auto body = body_of(*tree);
  if (!body) return body.error();
  Answer answer;
  if (body->name() == "Fault" && body->space() == tree->root().space()) {
    answer.fault = words_of(*body);
    answer.refused = blames_request(*body);
    return answer;
  }
  xml::Element row = follow(*body, one->rows);
  const bool repeated = !one->rows.empty();
  for (; row; row = repeated ? row.next_same() : xml::Element{}) {
    if (answer.rows.size() == kMaxRows) {
      answer.more = true;
      break;
    }
    Row fields;
    for (const auto& [name, path] : one->fields) {
      const std::string_view text = follow(row, path).text();
      if (!text.empty()) fields.emplace(name, std::string(text));
    }
    if (!fields.empty()) answer.rows.push_back(std::move(fields));
  }
  const std::string wanted(wanted_field(operation));
  if (!is_results(operation) && operation != Operation::FindDevice && !wanted.empty() &&
      (answer.rows.empty() || !answer.rows.front().contains(wanted))) {
    return permanent("missing_field: the answer to " + std::string(name_of(operation)) +
                     " has nothing at the path of '" + wanted + "' in the site template");
  }
  return answer;
}

Outcome decode_results(const SiteTemplate& site, Operation operation, std::string_view job,
                       std::string_view message, DecodedBatch& out) {
  const auto answer = decode_answer(site, operation, message);
  if (!answer) return answer.error();
  const std::string_view raw = message.size() <= kMaxRawBytes ? out.text(message) : std::string_view{};
  const std::string_view transaction = out.text(job);
  ResultObservation like;
  like.meter_kind = AliasKind::Mac;
  like.measure = name_of(operation);
  like.transaction = transaction;
  like.raw = raw;
  if (answer->fault) {
    like.fault = out.text(*answer->fault);
    out.results.push_back(like);
    return Done{};
  }
  const auto field = [&](const Row& row, std::string_view name) {
    const auto found = row.find(name);
    return found == row.end() ? std::string_view{} : out.text(found->second);
  };
  for (std::size_t i = 0; i < answer->rows.size(); ++i) {
    const Row& row = answer->rows[i];
    ResultObservation result = like;
    result.meter = field(row, "mac");
    result.word = field(row, "word");
    result.fault = field(row, "fault");
    const std::string where = "row " + std::to_string(i + 1);
    if (result.meter.empty()) {
      out.malformed.push_back(
          {0, raw, {}, reason::kMissingDevice, where + " has nothing at the path of 'mac'"});
      continue;
    }
    if (const std::string_view said = field(row, "time"); !said.empty()) {
      const auto time = parse_stated_time(said);
      if (!time) {
        out.malformed.push_back(
            {0, raw, result.meter, reason::kBadTime, where + ": " + time.error().message});
        continue;
      }
      if (!is_unset(*time)) result.time = *time;
    }
    out.results.push_back(result);
  }
  return Done{};
}

Result<Asked> decode_call(const SiteTemplate& site, std::string_view message) {
  const auto tree = xml::Tree::parse(message, limits());
  if (!tree) return tree.error();
  const auto body = body_of(*tree);
  if (!body) return body.error();
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    const OperationTemplate* one = site.find(operation);
    if (one == nullptr || one->root != body->name() || one->root_space != body->space()) continue;
    Asked asked{operation, {}};
    for (const Placeholder& place : one->placeholders)
      asked.values[place.name] = std::string(follow(*body, place.path).text());
    return asked;
  }
  return permanent("unknown_operation: no operation of the site template " + quoted(site.name()) +
                   " is called " + quoted(body->name()));
}

std::string encode_answer(const SiteTemplate& site, Operation operation, const std::vector<Row>& rows) {
  const OperationTemplate* one = site.find(operation);
  if (one == nullptr) return encode_fault(site, no_operation(site, operation));
  xml::Writer writer(false);
  writer.open("r:" + one->root + "Response").attribute("xmlns:r", one->root_space);
  for (std::size_t i = 0; i + 1 < one->rows.size(); ++i) writer.open(one->rows[i]);
  for (const Row& row : rows) {
    Branch branch;
    for (const auto& [name, value] : row) {
      if (const auto path = one->fields.find(name); path != one->fields.end())
        branch.put(path->second, 0, value);
    }
    if (!one->rows.empty()) writer.open(one->rows.back());
    branch.write(writer);
    if (!one->rows.empty()) writer.close();
  }
  return enveloped(site, writer.take());
}

std::string encode_fault(const SiteTemplate& site, std::string_view words, bool refused) {
  xml::Writer writer(false);
  writer.open("s:Fault");
  if (site.soap12()) {
    writer.open("s:Code").leaf("s:Value", refused ? "s:Sender" : "s:Receiver").close();
    writer.open("s:Reason").open("s:Text").attribute("xml:lang", "en").text(words).close().close();
  } else {
    writer.leaf("faultcode", refused ? "s:Client" : "s:Server").leaf("faultstring", words);
  }
  return enveloped(site, writer.take());
}

}  // namespace ami::uiq_job
