#include <CLI/CLI.hpp>
#include <iostream>

#include <grpcpp/grpcpp.h>
#include "ami/v1/reading_service.grpc.pb.h"
#include "meter_model/quantity/decimal.h"

#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::ReadingService;

struct ChangeOptions {
  std::vector<std::string> names, quantities, kinds;
  std::string cursor, ack, rewind, forget, purpose;
  bool follow = false, once = false, newest = false;
};

struct ReconcileOptions {
  std::string day, after, purpose;
  std::vector<std::string> quantities;
  bool utc = false;
};

template <class Request>
void set_quantities(const std::vector<std::string>& names, Request& request) {
  for (const std::string& name : names) {
    v1::Quantity quantity{};
    if (!v1::Quantity_Parse(name, &quantity))
      throw UsageError{"unknown quantity " + name + "; for example ENERGY_DELIVERED"};
    request.add_quantities(quantity);
  }
}

int list_subscribers(const Options& options) {
  v1::ListChangeSubscribersRequest request;
  request.set_parent(parent(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::ListChangeSubscribersResponse answer;
  const grpc::Status status =
      ReadingService::NewStub(connect(options))->ListChangeSubscribers(&context, request, &answer);
  if (!status.ok()) return complain(status, options);
  if (options.json) {
    std::cout << to_json(answer) << '\n';
    return kDone;
  }
  Table table({"SUBSCRIBER", "WAITING", "LAG", "ACKNOWLEDGED", "BY", "CURSOR"});
  for (const v1::ChangeSubscriber& subscriber : answer.subscribers()) {
    table.row({subscriber.name(), std::to_string(subscriber.waiting()),
               subscriber.too_old() ? "too old: begin anew" : std::to_string(subscriber.lag_s()) + " s",
               to_text(subscriber.acked_at()), subscriber.acked_by(), subscriber.cursor()});
  }
  table.print(std::cout);
  std::cout << "oldest cursor  " << answer.oldest_cursor() << "\nnewest cursor  " << answer.newest_cursor()
            << '\n';
  if (answer.held_back_ms() > 0) {
    std::cout << "changes are held back by a transaction that runs since before "
              << answer.held_back_ms() / 1000 << " s\n";
  }
  return kDone;
}

int send_ack(const Options& options, ReadingService::Stub& stub, v1::AckCursorRequest request) {
  request.set_parent(parent(options));
  grpc::ClientContext context;
  set_deadline(context, options);
  v1::AckCursorResponse answer;
  const grpc::Status status = stub.AckCursor(&context, request, &answer);
  return status.ok() ? kDone : complain(status, options);
}

std::string kinds_text(const google::protobuf::RepeatedField<int>& kinds) {
  std::string text;
  for (const int kind : kinds)
    text += (text.empty() ? "" : "+") + v1::Change::Kind_Name(static_cast<v1::Change::Kind>(kind));
  return text.empty() ? "CHANGED" : text;
}

std::string value_text(const v1::IntervalValues& values, int i) {
  const auto byte = static_cast<std::size_t>(i / 8);
  if (byte < values.missing().size() &&
      ((static_cast<unsigned char>(values.missing()[byte]) >> (i % 8)) & 1) != 0)
    return "missing";
  return Decimal{values.mantissas(i), values.exponent()}.to_string();
}

void print_line(const v1::Change& change, const std::string& kinds, const google::protobuf::Timestamp& time,
                const std::string& value, const std::string& old) {
  std::cout << change.change_id() << ' ' << last_part(change.meter()) << ' '
            << (change.channel().empty() ? "-" : change.channel()) << ' ' << kinds << ' ' << to_text(time)
            << ' ' << value << (change.unit().empty() ? "" : " ") << change.unit();
  if (!old.empty()) std::cout << " (was " << old << ")";
  std::cout << '\n';
}

void print(const v1::Change& change, bool json) {
  if (json) {
    std::cout << to_json(change) << '\n';
    return;
  }
  for (const v1::ChangedIntervals& run : change.intervals()) {
    for (int i = 0; i < run.now().mantissas_size(); ++i) {
      google::protobuf::Timestamp start = run.first_start();
      start.set_seconds(start.seconds() + std::int64_t{run.length_s()} * i);
      print_line(change, kinds_text(run.kinds()), start, value_text(run.now(), i),
                 run.has_old() && i < run.old().mantissas_size() ? value_text(run.old(), i) : "");
    }
  }
  const std::string kinds = kinds_text(change.kinds());
  for (const v1::ChangedRegister& value : change.registers())
    print_line(change, kinds, value.time(), value.has_now() ? value.now().value() : "missing",
               value.old_value());
  for (const v1::Event& event : change.events()) print_line(change, kinds, event.time(), event.kind(), "");
}

int stream_changes(const Options& options, const ChangeOptions& given) {
  constexpr int kAckEvery = 500;
  v1::StreamChangesRequest request;
  request.set_parent(parent(options));
  request.set_cursor(given.cursor);
  request.set_subscriber(given.ack);
  request.set_purpose(given.purpose);
  request.set_until_caught_up(given.once);
  request.set_begin_at(given.newest ? v1::StreamChangesRequest::NEWEST : v1::StreamChangesRequest::OLDEST);
  for (const std::string& name : given.names) request.add_names(meter_name(options, name));
  set_quantities(given.quantities, request);
  for (const std::string& name : given.kinds) {
    v1::Change::Kind kind{};
    if (!v1::Change::Kind_Parse(name, &kind) || kind == v1::Change::KIND_UNSPECIFIED)
      throw UsageError{"unknown kind " + name + "; for example CORRECTED"};
    request.add_kinds(kind);
  }
  const auto stub = ReadingService::NewStub(connect(options));
  grpc::ClientContext context;
  const auto stream = stub->StreamChanges(&context, request);
  v1::StreamChangesResponse message;
  std::string reached;  // printed up to here
  int unacknowledged = 0;
  while (stream->Read(&message)) {
    const bool heartbeat = message.has_heartbeat();
    if (message.has_change()) {
      print(message.change(), options.json);
      ++unacknowledged;
    }
    reached = heartbeat ? message.heartbeat().cursor() : message.change().cursor();
    // What could not be written was not taken over.
    if (!std::cout.flush()) {
      std::cerr << "amictl: cannot write; nothing more is acknowledged\n";
      return kRefused;
    }
    if (given.ack.empty() || !(heartbeat || unacknowledged >= kAckEvery)) continue;
    unacknowledged = 0;
    v1::AckCursorRequest ack;
    ack.set_subscriber(given.ack);
    ack.set_cursor(reached);
    if (const int code = send_ack(options, *stub, ack); code != kDone) return code;
  }
  const grpc::Status status = stream->Finish();
  if (!reached.empty() && (given.ack.empty() || !status.ok())) std::cerr << "cursor: " << reached << '\n';
  return status.ok() ? kDone : complain(status, options);
}

int changes(const Options& options, const ChangeOptions& given) {
  if (!given.forget.empty() || !given.rewind.empty()) {
    if (given.rewind.empty() != given.cursor.empty()) throw UsageError{"--rewind and --cursor go together"};
    v1::AckCursorRequest request;
    request.set_subscriber(given.forget.empty() ? given.rewind : given.forget);
    request.set_cursor(given.cursor);
    request.set_rewind(!given.rewind.empty());
    request.set_forget(!given.forget.empty());
    const auto stub = ReadingService::NewStub(connect(options));
    return send_ack(options, *stub, request);
  }
  if (given.follow || given.once) return stream_changes(options, given);
  if (!given.cursor.empty() || !given.ack.empty() || !given.names.empty())
    throw UsageError{"give --follow or --once to read changes"};
  return list_subscribers(options);
}

int reconcile(const Options& options, const ReconcileOptions& given) {
  v1::ReconcileCountsRequest request;
  request.set_parent(parent(options));
  request.set_day(given.day);
  request.set_boundary(given.utc ? v1::ReconcileCountsRequest::UTC_DAY
                                 : v1::ReconcileCountsRequest::CIVIL_DAY);
  if (!given.after.empty()) request.set_after(meter_name(options, given.after));
  request.set_purpose(given.purpose);
  set_quantities(given.quantities, request);
  grpc::ClientContext context;
  set_deadline(context, options);
  const auto stub = ReadingService::NewStub(connect(options));
  const auto stream = stub->ReconcileCounts(&context, request);
  Table table(
      {"METER", "USAGE POINT", "CHANNEL", "QUANTITY", "INTERVALS", "SUM", "UNIT", "REGISTERS", "LAST", "AT"});
  v1::ReconcileCountsResponse page;
  while (stream->Read(&page)) {
    for (const v1::ChannelCount& channel : page.channels()) {
      if (options.json) {
        std::cout << to_json(channel) << '\n';
        continue;
      }
      std::string sum = channel.interval_sum();
      if (channel.interval_exponent() != 0) sum += "e" + std::to_string(channel.interval_exponent());
      table.row({last_part(channel.meter()), last_part(channel.usage_point()), channel.channel(),
                 v1::Quantity_Name(channel.quantity()), std::to_string(channel.interval_values()), sum,
                 channel.unit(), std::to_string(channel.register_values()), channel.last_register(),
                 to_text(channel.last_register_time())});
    }
  }
  const grpc::Status status = stream->Finish();
  if (!options.json) table.print(std::cout);
  return status.ok() ? kDone : complain(status, options);
}

}  // namespace

void add_changes(CLI::App& app, const Options& options, Run& run) {
  auto given = std::make_shared<ChangeOptions>();
  CLI::App* changes_command = app.add_subcommand(
      "changes", "the change feed; without a flag: its subscribers and how far behind each is");
  changes_command->add_option("meter", given->names,
                              "only these meters (keys, or full names of usage points)");
  auto* follow = changes_command->add_flag("--follow", given->follow, "print changes as they come, for ever");
  auto* once = changes_command->add_flag("--once", given->once, "print the changes that are waiting")
                   ->excludes(follow);
  changes_command->add_option("--cursor", given->cursor, "go on after this place");
  changes_command->add_option("--ack", given->ack,
                              "acknowledge what was printed as this subscriber, and go on after what it has");
  changes_command->add_flag("--newest", given->newest,
                            "begin with what changes from now on, not with the oldest");
  changes_command->add_option("--quantity", given->quantities, "only these, e.g. ENERGY_DELIVERED");
  changes_command->add_option("--kind", given->kinds, "only these, e.g. CORRECTED");
  changes_command->add_option("--purpose", given->purpose, "why they are read; it is logged")
      ->default_val("operations");
  auto* rewind =
      changes_command->add_option("--rewind", given->rewind, "set this subscriber back to --cursor");
  changes_command->add_option("--forget", given->forget, "remove this subscriber")
      ->excludes(rewind)
      ->excludes(follow)
      ->excludes(once);
  rewind->excludes(follow)->excludes(once);
  changes_command->callback(
      [&options, &run, given] { run = [&options, given] { return changes(options, *given); }; });

  auto counted = std::make_shared<ReconcileOptions>();
  CLI::App* reconcile_command =
      app.add_subcommand("reconcile", "count and sum of each channel's values of one day");
  reconcile_command->add_option("--day", counted->day, "the day, e.g. 2026-01-15")->required();
  reconcile_command->add_flag("--utc", counted->utc,
                              "from midnight to midnight UTC; else at the usage point");
  reconcile_command->add_option("--after", counted->after, "only meters whose key follows this one");
  reconcile_command->add_option("--quantity", counted->quantities, "only these, e.g. ENERGY_DELIVERED");
  reconcile_command->add_option("--purpose", counted->purpose, "why they are read; it is logged")
      ->default_val("reconciliation");
  reconcile_command->callback(
      [&options, &run, counted] { run = [&options, counted] { return reconcile(options, *counted); }; });
}

}  // namespace ami::amictl
