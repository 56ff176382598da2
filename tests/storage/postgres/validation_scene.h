// Meters with intervals, a judge that tests tell what to say, and answers as text.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/postgres/validation.h"
#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {

using Date = std::chrono::year_month_day;
Date date(const char* text);  // "2026-03-02"
std::string text(Date date);

class ValidationScene : public StoreTest {
 protected:
  void SetUp() override;

  MeterId install(UtilityId utility, const std::string& key, const std::string& zone = {},
                  const char* from = "2020-01-01T00:00:00Z");
  // A value each 15 minutes from `start` on; nullopt = nothing is sent of that slot. A new file each time.
  struct Sent {
    MeterId meter = 0;
    const char* start = "";
    std::vector<std::optional<std::int64_t>> values;
    int length_s = 900;
    int exponent = 0;
    std::string code{}, flag{};  // quality of all
    std::string key = "cmep:KWH";
    UtcInstant rank{};
  };
  void send(const Sent& sent);
  void send_register(MeterId meter, const char* when, Decimal value, const std::string& key = "cmep:KWH");
  void send_event(MeterId meter, const char* when, const std::string& kind);
  ChannelId channel(MeterId meter, const std::string& key = "cmep:KWH") const;

  // Until nothing is left to do at that time. What was judged, in order: "M1 2026-03-02;".
  std::string work(const char* now);
  ValidationStep step(const char* now);
  std::string queue() const;  // "M1 2026-03-02 03-03T05:15;", by meter and date

  // What the judge says of a meter-day; empty: judged, and nothing found.
  DayVerdict& verdict(MeterId meter, const char* day) { return verdicts_[{meter, date(day)}]; }
  DayFinding finding(MeterId meter, const char* from, const char* to, int check, const char* code,
                     int length_s = 900) const;
  DayEstimate estimate(MeterId meter, const char* start, std::vector<std::int64_t> mantissas,
                       int exponent = 0) const;

  // Slots in order of channel and time, equal ones together: "03-02T00:00 7[2.0.1]x4 -[]x2 5e-1[2.8.0]e;"
  // where - is a hole and a last e says that the source is an estimate.
  std::string slots(MeterId meter, const char* from, const char* to, Layer layer = Layer::Validated,
                    std::optional<UtcInstant> as_of = {}, std::size_t page = 100);
  std::string registers(MeterId meter, Layer layer = Layer::Validated, std::optional<UtcInstant> as_of = {});
  // Changes by our own validation since the last call: "1 03-02 v1 kinds 4 slots 0,2,4 old 7,0,[2.6.0];".
  std::string own_changes();

  std::unique_ptr<Validation> validation;
  ValidationRules rules;
  DayJudge judge;
  std::map<std::pair<MeterId, Date>, MeterDayFacts> seen;  // what the judge was given last
  int files = 0;
  bool late = false;  // what is sent arrives when the next step looks, not before it is due

 private:
  std::map<std::pair<MeterId, Date>, DayVerdict> verdicts_;
  std::string judged_;
  std::string changes_after_ = "0";
};

std::vector<std::optional<std::int64_t>> same(std::size_t count, std::int64_t value);

}  // namespace ami::storage
