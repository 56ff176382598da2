// Asking, taking back, resolving; and how every change is made.
#include "daemon/switching/engine.h"

#include <algorithm>
#include <utility>

namespace ami::daemon::switching {
namespace {

constexpr int kRounds = 8;  // of a change that others were quicker than
constexpr std::size_t kOthers = 50;

Refusal refusal(Refusal::Kind kind, std::string message, std::string field) {
  Refusal out;
  out.kind = kind;
  out.message = std::move(message);
  out.field = std::move(field);
  return out;
}

Refusal excluded(std::string rule, std::string message, std::map<std::string, std::string> facts) {
  Refusal out = refusal(Refusal::Kind::Excluded, std::move(message), "");
  out.rule = std::make_shared<const storage::Rule>(storage::Rule{std::move(rule), std::move(facts)});
  return out;
}

Refusal invalid(const char* field, std::string message) {
  return refusal(Refusal::Kind::Invalid, std::move(message), field);
}

std::string lines(const std::map<std::string, std::string>& facts) {
  std::string out;
  for (const auto& [key, value] : facts) out += key + "=" + value + "\n";
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

std::optional<Refusal> wrong(const SwitchRequest& request, const Timing& timing, UtcInstant now) {
  const std::pair<const char*, const std::string*> needed[] = {
      {"meter", &request.meter},   {"usage_point", &request.usage_point}, {"reason", &request.reason},
      {"caller", &request.caller}, {"request_id", &request.request_id},   {"order_id", &request.order_id}};
  for (const auto& [field, value] : needed) {
    if (value->empty()) return invalid(field, "is needed");
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

}  // namespace

Engine::Engine(Parts parts, Timing timing, const Table& table)
    : parts_(std::move(parts)), timing_(timing), table_(table) {}

storage::SwitchNote Engine::note_of(const std::string& input, const Change& change) const {
  storage::SwitchNote out;
  out.input = input;
  out.actor = change.actor.empty() ? "gateway" : change.actor;
  out.gateway = parts_.gateway;
  out.words = change.words;
  out.facts = change.facts;
  out.at = parts_.now();
  return out;
}

// The one way by which a state changes: the table says what follows, the book takes it if nobody was quicker.
Answer<SwitchOperation> Engine::apply(const SwitchOperation& operation, Input input, const Change& change) {
  SwitchOperation now = operation;
  for (int round = 0; round < kRounds; ++round) {
    const Step step = table_.step(now.state, input, now.asked.action);
    if (!step.moves) {
      return excluded(
          "NOT_NOW",
          "operation " + std::to_string(now.id) + " is " + std::string(storage::name_of(now.state)) + ": " +
              std::string(step.refusal),
          {{"state", std::string(storage::name_of(now.state))}, {"input", std::string(name_of(input))}});
    }
    SwitchOperation next = now;
    next.version += 1;
    next.state = step.to;
    next.words = change.words;
    if (storage::live(now.state) && !storage::live(next.state)) next.ended_at = parts_.now();
    if (change.edit) change.edit(next);
    const auto moved = parts_.store.move(next, note_of(std::string(name_of(input)), change), change.lease);
    if (moved.ok()) {
      if (next.state == SwitchState::Contradicted)
        parts_.watcher.tell(Watcher::What::Contradicted, next,
                            change.words.empty() ? "what was said before is contradicted" : change.words);
      if ((step.effects & kReadRegister) != 0) read_final(next);
      return next;
    }
    if (moved.refusal().kind != Refusal::Kind::Collision) return moved.refusal();
    auto again = parts_.store.get(now.asked.utility, now.id);
    if (!again.ok()) return again.refusal();
    now = std::move(again).value();
  }
  return refusal(Refusal::Kind::Unavailable, "the operation changes faster than it can be followed", "");
}

// Something of it changes, its state does not.
Answer<SwitchOperation> Engine::note(const SwitchOperation& operation, const std::string& what,
                                     const Change& change) {
  SwitchOperation now = operation;
  for (int round = 0; round < kRounds; ++round) {
    SwitchOperation next = now;
    next.version += 1;
    if (change.edit) change.edit(next);
    const auto moved = parts_.store.move(next, note_of(what, change), change.lease);
    if (moved.ok()) return next;
    if (moved.refusal().kind != Refusal::Kind::Collision) return moved.refusal();
    auto again = parts_.store.get(now.asked.utility, now.id);
    if (!again.ok()) return again.refusal();
    now = std::move(again).value();
  }
  return refusal(Refusal::Kind::Unavailable, "the operation changes faster than it can be followed", "");
}

Answer<PolicyVerdict> Engine::judge_policy(const SwitchOperation& operation, bool before_send) {
  const UtcInstant now = parts_.now();
  auto meter = parts_.site.meter(operation.asked.utility, operation.asked.meter, now);
  if (!meter.ok() && meter.refusal().kind != Refusal::Kind::NotFound) return meter.refusal();
  PolicyInput input;
  input.asked = operation.asked;
  input.now = now;
  input.before_send = before_send;
  if (!meter.ok()) {
    PolicyVerdict gone;
    gone.rule = "WRONG_HOUSE";
    gone.words = "the utility has no meter " + operation.asked.meter + " any more";
    return gone;
  }
  input.capability = meter->capability;
  input.house = meter->house;
  input.load_side = meter->load_side;
  auto others = parts_.store.of_meter(operation.asked.meter_id, kOthers);
  if (!others.ok()) return others.refusal();
  for (SwitchOperation& other : *others) {
    if (other.id != operation.id) input.others.push_back(std::move(other));
  }
  PolicyVerdict verdict = parts_.policy.check(input);
  if (verdict.allowed() &&
      (meter->feed != operation.asked.feed || meter->vendor_id != operation.asked.vendor_id)) {
    verdict.rule = "ROUTE_CHANGED";
    verdict.words = "the meter is reached in another way than when it was asked for: order it anew";
    verdict.facts = {{"feed_asked", operation.asked.feed}, {"feed_found", meter->feed}};
  }
  return verdict;
}

// From wherever a crash left it to QUEUED or REJECTED.
Answer<SwitchOperation> Engine::prepare(SwitchOperation operation) {
  if (operation.state == SwitchState::Requested) {
    const auto verdict = judge_policy(operation, false);
    if (!verdict.ok()) return verdict.refusal();
    Change change;
    change.words = verdict->words;
    change.facts = lines(verdict->facts);
    change.edit = [&](SwitchOperation& row) {
      row.rule = verdict->rule;
      row.truck_roll = verdict->truck_roll;
      row.latent_close = verdict->latent_close;
    };
    auto moved = apply(operation, verdict->allowed() ? Input::PolicyPassed : Input::PolicyRefused, change);
    if (!moved.ok()) return moved.refusal();
    operation = std::move(moved).value();
    if (operation.latent_close) parts_.watcher.tell(Watcher::What::LatentClose, operation, operation.words);
  }
  for (const auto& [state, input] : {std::pair{SwitchState::PolicyChecked, Input::Authorise},
                                     std::pair{SwitchState::Authorised, Input::Enqueue}}) {
    if (operation.state != state) continue;
    auto moved = apply(operation, input, {});
    if (!moved.ok()) return moved.refusal();
    operation = std::move(moved).value();
  }
  return operation;
}

Answer<SwitchOperation> Engine::submit(const SwitchRequest& request) {
  const UtcInstant now = parts_.now();
  if (auto bad = wrong(request, timing_, now)) return *bad;
  auto meter = parts_.site.meter(request.utility, request.meter, now);
  if (!meter.ok()) return meter.refusal();
  if (meter->house.meter_id == 0)
    return refusal(Refusal::Kind::NotFound, "the utility has no meter " + request.meter, "meter");

  storage::SwitchAsked asked;
  asked.utility = request.utility;
  asked.meter_id = meter->house.meter_id;
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
  asked.feed = meter->feed;
  asked.vendor_id = meter->vendor_id;
  asked.created_at = now;
  asked.not_before = request.not_before.value_or(now);
  asked.not_after = request.not_after.value_or(asked.not_before + timing_.expiry);
  asked.minimum = std::clamp(meter->minimum, kReported, kHighestLevel);

  Change change;
  change.actor = request.caller;
  auto created = parts_.store.create(asked, note_of("REQUEST", change));
  if (!created.ok()) return created.refusal();
  if (created->repeated) return created->operation;
  auto ready = prepare(created->operation);
  // It stands in the book, so whoever keeps the book goes on with it.
  if (!ready.ok()) return parts_.store.get(request.utility, created->operation.id);
  if (ready->state == SwitchState::Queued) try_send(*ready);
  return parts_.store.get(request.utility, created->operation.id);
}

Answer<SwitchOperation> Engine::cancel(std::int32_t utility, SwitchId id, const std::string& actor) {
  if (actor.empty()) return invalid("actor", "is needed");
  auto found = parts_.store.get(utility, id);
  if (!found.ok()) return found.refusal();
  Change change;
  change.actor = actor;
  change.words = "cancelled before it left";
  auto cancelled = apply(*found, Input::Cancel, change);
  if (cancelled.ok() || cancelled.refusal().kind != Refusal::Kind::Excluded) return cancelled;
  auto now = parts_.store.get(utility, id);
  if (!now.ok()) return now.refusal();
  Refusal late = cancelled.refusal();
  late.rule = std::make_shared<const storage::Rule>(
      storage::Rule{storage::left(now->state) ? "TOO_LATE" : "ENDED",
                    {{"state", std::string(storage::name_of(now->state))}}});
  // That it was asked is part of the story.
  Change asked;
  asked.actor = actor;
  asked.words = late.message;
  const auto noted = note(*now, "CANCEL_REFUSED", asked);
  if (!noted.ok() && noted.refusal().kind != Refusal::Kind::Collision) return noted.refusal();
  return late;
}

Answer<SwitchOperation> Engine::resolve(std::int32_t utility, SwitchId id, const Observed& observed) {
  if (observed.actor.empty()) return invalid("actor", "one person has to answer for it");
  if (observed.reference.empty())
    return invalid("reference", "is needed: where the observation can be looked up");
  if (observed.position == SwitchPosition::Unknown)
    return invalid("position", "must be OPEN, ARMED or CLOSED, as it was seen");
  auto found = parts_.store.get(utility, id);
  if (!found.ok()) return found.refusal();
  Input input = observed.position == wanted_position(found->asked.action) ? Input::ObservedDone
                                                                          : Input::ObservedNotDone;
  if (found->state == SwitchState::VerifiedArmed && observed.position != SwitchPosition::Armed)
    input = observed.position == SwitchPosition::Closed ? Input::ArmClosed : Input::ArmEnded;
  Change change;
  change.actor = observed.actor;
  change.words = "observed " + std::string(sdk::name_of(observed.position)) + ": " + observed.reference;
  change.edit = [&](SwitchOperation& row) {
    row.position = sdk::name_of(observed.position);
    row.resolved_at = parts_.now();
    row.resolved_by = observed.actor;
    row.resolution = observed.reference;
  };
  return apply(*found, input, change);
}

Outcome Engine::reported(const std::string& transaction, const sdk::AttemptAnswer& answer) {
  const auto found = parts_.store.by_transaction(transaction);
  if (!found.ok()) return transient(found.refusal().message);
  if (!found->has_value()) return Done{};  // nobody's
  return take(**found, answer, true);
}

Outcome Engine::learnt(MeterId meter, const EvidenceItem& item) {
  const auto found = parts_.store.of_meter(meter, kOthers);
  if (!found.ok()) return transient(found.refusal().message);
  const auto newest =
      std::ranges::find_if(*found, [](const SwitchOperation& o) { return o.sent_at.has_value(); });
  if (newest == found->end()) return Done{};
  return weigh(*newest, item);
}

void Engine::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

bool Engine::sends() {
  return lease().has_value();
}

}  // namespace ami::daemon::switching
