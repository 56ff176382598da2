// Inside the store only: the state of the change feed that a call works with.
#pragma once

#include <limits>
#include <optional>
#include <pqxx/pqxx>
#include <stdexcept>

#include "storage/postgres/changes.h"
#include "storage/postgres/session.h"

namespace ami::storage {

struct Feed {
  FeedIdentity identity;
  ChangePosition oldest;
  std::int64_t foreign_until = 0;
  std::int64_t horizon = 0;  // no transaction below it is running

  [[nodiscard]] ChangeCursor cursor(const ChangePosition& at) const { return {identity, at}; }
  // Everything that can be delivered now was delivered.
  [[nodiscard]] ChangePosition end() const { return {horizon - 1, std::numeric_limits<std::int64_t>::max()}; }
  [[nodiscard]] CursorFault judge(const ChangeCursor& cursor) const;
};

// nullopt: this database is a restored dump that nobody has looked at yet.
std::optional<Feed> load_feed(Session& session);

// Runs work(tx, feed) in a transaction that sees what the feed was judged by.
template <class Transaction, class F>
auto in_feed(Session& session, F&& work) {
  for (int round = 0; round < 2; ++round) {
    {
      Transaction tx(session);
      if (const std::optional<Feed> feed = load_feed(session)) return work(tx, *feed);
    }
    pqxx::work tx(session);
    tx.exec("SELECT ami_renew_change_feed(false)");
    tx.commit();
  }
  throw std::runtime_error("the change feed was renewed and still does not fit this database");
}

}  // namespace ami::storage
