#include "tests/storage/postgres/switch_seal_scene.h"

namespace ami::storage {

void SwitchSealTest::SetUp() {
  StoreTest::SetUp();
  make_logins(conninfo);
  switch_login = as_user(conninfo, "t_switch");
  login = std::make_unique<Database>(DatabaseOptions{.conninfo = switch_login});
  book = std::make_unique<PostgresSwitching>(*login);
  seals = std::make_unique<PostgresSeals>(*login);
}

SwitchOperation SwitchSealTest::create(const std::string& request) {
  const UtcInstant now = at("2026-01-15T12:00:00Z");
  SwitchAsked asked;
  asked.utility = north;
  asked.meter = "M-" + request;
  asked.meter_id = meter(north, asked.meter);
  asked.usage_point = "UP-1";
  asked.serial_last4 = "4711";
  asked.reason = "NON_PAYMENT";
  asked.order_id = "WO-1";
  asked.caller = "CN=pat";
  asked.request_id = request;
  asked.on_behalf_of = "billing";
  asked.attestation = "NONE";
  asked.body = "open it";
  asked.feed = "radio";
  asked.vendor_id = "B1";
  asked.created_at = asked.not_before = now;
  asked.not_after = now + std::chrono::hours{1};
  const auto created =
      book->create(asked, {"REQUEST", "CN=pat", "gw-1", "words", "a=1\nb=2\n", now, "ami://role/switch", ""});
  if (!created.ok()) throw std::runtime_error(created.refusal().message);
  return created->operation;
}

SwitchOperation SwitchSealTest::move(SwitchOperation operation, SwitchState state) {
  const UtcInstant now = at("2026-01-15T12:00:01Z");
  operation.version += 1;
  operation.state = state;
  if (!live(state)) operation.ended_at = now;
  if (state == SwitchState::Sent) {
    operation.transaction = "sw" + std::to_string(operation.id);
    operation.sent_at = now;
  }
  const auto moved = book->move(operation, {"MOVE", "gateway", "gw-1", "", "k=v\n", now, "", std::string(64, 'e')});
  if (!moved.ok()) throw std::runtime_error(moved.refusal().message);
  return operation;
}

void SwitchSealTest::two_operations() {
  SwitchOperation one = create("r1"), two = create("r2");
  for (const SwitchState state : {SwitchState::PolicyChecked, SwitchState::Authorised, SwitchState::Queued,
                                  SwitchState::Sent, SwitchState::Acknowledged}) {
    one = move(one, state);
    two = move(two, state);
  }
}

std::size_t SwitchSealTest::seal_all(std::size_t batch) {
  std::size_t sealed = 0;
  for (;;) {
    const auto step = seals->seal(batch);
    if (!step.ok()) throw std::runtime_error(step.refusal().message);
    sealed += step->sealed;
    if (!step->more) return sealed;
  }
}

std::vector<SealedLine> SwitchSealTest::chain() {
  return seals->sealed(0, 100'000).value();
}

void SwitchSealTest::tamper(const std::string& statements) const {
  const SqlEnd end = run_sql(conninfo, "SET session_replication_role = replica; " + statements);
  if (!end.state.empty()) throw std::runtime_error(end.message);
}

}  // namespace ami::storage
