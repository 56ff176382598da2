#include "daemon/rpc/findings.h"

#include <algorithm>
#include <set>

#include "daemon/rpc/convert.h"
#include "meter_model/vee/check.h"
#include "meter_model/vee/report.h"
#include "storage/postgres/validation.h"

namespace ami::rpc {
namespace {

constexpr int kMostMeters = 10'000;

// V14 of 14; nullptr for a number that is no check of this release.
const vee::CheckInfo* check_of(std::int16_t number) {
  const auto checks = vee::all_checks();
  const bool known = number >= 1 && static_cast<std::size_t>(number) <= checks.size();
  return known ? &checks[static_cast<std::size_t>(number) - 1] : nullptr;
}

std::int16_t check_from(const std::string& text) {
  const auto check = vee::check_from(text);
  if (!check) throw StatusError{invalid_field("check", "must be V01 to V26")};
  return static_cast<std::int16_t>(static_cast<int>(*check) + 1);
}

void fill(const storage::Utility& utility, const storage::FindingRow& row, bool with_words,
          v1::Finding& out) {
  const storage::DayFinding& finding = row.finding;
  const vee::CheckInfo* check = check_of(finding.check);
  out.set_id(row.id);
  out.set_meter(meter_name(utility.key, row.meter_key));
  out.set_day(text_of(row.date));
  out.set_channel(row.channel_key);
  out.set_check(check == nullptr ? "V" + std::to_string(finding.check) : std::string(check->id));
  if (check != nullptr) out.set_title(std::string(check->title));
  out.set_quality_code(finding.quality.to_string());
  out.set_advice(finding.advice.empty() ? std::string(vee::name_of(vee::Advice::Keep)) : finding.advice);
  if (finding.period.from != UtcInstant::min()) *out.mutable_start() = to_proto(finding.period.from);
  if (finding.period.to != UtcInstant::max()) *out.mutable_end() = to_proto(finding.period.to);
  out.set_interval_s(static_cast<std::int32_t>(finding.length.count()));
  if (with_words) out.set_words(finding.words);
  out.set_profile(row.profile);
  *out.mutable_found_time() = to_proto(row.found_at);
  if (row.gone_at) *out.mutable_gone_time() = to_proto(*row.gone_at);
}

// Of the days and checks that are told, those with a suspect threshold.
void tell_suspects(const Call& call, const storage::Utility& utility,
                   const std::vector<storage::FindingRow>& told, v1::ListFindingsResponse& response) {
  std::set<std::chrono::year_month_day> dates;
  std::set<std::pair<std::chrono::year_month_day, std::int16_t>> pairs;
  for (const storage::FindingRow& row : told) {
    dates.insert(row.date);
    pairs.emplace(row.date, row.finding.check);
  }
  if (dates.empty()) return;
  const auto suspects =
      call.take(storage::Validation(call.scoped()).suspects(utility.id, {dates.begin(), dates.end()}));
  for (const storage::CheckShare& share : suspects) {
    if (!pairs.contains({share.date, share.check})) continue;
    const vee::CheckInfo* check = check_of(share.check);
    v1::SuspectThreshold& out = *response.add_suspect_thresholds();
    out.set_day(text_of(share.date));
    out.set_check(check == nullptr ? "V" + std::to_string(share.check) : std::string(check->id));
    out.set_profile(share.profile);
    out.set_meters_hit(share.hit);
    out.set_meters(share.judged);
  }
}

// Ids of the meters that the request names.
std::vector<MeterId> meters_of(const Call& call, const storage::Utility& utility,
                               const v1::RevalidateRequest& request) {
  if (request.meters_size() > kMostMeters)
    throw StatusError{invalid_field("meters", "must not hold more than 10,000 meters")};
  std::set<std::string> keys;
  for (const std::string& name : request.meters()) {
    const ResourceName meter = call.resource("meters", name, ResourceName::Kind::Meter);
    if (meter.utility != utility.key)
      throw StatusError{invalid_field("meters", "must be meters of the parent")};
    keys.insert(meter.key);
  }
  std::vector<MeterId> ids;
  if (keys.empty()) return ids;
  for (const storage::Meter& meter :
       call.take(call.assets().meters_by_key(utility.id, {keys.begin(), keys.end()}))) {
    ids.push_back(meter.id);
    keys.erase(meter.key);
  }
  if (!keys.empty()) {
    // Asked for alone, the refusal names the nearest key.
    const ResourceName missing{ResourceName::Kind::Meter, utility.key, *keys.begin()};
    ids.push_back(call.take(call.assets().get_meter(utility.id, missing.key), missing).id);
  }
  return ids;
}

}  // namespace

void list_findings(const Call& call, const v1::ListFindingsRequest& request,
                   v1::ListFindingsResponse& response) {
  const Page page = call.page(request);
  storage::FindingQuery query;
  if (!request.check().empty()) query.check = check_from(request.check());
  if (!request.first_day().empty()) query.first = date_from("first_day", request.first_day());
  if (!request.last_day().empty()) query.last = date_from("last_day", request.last_day());
  if (query.first && query.last && *query.last < *query.first)
    throw StatusError{invalid_field("last_day", "must not be before first_day")};
  query.gone_too = request.gone_too();
  const bool with_words = !request.purpose().empty();
  const std::string purpose = with_words ? purpose_from(request.purpose()) : std::string();
  const storage::Utility utility = call.parent(request.parent());
  query.utility = utility.id;
  if (!request.meter().empty()) {
    const ResourceName name = call.resource("meter", request.meter(), ResourceName::Kind::Meter);
    if (name.utility != utility.key)
      throw StatusError{invalid_field("meter", "must be of the parent's utility")};
    query.meter = call.take(call.assets().get_meter(utility.id, name.key), name).id;
  }
  query.page = page.store;
  const auto found = call.take(storage::Validation(call.scoped()).findings(query));
  std::set<std::string> told;
  for (const storage::FindingRow& row : found.items) {
    fill(utility, row, with_words, *response.add_findings());
    if (!with_words || !told.insert(row.meter_key).second) continue;
    call.log({.kind = CallRecord::Kind::Access,
              .utility = utility.key,
              .meter = row.meter_key,
              .purpose = purpose,
              .message = "findings with their words"});
  }
  tell_suspects(call, utility, found.items, response);
  response.set_next_page_token(call.next_token(page, found.next_token));
}

void revalidate(const Call& call, const v1::RevalidateRequest& request, v1::RevalidateResponse& response) {
  const auto first = date_from("first_day", request.first_day());
  const auto last = request.last_day().empty() ? first : date_from("last_day", request.last_day());
  if (last < first) throw StatusError{invalid_field("last_day", "must not be before first_day")};
  const storage::Utility utility = call.parent(request.parent());
  const std::vector<MeterId> meters = meters_of(call, utility, request);
  response.set_queued(
      call.take(storage::Validation(call.backend().database).revalidate(utility.id, meters, first, last)));
}

}  // namespace ami::rpc
