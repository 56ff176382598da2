// The ways in which `amictl reads` asks for readings. Only for files that speak gRPC.
#pragma once

#include <string>
#include <vector>

#include "ami/v1/reading_service.pb.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"

namespace ami::amictl {

struct ReadOptions {
  std::string meter, from, to, purpose, channel, as_of, layer;
  std::vector<std::string> quantities;
  bool registers = false, intervals = false, usage_point = false, received = false, apply_multiplier = false;
  // --explain
  bool explain = false, all_slots = false;
  std::string day, plot;
  // --at
  std::string at, max_distance;
  bool processed = false;
};

std::string read_name(const Options& options, const ReadOptions& read);
v1::Layer layer_of(const std::string& word);           // UNSPECIFIED for a word that is none
v1::Quantity quantity_of(const std::string& name);     // throws UsageError
std::string quality_text(const v1::Quality& quality);  // "2.5.258 (R0)"

template <class Request>
void set_quantities(const std::vector<std::string>& names, Request& request) {
  for (const std::string& name : names) request.add_quantities(quantity_of(name));
}

// "APPROVED", "NO_REGIME", "OUTSIDE NONCONFORMING": of whatever has type_approval and approval.
template <class Message>
std::string approval_text(const Message& message) {
  constexpr std::string_view kPrefix = "TYPE_APPROVAL_";
  return v1::TypeApproval_Name(message.type_approval()).substr(kPrefix.size()) +
         (message.approval().nonconforming() ? " NONCONFORMING" : "");
}

int explain_day(const Options& options, const ReadOptions& read);  // --explain
int read_at(const Options& options, const ReadOptions& read);      // --at

}  // namespace ami::amictl
