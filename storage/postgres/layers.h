// Inside the store only: what our validation says of values, laid over what is stored of them.
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "storage/postgres/combined_qualities.h"
#include "storage/postgres/judged_versions.h"
#include "storage/postgres/row_loader.h"

namespace ami::storage {

// Of one answer, within one transaction.
class Overlay {
 public:
  Overlay(Session& session, CombinedQualities& qualities, Layer layer, std::optional<UtcInstant> as_of);

  // `versions`: of each row, as stored; restated rows no longer carry theirs. Rows may be added: of days that
  // hold nothing but estimates. One statement, and another where there is something to say of values with
  // flags.
  void say(const std::vector<Target>& targets, const std::vector<Stretch>& stretches,
           std::vector<IntervalRow>& rows, const std::vector<std::int64_t>& versions);
  void say(std::vector<RegisterRow>& rows);  // one statement

  // As storage::explain, with the numbers that this overlay gave.
  void explain(Dictionary& dictionary);

 private:
  using Series =
      std::pair<ChannelId, std::int64_t>;  // and length in seconds; judged ones off the grid: below 0
  struct Finding {
    UtcInstant from{}, to{};
    QualityCode code;
  };
  struct Estimate {
    std::int64_t id = 0;
    UtcInstant first{};
    std::int16_t exponent = 0;
    std::vector<std::int64_t> mantissas;
  };

  bool load(const std::vector<Target>& targets,
            const std::vector<Stretch>& stretches);  // false: nothing to say
  void learn(const std::vector<IntervalRow>& rows);
  // What is known of the judging of the UTC day that the row is of, or lies in.
  [[nodiscard]] const JudgedParts* judged_parts(const IntervalRow& row) const;
  // Intervals off the grid are rows of their own, and judged as one: stretch, channel, length, UTC day,
  // whether they begin in the first part of it.
  using OddPart = std::tuple<std::size_t, ChannelId, std::int64_t, Day, bool>;
  static OddPart odd_part(const IntervalRow& row, const JudgedParts& parts);
  // Sums of the versions of each part.
  [[nodiscard]] std::map<OddPart, std::int64_t> odd_versions(const std::vector<IntervalRow>& rows,
                                                             const std::vector<std::int64_t>& versions) const;
  // `version`: of the row, or of the part that it lies in.
  void mark(IntervalRow& row, std::int64_t version);
  void fill(const std::vector<Target>& targets, const std::vector<Stretch>& stretches,
            std::vector<IntervalRow>& rows);
  QualityId combined(QualityId base, const QualitySet& codes);
  QualityId number(ValueQuality quality);

  Session& session_;
  CombinedQualities& qualities_;
  const Layer layer_;
  const std::optional<UtcInstant> as_of_;
  std::map<Series, std::vector<Finding>> findings_;
  std::map<Series, std::vector<Estimate>> estimates_;
  std::map<std::pair<Series, Day>, JudgedMonth> judged_;
  std::map<QualityId, ValueQuality> known_;  // stored ones that were looked up, and those we numbered
  std::map<std::pair<QualityId, QualitySet>, QualityId> combinations_;
};

// Vendors' words only: codes of our validation go, also where an old release stored them inline.
void strip_findings(Dictionary& dictionary);

}  // namespace ami::storage
