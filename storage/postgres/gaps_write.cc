#include "storage/postgres/gaps_write.h"

#include "storage/postgres/binary_copy.h"

namespace ami::storage {
namespace {

const char* text_of(GapReason reason) {
  switch (reason) {
    case GapReason::NotReceived:
      return "NOT_RECEIVED";
    case GapReason::VendorFlag:
      return "VENDOR_FLAG";
    case GapReason::Withdrawn:
      return "WITHDRAWN";
  }
  throw std::logic_error("a reason that is none");
}

}  // namespace

void GapWrites::series(const SeriesItem& item, const Judgement& judged) {
  series_.push_back(item.series);
  judged_to_.push_back(item.judged_to);
  feeds_.push_back(item.feed);
  if (judged.programmes == item.facts.programmes) return;
  replaced_.push_back(item.series);
  for (const Programme& one : judged.programmes) {
    programme_series_.push_back(item.series);
    programme_from_.push_back(one.from);
    programme_channels_.push_back(one.channel);
    programme_intervals_.push_back(one.interval_s);
  }
}

void GapWrites::gap(const SeriesItem& item, const GapWrite& write) {
  gap_ids_.push_back(write.id);
  copies_.push_back(write.copy_of);
  gap_series_.push_back(item.series);
  gap_meters_.push_back(item.meter);
  gap_channels_.push_back(write.run.channel);
  utilities_.push_back(item.utility);
  intervals_.push_back(write.run.interval_s);
  slots_.push_back(write.run.slots);
  from_.push_back(write.run.from);
  to_.push_back(write.run.to);
  reasons_.emplace_back(text_of(write.run.reason));
}

void GapWrites::close(const GapClose& close) {
  closed_.push_back(close.id);
  notes_.emplace_back(close.merged_into != 0 ? "part of gap " + std::to_string(close.merged_into)
                      : close.filled         ? "filled"
                                             : "no longer expected");
}

void GapWrites::apply(Session& session, UtcInstant now) const {
  apply_series(session);
  apply_programmes(session);
  apply_gaps(session, now);
  apply_closed(session, now);
}

void GapWrites::apply_series(Session& session) const {
  if (series_.empty()) return;
  Params params;
  params.array(series_);
  params.array(judged_to_);
  params.texts(feeds_);
  Rows::query(session.raw(),
              "UPDATE collection_series s SET judged_to = k.judged_to, feed = k.feed"
              " FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS k (series_id, judged_to, feed)"
              " WHERE s.series_id = k.series_id AND (s.judged_to <> k.judged_to OR s.feed <> k.feed)",
              params);
}

void GapWrites::apply_programmes(Session& session) const {
  if (replaced_.empty()) return;
  Params gone;
  gone.array(replaced_);
  Rows::query(session.raw(), "DELETE FROM collection_programme WHERE series_id = ANY($1)", gone);
  Params params;
  params.array(programme_series_);
  params.array(programme_from_);
  params.array(programme_channels_);
  params.array(programme_intervals_);
  Rows::query(session.raw(),
              "INSERT INTO collection_programme (series_id, from_at, channel_id, interval_s)"
              " SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::int[])",
              params);
}

void GapWrites::apply_gaps(Session& session, UtcInstant now) const {
  if (gap_ids_.empty()) return;
  const UtcInstant times[] = {now};
  Params params;
  params.array(gap_ids_);
  params.array(copies_);
  params.array(gap_series_);
  params.array(gap_meters_);
  params.array(gap_channels_);
  params.array(utilities_);
  params.array(intervals_);
  params.array(slots_);
  params.array(from_);
  params.array(to_);
  params.texts(reasons_);
  params.array(times);
  Rows::query(
      session.raw(),
      "WITH k AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[],"
      "  $5::bigint[], $6::int[], $7::int[], $8::int[], $9::timestamptz[], $10::timestamptz[], $11::text[]) "
      "AS k"
      "  (gap_id, copy_of, series_id, meter_id, channel_id, utility_id, interval_s, slots, from_at, to_at, "
      "reason)),"
      " changed AS (UPDATE gap g SET channel_id = k.channel_id, from_at = k.from_at, to_at = k.to_at,"
      "  interval_s = k.interval_s, slots = k.slots, reason = k.reason FROM k WHERE g.gap_id = k.gap_id)"
      " INSERT INTO gap (utility_id, meter_id, series_id, channel_id, from_at, to_at, interval_s, slots, "
      "reason,"
      "  state, found_at, given_up_by, given_up_at, given_up_reason)"
      " SELECT k.utility_id, k.meter_id, k.series_id, k.channel_id, k.from_at, k.to_at, k.interval_s, "
      "k.slots,"
      "  k.reason, coalesce(o.state, 'OPEN'), coalesce(o.found_at, $12[1]), o.given_up_by, o.given_up_at,"
      "  o.given_up_reason FROM k LEFT JOIN gap o ON o.gap_id = k.copy_of WHERE k.gap_id = 0",
      params);
}

void GapWrites::apply_closed(Session& session, UtcInstant now) const {
  if (closed_.empty()) return;
  const UtcInstant times[] = {now};
  Params params;
  params.array(closed_);
  params.texts(notes_);
  params.array(times);
  Rows::query(session.raw(),
              "UPDATE gap g SET state = 'CLOSED', settled_at = $3[1], note = k.note ||"
              " CASE WHEN g.state = 'GIVEN_UP' THEN ', after it was given up' ELSE '' END"
              " FROM unnest($1::bigint[], $2::text[]) AS k (gap_id, note) WHERE g.gap_id = k.gap_id",
              params);
}

}  // namespace ami::storage
