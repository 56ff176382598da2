#include "storage/postgres/readers.h"

#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

class ReadersTest : public StoreTest {};

TEST_F(ReadersTest, LatestByDeviceTimeAndByReceipt) {
  const MeterId m = meter(north, "m1");
  CommitUnit newer = unit("newer");
  add_register(newer, add_channel(newer, m), at("2024-03-05T05:00:00Z"), {20, 0});
  newer.source.received_at = at("2024-03-05T06:00:00Z");
  commit(newer);
  CommitUnit late = unit("late");  // an older read that comes later
  add_register(late, add_channel(late, m), at("2024-03-04T05:00:00Z"), {10, 0});
  late.source.received_at = at("2024-03-05T07:00:00Z");
  commit(late);
  const auto device = readers->latest({m}, {}, LatestBy::DeviceTime).value();
  ASSERT_EQ(device.rows.size(), 1U);
  EXPECT_EQ(device.rows[0].value, (Decimal{20, 0}));
  EXPECT_EQ(device.dictionary.sources.at(device.rows[0].source).name, "newer.txt");
  EXPECT_EQ(device.dictionary.channels.at(device.rows[0].channel).key, "cmep:KWH");
  const auto receipt = readers->latest({m}, {}, LatestBy::ReceiptTime).value();
  EXPECT_EQ(receipt.rows.at(0).value, (Decimal{10, 0}));
  EXPECT_TRUE(readers
                  ->latest(
                      {m}, [](const ChannelInfo&) { return false; }, LatestBy::DeviceTime)
                  ->rows.empty());
  EXPECT_EQ(readers->latest(std::vector<MeterId>(1001, m), {}, LatestBy::DeviceTime).refusal().kind,
            Refusal::Kind::Invalid);
}

TEST_F(ReadersTest, RegistersComeInPagesWithoutLossOrRepetition) {
  const MeterId a = meter(north, "a"), b = meter(north, "b");
  CommitUnit u = unit("x");
  CommitUnit v = unit("later");  // so that its channel has the higher id
  const auto ca = add_channel(u, a), cb = add_channel(u, b), second = add_channel(v, a, "cmep:KVARH");
  for (int i = 0; i < 5; ++i) {
    const UtcInstant when = at("2024-01-31T22:00:00Z") + std::chrono::hours{i};
    add_register(u, ca, when, {i, 0});
    add_register(u, cb, when, {100 + i, 0});
    add_register(v, second, when, {200 + i, 0});
  }
  commit(u);
  commit(v);
  const std::vector<MeterSpan> spans{{b, {}}, {a, {at("2024-01-31T23:00:00Z"), at("2024-02-01T02:00:00Z")}}};
  std::vector<std::int64_t> values;
  PageRequest page;
  page.size = 4;
  do {
    const auto got = readers->registers(spans, {}, page);
    ASSERT_TRUE(got.ok()) << got.refusal().message;
    for (const RegisterRow& row : got->rows) values.push_back(row.value.mantissa);
    page.token = got->next_token;
  } while (!page.token.empty());
  EXPECT_EQ(values, (std::vector<std::int64_t>{100, 101, 102, 103, 104, 1, 2, 3, 201, 202, 203}));
  page.token = "1.x";
  EXPECT_EQ(readers->registers(spans, {}, page).refusal().field, "page_token");
}

TEST_F(ReadersTest, IntervalsAreCutToTheirSpanAndPagesJoinUp) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("x");
  const auto c = add_channel(u, m);
  const auto q = add_quality(u, "2.8.0", "E");
  std::vector<std::optional<std::int64_t>> values;
  for (int i = 0; i < 4 * 96; ++i) values.emplace_back(i);
  values[50].reset();
  add_run(u, {.channel = c, .start = at("2024-02-28T00:00:00Z"), .values = values});
  add_run(u, {.channel = c, .start = at("2024-02-29T00:05:00Z"), .values = {7}, .quality = q});
  commit(u);
  const std::vector<MeterSpan> spans{{m, {at("2024-02-28T00:10:00Z"), at("2024-03-02T00:10:00Z")}}};
  std::vector<std::int64_t> seen;
  int odd = 0;
  UtcInstant last = UtcInstant::min();
  PageRequest page;
  page.size = 1;
  int pages = 0;
  do {
    const auto got = readers->intervals(spans, {}, page);
    ASSERT_TRUE(got.ok()) << got.refusal().message;
    for (const IntervalBlock& block : got->blocks) {
      EXPECT_GE(block.first_start, last);
      last = block.first_start;
      std::size_t covered = 0;
      for (const auto& run : block.sources) covered += run.count;
      EXPECT_EQ(covered, block.mantissas.size());
      if (!block.grid) {
        ++odd;
        EXPECT_EQ(block.mantissas, (std::vector<std::int64_t>{7}));
        EXPECT_EQ(got->dictionary.qualities.at(block.qualities.at(0).quality).vendor_flag, "E");
      } else {
        seen.insert(seen.end(), block.mantissas.begin(), block.mantissas.end());
      }
    }
    page.token = got->next_token;
    ++pages;
  } while (!page.token.empty());
  EXPECT_EQ(odd, 1);
  EXPECT_GE(pages, 4);
  std::vector<std::int64_t> expected;
  for (int i = 1; i < 3 * 96; ++i) expected.push_back(i == 50 ? IntervalBlock::kMissing : i);
  EXPECT_EQ(seen, expected) << "the first slot begins before the span, the one at the end ends after it";
}

TEST_F(ReadersTest, EventsAreFilteredAndPaged) {
  const MeterId a = meter(north, "a"), b = meter(south, "b");
  CommitUnit u = unit("x");
  for (int i = 0; i < 5; ++i) {
    u.batch.events.push_back({a, at("2024-03-31T23:00:00Z") + std::chrono::hours{i / 2},
                              i % 2 == 0 ? "OUTAGE" : "TAMPER", "", "ssn", std::to_string(i), "text",
                              TimeSource::Device, 0});
  }
  commit(u);
  CommitUnit other = unit("y");
  other.utility = south;
  other.batch.events.push_back(
      {b, at("2024-03-31T23:00:00Z"), "OUTAGE", "", "ssn", "s", "", TimeSource::Device, 0});
  commit(other);
  EventQuery query;
  query.utility = north;
  query.page.size = 2;
  std::string codes;
  do {
    const auto got = readers->events(query);
    ASSERT_TRUE(got.ok()) << got.refusal().message;
    for (const EventRow& row : got->items) codes += row.raw_code;
    query.page.token = got->next_token;
  } while (!query.page.token.empty());
  EXPECT_EQ(codes.size(), 5U);
  std::sort(codes.begin(), codes.end());
  EXPECT_EQ(codes, "01234");
  query.kinds = {"TAMPER"};
  query.spans = {{a, {at("2024-03-31T23:30:00Z"), UtcInstant::max()}}};
  const auto few = readers->events(query).value();
  ASSERT_EQ(few.items.size(), 1U);
  EXPECT_EQ(few.items[0].raw_code, "3");
}

TEST_F(ReadersTest, SourcesAndCountsPerFeed) {
  const MeterId m = meter(north, "m1");
  CommitUnit u = unit("x");
  const auto c = add_channel(u, m);
  add_run(u, {.channel = c, .start = at("2024-02-28T00:00:00Z"), .values = {1, std::nullopt, 3}});
  add_register(u, c, at("2024-02-28T00:00:00Z"), {1, 0});
  u.batch.quarantined.push_back({"bad_number", "", "", "r", 0});
  commit(u);
  commit(u);
  CommitUnit empty = unit("empty");
  commit(empty);
  const auto sources = readers->sources(std::nullopt, "feed-1", {}).value().items;
  ASSERT_EQ(sources.size(), 2U) << "a repetition adds none, an empty file is one";
  EXPECT_EQ(sources[0].name, "empty.txt");
  EXPECT_EQ(readers->source(north, sources[1].id)->content_sha256, u.source.content_sha256);
  EXPECT_EQ(readers->source(north, -1).refusal().kind, Refusal::Kind::NotFound);
  const auto counts = readers->feed_counts().value();
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].interval_values, 2U);
  EXPECT_EQ(counts[0].registers, 1U);
  EXPECT_EQ(counts[0].quarantine_open, 1U);
}

TEST_F(ReadersTest, NothingStoredIsAnEmptyAnswer) {
  const MeterId m = meter(north, "m1");
  EXPECT_TRUE(readers->intervals({{m, {}}}, {}, {})->blocks.empty());
  EXPECT_TRUE(readers->registers({{m, {}}}, {}, {})->rows.empty());
  EXPECT_TRUE(readers->latest({}, {}, LatestBy::DeviceTime)->rows.empty());
  EXPECT_TRUE(
      readers->events({.utility = north, .spans = {}, .period = {}, .kinds = {}, .page = {}})->items.empty());
}

}  // namespace
}  // namespace ami::storage
