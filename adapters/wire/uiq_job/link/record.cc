#include "adapters/wire/uiq_job/link/record.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace ami::uiq_job {
namespace {

// 2 has the word of the job's state in a line of its own; records of 1 are in the store.
constexpr std::string_view kFirstLine = "uiq-job-record 1\n", kFirstLineOfTwo = "uiq-job-record 2\n";
constexpr std::string_view kBetween = "\n\n";  // a Job's text has no empty line

struct Parts {
  Operation operation = Operation::JobStatus;
  std::string_view status;
  Job job;
  std::string_view message;
};

std::optional<Parts> split(std::string_view record) {
  const bool two = record.starts_with(kFirstLineOfTwo);
  if (!two && !record.starts_with(kFirstLine)) return std::nullopt;
  record.remove_prefix(kFirstLine.size());
  std::string_view status;
  if (two) {
    const std::size_t end = record.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    status = record.substr(0, end);
    record.remove_prefix(end + 1);
  }
  const std::size_t line = record.find('\n'), gap = record.find(kBetween);
  if (gap == std::string_view::npos || line >= gap) return std::nullopt;
  std::optional<Job> job = parse_job(record.substr(line + 1, gap - line - 1));
  if (!job) return std::nullopt;
  for (const Operation operation : {Operation::JobStatus, Operation::ReadResults,
                                    Operation::ProvisioningResults, Operation::PingResults}) {
    if (name_of(operation) != record.substr(0, line)) continue;
    return Parts{operation, status, std::move(*job), record.substr(gap + kBetween.size())};
  }
  return std::nullopt;
}

// The row that speaks of the meter. Nothing when there is no row of anybody.
std::optional<ResultObservation> row_of(const Parts& parts, const SiteTemplate& site, DecodedBatch& out) {
  DecodedBatch read;
  const Outcome decoded = decode_results(site, parts.operation, parts.job.transaction, parts.message, read);
  ResultObservation none;
  const auto because = [&](std::string_view why) {
    none.fault = out.text(why);
    return none;
  };
  if (!decoded) return because("the results cannot be read: " + words(decoded.error().message));
  // A SOAP fault comes as a result of no meter.
  if (read.results.size() == 1 && read.results[0].meter.empty())
    return because("the results were refused: " + words(read.results[0].fault));
  const auto ours = [&](const auto& row) { return same_mac(row.meter, parts.job.mac); };
  const auto bad = std::find_if(read.malformed.begin(), read.malformed.end(),
                                [&](const MalformedRecord& row) { return row.meter.empty() || ours(row); });
  if (bad != read.malformed.end())
    return because("a row of the results cannot be read: " + std::string(bad->reason));
  const bool any = !read.results.empty() || !read.malformed.empty();
  std::erase_if(read.results, [&](const ResultObservation& row) { return !ours(row); });
  if (read.results.empty()) {
    if (any) return because("the results speak of other devices only");
    return std::nullopt;
  }
  const ResultObservation& first = read.results.front();
  const bool agree = std::all_of(read.results.begin(), read.results.end(),
                                 [&](const ResultObservation& row) { return row.word == first.word; });
  if (!agree) return because("the rows of the meter disagree");
  ResultObservation said;
  said.word = out.text(words(first.word));
  said.fault = out.text(words(first.fault));
  said.time = first.time;
  said.time.text = out.text(first.time.text);
  return said;
}

std::optional<ResultObservation> status_of(const Parts& parts, const SiteTemplate& site, DecodedBatch& out) {
  ResultObservation said;
  const auto answer = decode_answer(site, Operation::JobStatus, parts.message);
  if (!answer) {
    said.fault = out.text("the status cannot be read: " + words(answer.error().message));
  } else if (answer->fault) {
    said.fault = out.text("the status was refused: " + words(*answer->fault));
  } else {
    said.word = out.text(words(answer->rows.front().at("status")));
  }
  return said;
}

}  // namespace

std::string to_record(Operation operation, const Job& job, std::string_view message,
                      std::string_view status) {
  std::string record(status.empty() ? kFirstLine : kFirstLineOfTwo);
  if (!status.empty()) record += words(status) + '\n';
  record += std::string(name_of(operation)) + '\n' + to_text(job);
  record += kBetween;
  record += message;
  return record;
}

DecodedBatch read_record(const SiteTemplate& site, AliasKind names, std::string_view record) {
  DecodedBatch out;
  const std::string_view raw = out.text(record);
  const std::optional<Parts> parts = split(raw);
  if (!parts) {
    out.malformed.push_back({0, raw, {}, reason::kNoRecord, "it is no record of a UtilityIQ job's end"});
    return out;
  }
  std::optional<ResultObservation> said =
      parts->operation == Operation::JobStatus ? status_of(*parts, site, out) : row_of(*parts, site, out);
  if (!said) return out;
  said->meter = out.text(parts->job.meter);
  said->meter_kind = names;
  said->measure = name_of(parts->operation);
  said->transaction = out.text(parts->job.transaction);
  said->channel = out.text(parts->status);
  said->raw = raw;
  out.results.push_back(*said);
  return out;
}

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (unsigned int i = 0; i < length; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out;
}

}  // namespace ami::uiq_job
