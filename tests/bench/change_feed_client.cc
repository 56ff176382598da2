// A subscriber of the change feed, for bench_field.py: notes when each value came.
// change_feed_client SOCKET UTILITY FILE writes a line a value, "METER READING_TYPE INSTANT STORED RECEIVED": the reading's
// own time (of an interval: its start), the beginning of the transaction that stored it, and when it was here, each in
// microseconds since 1970; at a heartbeat it brings the file up to date. Prints "open" once
// it has heard from the gateway. Ends when its input does; exit 1 when the stream ended before.
#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <thread>

#include "ami/v1/reading_service.grpc.pb.h"

namespace {

constexpr std::int64_t kSecond_us = 1'000'000;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t micros(const google::protobuf::Timestamp& at) {
  return at.seconds() * kSecond_us + at.nanos() / 1000;
}

void note(const ami::v1::Change& change, std::int64_t received_us, std::FILE* file) {
  const char* meter = change.meter().c_str() + change.meter().rfind('/') + 1;
  const std::int64_t stored_us = micros(change.changed_at());
  const auto line = [&](std::int64_t at_us) {
    std::fprintf(file, "%s %s %" PRId64 " %" PRId64 " %" PRId64 "\n", meter, change.reading_type().c_str(), at_us,
                 stored_us, received_us);
  };
  for (const auto& run : change.intervals()) {
    const std::string& missing = run.now().missing();
    for (int i = 0; i < run.now().mantissas_size(); ++i) {
      const auto byte = static_cast<std::size_t>(i / 8);
      if (byte < missing.size() && (static_cast<unsigned char>(missing[byte]) >> (i % 8) & 1) != 0) continue;
      line(micros(run.first_start()) + i * std::int64_t{run.length_s()} * kSecond_us);
    }
  }
  for (const auto& reading : change.registers())
    if (reading.has_now()) line(micros(reading.time()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: change_feed_client SOCKET UTILITY FILE\n");
    return 2;
  }
  std::FILE* file = std::fopen(argv[3], "w");
  if (file == nullptr) {
    std::perror(argv[3]);
    return 1;
  }
  const auto channel = grpc::CreateChannel(std::string("unix:") + argv[1], grpc::InsecureChannelCredentials());
  const auto readings = ami::v1::ReadingService::NewStub(channel);
  ami::v1::StreamChangesRequest request;
  request.set_parent(std::string("utilities/") + argv[2]);
  request.set_purpose("benchmark");
  grpc::ClientContext context;
  const auto stream = readings->StreamChanges(&context, request);
  std::atomic<bool> stopping = false;
  std::thread input([&] {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    stopping = true;
    context.TryCancel();
  });
  bool open = false;
  for (ami::v1::StreamChangesResponse message; stream->Read(&message);) {
    if (message.has_change()) note(message.change(), now_us(), file);
    if (!message.has_heartbeat()) continue;
    std::fflush(file);
    if (!open) std::puts("open");
    std::fflush(stdout);
    open = true;
  }
  const bool asked = stopping;
  const grpc::Status status = stream->Finish();
  const bool written = std::fclose(file) == 0;
  if (!asked) {
    std::fprintf(stderr, "the change stream ended: %s\n", status.error_message().c_str());
    std::_Exit(1);  // the other thread reads until its input ends
  }
  input.join();
  return written ? 0 : 1;
}
