// Events of a unit: the rows, which of them tell one fact, and what the change feed says of them.
#include <map>
#include <set>
#include <stdexcept>

#include "storage/postgres/event_groups.h"
#include "storage/postgres/ingest_steps.h"

namespace ami::storage {
namespace {

constexpr std::int16_t kNew = 1, kCorrected = 2;  // column change.kinds

struct WrittenEvent {
  MeterId meter = 0;
  UtcInstant at{};
  std::int64_t event_id = 0;
  std::string kind;
  std::optional<std::string> kind_before;  // nullopt = it was not there
};

struct Columns {
  std::vector<std::int64_t> meters, sources;
  std::vector<UtcInstant> times;
  std::vector<std::string> kinds, codes, vendors, raw_codes, raw_texts;
  std::vector<std::int16_t> clocks;
};

Columns columns_of(const IngestStep& step) {
  Columns out;
  for (const EventReading& event : step.unit.batch.events) {
    if (!step.lane.has(event.meter)) continue;
    out.meters.push_back(event.meter);
    out.times.push_back(event.at);
    out.kinds.push_back(clean_text(event.kind));
    out.codes.push_back(clean_text(event.code));
    out.vendors.push_back(clean_text(event.vendor));
    out.raw_codes.push_back(clean_text(event.raw_code));
    out.raw_texts.push_back(clean_text(event.raw_text));
    out.clocks.push_back(static_cast<std::int16_t>(event.time_source));
    out.sources.push_back(step.ids.source(source_key_of(event, step.unit.source)));
  }
  return out;
}

// The newest mapping's reading of an event is the one that counts; the rest makes the order total. The
// statement's snapshot does not see what it writes, so the joined row is what was there before.
std::vector<WrittenEvent> write_rows(const IngestStep& step, const Columns& columns) {
  Params params;
  params.array(columns.meters);
  params.array(columns.times);
  params.texts(columns.kinds);
  params.texts(columns.codes);
  params.texts(columns.vendors);
  params.texts(columns.raw_codes);
  params.texts(columns.raw_texts);
  params.array(columns.clocks);
  params.array(columns.sources);
  params.i4(step.unit.utility);
  params.i4(step.unit.source.mapping_version);
  const Rows rows = Rows::repeated(
      step.connection,
      "WITH written AS ("
      " INSERT INTO event AS e (meter_id, at, kind, code, vendor, raw_code, raw_text, raw_text_md5,"
      "  time_source, source_id, utility_id, mapping_version)"
      " SELECT DISTINCT ON (meter_id, at, vendor, raw_code, raw_text_md5) meter_id, at, kind, code, vendor,"
      "  raw_code, raw_text, raw_text_md5, time_source, source_id, $10, $11"
      " FROM (SELECT k.*, md5(raw_text)::uuid AS raw_text_md5 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)"
      "  AS k (meter_id, at, kind, code, vendor, raw_code, raw_text, time_source, source_id)) k"
      " ORDER BY meter_id, at, vendor, raw_code, raw_text_md5, kind COLLATE \"C\" DESC,"
      "  code COLLATE \"C\" DESC, time_source"
      " ON CONFLICT (meter_id, at, vendor, raw_code, raw_text_md5) DO UPDATE SET kind = excluded.kind,"
      "  code = excluded.code, time_source = excluded.time_source, source_id = excluded.source_id,"
      "  mapping_version = excluded.mapping_version"
      "  WHERE ROW (excluded.mapping_version, excluded.kind COLLATE \"C\", excluded.code COLLATE \"C\","
      "   -excluded.time_source) > ROW (e.mapping_version, e.kind COLLATE \"C\", e.code COLLATE \"C\","
      "   -e.time_source)"
      " RETURNING e.meter_id, e.at, e.event_id, e.kind)"
      " SELECT w.meter_id, w.at, w.event_id, w.kind, o.kind FROM written w LEFT JOIN event o"
      "  ON o.meter_id = w.meter_id AND o.at = w.at AND o.event_id = w.event_id",
      params);
  std::vector<WrittenEvent> out;
  out.reserve(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) {
    WrittenEvent& event = out.emplace_back();
    event.meter = rows.i8(i, 0);
    event.at = rows.at(i, 1);
    event.event_id = rows.i8(i, 2);
    event.kind = rows.text(i, 3);
    if (!rows.null(i, 4)) event.kind_before = rows.text(i, 4);
  }
  return out;
}

std::vector<GroupedEvent> find_facts(const IngestStep& step, const std::vector<WrittenEvent>& written) {
  std::vector<TouchedFact> touched;
  std::vector<MeterId> meters;
  std::vector<UtcInstant> times;
  std::vector<std::int64_t> ids;
  for (const WrittenEvent& event : written) {
    const EventFact* fact = step.facts->of(event.kind);
    const EventFact* before = event.kind_before ? step.facts->of(*event.kind_before) : nullptr;
    if (fact != nullptr) touched.push_back({event.meter, fact->subject, event.at});
    if (before == nullptr || (fact != nullptr && fact->subject == before->subject)) continue;
    touched.push_back({event.meter, before->subject, event.at});
    if (fact != nullptr) continue;
    meters.push_back(event.meter);
    times.push_back(event.at);
    ids.push_back(event.event_id);
  }
  auto grouped = regroup_events(step.connection, *step.facts, touched);
  // Afterwards: what a row says of the fact that it headed tells how far that fact reaches.
  forget_groups(step.connection, meters, times, ids);
  return grouped;
}

// A fact is new once: whoever tells it again, or better, corrects it. A row that heads another fact than
// before, or none any more, is said to be corrected, too.
void write_changes(const IngestStep& step, const std::vector<WrittenEvent>& written,
                   const std::vector<GroupedEvent>& grouped) {
  std::set<std::int64_t> fresh, known_facts, told;
  std::map<std::int64_t, std::int64_t> head_of;
  for (const WrittenEvent& event : written) {
    if (!event.kind_before) fresh.insert(event.event_id);
    told.insert(event.event_id);
  }
  for (const GroupedEvent& event : grouped) {
    head_of[event.event_id] = event.head;
    if (!fresh.contains(event.event_id)) known_facts.insert(event.head);
  }
  CopyRows rows;
  const auto put = [&](MeterId meter, UtcInstant at, std::int64_t event_id, std::int16_t kind) {
    put_change(rows, step,
               {Entity::Event, meter, 0, std::chrono::floor<std::chrono::days>(at), 0, event_id, at},
               {kind, {}, {}});
  };
  for (const WrittenEvent& event : written) {
    const auto head = head_of.find(event.event_id);
    const bool first_told =
        fresh.contains(event.event_id) &&
        (head == head_of.end() || (head->second == event.event_id && !known_facts.contains(head->second)));
    put(event.meter, event.at, event.event_id, first_told ? kNew : kCorrected);
  }
  for (const GroupedEvent& event : grouped) {
    if (event.turned && !told.contains(event.event_id))
      put(event.meter, event.at, event.event_id, kCorrected);
  }
  send_changes(step, rows);
}

}  // namespace

// An event that is dated by its receipt has a source of that receipt, so that each receipt which dated one is
// known.
SourceKey source_key_of(const EventReading& event, const SourceRef& from) {
  return {event.time_source == TimeSource::Receipt ? from.received_at : RankStamp{}, event.time_source};
}

void check_event_meters(pg_conn* connection, const CommitUnit& unit) {
  std::set<std::int64_t> distinct;
  for (const EventReading& event : unit.batch.events) distinct.insert(event.meter);
  for (const ClockSign& sign : unit.batch.clock_signs) distinct.insert(sign.meter);
  if (distinct.empty()) return;
  const std::vector<std::int64_t> meters(distinct.begin(), distinct.end());
  Params known;
  known.array(meters);
  known.i4(unit.utility);
  const Rows found = Rows::repeated(
      connection, "SELECT count(*) FROM meter WHERE meter_id = ANY ($1) AND utility_id = $2", known);
  if (found.i8(0, 0) != static_cast<std::int64_t>(distinct.size())) {
    throw std::runtime_error("an event names a meter that utility " + std::to_string(unit.utility) +
                             " does not have");
  }
}

void write_events(const IngestStep& step) {
  const Columns columns = columns_of(step);
  if (columns.meters.empty()) return;
  const bool facts = step.facts != nullptr && !step.facts->empty();
  if (facts) lock_event_meters(step.connection, columns.meters);
  const std::vector<WrittenEvent> written = write_rows(step, columns);
  write_changes(step, written, facts ? find_facts(step, written) : std::vector<GroupedEvent>());
  step.counts.events += columns.meters.size();
}

}  // namespace ami::storage
