#include "storage/postgres/session.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "storage/postgres/migrate.h"

namespace ami::storage {
namespace {

// Thrown when every connection is busy for too long.
struct PoolExhausted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string quoted(const char* value) {
  std::string out = "'";
  for (const char* p = value; *p != '\0'; ++p) {
    if (*p == '\'' || *p == '\\') out += '\\';
    out += *p;
  }
  return out + "'";
}

// Adds our defaults where the caller's conninfo is silent; understands URIs too.
std::string complete_conninfo(const DatabaseOptions& options) {
  char* problem = nullptr;
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(options.conninfo.c_str(), &problem), &PQconninfoFree);
  if (!parsed) {
    PQfreemem(problem);
    return options.conninfo;  // connecting will say what is wrong with it
  }
  std::string out;
  // A peer that vanished without a word is noticed within half a minute, whatever the system's own settings.
  std::map<std::string_view, std::string> missing = {
      {"connect_timeout", std::to_string(options.connect_timeout.count())},
      {"application_name", options.application_name},
      {"keepalives_idle", "10"},
      {"keepalives_interval", "5"},
      {"keepalives_count", "4"},
      {"tcp_user_timeout", "30000"}};
  for (const PQconninfoOption* o = parsed.get(); o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    out += std::string(o->keyword) + "=" + quoted(o->val) + " ";
    missing.erase(o->keyword);
  }
  for (const auto& [keyword, value] : missing)
    out += std::string(keyword) + "=" + quoted(value.c_str()) + " ";
  return out + "client_encoding='UTF8'";
}

// What heals by itself, or once an operator has mended the server, without any change to the data. Only what
// the data themselves can cause is final: a sick server must not send a whole inbox to rejected/.
bool may_heal(const std::string& state) {
  static constexpr std::string_view kOfTheData[] = {
      "0A",  // feature not supported
      "21",  // cardinality violation
      "22",  // data exception
      "23",  // integrity constraint violation
      "42",  // a statement that is wrong, save for the states below
      "54",  // program limit exceeded
      "P0",  // raised by our own functions
  };
  if (state.empty()) return false;
  if (state == "42501" || state == "42P01" || state == "42703")
    return true;  // permission, table or column missing
  return std::none_of(std::begin(kOfTheData), std::end(kOfTheData),
                      [&](std::string_view c) { return state.starts_with(c); });
}

// libpqxx 6.4 forgets the code of the errors that it has a class for.
std::string state_of(const pqxx::sql_error& error) {
  const auto is = [&]<class T>(const T*) { return dynamic_cast<const T*>(&error) != nullptr; };
  if (!error.sqlstate().empty()) return error.sqlstate();
  if (is(static_cast<pqxx::insufficient_privilege*>(nullptr))) return "42501";
  if (is(static_cast<pqxx::insufficient_resources*>(nullptr))) return "53000";
  if (is(static_cast<pqxx::unique_violation*>(nullptr))) return "23505";
  if (is(static_cast<pqxx::check_violation*>(nullptr))) return "23514";
  if (is(static_cast<pqxx::integrity_constraint_violation*>(nullptr))) return "23000";
  if (is(static_cast<pqxx::data_exception*>(nullptr))) return "22000";
  return {};
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Session::Session(const std::string& conninfo, Watchdog* watchdog)
    : connection_base(policy_), policy_(conninfo) {
  init();
  wire_ = ::fcntl(PQsocket(raw()), F_DUPFD_CLOEXEC, 0);
  try {
    prepare(watchdog);
  } catch (...) {  // no destructor runs, and the base class would leave the server waiting for us
    close();
    ::close(wire_);
    throw;
  }
}

void Session::prepare(Watchdog* watchdog) {
  std::optional<Watchdog::Watch> watch;
  if (watchdog != nullptr) watch.emplace(*watchdog, wire_);
  set_verbosity(error_verbosity::normal);
  // A connection that comes back by itself would come back without its settings and temporary tables.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  inhibit_reactivation(true);
#pragma GCC diagnostic pop
  pqxx::nontransaction setup(*this);
  // jit: plans here are steered by enable_* settings, whose penalties would make every small query compile.
  setup.exec(
      "SET timezone = 'UTC'; SET synchronous_commit = on; SET jit = off; SET client_min_messages = warning;"
      "SET standard_conforming_strings = on; SET bytea_output = 'hex'; SET intervalstyle = 'postgres';"
      "SET datestyle = 'ISO, YMD'");
  // A promoted standby and a restored backup begin a new timeline; the name of a log file begins with it.
  server_ = setup.exec1(
      "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' ||"
      " CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END"
      " || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())")[0].as<std::string>();
  if (watchdog == nullptr || watchdog->patience().count() == 0) return;
  // The server ends by itself what we shall not wait for, and lets go of the locks of a client that vanished:
  // else each new attempt would queue up behind the last. A COMMIT under way is never ended by these.
  const auto patience = watchdog->patience().count();
  setup.exec("SET lock_timeout = " + std::to_string(patience / 2) +
             "; SET statement_timeout = " + std::to_string(patience - patience / 4) +
             "; SET idle_in_transaction_session_timeout = " + std::to_string(patience) +
             "; SET client_connection_check_interval = '5s'; SET tcp_keepalives_idle = 10;"
             "SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4; SET tcp_user_timeout = 30000");
}

Session::~Session() noexcept {
  close();
  ::close(wire_);
}

void Session::see(const std::string& utilities) {
  if (seen_ == utilities) return;
  pqxx::nontransaction tx(*this);
  tx.exec("SET ami.utilities = " + tx.quote(utilities));
  seen_ = utilities;
}

Failure describe_current_exception() {
  try {
    throw;
  } catch (const pqxx::in_doubt_error& e) {
    return {in_doubt("PostgreSQL did not answer a COMMIT: " + trimmed(e.what())), true, {}};
  } catch (const pqxx::statement_completion_unknown& e) {
    return {in_doubt("PostgreSQL cannot say whether a COMMIT happened: " + trimmed(e.what())), false, {}};
  } catch (const pqxx::broken_connection& e) {
    return {transient("PostgreSQL is away: " + trimmed(e.what())), true, {}};
  } catch (const pqxx::transaction_rollback& e) {
    return {transient("PostgreSQL rolled back: " + trimmed(e.what())), false, {}};
  } catch (const pqxx::sql_error& e) {
    const std::string state = state_of(e);
    const std::string text = trimmed(e.what()) + " [" + state + "]";
    // An administrator's shutdown ends the connection although the error came as an ordinary one.
    // A server that became read-only is not the one to write to any more: another address may be.
    if (may_heal(state)) {
      return {transient("PostgreSQL: " + text), state.starts_with("57P") || state == "25006", state};
    }
    return {permanent("PostgreSQL: " + text), false, state};
  } catch (const PoolExhausted& e) {
    return {transient(e.what()), false, {}};
  } catch (const OtherServer& e) {
    return {transient(e.what()), false, {}};
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return {permanent(e.what()), false, {}};
  }
}

Refusal to_refusal(const Failure& failure) {
  Refusal refusal;
  refusal.message = failure.error.message;
  switch (failure.error.fault) {
    case Fault::Transient:
      refusal.kind = Refusal::Kind::Unavailable;
      break;
    case Fault::InDoubt:
      refusal.kind = Refusal::Kind::InDoubt;
      break;
    case Fault::Permanent:
      refusal.kind = failure.error.message.ends_with("[23P01]")                ? Refusal::Kind::Collision
                     : failure.error.message.ends_with("[23505]")              ? Refusal::Kind::AlreadyExists
                     : failure.error.message.ends_with("[23514]")              ? Refusal::Kind::Invalid
                     : failure.error.message.find(" [22") != std::string::npos ? Refusal::Kind::Invalid
                                                                               : Refusal::Kind::Internal;
      break;
  }
  return refusal;
}

void throw_sql_failure(pg_conn* connection, const std::string& what, const std::string& sqlstate) {
  if (connection == nullptr || PQstatus(connection) != CONNECTION_OK) throw pqxx::broken_connection(what);
  if (sqlstate == "40P01") throw pqxx::deadlock_detected(what);
  if (sqlstate == "40001") throw pqxx::serialization_failure(what);
  throw pqxx::sql_error(what, "", sqlstate.c_str());
}

Database::Impl::Impl(DatabaseOptions options)
    : options_(std::move(options)),
      conninfo_(complete_conninfo(options_)),
      watchdog_(options_.answer_timeout) {}

Database::Impl::Impl(Impl& pool, Scope scope)
    : pool_(pool.pool_ != nullptr ? pool.pool_ : &pool), scope_(std::move(scope)), watchdog_({}) {}

void Database::Impl::judge(Failure& failure, const Session& session, const Watchdog::Watch* watch) const {
  // libpqxx has no word of its own for some ways to lose a connection.
  if (PQstatus(session.raw()) != CONNECTION_OK) {
    failure.connection_lost = true;
    if (failure.error.fault == Fault::Permanent) failure.error.fault = Fault::Transient;
  }
  if (watch != nullptr && watch->cut()) {
    failure.error.message = "PostgreSQL did not answer for " + std::to_string(options_.answer_timeout.count()) +
                            " ms: " + failure.error.message;
  }
}

Database::Impl::Acquired Database::Impl::acquire() {
  std::unique_lock lock(mutex_);
  const bool free = freed_.wait_for(lock, options_.acquire_timeout,
                                    [&] { return !idle_.empty() || open_ < options_.connections; });
  if (!free)
    throw PoolExhausted("all " + std::to_string(options_.connections) + " database connections are busy");
  if (!idle_.empty()) {
    Acquired got{std::move(idle_.back()), true};
    idle_.pop_back();
    return got;
  }
  ++open_;
  lock.unlock();
  try {
    auto session = std::make_unique<Session>(conninfo_, &watchdog_);
    const std::lock_guard relock(mutex_);
    if (!server_.empty() && server_ != session->server()) {
      months_.clear();
      ++losses_;
    }
    server_ = session->server();
    return {std::move(session), false};
  } catch (...) {
    {
      const std::lock_guard relock(mutex_);
      --open_;
    }
    freed_.notify_one();
    throw;
  }
}

void Database::Impl::release(std::unique_ptr<Session> session) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (session) {
      idle_.push_back(std::move(session));
    } else {
      --open_;
    }
  }
  freed_.notify_one();
}

void Database::Impl::drop_idle() noexcept {
  std::vector<std::unique_ptr<Session>> dropped;
  {
    const std::lock_guard lock(mutex_);
    open_ -= idle_.size();
    dropped.swap(idle_);
    months_.clear();  // the server that comes back may be another one
    ++losses_;
  }
  freed_.notify_all();
}

bool Database::Impl::month_known(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return std::binary_search(months_.begin(), months_.end(), name);
}

void Database::Impl::forget_months() {
  const std::lock_guard lock(mutex_);
  months_.clear();
}

std::uint64_t Database::Impl::losses() {
  const std::lock_guard lock(mutex_);
  return losses_;
}

void Database::Impl::remember_month(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto place = std::lower_bound(months_.begin(), months_.end(), name);
  if (place == months_.end() || *place != name) months_.insert(place, name);
}

Database::Database(DatabaseOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Database::Database(Database& pool, Scope scope)
    : impl_(std::make_unique<Impl>(pool.impl(), std::move(scope))) {}
Database::~Database() = default;

Outcome Database::ready() {
  auto version = impl_->run([](Session& session) {
    pqxx::read_transaction tx(session);
    if (tx.exec1("SELECT to_regclass('schema_version') IS NOT NULL")[0].as<bool>() == false) return 0;
    return tx.exec1("SELECT coalesce(max(version), 0) FROM schema_version")[0].as<int>();
  });
  if (!version.ok()) return version.error();
  if (*version != schema_version()) {
    return permanent("the database has schema version " + std::to_string(*version) + ", this program needs " +
                     std::to_string(schema_version()) + ": run the migrations of the same release");
  }
  return Done{};
}

}  // namespace ami::storage
