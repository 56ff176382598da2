#include "tests/storage/postgres/validation_scene.h"

#include <algorithm>

namespace ami::storage {
namespace {

std::string codes_of(const ValueQuality& quality) {
  std::string out = "[";
  for (const QualityCode& code : quality.codes) out += (out.size() > 1 ? " " : "") + code.to_string();
  return out + (quality.vendor_flag.empty() ? "" : "|" + quality.vendor_flag) + "]";
}

std::string minute(UtcInstant at) {
  return to_text(at).substr(5, 11);
}

}  // namespace

Date date(const char* text) {
  return Date{std::chrono::floor<std::chrono::days>(at((std::string(text) + "T00:00:00Z").c_str()))};
}

std::string text(Date date) {
  return to_text(UtcInstant{std::chrono::sys_days{date}}).substr(0, 10);
}

std::vector<std::optional<std::int64_t>> same(std::size_t count, std::int64_t value) {
  return std::vector<std::optional<std::int64_t>>(count, value);
}

void ValidationScene::SetUp() {
  StoreTest::SetUp();
  validation = std::make_unique<Validation>(*database);
  // With nothing stored yet there is nothing to seed.
  EXPECT_TRUE(
      validation->step(rules, at("2000-01-01T00:00:00Z"), [](const MeterDayFacts&) { return DayVerdict{}; })
          .ok());
  judge = [this](const MeterDayFacts& facts) {
    judged_ += facts.meter_key + " " + text(facts.of.date) + ";";
    seen[{facts.of.meter, facts.of.date}] = facts;
    const auto told = verdicts_.find({facts.of.meter, facts.of.date});
    DayVerdict out = told == verdicts_.end() ? DayVerdict{} : told->second;
    if (out.profile.empty()) out.profile = "full 1234";
    return out;
  };
}

MeterId ValidationScene::install(UtilityId utility, const std::string& key, const std::string& zone,
                                 const char* from) {
  const MeterId id = meter(utility, key);
  UsagePointDetail detail;
  detail.zone = zone;
  detail.valid.from = at("2019-01-01T00:00:00Z");
  EXPECT_TRUE(assets->create_usage_point(utility, "p-" + key, detail).ok());
  EXPECT_TRUE(assets->install({utility, key, "p-" + key, at(from), {1, 0}, "", {}}).ok());
  step("2000-01-01T00:00:00Z");  // takes note of the new asset data
  return id;
}

void ValidationScene::send(const Sent& sent) {
  CommitUnit u = unit("file" + std::to_string(++files));
  u.utility = static_cast<std::int32_t>(
      std::stoi(one("SELECT utility_id FROM meter WHERE meter_id = " + std::to_string(sent.meter))));
  const auto number = add_channel(u, sent.meter, sent.key);
  const bool marked = !sent.code.empty() || !sent.flag.empty();
  const auto quality = marked ? add_quality(u, sent.code, sent.flag) : 0;
  for (std::size_t i = 0; i < sent.values.size();) {
    std::size_t end = i;
    while (end < sent.values.size() && sent.values[end].has_value() == sent.values[i].has_value()) ++end;
    if (sent.values[i]) {
      const auto first = sent.values.begin() + static_cast<std::ptrdiff_t>(i);
      add_run(u, {.channel = number,
                  .start = at(sent.start) + std::chrono::seconds{sent.length_s} * static_cast<int>(i),
                  .values = {first, sent.values.begin() + static_cast<std::ptrdiff_t>(end)},
                  .length_s = sent.length_s,
                  .exponent = sent.exponent,
                  .rank = sent.rank,
                  .quality = quality});
    }
    i = end;
  }
  commit(u);
  if (!late) step("2000-01-01T00:00:00Z");
}

void ValidationScene::send_register(MeterId id, const char* when, Decimal value, const std::string& key) {
  CommitUnit u = unit("register" + std::to_string(++files));
  add_register(u, add_channel(u, id, key), at(when), value);
  commit(u);
  if (!late) step("2000-01-01T00:00:00Z");
}

void ValidationScene::send_event(MeterId id, const char* when, const std::string& kind) {
  CommitUnit u = unit("event" + std::to_string(++files));
  EventReading event;
  event.meter = id;
  event.at = at(when);
  event.kind = kind;
  event.vendor = "v";
  event.raw_code = kind;
  u.batch.events.push_back(event);
  commit(u);
  if (!late) step("2000-01-01T00:00:00Z");
}

ChannelId ValidationScene::channel(MeterId id, const std::string& key) const {
  return std::stoll(one("SELECT channel_id FROM channel WHERE meter_id = " + std::to_string(id) +
                        " AND key = '" + key + "'"));
}

ValidationStep ValidationScene::step(const char* now) {
  const auto done = validation->step(rules, at(now), judge);
  EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
  return done.ok() ? *done : ValidationStep{};
}

std::string ValidationScene::work(const char* now) {
  judged_.clear();
  for (int steps = 0; step(now).more; ++steps) {
    EXPECT_LT(steps, 100) << "it never comes to an end: " << judged_;
    if (steps >= 100) break;
  }
  return judged_;
}

std::string ValidationScene::queue() const {
  std::string out;
  for (const auto& row :
       sql("SELECT m.key, date, to_char(due_at AT TIME ZONE 'UTC', 'MM-DD\"T\"HH24:MI') FROM"
           " validation_due JOIN meter m USING (meter_id) ORDER BY 1, 2"))
    out += row[0] + " " + row[1] + " " + row[2] + ";";
  return out;
}

DayFinding ValidationScene::finding(MeterId id, const char* from, const char* to, int check, const char* code,
                                    int length_s) const {
  DayFinding out;
  out.channel = channel(id);
  out.length = std::chrono::seconds{length_s};
  out.period = {at(from), at(to)};
  out.check = static_cast<std::int16_t>(check);
  out.quality = QualityCode::parse(code).value();
  out.words = "by so much";
  return out;
}

DayEstimate ValidationScene::estimate(MeterId id, const char* start, std::vector<std::int64_t> mantissas,
                                      int exponent) const {
  DayEstimate out;
  out.channel = channel(id);
  out.first_start = at(start);
  out.length = std::chrono::seconds{900};
  out.exponent = exponent;
  out.mantissas = std::move(mantissas);
  out.method = "LINEAR";
  out.algorithm = "test";
  out.version = 3;
  out.inputs = R"({"from": "anchors"})";
  return out;
}

std::string ValidationScene::slots(MeterId id, const char* from, const char* to, Layer layer,
                                   std::optional<UtcInstant> as_of, std::size_t page) {
  std::string out, last;
  int count = 0;
  const auto flush = [&] {
    if (count > 0) out += " " + last + (count > 1 ? "x" + std::to_string(count) : "");
    count = 0;
  };
  std::string token;
  UtcInstant next{};
  ChannelId current = 0;
  do {
    const auto found = readers->intervals({{id, {at(from), at(to)}}}, {}, {page, token}, as_of, layer);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.refusal().message);
    if (!found.ok()) return "failed";
    for (const IntervalBlock& block : found->blocks) {
      std::vector<QualityId> qualities;
      std::vector<SourceId> sources;
      for (const auto& run : block.qualities) qualities.insert(qualities.end(), run.count, run.quality);
      for (const auto& run : block.sources) sources.insert(sources.end(), run.count, run.source);
      EXPECT_EQ(qualities.size(), block.mantissas.size());
      EXPECT_EQ(sources.size(), block.mantissas.size());
      for (std::size_t i = 0; i < block.mantissas.size(); ++i) {
        const UtcInstant start = block.first_start + static_cast<std::int64_t>(i) * block.length;
        if (current != block.channel || start != next) {
          flush();
          out += (out.empty() ? "" : "; ") + minute(start);
        }
        current = block.channel;
        next = start + block.length;
        const bool estimated = sources[i] < 0;
        if (estimated) {
          EXPECT_TRUE(found->dictionary.estimates.contains(sources[i]));
        } else if (sources[i] > 0) {
          EXPECT_TRUE(found->dictionary.sources.contains(sources[i]));
        }
        const std::string now = (block.mantissas[i] == IntervalBlock::kMissing
                                     ? std::string("-")
                                     : Decimal{block.mantissas[i], block.exponent}.normalised().to_string()) +
                                codes_of(found->dictionary.qualities.at(qualities[i])) +
                                (estimated ? "e" : "");
        if (now != last) flush();
        last = now;
        ++count;
      }
    }
    token = found->next_token;
  } while (!token.empty());
  flush();
  return out;
}

std::string ValidationScene::registers(MeterId id, Layer layer, std::optional<UtcInstant> as_of) {
  const auto found = readers->registers({{id, {}}}, {}, {}, as_of, layer);
  EXPECT_TRUE(found.ok());
  std::string out;
  for (const RegisterRow& row : found->rows)
    out += minute(row.at) + " " + row.value.to_string() +
           codes_of(found->dictionary.qualities.at(row.quality)) + ";";
  return out;
}

std::string ValidationScene::own_changes() {
  std::string out;
  for (const auto& row : sql("SELECT entity, coalesce(to_char(at AT TIME ZONE 'UTC', 'MM-DD\"T\"HH24:MI'), "
                             "to_char(day, 'MM-DD')),"
                             " version, kinds & 63, array_to_string(slots, ','), array_to_string(old, ','), "
                             "change_id FROM change WHERE"
                             " kinds & 64 <> 0 AND change_id > " +
                             changes_after_ + " ORDER BY meter_id, channel_id, entity, day, at")) {
    out += row[0] + " " + row[1] + " v" + row[2] + " kinds " + row[3] + " slots " + row[4] + " old";
    std::vector<std::string> old;
    for (std::size_t begin = 0; row[5] != "-" && begin < row[5].size();) {
      const std::size_t end = std::min(row[5].find(',', begin), row[5].size());
      old.push_back(row[5].substr(begin, end - begin));
      begin = end + 1;
    }
    for (std::size_t i = 0; i + 2 < old.size(); i += 3) {
      const std::string codes =
          old[i + 2] == "0"
              ? ""
              : one("SELECT array_to_string(codes, ' ') FROM quality_set WHERE quality_id = " + old[i + 2]);
      out += " " + (old[i] == "-9223372036854775808" ? "-" : old[i] + "e" + old[i + 1]) + "[" + codes + "]";
    }
    out += ";";
  }
  changes_after_ = one("SELECT coalesce(max(change_id), 0) FROM change");
  return out;
}

}  // namespace ami::storage
