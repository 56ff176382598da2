#include "tests/daemon/switching/scene.h"

#include <algorithm>

namespace ami::daemon::switching {

Answer<MeterNow> FakeSite::meter(std::int32_t /*utility*/, const std::string& key, UtcInstant /*now*/) {
  Refusal refusal;
  refusal.kind = away ? Refusal::Kind::Unavailable : Refusal::Kind::NotFound;
  refusal.message = away ? "away" : "no meter " + key;
  if (away || gone || key != "M7") return refusal;
  return now_is;
}

void FakeCarrier::carry(const Errand& errand, std::function<Outcome()> before_send,
                        std::function<void(sdk::AttemptAnswer)> done) {
  ++asked;
  sdk::AttemptAnswer not_sent;
  not_sent.state = sdk::AttemptState::Failed;
  not_sent.reason = refuses_before ? "unreachable" : "not_sent";
  if (refuses_before) return done(not_sent);
  if (never_asks) return done(answer);
  if (before_asking) before_asking();
  if (!before_send().ok()) return done(not_sent);
  left.push_back({errand, done});
  if (at_first_byte) at_first_byte();
  if (answers_at_once) done(answer);
}

void FakeCarrier::read_register(const SwitchOperation& /*operation*/,
                                std::function<void(Result<std::string>)> done) {
  ++reads;
  done(final_register);
}

void FakeWatcher::tell(What what, const SwitchOperation& operation, const std::string& words) {
  EXPECT_FALSE(words.empty());
  told.emplace_back(what, operation.id);
}

int FakeWatcher::count(What what) const {
  return static_cast<int>(std::ranges::count_if(told, [&](const auto& line) { return line.first == what; }));
}

namespace {

Refusal trouble(FlakyStore::Fails how) {
  Refusal out;
  out.kind = how == FlakyStore::Fails::Before ? Refusal::Kind::Unavailable : Refusal::Kind::InDoubt;
  out.message = "the book is away";
  return out;
}

}  // namespace

Answer<storage::SwitchStore::Created> FlakyStore::create(const storage::SwitchAsked& asked,
                                                         const storage::SwitchNote& note) {
  const Fails how = fails();
  if (how == Fails::Before) return trouble(how);
  auto out = real_.create(asked, note);
  if (how == Fails::After) return trouble(how);
  return out;
}

Answer<Done> FlakyStore::move(const SwitchOperation& next, const storage::SwitchNote& note,
                              const std::optional<storage::SwitchLease>& lease) {
  const Fails how = fails();
  if (how == Fails::Before) return trouble(how);
  auto out = real_.move(next, note, lease);
  if (how == Fails::After) return trouble(how);
  return out;
}

SwitchingTest::SwitchingTest()
    : memory([this] { return UtcInstant(std::chrono::duration_cast<std::chrono::microseconds>(steady)); }) {
  site.now_is.house = {7, "UP-7", "00994711"};
  site.now_is.capability.open = site.now_is.capability.close = site.now_is.capability.arm = true;
  site.now_is.load_side = LoadSideVoltage::Absent;
  site.now_is.means.reports_device_time = true;
  site.now_is.means.register_step_kwh = Decimal{1, 0};
  site.now_is.means.interval = minutes{15};
  site.now_is.feed = "radio";
  site.now_is.vendor_id = "B7";
  site.now_is.flight = seconds{360};
  carrier.answer = says(sdk::AttemptState::Waiting);
  engine = make("first");
  engine->tick();
}

std::unique_ptr<Engine> SwitchingTest::make(const std::string& gateway) {
  Engine::Parts parts{
      store, site, carrier, policy, watcher, [this] { return wall; }, [this] { return steady; }, gateway};
  return std::make_unique<Engine>(parts, timing);
}

void SwitchingTest::restart(const std::string& gateway) {
  engine = make(gateway);
  pass(timing.lease);
  engine->tick();
}

void SwitchingTest::pass(milliseconds span) {
  wall += span;
  steady += span;
}

SwitchRequest SwitchingTest::request(const std::string& id, SwitchAction action) const {
  SwitchRequest out;
  out.utility = 1;
  out.meter = "M7";
  out.usage_point = "UP-7";
  out.serial_last4 = "4711";
  out.action = action;
  out.reason = "TEST";
  out.order_id = "WO-1";
  out.caller = "cn=operator";
  out.request_id = id;
  if (action == SwitchAction::Close) out.attestation = kCustomerPresent;
  return out;
}

SwitchOperation SwitchingTest::submit(const SwitchRequest& asked) {
  const auto out = engine->submit(asked);
  EXPECT_TRUE(out.ok()) << (out.ok() ? "" : out.refusal().message);
  return out.ok() ? *out : SwitchOperation{};
}

SwitchOperation SwitchingTest::get(SwitchId id) {
  return memory.get(1, id).value();
}

std::string SwitchingTest::rule_of(const Answer<SwitchOperation>& answer) const {
  if (answer.ok()) return "done";
  return answer.refusal().rule ? answer.refusal().rule->name : answer.refusal().field;
}

std::string SwitchingTest::story(SwitchId id) {
  std::string out;
  for (const auto lines = memory.audit(id).value(); const auto& line : lines) out += (out.empty() ? "" : " ") + line.note.input;
  return out;
}

sdk::AttemptAnswer SwitchingTest::says(sdk::AttemptState attempt, const std::string& reason) const {
  sdk::AttemptAnswer out;
  out.state = attempt;
  out.reason = reason;
  return out;
}

sdk::AttemptAnswer SwitchingTest::done(SwitchPosition position, std::optional<UtcInstant> at) const {
  sdk::AttemptAnswer out = says(sdk::AttemptState::Succeeded);
  out.position = position;
  out.at = at;
  return out;
}

}  // namespace ami::daemon::switching
