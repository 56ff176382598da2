#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/daemon/rpc/change_scene.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::text_of;
using Lines = std::vector<std::string>;

class ReconcileTest : public testing::ChangeScene {
 protected:
  static v1::ReconcileCountsRequest day(const std::string& date, bool utc = false) {
    v1::ReconcileCountsRequest request;
    request.set_parent("utilities/maui");
    request.set_day(date);
    request.set_boundary(utc ? v1::ReconcileCountsRequest::UTC_DAY : v1::ReconcileCountsRequest::CIVIL_DAY);
    request.set_purpose("test of the counts");
    return request;
  }
  grpc::Status reconcile(const v1::ReconcileCountsRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    counts.clear();
    const auto reader = readings->ReconcileCounts(&context, request);
    v1::ReconcileCountsResponse page;
    while (reader->Read(&page)) {
      for (const v1::ChannelCount& count : page.channels()) counts.push_back(count);
    }
    return reader->Finish();
  }
  // "meter point channel values sum registers last"
  Lines lines() const {
    Lines out;
    for (const v1::ChannelCount& c : counts) {
      const auto key = [](const std::string& name) { return name.substr(name.rfind('/') + 1); };
      out.push_back(key(c.meter()) + " " + key(c.usage_point()) + " " + c.channel() + " " +
                    std::to_string(c.interval_values()) + " " + c.interval_sum() + "e" +
                    std::to_string(c.interval_exponent()) + " " + std::to_string(c.register_values()) + " " +
                    c.last_register());
    }
    return out;
  }
  std::vector<v1::ChannelCount> counts;
};

TEST_F(ReconcileTest, CountsAndSumsAreThoseOfTheDay) {
  ASSERT_TRUE(reconcile(day("2013-04-07", true)).ok());
  EXPECT_EQ(lines(), (Lines{"m1 up1 ssn:lp:1 3 2235e-2 0 "}));  // 18.15 + 0 + 4.20; a hole counts nothing
  ASSERT_TRUE(reconcile(day("2013-04-08", true)).ok());
  EXPECT_EQ(lines(), (Lines{"ct1 up2 ssn:reg:1 0 e0 1 100.5", "m1 up1 ssn:lp:1 4 900719925474101100e-2 0 ",
                            "m1 up1 ssn:lp:2 2 1e0 0 ", "m1 up1 ssn:reg:1 0 e0 1 12345.678",
                            "m1 up1 ssn:v 0 e0 1 240.5"}));
  // Honolulu is ten hours behind: its 7th of April ends at 10:00Z of the 8th.
  ASSERT_TRUE(reconcile(day("2013-04-07")).ok());
  EXPECT_EQ(lines(), (Lines{"ct1 up2 ssn:reg:1 0 e0 1 100.5", "m1 up1 ssn:lp:1 7 900719925474103335e-2 0 ",
                            "m1 up1 ssn:lp:2 2 1e0 0 ", "m1 up1 ssn:reg:1 0 e0 1 12345.678",
                            "m1 up1 ssn:v 0 e0 1 240.5"}));
  EXPECT_EQ(text_of(counts[0].start()), "2013-04-07T10:00:00Z");
  EXPECT_EQ(text_of(counts[0].end()), "2013-04-08T10:00:00Z");
  EXPECT_EQ(counts[1].unit(), "Wh");
  EXPECT_EQ(counts[1].quantity(), v1::ENERGY_DELIVERED);
  EXPECT_EQ(text_of(counts[0].last_register_time()), "2013-04-08T00:00:00Z");
  ASSERT_TRUE(reconcile(day("2001-01-01")).ok());
  EXPECT_TRUE(counts.empty());

  v1::ReconcileCountsRequest rest = day("2013-04-07");
  rest.set_after("utilities/maui/meters/ct1");
  rest.add_quantities(v1::VOLTAGE);
  ASSERT_TRUE(reconcile(rest).ok());
  EXPECT_EQ(lines(), (Lines{"m1 up1 ssn:v 0 e0 1 240.5"}));
}

TEST_F(ReconcileTest, EachUsagePointIsLoggedWithTheNumberOfItsValues) {
  v1::ReconcileCountsRequest request = day("2013-04-08", true);
  request.set_on_behalf_of("auditor");
  ASSERT_TRUE(reconcile(request).ok());
  Lines logged;
  for (const CallRecord& record : fixture.log.of(CallRecord::Kind::Access)) {
    EXPECT_EQ(record.purpose, "test of the counts");
    EXPECT_EQ(record.on_behalf_of, "auditor");
    EXPECT_EQ(record.period.from, testing::at("2013-04-08T00:00:00Z"));
    EXPECT_EQ(record.period.to, testing::at("2013-04-09T00:00:00Z"));
    logged.push_back(record.meter + " " + record.usage_point + " " +
                     std::to_string(record.rows.value_or(99)));
  }
  std::ranges::sort(logged);
  EXPECT_EQ(logged, (Lines{"ct1 up2 1", "dry  0", "m1 up1 8"}));
}

TEST_F(ReconcileTest, SumBeyond64BitsIsExact) {
  storage::CommitUnit huge = unit('c');
  add_values(huge, "2013-05-01T00:00:00Z", {INT64_MAX, INT64_MAX, 1});
  commit(huge);
  ASSERT_TRUE(reconcile(day("2013-05-01", true)).ok());
  EXPECT_EQ(lines(), (Lines{"m1 up1 ssn:lp:1 3 18446744073709551615e-2 0 "}));
}

TEST_F(ReconcileTest, BadRequestsAreNamedByField) {
  for (const char* text : {"", "2013-4-7", "2013-04-31", "20130407", "2013-04-07T00:00:00Z", "1969-12-31",
                           "2200-01-01", "yesterday"}) {
    EXPECT_EQ(field_of(reconcile(day(text))), "day") << text;
  }
  v1::ReconcileCountsRequest bad = day("2013-04-07");
  bad.clear_purpose();
  EXPECT_EQ(reason_of(reconcile(bad)), "PURPOSE_REQUIRED");
  bad = day("2013-04-07");
  bad.set_boundary(static_cast<v1::ReconcileCountsRequest::Boundary>(7));
  EXPECT_EQ(field_of(reconcile(bad)), "boundary");
  bad = day("2013-04-07");
  bad.set_after("utilities/oahu/meters/m1");
  EXPECT_EQ(field_of(reconcile(bad)), "after");
  bad.set_after("utilities/maui/usagePoints/up1");
  EXPECT_EQ(field_of(reconcile(bad)), "after");
  bad = day("2013-04-07");
  bad.set_parent("utilities/molokai");
  EXPECT_EQ(reason_of(reconcile(bad)), "UTILITY_NOT_FOUND");
}

// Whatever was stored, the counts of a usage point are what StreamIntervals and ListRegisters answer for its
// day.
TEST_F(ReconcileTest, AgreesWithWhatTheReadersAnswerOnShortAndLongDays) {
  storage::Assets known(fixture.database);
  std::mt19937 random(20130310);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (const auto& [point, zone] :
       {std::pair{"p-A", "America/Toronto"}, std::pair{"p-K", "Asia/Kathmandu"}}) {
    storage::UsagePointDetail place;
    place.valid.from = testing::at("2012-01-01T00:00:00Z");
    place.zone = zone;
    ASSERT_TRUE(known.create_usage_point(maui, point, place).ok());
  }
  // m1 leaves up1 in the middle of a quarter hour of the short day, and is at another place from there on.
  storage::RemoveRequest remove;
  remove.utility = maui;
  remove.meter = "m1";
  remove.at = testing::at("2013-03-10T13:37:00Z");
  ASSERT_TRUE(known.remove(remove).ok());
  storage::InstallRequest install;
  install.utility = maui;
  install.meter = "m1";
  install.usage_point = "p-A";
  install.at = remove.at;
  ASSERT_TRUE(known.install(install).ok());
  storage::MeterDetail detail;
  detail.valid.from = testing::at("2012-01-01T00:00:00Z");
  const MeterId m9 = known.create_meter(maui, "m9", detail, {}).value().id;
  install.meter = "m9";
  install.usage_point = "p-K";
  install.at = detail.valid.from;
  ASSERT_TRUE(known.install(install).ok());

  for (char content = 'c'; content < 'g'; ++content) {
    storage::CommitUnit some =
        unit(content, testing::at("2013-04-10T00:00:00Z") + std::chrono::hours{content});
    some.batch.channels.push_back({m9, "ssn:lp:1", testing::kIntervalEnergy, "Wh"});
    for (const char* date : {"2013-03-09", "2013-11-02"}) {
      for (int i = 0; i < 12; ++i) {
        constexpr int kLengths[] = {300, 900, 3600, 86'400, 420};
        const int length = kLengths[pick(0, 4)];
        const UtcInstant start = testing::at(std::string(date) + "T00:00:00Z") +
                                 std::chrono::seconds{length} * pick(0, 3 * 86'400 / length) +
                                 std::chrono::seconds{pick(0, 5) == 0 ? 7 : 0};
        std::vector<std::optional<std::int64_t>> values;
        for (int n = pick(1, 40); n > 0; --n)
          values.push_back(pick(0, 9) == 0 ? std::nullopt : std::optional<std::int64_t>(pick(-5000, 5000)));
        add_values(some, to_text(start), values, 0, length);
        some.batch.intervals.back().channel = pick(0, 1) == 0 ? 0U : 2U;
        some.batch.intervals.back().exponent = pick(-4, 1);
        RegisterReading read;
        read.channel = 1;
        read.at = start;
        read.value = {pick(0, 1'000'000), -3};
        some.batch.registers.push_back(read);
      }
    }
    commit(some);
  }

  std::int64_t compared = 0;
  for (const char* date : {"2013-03-09", "2013-03-10", "2013-03-11", "2013-11-03", "2013-11-04"}) {
    for (const bool utc : {false, true}) {
      ASSERT_TRUE(reconcile(day(date, utc)).ok());
      std::map<std::string, std::pair<UtcInstant, UtcInstant>> days;  // of each usage point that was counted
      std::set<std::pair<std::string, std::string>> counted;
      const auto instant = [](const google::protobuf::Timestamp& t) {
        return UtcInstant{std::chrono::seconds{t.seconds()}};
      };
      for (const v1::ChannelCount& c : counts) {
        if (!c.usage_point().empty()) days[c.usage_point()] = {instant(c.start()), instant(c.end())};
      }
      for (const auto& [point, period] : days) {
        const auto hours = std::chrono::floor<std::chrono::hours>(period.second - period.first).count();
        const bool toronto = point.ends_with("p-A") && !utc;
        EXPECT_EQ(hours, !toronto                            ? 24
                         : std::string(date) == "2013-03-10" ? 23
                         : std::string(date) == "2013-11-03" ? 25
                                                             : 24)
            << point << date;
        // Intervals, slot by slot, in units of 10^-4.
        v1::StreamIntervalsRequest request;
        request.add_names(point);
        request.mutable_start()->set_seconds(period.first.time_since_epoch().count() / 1'000'000);
        request.mutable_end()->set_seconds(period.second.time_since_epoch().count() / 1'000'000);
        request.set_purpose("test");
        grpc::ClientContext context;
        const auto reader = readings->StreamIntervals(&context, request);
        v1::StreamIntervalsResponse message;
        std::map<std::uint32_t, std::string> channels;
        std::map<std::string, std::pair<std::int64_t, std::int64_t>> expected;  // values, sum
        while (reader->Read(&message)) {
          for (const auto& entry : message.dictionary().channels())
            channels[entry.number()] = entry.meter() + " " + entry.channel();
          for (int i = 0; i < message.block().mantissas_size(); ++i) {
            const auto byte = static_cast<std::size_t>(i / 8);
            if (byte < message.block().missing().size() &&
                ((static_cast<unsigned char>(message.block().missing()[byte]) >> (i % 8)) & 1) != 0)
              continue;
            std::int64_t value = message.block().mantissas(i);
            for (int e = -4; e < message.block().exponent(); ++e) value *= 10;
            auto& [values, sum] = expected[channels.at(message.block().channel())];
            ++values;
            sum += value;
          }
        }
        ASSERT_TRUE(reader->Finish().ok());
        v1::ListRegistersRequest registers;
        registers.set_name(point);
        *registers.mutable_start() = request.start();
        *registers.mutable_end() = request.end();
        registers.set_page_size(1000);
        v1::ListRegistersResponse dials;
        ASSERT_TRUE(call(readings, &v1::ReadingService::Stub::ListRegisters, registers, dials).ok());
        std::map<std::string, std::pair<std::int64_t, std::string>> expected_dials;  // count, last
        for (const auto& value : dials.values()) {
          auto& [count, last] = expected_dials[value.meter() + " " + value.channel()];
          ++count;
          last = value.value();
        }
        for (const v1::ChannelCount& c : counts) {
          if (c.usage_point() != point) continue;
          const std::string key = c.meter() + " " + c.channel();
          std::int64_t sum = c.interval_sum().empty() ? 0 : std::stoll(c.interval_sum());
          for (int e = -4; e < c.interval_exponent(); ++e) sum *= 10;
          EXPECT_EQ(c.interval_values(), expected[key].first) << point << key << date << utc;
          EXPECT_EQ(sum, expected[key].second) << point << key << date << utc;
          EXPECT_EQ(c.register_values(), expected_dials[key].first) << point << key << date << utc;
          EXPECT_EQ(c.last_register(), expected_dials[key].second) << point << key << date << utc;
          compared += c.interval_values() + c.register_values();
          expected.erase(key);
          expected_dials.erase(key);
        }
        EXPECT_TRUE(expected.empty()) << point << date << utc;
        EXPECT_TRUE(expected_dials.empty()) << point << date << utc;
      }
    }
  }
  EXPECT_GT(compared, 500) << "the days are not empty";
}

}  // namespace
}  // namespace ami::rpc
