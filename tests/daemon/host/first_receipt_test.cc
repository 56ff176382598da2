// Whether a message that is dated by its receipt tells a fact again or a new one.
#include "daemon/host/first_receipt.h"

#include <gtest/gtest.h>

namespace ami::daemon {
namespace {

using std::chrono::seconds;

UtcInstant at(const char* text) {
  return parse_instant(text).value();
}

TEST(FirstReceipt, OfAContentThatIsNewIsItsOwn) {
  for (const bool in_transaction : {false, true})
    EXPECT_EQ(first_receipt({}, at("2026-03-02T12:00:00Z"), in_transaction, seconds{3600}),
              at("2026-03-02T12:00:00Z"));
}

TEST(FirstReceipt, InATransactionIsTheFirstHoweverLongAgo) {
  const std::vector<UtcInstant> known{at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")};
  EXPECT_EQ(first_receipt(known, at("2026-03-02T12:00:00Z"), true, seconds{0}), known[0]);
  EXPECT_EQ(first_receipt(known, at("2025-03-02T12:00:00Z"), true, seconds{0}), known[0]);
}

TEST(FirstReceipt, WithoutATransactionIsThatOfTheFactWithinTheWindow) {
  const std::vector<UtcInstant> known{at("2026-03-02T12:00:00Z"), at("2026-03-02T15:00:00Z")};
  const auto told = [&](const char* when) { return first_receipt(known, at(when), false, seconds{3600}); };
  EXPECT_EQ(told("2026-03-02T12:00:00Z"), known[0]);
  EXPECT_EQ(told("2026-03-02T13:00:00Z"), known[0]);
  EXPECT_EQ(told("2026-03-02T13:00:00.000001Z"), at("2026-03-02T13:00:00.000001Z")) << "a new fact";
  EXPECT_EQ(told("2026-03-02T15:30:00Z"), known[1]);
  EXPECT_EQ(told("2026-03-02T18:00:00Z"), at("2026-03-02T18:00:00Z"));
  // It waited longer than those that were read before it.
  EXPECT_EQ(told("2026-03-02T11:30:00Z"), known[0]);
  EXPECT_EQ(told("2026-03-02T10:30:00Z"), at("2026-03-02T10:30:00Z"));
}

TEST(FirstReceipt, OfAWindowOfZeroIsAlwaysItsOwn) {
  const std::vector<UtcInstant> known{at("2026-03-02T12:00:00Z")};
  EXPECT_EQ(first_receipt(known, at("2026-03-02T12:00:00Z"), false, seconds{0}), known[0]) << "the very same";
  EXPECT_EQ(first_receipt(known, at("2026-03-02T12:00:01Z"), false, seconds{0}), at("2026-03-02T12:00:01Z"));
}

TEST(FirstReceipt, RepetitionsDoNotProlongTheWindow) {
  std::vector<UtcInstant> known;
  std::vector<UtcInstant> facts;
  // Every 20 minutes for 5 hours: a fact each 80 minutes, since the one at 60 is still of the first.
  for (int i = 0; i < 15; ++i) {
    const UtcInstant received = at("2026-03-02T12:00:00Z") + std::chrono::minutes{20 * i};
    const UtcInstant fact = first_receipt(known, received, false, seconds{3600});
    if (known.empty() || known.back() != fact) known.push_back(fact);
    facts.push_back(fact);
  }
  EXPECT_EQ(known, (std::vector{at("2026-03-02T12:00:00Z"), at("2026-03-02T13:20:00Z"),
                                at("2026-03-02T14:40:00Z"), at("2026-03-02T16:00:00Z")}));
}

TEST(DatedByReceipt, LooksAtEveryObservation) {
  DecodedBatch batch;
  EXPECT_FALSE(dated_by_receipt(batch));
  batch.observations.emplace_back(SeriesObservation());
  batch.observations.emplace_back(EventObservation());
  EXPECT_FALSE(dated_by_receipt(batch));
  EventObservation event;
  event.time_source = TimeSource::Receipt;
  batch.observations.emplace_back(event);
  EXPECT_TRUE(dated_by_receipt(batch));
}

TEST(InTransaction, IsWhatNamesOne) {
  DecodedBatch batch;
  EXPECT_FALSE(in_transaction(batch));
  batch.results.emplace_back();
  EXPECT_FALSE(in_transaction(batch)) << "the far side reports of itself";
  batch.results.emplace_back().transaction = "1-1-abc";
  EXPECT_TRUE(in_transaction(batch));
}

}  // namespace
}  // namespace ami::daemon
