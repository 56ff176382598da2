// Asks a gateway for everything that a ledger speaks of.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include "ami/v1/command_service.grpc.pb.h"
#include "ami/v1/reading_service.grpc.pb.h"

#include "tools/amictl/demo_check_progress.h"
#include "tools/amictl/demo_check_shelves.h"
#include "tools/amictl/options.h"

namespace ami::amictl {

class Asker {
 public:
  Asker(const Options& options, const LedgerSummary& ledger, Progress& progress);

  // Events, counts and commands of all meters, onto the shelves. The first status that is not OK ends it, here and
  // below.
  grpc::Status all(Shelves& shelves);
  // What is stored of a part's meters, into the comparison: with the part's events. Takes those out of the part.
  grpc::Status values(Part& part, Comparison& comparison);

 private:
  struct Values;
  grpc::Status events(Shelves& shelves);
  grpc::Status counts(Shelves& shelves);
  grpc::Status operations(Shelves& shelves);
  grpc::Status targets(v1::CommandService::Stub& stub, const std::string& operation, Shelves& shelves);
  grpc::Status meters(const std::vector<std::string>& keys, Part& part, Comparison& comparison);
  grpc::Status intervals(const std::vector<std::string>& keys, std::map<std::string, Values>& into);
  grpc::Status registers(const std::string& key, Values& into);
  static void feed(const std::string& key, const Values& values, Part& part, Comparison& comparison);

  const Options& options_;
  Progress& progress_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ReadingService::Stub> readings_;
  const std::string parent_;
  const bool said_;  // there is anything but commands
  UtcInstant from_{}, to_{};
  std::size_t asked_ = 0, operations_ = 0;
};

}  // namespace ami::amictl
