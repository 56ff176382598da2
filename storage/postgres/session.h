// Inside the store only: one connection with its libpq handle, the pool, and the translation of failures.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "storage/postgres/database.h"
#include "storage/postgres/refusal.h"

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
  explicit Session(const std::string& conninfo);
  ~Session() noexcept { close(); }
  [[nodiscard]] const std::string options() const { return policy_.options(); }
  [[nodiscard]] pg_conn* raw() const noexcept { return policy_.raw(); }

  bool staged = false;  // the ingest's temporary tables exist

 private:
  HandlePolicy policy_;
};

// Thrown inside an asset operation: rolls back and becomes the answer.
struct Refused {
  Refusal refusal;
};

class Database::Impl {
 public:
  explicit Impl(DatabaseOptions options);

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
  // Grows whenever a connection broke: what was remembered of the database may be of another one.
  std::uint64_t losses();

 private:
  struct Acquired {
    std::unique_ptr<Session> session;
    bool pooled = false;
  };
  Acquired acquire();
  void release(std::unique_ptr<Session> session) noexcept;  // null = it broke
  void drop_idle() noexcept;

  DatabaseOptions options_;
  std::string conninfo_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Session>> idle_;
  std::size_t open_ = 0;
  std::vector<std::string> months_;
  std::uint64_t losses_ = 0;
};

struct Failure {
  Error error;
  bool connection_lost = false;
  std::string sqlstate;
};
// Only inside a catch block.
Failure describe_current_exception();
Refusal to_refusal(const Failure& failure);
[[noreturn]] void throw_sql_failure(pg_conn* connection, const std::string& what,
                                    const std::string& sqlstate);

template <class F>
auto Database::Impl::run(F&& work) -> Result<std::invoke_result_t<F&, Session&>> {
  for (int round = 0;; ++round) {
    Acquired held;
    try {
      held = acquire();
      auto value = work(*held.session);
      release(std::move(held.session));
      return value;
    } catch (const Refused&) {
      release(std::move(held.session));
      throw;
    } catch (...) {
      const Failure failure = describe_current_exception();
      const bool broken = failure.connection_lost || failure.error.fault == Fault::InDoubt;
      if (held.session) {
        if (broken) held.session.reset();
        release(std::move(held.session));
      }
      if (broken) drop_idle();
      if (failure.connection_lost && held.pooled && failure.error.fault == Fault::Transient && round == 0)
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
