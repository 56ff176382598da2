// A decoded batch in words, one line a fact, so that batches can be compared and golden files written by
// hand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/wire/ssn_export/codec/ssn_export.h"

namespace ami::ssn_export::testing {

// Offsets and raw are left out: they differ between a document and a replay of it.
std::string describe(const Observation& observation);
std::string describe(const MalformedRecord& record);
std::string describe(const DecodedBatch& batch);
// The same with offset and raw.
std::string describe_fully(const DecodedBatch& batch);

const ObservationHead& head_of(const Observation& observation);

struct Decoded {
  DecodedBatch batch;
  std::string error;   // of feed(); empty = none
  std::string reason;  // fatal_reason()
  Statistics statistics;
};
Decoded decode(std::string_view document, const Options& options = {});
// Fed in pieces of `size` bytes.
Decoded decode_in_pieces(std::string_view document, std::size_t size, const Options& options = {});

// <SSNExportDocument …> around `meter_data`.
std::string document(std::string_view meter_data);
// … and around it <MeterData MeterName="M1">.
std::string meter(std::string_view containers);
std::string register_data(std::string_view reads);
std::string interval_data(std::string_view intervals, std::string_view length = "15");
std::string event_data(std::string_view events);

std::string read_file(const std::string& path);
std::string golden_folder();

}  // namespace ami::ssn_export::testing
