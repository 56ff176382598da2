#include "tools/amictl/operation_text.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>

#include <grpcpp/grpcpp.h>
#include "ami/v1/command_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::CommandService;
using v1::Target;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kBetweenLines{5};

// What a person can do about a refusal.
const std::map<std::string, std::string>& advice() {
  static const std::map<std::string, std::string> words{
      {"NOT_ASSIGNED",
       "give the meter the name that its network uses (amictl meters), or wait for its first reading"},
      {"NOT_STATED", "what each feed can do: amictl adapters"},
      {"NO_NAME", "give the meter the name that its network uses: amictl meters"},
      {"QUEUE_FULL", "what waits: amictl operations list --unfinished"},
      {"DEMAND_RESET_LIVE", "how it goes: amictl operations watch NUMBER"},
      {"DEMAND_RESET_LOCK_OUT",
       "each reset destroys a maximum; the time between two is the utility's setting"},
      {"REQUEST_ID_REUSED", "leave --request-id out, or take a new one"},
      {"OUTCOME_IN_DOUBT", "the same again with the same --request-id is safe"},
      {"TOO_MANY_FOLLOWERS", "it goes on without being watched: amictl operations show NUMBER"},
      {"GATEWAY_STOPPING", "what was accepted goes on when it runs again"},
      {"NO_COMMANDS", "this gateway only collects"},
  };
  return words;
}

// Words of Target.reason.
std::string plain(const std::string& reason) {
  static const std::map<std::string, std::string> words{
      {"not_stated", "its network's interface does not state this command"},
      {"not_assigned", "no network is known to reach it"},
      {"no_name", "it has no name that its network uses"},
      {"no_such_meter", "no such meter"},
      {"not_sent", "was not sent"},
      {"unreachable", "the head-end could not be reached"},
      {"rejected", "the head-end refused"},
      {"expired", "expired before it could be sent"},
      {"failed", "the head-end says that it failed"},
      {"no_answer", "no answer"},
      {"unreadable_answer", "the answer could not be read"},
      {"read_before_failed", "the read that goes before failed or was too old, so nothing was reset"},
  };
  const auto found = words.find(reason);
  return found == words.end() ? reason : found->second;
}

std::string reason_of(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    if (any.UnpackTo(&info)) return info.reason();
  }
  return {};
}

std::int64_t ended_count(const v1::TargetCounts& counts) {
  return counts.succeeded() + counts.failed() + counts.timed_out() + counts.unknown() + counts.cancelled();
}

std::string codes_of(const v1::Quality& quality) {
  std::string text;
  for (const std::string& code : quality.codes()) text += (text.empty() ? "" : " ") + code;
  return text;
}

std::vector<std::string> reading_cells(const Target& target, const v1::RegisterValue& value,
                                       const std::string& note) {
  return {last_part(target.meter()),
          Target::State_Name(target.state()),
          value.channel(),
          v1::Quantity_Name(value.quantity()),
          value.value(),
          value.unit(),
          to_text(value.time()),
          codes_of(value.quality()),
          v1::TypeApproval_Name(value.type_approval()).substr(14),
          note};
}

void add_read(const Target& target, Table& table) {
  for (const v1::RegisterValue& value : target.readings()) table.row(reading_cells(target, value, ""));
  std::string note = note_of(target);
  if (!target.latest().empty()) note += (note.empty() ? "" : "; ") + std::string("stored earlier");
  for (const v1::RegisterValue& value : target.latest()) table.row(reading_cells(target, value, note));
  if (target.readings().empty() && target.latest().empty())
    table.row(
        {last_part(target.meter()), Target::State_Name(target.state()), "", "", "", "", "", "", "", note});
}

void add_other(const Target& target, Table& table) {
  table.row(
      {last_part(target.meter()), Target::State_Name(target.state()),
       target.power() == v1::PingResult::POWER_UNSPECIFIED ? "" : v1::PingResult::Power_Name(target.power()),
       to_text(target.send_time()), to_text(target.end_time()), target.feed(), note_of(target)});
}

}  // namespace

std::string operation_name(const Options& options, const std::string& text) {
  if (text.rfind("utilities/", 0) == 0) return text;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number <= 0)
    throw UsageError{"\"" + text + "\" is no number of an operation"};
  return parent(options) + "/operations/" + text;
}

int complain_of_command(const grpc::Status& status, const Options& options) {
  const int code = complain(status, options);
  const auto found = advice().find(reason_of(status));
  if (found != advice().end()) std::cerr << "  " << found->second << '\n';
  return code;
}

std::string progress_of(const v1::Operation& operation) {
  const v1::TargetCounts& counts = operation.counts();
  const std::int64_t ended = ended_count(counts), other = ended - counts.succeeded();
  std::string text =
      std::to_string(ended) + " of " + std::to_string(ended + counts.queued() + counts.sent()) + " done";
  if (other > 0) text += " (" + std::to_string(other) + " not as asked)";
  if (counts.sent() > 0) text += ", " + std::to_string(counts.sent()) + " sent";
  if (counts.queued() > 0) text += ", " + std::to_string(counts.queued()) + " wait";
  if (operation.has_place() && counts.queued() > 0)
    text += " behind " + std::to_string(operation.place().position()) + " meters";
  if (operation.has_place() && operation.place().has_expected())
    text += ", about " + std::to_string(operation.place().expected().seconds()) + " s to go";
  return text;
}

std::string note_of(const Target& target) {
  std::string note = plain(target.reason());
  if (note.empty() && target.state() == Target::UNKNOWN) note = "no answer: it may have happened";
  if (note.empty() && target.state() == Target::TIMED_OUT) note = "no answer";
  if (!target.words().empty()) note += (note.empty() ? "" : ": ") + target.words();
  switch (target.reset_evidence()) {
    case Target::VERIFIED:
      note += (note.empty() ? "" : "; ") + std::string("verified");
      break;
    case Target::NOT_VERIFIABLE:
      note += (note.empty() ? "" : "; ") + std::string("no value says whether it happened");
      break;
    case Target::CONTRADICTED:
      note += (note.empty() ? "" : "; ") + std::string("VALUES SAY OTHERWISE");
      break;
    default:
      break;
  }
  if (!target.reset_evidence_words().empty()) note += ": " + target.reset_evidence_words();
  return note;
}

bool all_succeeded(const v1::Operation& operation) {
  const v1::TargetCounts& counts = operation.counts();
  return operation.done() && ended_count(counts) == counts.succeeded();
}

Progress::Progress()
    : moves_([] {
        const char* terminal = std::getenv("TERM");
        return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string(terminal) != "dumb";
      }()) {}

Progress::~Progress() {
  if (moves_ && !last_.empty()) std::cerr << '\n';
}

void Progress::say(const v1::Operation& operation) {
  std::string text = "operation " + last_part(operation.name()) + ": " + progress_of(operation);
  if (text == last_) return;
  if (moves_) {
    std::cerr << "\r\033[K" << text << std::flush;
  } else if (last_.empty() || operation.done() || Clock::now() >= said_ + kBetweenLines) {
    std::cerr << text << '\n';
  } else {
    return;
  }
  said_ = Clock::now();
  last_ = std::move(text);
}

int follow(const Options& options, v1::Operation& operation, std::chrono::seconds patience) {
  const auto end = std::chrono::system_clock::now() + patience;
  const auto stub = CommandService::NewStub(connect(options));
  v1::WatchOperationRequest request;
  request.set_name(operation.name());
  grpc::ClientContext context;
  context.set_deadline(end);
  const auto stream = stub->WatchOperation(&context, request);
  Progress progress;
  v1::Operation seen;
  while (stream->Read(&seen)) {
    operation = seen;
    progress.say(operation);
  }
  const grpc::Status status = stream->Finish();
  const bool patience_over = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && seen.name() != "";
  return status.ok() || patience_over ? kDone : complain_of_command(status, options);
}

int print_targets(const Options& options, const v1::Operation& operation, const TargetView& view) {
  const bool read = operation.kind() == v1::Operation::READ && (view.readings || view.latest);
  Table table(read ? std::vector<std::string>{"METER", "STATE", "CHANNEL", "QUANTITY", "VALUE", "UNIT",
                                              "TIME", "QUALITY", "APPROVAL", "NOTE"}
                   : std::vector<std::string>{"METER", "STATE", "POWER", "SENT", "ENDED", "FEED", "NOTE"});
  v1::ListTargetsRequest request;
  request.set_name(operation.name());
  request.set_include_readings(view.readings);
  request.set_include_latest(view.latest);
  request.set_purpose(view.purpose);
  request.set_on_behalf_of(view.on_behalf_of);
  request.set_page_size(1000);
  const auto stub = CommandService::NewStub(connect(options));
  do {
    grpc::ClientContext context;
    set_deadline(context, options);
    v1::ListTargetsResponse answer;
    const grpc::Status status = stub->ListTargets(&context, request, &answer);
    if (!status.ok()) return complain_of_command(status, options);
    for (const Target& target : answer.targets()) {
      if (options.json) {
        std::cout << to_json(target) << '\n';
      } else if (read) {
        add_read(target, table);
      } else {
        add_other(target, table);
      }
    }
    request.set_page_token(answer.next_page_token());
  } while (!request.page_token().empty());
  if (!options.json) table.print(std::cout);
  return kDone;
}

}  // namespace ami::amictl
