#include "storage/postgres/maintenance.h"

#include <pqxx/pqxx>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"
#include "storage/postgres/reader_rows.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

using Outcome = MaintenanceEntry::Outcome;
using std::chrono::days;
using std::chrono::months;

constexpr const char* kOutcomes[] = {"DONE", "POSTPONED", "FAILED"};

Day month_of(Day day) {
  const std::chrono::year_month_day date{day};
  return Day{date.year() / date.month() / 1};
}
Day plus_months(Day first, int count) {
  const std::chrono::year_month_day date{first};
  return Day{date + months{count}};
}
std::string text_of(Day day) {
  return to_text(UtcInstant{day}).substr(0, 10);
}

// Whoever holds it maintains. It belongs to the connection: a gateway that dies lets go of it.
class OneGateway {
 public:
  explicit OneGateway(Session& session) : session_(session) {
    held_ = pqxx::nontransaction(session).exec1("SELECT pg_try_advisory_lock(7165289, 80)")[0].as<bool>();
  }
  ~OneGateway() {
    if (!held_) return;
    try {
      pqxx::nontransaction(session_).exec("SELECT pg_advisory_unlock(7165289, 80)");
    } catch (const std::exception&) {
      // The connection is gone, and the lock with it.
    }
  }
  OneGateway(const OneGateway&) = delete;
  OneGateway& operator=(const OneGateway&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  Session& session_;
  bool held_ = false;
};

class Run {
 public:
  Run(Session& session, const MaintenancePlan& plan, UtcInstant now, const std::function<bool()>& go_on)
      : session_(session), plan_(plan), today_(std::chrono::floor<days>(now)), go_on_(go_on) {}

  MaintenanceReport all() {
    make_partitions();
    finish_drops();
    drop_changes();
    for (const auto& [relation, of_class] :
         pairs("SELECT relation, class FROM retention_class WHERE class <> 'changes'"
               " ORDER BY relation")) {
      retain(relation, of_class);
    }
    for (const char* relation : {"interval_day", "register_read"}) rewrite(relation);
    return std::move(report_);
  }

 private:
  using Begin = std::chrono::steady_clock::time_point;

  bool time_left() {
    if (go_on_() && std::chrono::steady_clock::now() - begin_ < plan_.budget) return true;
    report_.finished = false;
    return false;
  }

  template <class... Values>
  pqxx::result call(const std::string& sql, const Values&... values) {
    pqxx::work tx(session_);
    auto result = tx.exec_params(sql, values...);
    tx.commit();
    return result;
  }

  std::vector<std::pair<std::string, std::string>> pairs(const std::string& sql) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& row : call(sql)) out.emplace_back(row[0].as<std::string>(), row[1].as<std::string>());
    return out;
  }

  // Months of which a table has a partition or, if it has none, rows.
  std::vector<Day> months_in(const std::string& relation) {
    std::vector<Day> out;
    const auto by_partition = call(
        "SELECT to_date(right(c.relname, 7), 'YYYY_MM') - DATE '1970-01-01' FROM pg_inherits i JOIN pg_class "
        "c ON"
        " c.oid = i.inhrelid WHERE i.inhparent = $1::regclass ORDER BY 1",
        relation);
    for (const auto& row : by_partition) out.push_back(Day{days{row[0].as<int>()}});
    if (!out.empty() || partitioned(relation)) return out;
    const std::string column =
        call("SELECT at_column FROM retention_class WHERE relation = $1", relation)[0][0].c_str();
    for (const auto& row : call("SELECT DISTINCT date_trunc('month', " + column +
                                ")::date - DATE '1970-01-01' FROM " + relation + " ORDER BY 1"))
      out.push_back(Day{days{row[0].as<int>()}});
    return out;
  }

  bool partitioned(const std::string& relation) {
    return call("SELECT relkind = 'p' FROM pg_class WHERE oid = $1::regclass", relation)[0][0].as<bool>();
  }

  // Runs one piece; a failure is noted and the next piece begins, unless the connection is gone.
  template <class Piece>
  void attempt(MaintenanceEntry entry, Piece&& piece) {
    try {
      if (!piece(entry)) return;
    } catch (const pqxx::broken_connection&) {
      throw;
    } catch (const pqxx::sql_error& error) {
      // lock_not_available: somebody reads or writes for longer than we make others wait.
      entry.outcome = error.sqlstate() == "55P03" ? Outcome::Postponed : Outcome::Failed;
      entry.detail = describe_current_exception().error.message;
      report_.finished = false;
    }
    note(entry);
  }

  void note(const MaintenanceEntry& entry) {
    const auto number = [](const std::optional<std::int64_t>& value) {
      return value ? std::to_string(*value) : std::string();
    };
    call(
        "INSERT INTO maintenance_log (task, subject, outcome, rows, bytes_before, bytes_after, detail) VALUES"
        " ($1, $2, $3, nullif($4, '')::bigint, nullif($5, '')::bigint, nullif($6, '')::bigint, $7)",
        entry.task, entry.subject, kOutcomes[static_cast<std::size_t>(entry.outcome)], number(entry.rows),
        number(entry.bytes_before), number(entry.bytes_after), entry.detail);
    report_.entries.push_back(entry);
  }

  static MaintenanceEntry entry_of(std::string task, std::string subject) {
    MaintenanceEntry entry;
    entry.task = std::move(task);
    entry.subject = std::move(subject);
    return entry;
  }
  static MaintenanceEntry entry_of(std::string task, const std::string& relation, Day month) {
    return entry_of(std::move(task), relation + " " + text_of(month).substr(0, 7));
  }

  void make_partitions() {
    const auto tables = call(
        "SELECT c.relname FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace ORDER BY 1");
    for (const auto& row : tables) {
      const auto table = row[0].as<std::string>();
      for (int ahead = 0; ahead <= plan_.months_ahead; ++ahead) {
        const Day month = plus_months(month_of(today_), ahead);
        attempt(entry_of("make partition", table, month), [&](MaintenanceEntry&) {
          const std::string name =
              table + "_" + text_of(month).substr(0, 4) + "_" + text_of(month).substr(5, 2);
          if (!call("SELECT to_regclass($1) IS NULL", name)[0][0].as<bool>()) return false;
          call("SELECT ami_ensure_month($1, $2::date)", table, text_of(month));
          return true;
        });
      }
    }
  }

  void finish_drops() {
    for (const auto& [expired, subject] :
         pairs("SELECT expired, relation || to_char(month, ' YYYY-MM') FROM retention_drop ORDER BY 1")) {
      if (!time_left()) return;
      attempt(entry_of("drop month", subject), [&, name = expired](MaintenanceEntry& entry) {
        entry.rows = call("SELECT ami_retention_drop($1)", name)[0][0].as<std::int64_t>();
        return true;
      });
    }
  }

  void drop_changes() {
    const Day bound = today_ - days{plan_.retention.change_days};
    const std::string rule = "retention.changes_days: " + std::to_string(plan_.retention.change_days);
    std::vector<std::pair<int, std::string>> everyone;
    for (const auto& [id, key] : utilities()) everyone.emplace_back(id, key);
    for (const Day month : months_in("change")) {
      if (plus_months(month, 1) <= bound) drop("change", month, everyone, rule);
    }
  }

  std::vector<std::pair<int, std::string>> utilities() {
    std::vector<std::pair<int, std::string>> out;
    for (const auto& row : call("SELECT utility_id, key FROM utility ORDER BY utility_id"))
      out.emplace_back(row[0].as<int>(), row[1].as<std::string>());
    return out;
  }

  void retain(const std::string& relation, const std::string& of_class) {
    const auto known = utilities();
    for (const Day month : months_in(relation)) {
      std::vector<std::pair<int, std::string>> due;
      std::string rule;
      for (const auto& [id, key] : known) {
        const int keep = plan_.retention.months(key, of_class);
        if (keep <= 0 || plus_months(month, 1) > plus_months(month_of(today_), -keep)) continue;
        const std::string words = std::to_string(keep) + " months";
        due.emplace_back(id, key);
        if (rule.find(words) == std::string::npos) rule += (rule.empty() ? "" : " or ") + words;
      }
      if (!due.empty()) drop(relation, month, due, "retention." + of_class + ": " + rule);
    }
  }

  // The whole partition when nobody else's rows are in it and nothing is held; else these utilities' rows.
  void drop(const std::string& relation, Day month, const std::vector<std::pair<int, std::string>>& due,
            const std::string& rule) {
    if (!time_left()) return;
    bool gone = false;
    if (partitioned(relation)) {
      attempt(entry_of("drop month", relation, month), [&](MaintenanceEntry& entry) {
        std::vector<std::int64_t> ids;
        for (const auto& [id, key] : due) ids.push_back(id);
        gone = call("SELECT ami_retention_detach($1, $2::date, $3::int[], $4)", relation, text_of(month),
                    array_text(ids), rule)[0][0]
                   .as<bool>();
        if (!gone) return false;
        const std::string name =
            relation + "_" + text_of(month).substr(0, 4) + "_" + text_of(month).substr(5, 2) + "_expired";
        entry.rows = call("SELECT ami_retention_drop($1)", name)[0][0].as<std::int64_t>();
        entry.detail = rule;
        return true;
      });
    }
    if (gone) return;
    for (const auto& [id, key] : due) {
      if (!time_left()) return;
      attempt(entry_of("delete rows", relation + " " + text_of(month).substr(0, 7) + " " + key),
              [&, whose = id](MaintenanceEntry& entry) {
                entry.rows = remove(relation, month, whose, rule);
                entry.detail = rule;
                return *entry.rows > 0;
              });
    }
  }

  std::int64_t remove(const std::string& relation, Day month, int utility, const std::string& rule) {
    // To look through an old month for nothing costs as much as to find something: not each night.
    const bool checked =
        call(
            "SELECT EXISTS (SELECT FROM retention_progress WHERE relation = $1 AND month = $2::date"
            " AND utility_id = $3 AND checked_at > greatest(now() - interval '27 days',"
            " (SELECT max(lifted_at) FROM legal_hold WHERE utility_id = $3)))",
            relation, text_of(month), utility)[0][0]
            .as<bool>();
    if (checked) return 0;
    std::int64_t total = 0;
    while (true) {
      const int limit = time_left() ? plan_.batch_rows : 0;
      const auto n = call("SELECT ami_retention_delete($1, $2::date, $3, $4, $5)", relation, text_of(month),
                          utility, rule, limit)[0][0]
                         .as<std::int64_t>();
      total += n;
      if (n < limit || limit == 0) return total;
    }
  }

  void rewrite(const std::string& relation) {
    for (const Day month : months_in(relation)) {
      if (plus_months(month, 1) + days{plan_.rewrite_after_days} > today_) continue;
      if (!time_left()) return;
      attempt(entry_of("rewrite month", relation, month),
              [&](MaintenanceEntry& entry) { return rewrite(relation, month, entry); });
    }
  }

  bool rewrite(const std::string& relation, Day month, MaintenanceEntry& entry) {
    const std::string day = text_of(month);
    const auto found =
        call("SELECT state FROM month_rewrite WHERE relation = $1 AND month = $2::date", relation, day);
    if (!found.empty() && found[0][0].as<std::string>() == "DONE") return false;
    if (found.empty() && !call("SELECT ami_rewrite_begin($1, $2::date)", relation, day)[0][0].as<bool>())
      return false;
    while (call("SELECT ami_rewrite_copy($1, $2::date, $3)", relation, day, plan_.batch_rows)[0][0]
               .as<std::int64_t>() > 0) {
      if (!time_left()) return false;  // the next run goes on from here
    }
    // Each round finds less to do than the one before, unless the month is written to all the time.
    constexpr int kRounds = 20;
    for (int round = 0; round < kRounds && time_left(); ++round) {
      while (call("SELECT ami_rewrite_catch_up($1, $2::date, $3)", relation, day, plan_.batch_rows)[0][0]
                     .as<std::int64_t>() > 0 &&
             time_left()) {
      }
      if (!call("SELECT ami_rewrite_swap($1, $2::date)", relation, day)[0][0].as<bool>()) continue;
      const auto row = call(
          "SELECT rows, bytes_before, bytes_after FROM month_rewrite WHERE relation = $1 AND month = "
          "$2::date",
          relation, day)[0];
      entry.rows = row[0].as<std::int64_t>();
      entry.bytes_before = row[1].as<std::int64_t>();
      entry.bytes_after = row[2].as<std::int64_t>();
      return true;
    }
    entry.outcome = Outcome::Postponed;
    entry.detail = "the month is still written to";
    report_.finished = false;
    return true;
  }

  Session& session_;
  const MaintenancePlan& plan_;
  const Day today_;
  const std::function<bool()>& go_on_;
  const Begin begin_ = std::chrono::steady_clock::now();
  MaintenanceReport report_;
};

}  // namespace

Result<std::optional<MaintenanceReport>> Maintenance::run(const MaintenancePlan& plan, UtcInstant now,
                                                          const std::function<bool()>& go_on) {
  return database_.impl().run([&](Session& session) -> std::optional<MaintenanceReport> {
    const OneGateway lock(session);
    if (!lock.held()) return std::nullopt;
    return Run(session, plan, now, go_on).all();
  });
}

Answer<PageOf<MaintenanceEntry>> Maintenance::list(const PageRequest& page) {
  return database_.impl().answer([&](Session& session) {
    const auto token = parse_token(page.token, 1);
    const std::size_t size = clamp_page(page.size);
    Params params;
    params.i8(token.empty() ? std::numeric_limits<std::int64_t>::max() : token[0]);
    params.i8(static_cast<std::int64_t>(size) + 1);
    pqxx::read_transaction tx(session);
    const Rows rows =
        Rows::query(session.raw(),
                    "SELECT entry_id, at, task, subject, outcome, rows, bytes_before, bytes_after, detail"
                    " FROM maintenance_log WHERE entry_id < $1 ORDER BY entry_id DESC LIMIT $2",
                    params);
    const auto number = [&](int row, int column) -> std::optional<std::int64_t> {
      if (rows.null(row, column)) return std::nullopt;
      return rows.i8(row, column);
    };
    PageOf<MaintenanceEntry> out;
    for (int i = 0; i < rows.size(); ++i) {
      if (static_cast<std::size_t>(i) == size) {
        out.next_token = make_token({out.items.back().id});
        break;
      }
      MaintenanceEntry entry;
      entry.id = rows.i8(i, 0);
      entry.at = rows.at(i, 1);
      entry.task = rows.text(i, 2);
      entry.subject = rows.text(i, 3);
      for (std::size_t k = 0; k < std::size(kOutcomes); ++k) {
        if (rows.text(i, 4) == kOutcomes[k]) entry.outcome = static_cast<Outcome>(k);
      }
      entry.rows = number(i, 5);
      entry.bytes_before = number(i, 6);
      entry.bytes_after = number(i, 7);
      entry.detail = rows.text(i, 8);
      out.items.push_back(std::move(entry));
    }
    return out;
  });
}

}  // namespace ami::storage
