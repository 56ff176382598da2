#include "tools/amictl/switch_text.h"

#include <charconv>
#include <iostream>
#include <map>

#include <grpcpp/grpcpp.h>
#include "ami/v1/switch_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::SwitchOperation;

google::rpc::ErrorInfo info_of(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&info)) return info;
  }
  return {};
}

std::string with_number(std::string advice, const std::string& number) {
  for (std::size_t at = 0; !number.empty() && (at = advice.find("NUMBER", at)) != std::string::npos;)
    advice.replace(at, 6, number);
  return advice;
}

std::string position_words(v1::Target::SwitchPosition position) {
  switch (position) {
    case v1::Target::OPEN:
      return "open";
    case v1::Target::ARMED:
      return "armed (open, until the customer presses the button)";
    case v1::Target::CLOSED:
      return "closed";
    default:
      return "";
  }
}

const char* words_of_state(SwitchOperation::State state) {
  switch (state) {
    case SwitchOperation::POLICY_CHECKED:
      return "every check says yes";
    case SwitchOperation::QUEUED:
      return "waits to leave";
    case SwitchOperation::SENT:
      return "all checked again and stored as sent: it may leave now, and never again";
    case SwitchOperation::ACKNOWLEDGED:
      return "the far side has taken it";
    case SwitchOperation::VERIFYING:
      return "done, as the far side says: evidence is waited for";
    default:
      return "";
  }
}

std::string joined(const google::protobuf::Map<std::string, std::string>& facts) {
  const std::map<std::string, std::string> sorted(facts.begin(), facts.end());
  std::string out;
  for (const auto& [key, value] : sorted) out += (out.empty() ? "" : ", ") + key + "=" + value;
  return out;
}

void line(std::ostream& out, const char* what, const std::string& text) {
  if (!text.empty()) out << what << harmless(text) << '\n';
}

}  // namespace

std::string switch_name(const Options& options, const std::string& text) {
  if (text.rfind("utilities/", 0) == 0) return text;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number <= 0)
    throw UsageError{"\"" + text + "\" is no number of a switch operation"};
  return parent(options) + "/switchOperations/" + text;
}

std::string usage_point_name(const Options& options, const std::string& key) {
  return key.rfind("utilities/", 0) == 0 ? key : parent(options) + "/usagePoints/" + key;
}

int complain_of_switch(const grpc::Status& status, const Options& options) {
  const int code = complain(status, options);
  const google::rpc::ErrorInfo info = info_of(status);
  const std::string meaning = meaning_of_rule(info.reason());
  if (!meaning.empty()) std::cerr << "  " << meaning << '\n';
  const auto other = info.metadata().find("operation");
  const std::string advice = with_number(advice_on_rule(info.reason()),
                                         other == info.metadata().end() ? "" : last_part(other->second));
  if (!advice.empty()) std::cerr << "  what to do: " << advice << '\n';
  return code;
}

bool is_verified(const SwitchOperation& operation) {
  return operation.state() == SwitchOperation::VERIFIED_OPEN ||
         operation.state() == SwitchOperation::VERIFIED_CLOSED ||
         operation.state() == SwitchOperation::VERIFIED_ARMED;
}

std::string evidence_name(int level) {
  return level <= SwitchOperation::NO_EVIDENCE || level > SwitchOperation::E4_MEASURED
             ? "none"
             : "E" + std::to_string(level - SwitchOperation::E0_ACKNOWLEDGED);
}

std::string evidence_of(const SwitchOperation& operation) {
  std::string out = evidence_name(operation.evidence()) + ", " + evidence_name(operation.evidence_minimum()) +
                    " is wanted";
  if (operation.evidence_attainable() != SwitchOperation::NO_EVIDENCE)
    out += ", " + evidence_name(operation.evidence_attainable()) + " can be had";
  return out;
}

std::string outcome_of(const SwitchOperation& operation) {
  const std::string shown = "shown by " + evidence_name(operation.evidence());
  switch (operation.state()) {
    case SwitchOperation::REQUESTED:
    case SwitchOperation::POLICY_CHECKED:
    case SwitchOperation::AUTHORISED:
    case SwitchOperation::QUEUED:
      return "nothing has left yet";
    case SwitchOperation::SENT:
      return "may have left; nothing was said yet";
    case SwitchOperation::ACKNOWLEDGED:
      return "the far side has taken it; what comes of it comes later";
    case SwitchOperation::VERIFYING:
      return "done, as the far side says; evidence is waited for";
    case SwitchOperation::VERIFIED_OPEN:
      return "the switch is open, " + shown;
    case SwitchOperation::VERIFIED_CLOSED:
      return "the switch is closed, " + shown;
    case SwitchOperation::VERIFIED_ARMED:
      return "the switch is armed, " + shown + ": it is open until the customer presses the button";
    case SwitchOperation::REJECTED:
      return "refused before it left: " + operation.words();
    case SwitchOperation::CANCELLED:
      return "taken back before it left";
    case SwitchOperation::EXPIRED:
      return "its time passed before it left: nothing was done";
    case SwitchOperation::FAILED: {
      const std::string meaning = meaning_of_rule(operation.rule());
      std::string out = "not done";
      if (!meaning.empty()) out += ": " + meaning;
      if (!operation.words().empty() && operation.words() != operation.rule()) out += ": " + operation.words();
      return out;
    }
    case SwitchOperation::UNCERTAIN:
      return "NOT KNOWN whether it was done: " + operation.words() + ". It is never sent again";
    case SwitchOperation::CONTRADICTED:
      return "said to be done, and the meter shows otherwise: " + operation.words();
    default:
      return SwitchOperation::State_Name(operation.state());
  }
}

std::string next_steps(const SwitchOperation& operation) {
  const std::string number = last_part(operation.name());
  std::string out;
  if (operation.unresolved()) {
    out += "find out what the meter does (a crew, the customer on the phone), then:\n"
           "  amictl switch resolve " + number + " --position OPEN|ARMED|CLOSED --reference WHERE-IT-STANDS\n"
           "later evidence (tomorrow's file) settles it by itself: amictl switch show " + number + "\n";
    if (operation.action() == SwitchOperation::OPEN)
      out += "the way back is free: amictl switch arm|close; another open is not\n";
  } else if (operation.state() == SwitchOperation::REJECTED || operation.state() == SwitchOperation::FAILED) {
    const std::string advice = with_number(advice_on_rule(operation.rule()), number);
    if (!advice.empty()) out += advice + "\n";
  } else if (operation.state() == SwitchOperation::EXPIRED) {
    out += "order it anew\n";
  }
  if (operation.truck_roll() && !operation.has_resolve_time())
    out += "somebody has to go there; when it is done: amictl switch resolve " + number +
           " --position CLOSED --reference WHERE-IT-STANDS\n";
  if (operation.latent_close()) out += "the meter may close by itself later: watch it\n";
  return out;
}

std::string line_of(const v1::SwitchChange& change) {
  const std::string time = to_text(change.time());
  std::string out = time.size() > 11 ? time.substr(11) : time;
  out.resize(std::max<std::size_t>(out.size(), 17), ' ');
  std::string what = change.from() == change.to() ? change.input() : SwitchOperation::State_Name(change.to());
  what.resize(std::max<std::size_t>(what.size(), 17), ' ');
  out += what + (change.actor() == "gateway" ? "" : "by " + change.actor() + "  ") +
         (change.words().empty() && change.from() != change.to() ? words_of_state(change.to()) : change.words());
  out.erase(out.find_last_not_of(' ') + 1);
  return harmless(out);
}

void print(std::ostream& out, const SwitchOperation& operation) {
  line(out, "operation  ", operation.name());
  line(out, "what       ",
       SwitchOperation::Action_Name(operation.action()) + " meter " + last_part(operation.meter()) +
           " at usage point " + last_part(operation.usage_point()));
  line(out, "state      ", SwitchOperation::State_Name(operation.state()) + ": " + outcome_of(operation));
  line(out, "rule       ", operation.rule());
  line(out, "looked at  ", joined(operation.inputs()));
  line(out, "evidence   ", evidence_of(operation));
  line(out, "shown by   ", operation.evidence_words());
  line(out, "position   ", position_words(operation.position()));
  line(out, "register   ", operation.final_register());
  line(out, "asked      ", to_text(operation.create_time()) + " by " + operation.caller());
  line(out, "for        ", operation.on_behalf_of());
  line(out, "order      ", operation.order_id());
  line(out, "reason     ", SwitchOperation::Reason_Name(operation.reason()));
  for (const int attestation : operation.attestations())
    line(out, "attested   ", SwitchOperation::Attestation_Name(static_cast<SwitchOperation::Attestation>(attestation)));
  line(out, "may leave  ", to_text(operation.not_before()) + " to " + to_text(operation.not_after()));
  if (operation.has_send_time())
    line(out, "left       ", to_text(operation.send_time()) + " through " + operation.feed() + " as " +
                                 operation.transaction());
  line(out, "said done  ", to_text(operation.claim_time()));
  line(out, "ended      ", to_text(operation.end_time()));
  if (operation.has_resolve_time())
    line(out, "resolved   ", to_text(operation.resolve_time()) +
                                 (operation.resolved_by().empty() ? "" : " by " + operation.resolved_by()) +
                                 (operation.resolution().empty() ? "" : ": " + operation.resolution()));
  if (operation.alert() == SwitchOperation::INCIDENT) line(out, "alert      ", "an open incident");
  if (operation.alert() == SwitchOperation::TOLD) line(out, "alert      ", "somebody was told");
}

void print(std::ostream& out, const v1::SwitchVerdict& verdict) {
  Table table({"CHECK", "SAYS", "WORDS", "LOOKED AT"});
  for (const v1::SwitchCheck& check : verdict.checks()) {
    table.row({check.rule(), check.passed() ? (check.binds() ? "yes" : "-") : "NO",
               check.words().empty() ? question_of_rule(check.rule()) : check.words(),
               joined(check.inputs())});
  }
  table.print(out);
  out << "\nevidence: " << evidence_name(verdict.evidence_minimum()) << " is wanted, "
      << evidence_name(verdict.evidence_attainable()) << " can be had\n";
  for (const v1::EvidenceLevel& level : verdict.evidence_levels()) out << "  " << harmless(level.words()) << '\n';
  if (verdict.allowed()) {
    out << "\nit would be sent through " << harmless(verdict.feed()) << ". Nothing was done.\n";
    return;
  }
  out << "\nrefused: " << harmless(verdict.words()) << " [" << harmless(verdict.rule()) << "]. Nothing was done.\n";
  for (const v1::SwitchCheck& check : verdict.checks()) {
    if (check.rule() == verdict.rule() && !check.would_change().empty())
      out << "  what would change it: " << harmless(check.would_change()) << '\n';
  }
  const auto other = verdict.inputs().find("operation");
  const std::string advice =
      with_number(advice_on_rule(verdict.rule()), other == verdict.inputs().end() ? "" : last_part(other->second));
  if (!advice.empty()) out << "  what to do: " << advice << '\n';
  if (verdict.truck_roll()) out << "  a person has to go there instead\n";
}

}  // namespace ami::amictl
