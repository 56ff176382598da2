// Asking for an operation, or for what would be said of it.
#include <algorithm>
#include <utility>

#include "daemon/switching/engine.h"

namespace ami::daemon::switching {
namespace {

constexpr std::size_t kOthers = 50;

Refusal invalid(const char* field, std::string message) {
  Refusal out;
  out.kind = Refusal::Kind::Invalid;
  out.message = std::move(message);
  out.field = field;
  return out;
}

Refusal no_such_meter(const std::string& meter) {
  Refusal out;
  out.kind = Refusal::Kind::NotFound;
  out.message = "the utility has no meter " + meter;
  out.field = "meter";
  return out;
}

// What must be the same when a request comes again. A length before each part keeps neighbours apart.
std::string body_of(const SwitchRequest& request) {
  std::string out;
  const auto put = [&](const std::string& part) { out += std::to_string(part.size()) + ":" + part; };
  for (const std::string* part : {&request.meter, &request.usage_point, &request.serial_last4}) put(*part);
  put(std::string(storage::name_of(request.action)));
  for (const std::string* part :
       {&request.reason, &request.order_id, &request.on_behalf_of, &request.attestation})
    put(*part);
  put(request.automatic ? "automatic" : "");
  put(request.not_before ? to_text(*request.not_before) : "");
  put(request.not_after ? to_text(*request.not_after) : "");
  return out;
}

std::optional<Refusal> wrong(const SwitchRequest& request, const Timing& timing, UtcInstant now,
                             bool only_judged) {
  const std::pair<const char*, const std::string*> needed[] = {
      {"meter", &request.meter},   {"usage_point", &request.usage_point}, {"reason", &request.reason},
      {"caller", &request.caller}, {"request_id", &request.request_id},   {"order_id", &request.order_id}};
  for (const auto& [field, value] : needed) {
    if (value->empty() && !(only_judged && value == &request.request_id)) return invalid(field, "is needed");
    if (value->size() > 200) return invalid(field, "has at most 200 characters");
  }
  if (request.serial_last4.size() != 4)
    return invalid("serial_last4", "is the last four characters of the meter's serial");
  const UtcInstant first = request.not_before.value_or(now),
                   last = request.not_after.value_or(first + timing.expiry);
  if (last <= first) return invalid("not_after", "must be after not_before");
  if (last <= now) return invalid("not_after", "has passed: it is " + to_text(now));
  if (last > now + timing.longest_wait) {
    return invalid("not_after",
                   "must be within " + std::to_string(timing.longest_wait.count() / 3600) + " h from now");
  }
  return std::nullopt;
}


// A refusal of the policy's kind, after all that it looked at itself.
void add_check(PolicyVerdict& verdict, const char* rule, bool passed, std::string words,
               std::map<std::string, std::string> facts, const char* would_change) {
  PolicyCheck check;
  check.rule = rule;
  check.passed = passed;
  check.facts = facts;
  if (!passed) {
    check.words = words;
    check.would_change = would_change;
    if (verdict.allowed()) {
      verdict.rule = rule;
      verdict.words = std::move(words);
      verdict.facts = std::move(facts);
    }
  }
  verdict.checks.push_back(std::move(check));
}

// What kept a request from becoming an operation, for the audit.
storage::SwitchRefusal refusal_of(const SwitchRequest& request, const Refusal& why) {
  storage::SwitchRefusal out;
  out.utility = request.utility;
  out.meter = request.meter;
  out.usage_point = request.usage_point;
  out.action = request.action;
  out.reason = request.reason;
  out.order_id = request.order_id;
  out.caller = request.caller;
  out.certificate = request.certificate;
  out.request_id = request.request_id;
  out.on_behalf_of = request.on_behalf_of;
  switch (why.kind) {
    case Refusal::Kind::NotFound:
      out.rule = "NO_SUCH_METER";
      break;
    case Refusal::Kind::Collision:
      out.rule = "REQUEST_ID_USED";
      break;
    case Refusal::Kind::Excluded:
      out.rule = why.rule ? why.rule->name : "EXCLUDED";
      break;
    default:
      out.rule = "INVALID";
  }
  out.words = (why.field.empty() ? "" : why.field + " ") + why.message;
  return out;
}

}  // namespace

storage::SwitchAsked Engine::asked_of(const SwitchRequest& request, const MeterNow& meter,
                                      UtcInstant now) const {
  storage::SwitchAsked asked;
  asked.utility = request.utility;
  asked.meter_id = meter.house.meter_id;
  asked.meter = request.meter;
  asked.usage_point = request.usage_point;
  asked.serial_last4 = request.serial_last4;
  asked.action = request.action;
  asked.reason = request.reason;
  asked.order_id = request.order_id;
  asked.caller = request.caller;
  asked.request_id = request.request_id;
  asked.on_behalf_of = request.on_behalf_of;
  asked.attestation = request.attestation;
  asked.automatic = request.automatic;
  asked.body = body_of(request);
  asked.feed = meter.feed;
  asked.vendor_id = meter.vendor_id;
  asked.created_at = now;
  asked.not_before = request.not_before.value_or(now);
  asked.not_after = request.not_after.value_or(asked.not_before + timing_.expiry);
  asked.minimum = std::clamp(meter.minimum, kReported, kHighestLevel);
  return asked;
}

// Everything that a check rests on, and what it says.
Answer<Engine::Looked> Engine::look(const SwitchOperation& operation, bool before_send,
                                    const MeterNow* known) {
  const UtcInstant now = parts_.now();
  Looked out;
  if (known != nullptr) {
    out.meter = *known;
  } else {
    auto meter = parts_.site.meter(operation.asked.utility, operation.asked.meter, now);
    if (!meter.ok() && meter.refusal().kind != Refusal::Kind::NotFound) return meter.refusal();
    if (!meter.ok()) {
      out.verdict.rule = "WRONG_HOUSE";
      out.verdict.words = "the utility has no meter " + operation.asked.meter + " any more";
      return out;
    }
    out.meter = std::move(meter).value();
  }
  PolicyInput input;
  input.asked = operation.asked;
  input.now = now;
  input.before_send = before_send;
  input.capability = out.meter.capability;
  input.house = out.meter.house;
  input.load_side = out.meter.load_side;
  auto others = parts_.store.of_meter(operation.asked.meter_id, kOthers);
  if (!others.ok()) return others.refusal();
  for (SwitchOperation& other : *others) {
    if (other.id != operation.id) input.others.push_back(std::move(other));
  }
  out.verdict = parts_.policy.check(input);
  out.others = std::move(input.others);
  add_check(out.verdict, "ROUTE_CHANGED",
            out.meter.feed == operation.asked.feed && out.meter.vendor_id == operation.asked.vendor_id,
            "the meter is reached in another way than when it was asked for: order it anew",
            {{"feed_asked", operation.asked.feed}, {"feed_found", out.meter.feed}}, "a new order");
  return out;
}

Answer<Evaluation> Engine::evaluate(const SwitchRequest& request) {
  const UtcInstant now = parts_.now();
  if (auto bad = wrong(request, timing_, now, true)) return *bad;
  auto meter = parts_.site.meter(request.utility, request.meter, now);
  if (!meter.ok()) return meter.refusal();
  if (meter->house.meter_id == 0) return no_such_meter(request.meter);
  SwitchOperation operation;
  operation.asked = asked_of(request, *meter, now);
  auto looked = look(operation, false, &*meter);
  if (!looked.ok()) return looked.refusal();
  Evaluation out;
  out.meter = std::move(looked->meter);
  out.verdict = std::move(looked->verdict);
  out.others = std::move(looked->others);
  out.attainable = attainable(request.action, out.meter.means);
  out.minimum = operation.asked.minimum;
  const auto live = std::ranges::find_if(
      out.others, [](const SwitchOperation& other) { return storage::live(other.state); });
  std::map<std::string, std::string> facts;
  std::string words;
  if (live != out.others.end()) {
    facts = {{"operation", std::to_string(live->id)}, {"state", std::string(storage::name_of(live->state))}};
    words = "meter " + request.meter + " has operation " + std::to_string(live->id) + " under way";
  }
  add_check(out.verdict, "SWITCH_LIVE", live == out.others.end(), words, facts, "the end of that operation");
  return out;
}

Answer<SwitchOperation> Engine::submit(const SwitchRequest& request) {
  auto answer = submit_now(request);
  if (answer.ok()) return answer;
  using Kind = Refusal::Kind;
  const Kind kind = answer.refusal().kind;
  const bool said_no =
      kind == Kind::Invalid || kind == Kind::NotFound || kind == Kind::Collision || kind == Kind::Excluded;
  if (!said_no) return answer;
  storage::SwitchRefusal line = refusal_of(request, answer.refusal());
  line.gateway = parts_.gateway;
  line.at = parts_.now();
  // Whoever is refused stays refused, whether or not the book can take the line.
  if (const auto kept = parts_.store.refused(line); !kept.ok()) parts_.watcher.not_kept(kept.refusal().message);
  return answer;
}

Answer<SwitchOperation> Engine::submit_now(const SwitchRequest& request) {
  const UtcInstant now = parts_.now();
  const auto bad = wrong(request, timing_, now, false);
  if (bad && bad->field != "not_after") return *bad;
  auto meter = parts_.site.meter(request.utility, request.meter, now);
  if (!meter.ok()) return meter.refusal();
  if (meter->house.meter_id == 0) return no_such_meter(request.meter);
  if (bad) {
    // Its time has passed; so it has for one that was taken in time and is asked for again.
    const auto others = parts_.store.of_meter(meter->house.meter_id, kOthers);
    if (!others.ok()) return others.refusal();
    const auto same = std::ranges::find_if(*others, [&](const SwitchOperation& other) {
      return other.asked.utility == request.utility && other.asked.caller == request.caller &&
             other.asked.request_id == request.request_id && other.asked.body == body_of(request);
    });
    if (same == others->end()) return *bad;
    return *same;
  }

  Change change;
  change.actor = request.caller;
  change.certificate = request.certificate;
  change.followed = true;
  auto created = parts_.store.create(asked_of(request, *meter, now), note_of("REQUEST", change));
  if (!created.ok()) return created.refusal();
  if (created->repeated) return created->operation;
  auto ready = prepare(created->operation, &*meter);
  if (!ready.ok()) {
    // It stands in the book, so whoever keeps the book goes on with it; and now it must stay there.
    auto found = parts_.store.get(request.utility, created->operation.id);
    if (!found.ok()) return found.refusal();
    Change waits;
    waits.words = ready.refusal().message;
    return note(*found, "WAITS", waits);
  }
  if (ready->state == SwitchState::Queued) try_send(*ready, &*meter);
  return parts_.store.get(request.utility, created->operation.id);
}

}  // namespace ami::daemon::switching
