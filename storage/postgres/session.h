// Inside the store only: one connection with its libpq handle, the pool, and the translation of failures.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/postgres/combined_qualities.h"
#include "storage/postgres/database.h"
#include "storage/postgres/day_cache.h"
#include "storage/postgres/refusal.h"
#include "storage/postgres/watchdog.h"

namespace ami::storage {

// libpqxx 6.4 keeps its PGconn to itself and knows no binary COPY; this policy remembers the handle, so that
// both libraries work in one transaction of one connection.
class HandlePolicy final : public pqxx::connectionpolicy {
 public:
  using connectionpolicy::connectionpolicy;
  handle do_startconnect(handle orig) override {
    raw_ = normalconnect(orig);
    return raw_;
  }
  [[nodiscard]] handle raw() const noexcept { return raw_; }

 private:
  handle raw_ = nullptr;
};

class Session final : public pqxx::connection_base {
 public:
  // With a watchdog the server is told the same patience: it gives up on a lock or a statement before we do.
  explicit Session(const std::string& conninfo, Watchdog* watchdog = nullptr);
  ~Session() noexcept;
  [[nodiscard]] const std::string options() const { return policy_.options(); }
  [[nodiscard]] pg_conn* raw() const noexcept { return policy_.raw(); }

  [[nodiscard]] int wire() const noexcept { return wire_; }  // a duplicate of libpq's socket, for a watchdog
  // Which database this is, and in which of its lives: another text after a failover, a restore to an earlier
  // moment, or a database made anew. What was learnt from one may not be used in another.
  [[nodiscard]] const std::string& server() const noexcept { return server_; }

  // Sets ami.utilities, unless it is so already.
  void see(const std::string& utilities);

  bool staged = false;  // the ingest's temporary tables exist

 private:
  void prepare(Watchdog* watchdog);

  HandlePolicy policy_;
  int wire_ = -1;
  std::string server_;
  std::string seen_;  // value of ami.utilities; a new connection has none
};

// Thrown inside a piece of work that began with what another server had said; Transient.
struct OtherServer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Thrown inside an asset operation: rolls back and becomes the answer.
struct Refused {
  Refusal refusal;
};

struct Failure {
  Error error;
  bool connection_lost = false;
  std::string sqlstate;
};

class Database::Impl {
 public:
  explicit Impl(DatabaseOptions options);
  Impl(Impl& pool, Scope scope);  // a view of the pool

  // Runs `work(Session&)` on a pooled connection; whatever is thrown comes back as an Error (Refused
  // excepted). A pooled connection that proves dead before anything was committed is replaced once.
  template <class F>
  auto run(F&& work) -> Result<std::invoke_result_t<F&, Session&>>;

  // The same for operations that answer with a Refusal.
  template <class F>
  auto answer(F&& work) -> Answer<std::invoke_result_t<F&, Session&>>;

  // Months for which a partition is known to exist, "interval_day 2024-05".
  bool month_known(const std::string& name);
  void remember_month(const std::string& name);
  void forget_months();
  [[nodiscard]] std::size_t connections() const noexcept { return options_.connections; }  // upper bound
  // Grows whenever a connection broke or led to another server: what was remembered may be of another one.
  std::uint64_t losses();
  DayCache& days() noexcept { return pool_ != nullptr ? pool_->days_ : days_; }
  CombinedQualities& combined() noexcept { return pool_ != nullptr ? pool_->combined_ : combined_; }

 private:
  struct Acquired {
    std::unique_ptr<Session> session;
    bool pooled = false;
  };
  template <class F>
  auto run_seeing(const std::string& utilities, F&& work) -> Result<std::invoke_result_t<F&, Session&>>;
  Acquired acquire();
  void release(std::unique_ptr<Session> session) noexcept;  // null = it broke
  void drop_idle() noexcept;
  // What a failure means beyond its exception: the connection is dead, or was cut because nobody answered.
  void judge(Failure& failure, const Session& session, const Watchdog::Watch* watch) const;

  Impl* pool_ = nullptr;  // of a view: where its connections come from
  Scope scope_;
  DatabaseOptions options_;
  std::string conninfo_;
  Watchdog watchdog_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Session>> idle_;
  std::size_t open_ = 0;
  std::vector<std::string> months_;
  std::uint64_t losses_ = 0;
  std::string server_;  // of the newest connection
  CombinedQualities combined_;
  DayCache days_{pool_ != nullptr ? 0 : options_.day_cache_bytes};
};

// Only inside a catch block.
Failure describe_current_exception();
Refusal to_refusal(const Failure& failure);
[[noreturn]] void throw_sql_failure(pg_conn* connection, const std::string& what,
                                    const std::string& sqlstate);

template <class F>
auto Database::Impl::run(F&& work) -> Result<std::invoke_result_t<F&, Session&>> {
  return (pool_ != nullptr ? *pool_ : *this).run_seeing(scope_.utilities, work);
}

// The one place where a connection gets its scope: each piece of work sets it anew, so none can inherit that
// of the work before, and none can forget it.
template <class F>
auto Database::Impl::run_seeing(const std::string& utilities, F&& work)
    -> Result<std::invoke_result_t<F&, Session&>> {
  for (int round = 0;; ++round) {
    Acquired held;
    std::optional<Watchdog::Watch> watch;
    try {
      held = acquire();
      watch.emplace(watchdog_, held.session->wire());
      held.session->see(utilities);
      auto value = work(*held.session);
      watch.reset();
      release(std::move(held.session));
      return value;
    } catch (const Refused&) {
      watch.reset();
      release(std::move(held.session));
      throw;
    } catch (const std::bad_alloc&) {
      watch.reset();
      const bool connected = held.session != nullptr;
      held.session.reset();
      if (connected) release(nullptr);
      throw;
    } catch (...) {
      Failure failure = describe_current_exception();
      const bool connected = held.session != nullptr;
      if (connected) judge(failure, *held.session, watch ? &*watch : nullptr);
      const bool cut = watch && watch->cut();
      watch.reset();
      const bool broken = failure.connection_lost || failure.error.fault == Fault::InDoubt;
      if (connected) {
        if (broken) held.session.reset();
        release(std::move(held.session));
      }
      // One more connection that is refused says nothing about those that are open.
      if (broken && connected) drop_idle();
      if (failure.connection_lost && held.pooled && failure.error.fault == Fault::Transient && !cut &&
          round == 0)
        continue;
      return failure.error;
    }
  }
}

template <class F>
auto Database::Impl::answer(F&& work) -> Answer<std::invoke_result_t<F&, Session&>> {
  try {
    auto result = run(work);
    if (result.ok()) return std::move(result).value();
    return to_refusal(Failure{result.error(), false, {}});
  } catch (const Refused& refused) {
    return refused.refusal;
  }
}

}  // namespace ami::storage
