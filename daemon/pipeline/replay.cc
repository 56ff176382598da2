#include "daemon/pipeline/replay.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "daemon/log/messages.h"
#include "daemon/pipeline/commit_attempt.h"
#include "daemon/pipeline/refusal_error.h"

namespace ami::daemon {
namespace {

using storage::QuarantineRow;
using storage::Refusal;
using Rows = std::vector<QuarantineRow>;

constexpr std::size_t kPage = 500;
constexpr std::size_t kMostTogether = 200;  // rows of one source in one transaction

// Decodes and normalises one row into `out`; offsets become those of the source that the record came from.
void read_again(const ReplayFeed& feed, const QuarantineRow& row, const MeterResolver& resolve,
                NormalisedBatch& out) {
  const auto registers = out.registers.size();
  const auto intervals = out.intervals.size();
  const auto events = out.events.size();
  const auto quarantined = out.quarantined.size();
  if (row.reason == "line_end_missing") {
    // What was doubted is what is not in these bytes: the rest of the last value. Reading them again settles
    // nothing.
    out.quarantined.push_back({row.reason, row.detail, row.meter, row.raw, row.offset});
    return;
  }
  const auto decoded = feed.decode(row.raw, row.source_info.received_at);
  normalise(decoded, feed.rules, resolve, row.source_info.received_at, out);
  const auto move_to = [&](auto& items, std::size_t first) {
    for (auto i = first; i < items.size(); ++i) items[i].offset = row.offset;
  };
  move_to(out.registers, registers);
  move_to(out.intervals, intervals);
  move_to(out.events, events);
  move_to(out.quarantined, quarantined);
  if (decoded.observations.empty() && decoded.malformed.empty()) {
    // A record that today's decoder makes nothing of must not vanish.
    out.quarantined.push_back({row.reason, row.detail, row.meter, row.raw, row.offset});
  }
}

class Run {
 public:
  Run(const ReplayParts& parts) : parts_(parts) {}

  // All of one source.
  std::optional<Error> source(const ReplayFeed& feed, std::span<const QuarantineRow> rows) {
    while (!rows.empty()) {
      const auto together = rows.first(std::min(rows.size(), kMostTogether));
      rows = rows.subspan(together.size());
      auto failed = commit(feed, together);
      if (failed && failed->fault == Fault::Permanent && together.size() > 1) {
        failed.reset();  // one of them is in the way of the others
        for (const auto& row : together) {
          const auto alone = commit(feed, {&row, 1});
          if (alone && alone->fault != Fault::Permanent) return alone;
          if (alone) give_up(row, *alone);
        }
      } else if (failed && failed->fault == Fault::Permanent) {
        give_up(together.front(), *failed);
        failed.reset();
      }
      if (failed) return failed;
    }
    return std::nullopt;
  }

  void skip(const QuarantineRow& row, const std::string& why) { give_up(row, permanent(why)); }

  ReplayResult result;

 private:
  void give_up(const QuarantineRow& row, const Error& error) {
    ++result.replayed;
    ++result.still_quarantined;
    parts_.log.write(messages::kReplayFailed,
                     {{"feed", row.feed}, {"quarantine", std::to_string(row.id)}, {"error", error.message}});
  }

  std::optional<Error> commit(const ReplayFeed& feed, std::span<const QuarantineRow> rows) {
    const auto& first = rows.front();
    storage::CommitUnit unit;
    unit.utility = first.utility;
    unit.source = {first.feed,
                   first.source_info.name,
                   first.source_info.content_sha256,
                   first.source_info.offset,
                   first.source_info.length,
                   feed.rules.mapping.version,
                   first.source_info.received_at};
    // Also when no row is settled: what a row yields now was not known when its source arrived.
    unit.replay_of = std::min_element(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
                       return a.id < b.id;
                     })->id;
    unit.cause = "quarantine replay";
    std::size_t settled = 0;
    bool built = false;
    const auto counts = commit_attempt(
        parts_.store, parts_.directory, unit, built, [&](const Directory& picture, NormalisedBatch& out) {
          settled = 0;
          unit.replayed.clear();
          const auto resolve = resolver_of(picture, first.utility, first.feed);
          for (const auto& row : rows) {
            const auto before = out.quarantined.size();
            read_again(feed, row, resolve, out);
            const std::span<const Quarantined> bad{
                out.quarantined.begin() + static_cast<std::ptrdiff_t>(before), out.quarantined.end()};
            // A row that fails for its old reason stays the row that it is; for a new one, a new row replaces
            // it.
            const bool same = std::any_of(bad.begin(), bad.end(),
                                          [&](const Quarantined& item) { return item.reason == row.reason; });
            if (!same) unit.replayed.push_back(row.id);
            if (bad.empty()) ++settled;
          }
        });
    if (!counts) return counts.error();
    result.replayed += rows.size();
    result.settled += settled;
    result.still_quarantined += rows.size() - settled;
    return std::nullopt;
  }

  const ReplayParts& parts_;
};

// What the request asks for; rows by id, or all open ones page by page. The list is read to its end before
// anything is committed: a page token is about rows that replaying takes away.
Result<Rows> rows_of(const ReplayParts& parts, const ReplayRequest& request) {
  Rows rows;
  if (!request.ids.empty()) {
    const std::set<std::int64_t> ids(request.ids.begin(), request.ids.end());
    for (const auto id : ids) {
      auto row = parts.get(id);
      if (!row && row.refusal().kind == Refusal::Kind::NotFound) continue;
      if (!row) return error_of(row.refusal());
      const bool wanted = row->utility == request.utility && row->state == storage::QuarantineState::Open &&
                          (request.feed.empty() || request.feed == row->feed) &&
                          (request.reason.empty() || request.reason == row->reason);
      if (wanted) rows.push_back(std::move(row).value());
    }
    return rows;
  }
  storage::QuarantineQuery query;
  query.utility = request.utility;
  query.feed = request.feed;
  query.reason = request.reason;
  query.page.size = kPage;
  do {
    auto page = parts.list(query);
    if (!page) return error_of(page.refusal());
    query.page.token = page->next_token;
    std::move(page->items.begin(), page->items.end(), std::back_inserter(rows));
  } while (!query.page.token.empty());
  return rows;
}

// Listed without raw bytes, which may be many; they are fetched source by source.
std::optional<Error> fetch_raw(const ReplayParts& parts, Rows& rows) {
  for (auto& row : rows) {
    if (!row.raw.empty()) continue;
    auto whole = parts.get(row.id);
    if (!whole && whole.refusal().kind != Refusal::Kind::NotFound) return error_of(whole.refusal());
    if (whole) row = std::move(whole).value();
  }
  return std::nullopt;
}

}  // namespace

Result<ReplayResult> replay(const ReplayParts& parts, const ReplayRequest& request) {
  auto listed = rows_of(parts, request);
  if (!listed) return listed.error();
  std::map<std::tuple<std::string, storage::SourceId>, Rows> by_source;
  for (auto& row : *listed) by_source[{row.feed, row.source}].push_back(std::move(row));

  Run run(parts);
  for (auto& [key, rows] : by_source) {
    const auto feed = parts.feed(std::get<0>(key));
    if (!feed) {
      for (const auto& row : rows) run.skip(row, "its feed is not configured any more");
      continue;
    }
    auto failed = fetch_raw(parts, rows);
    if (!failed) failed = run.source(*feed, rows);
    if (failed) {
      parts.log.write(messages::kReplayFailed, {{"feed", std::get<0>(key)}, {"error", failed->message}});
      return *failed;
    }
    rows.clear();
    rows.shrink_to_fit();
  }
  parts.log.write(messages::kReplayDone,
                  {{"replayed", std::to_string(run.result.replayed)},
                   {"settled", std::to_string(run.result.settled)},
                   {"still_quarantined", std::to_string(run.result.still_quarantined)}});
  return run.result;
}

}  // namespace ami::daemon
