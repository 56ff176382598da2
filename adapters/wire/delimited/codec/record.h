// One record of a delimited file, by the columns that its header named. Only for the sources of this folder.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/wire/delimited/codec/delimited.h"
#include "adapters/wire/delimited/codec/fields.h"

namespace ami::delimited {

class RecordReader {
 public:
  explicit RecordReader(const Options& options);

  struct HeaderFault {
    const char* reason;
    std::string detail;
  };
  // Finds the columns of this header; nullopt = good.
  std::optional<HeaderFault> take_header(const Fields& fields);
  [[nodiscard]] bool has_header() const noexcept { return width_ != 0; }
  // It names the columns of the device and of the scaled read.
  [[nodiscard]] bool is_header(const Fields& fields) const;

  void read(const Fields& fields, std::uint64_t offset, Counters& counters, DecodedBatch& out);

 private:
  // What is read of a record, in the order of `raw`.
  enum Part : std::size_t {
    Device,
    Module,
    Port,
    Type,
    Unit,
    Scaled,
    Raw,
    Scalar,
    Time,
    LocalTime,
    Active,
    kParts
  };
  struct Column {
    std::string name;  // empty = the file has no such column
    std::optional<std::size_t> at;
  };
  struct Fault {
    const char* reason;
    std::string detail;
  };

  [[nodiscard]] const std::string& name(Part part) const { return columns_[part].name; }
  [[nodiscard]] std::string_view text(const Fields& fields, Part part) const;
  std::string raw_of(const Fields& fields) const;
  std::optional<Fault> fill(const Fields& fields, Counters& counters, DecodedBatch& out,
                            SeriesObservation& series) const;
  std::optional<Fault> fill_kind(const Fields& fields, DecodedBatch& out, SeriesObservation& series) const;
  std::optional<Fault> fill_value(const Fields& fields, Counters& counters, DecodedBatch& out,
                                  SeriesValue& value) const;
  std::optional<Fault> fill_time(const Fields& fields, Counters& counters, DecodedBatch& out,
                                 SeriesValue& value) const;

  const Options& options_;
  std::array<Column, kParts> columns_;
  std::size_t width_ = 0;  // columns of the header
  std::string raw_header_;
};

}  // namespace ami::delimited
