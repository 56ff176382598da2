#include "daemon/rpc/operation_readings.h"

#include <algorithm>
#include <map>
#include <set>

#include "daemon/rpc/value_messages.h"

namespace ami::rpc {
namespace {

// How far a reading's own time may lie from the moment that it was asked for: far sides answer with the last
// value that they hold, and clocks err.
constexpr std::chrono::hours kBefore{24}, kAfter{1};
constexpr std::size_t kPage = 1000;

bool was_read(const storage::OperationTarget& target) {
  return target.kind == storage::OperationKind::Read && target.state == storage::TargetState::Succeeded &&
         target.meter_id != 0 && target.sent_at && target.ended_at;
}

// Key of the usage point where the meter was when it was asked; empty = nowhere.
std::string point_of(const Call& call, const storage::OperationTarget& target) {
  for (const storage::Installation& stay : call.take(call.assets().installations_of({target.meter_id}, {}))) {
    if (stay.valid.contains(target.sent_at.value_or(target.created_at))) return stay.usage_point_key;
  }
  return {};
}

class Told {
 public:
  Told(const Call& call, const storage::Utility& utility,
       const std::vector<storage::OperationTarget>& targets, AccessNotes& notes)
      : call_(call), utility_(utility), targets_(targets), notes_(notes) {}

  // Of each row the target that it belongs to, by number of the row in the page; -1 = of none.
  template <class TargetOf, class Add>
  void put(const storage::RegisterPage& page, TargetOf target_of, Add add) {
    std::vector<std::pair<std::size_t, const storage::RegisterRow*>> chosen;
    std::set<storage::UsagePointId> points;
    std::set<MeterId> meters;
    for (const storage::RegisterRow& row : page.rows) {
      const auto target = target_of(row);
      if (!target) continue;
      chosen.emplace_back(*target, &row);
      if (row.usage_point) points.insert(*row.usage_point);
      meters.insert(row.meter);
    }
    if (chosen.empty()) return;
    const UsagePointNames names(call_, utility_, {points.begin(), points.end()});
    regime::Standings standings = standings_of(call_, utility_, {meters.begin(), meters.end()});
    for (const auto& [target, row] : chosen) {
      const std::string& meter = targets_[target].meter;
      const std::string point = names.name(row->usage_point);
      notes_.note(call_, point.substr(point.rfind('/') + 1), meter);
      add(target) = register_value(utility_, *row, page.dictionary, meter, names, false, standings);
    }
  }

 private:
  const Call& call_;
  const storage::Utility& utility_;
  const std::vector<storage::OperationTarget>& targets_;
  AccessNotes& notes_;
};

}  // namespace

void add_readings(const Call& call, const storage::Utility& utility,
                  const std::vector<storage::OperationTarget>& targets, const OperationView& view,
                  AccessNotes& notes, google::protobuf::RepeatedPtrField<v1::Target>& messages) {
  Told told(call, utility, targets, notes);
  const auto message = [&](std::size_t target) -> v1::Target& { return messages[static_cast<int>(target)]; };

  for (std::size_t i = 0; view.readings && i < targets.size(); ++i) {
    const storage::OperationTarget& target = targets[i];
    if (target.verification_words.empty()) continue;
    notes.note(call, point_of(call, target), target.meter);
    message(i).set_reset_evidence_words(target.verification_words);
  }

  std::map<MeterId, std::size_t> read;  // a meter stands once in an operation
  std::vector<storage::MeterSpan> spans;
  for (std::size_t i = 0; view.readings && i < targets.size(); ++i) {
    const storage::OperationTarget& target = targets[i];
    if (!was_read(target)) continue;
    read.emplace(target.meter_id, i);
    spans.push_back({target.meter_id, {*target.sent_at - kBefore, *target.ended_at + kAfter}});
  }
  storage::PageRequest request{kPage, {}};
  while (!spans.empty()) {
    const storage::RegisterPage page = call.take(call.readers().registers(spans, {}, request));
    const auto came_with = [&](const storage::RegisterRow& row) -> std::optional<std::size_t> {
      const std::size_t number = read.at(row.meter);
      const storage::OperationTarget& target = targets[number];
      const storage::SourceInfo& source = page.dictionary.sources.at(row.source);
      const bool came = source.feed == target.feed && source.received_at >= *target.sent_at &&
                        source.received_at <= *target.ended_at;
      return came ? std::optional(number) : std::nullopt;
    };
    told.put(
        page, came_with, [&](std::size_t target) -> auto& { return *message(target).add_readings(); });
    if (page.next_token.empty()) break;
    request.token = page.next_token;
  }

  std::map<MeterId, std::size_t> silent;
  std::vector<MeterId> meters;
  for (std::size_t i = 0; view.latest && i < targets.size(); ++i) {
    if (targets[i].meter_id == 0 || !message(i).readings().empty()) continue;
    silent.emplace(targets[i].meter_id, i);
    meters.push_back(targets[i].meter_id);
  }
  if (meters.empty()) return;
  const storage::RegisterPage page =
      call.take(call.readers().latest(meters, {}, storage::LatestBy::DeviceTime));
  told.put(
      page, [&](const storage::RegisterRow& row) { return std::optional(silent.at(row.meter)); },
      [&](std::size_t target) -> auto& { return *message(target).add_latest(); });
}

}  // namespace ami::rpc
