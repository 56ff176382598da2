#include "daemon/config/gateway_config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "daemon/config/fingerprint.h"
#include "daemon/config/secrets.h"
#include "daemon/config/vee_files.h"
#include "daemon/http/address.h"

namespace ami::daemon {
namespace fs = std::filesystem;
namespace {

using sdk::Problem;
using sdk::Settings;

// A part that was malformed lacks its keys and has been reported already; asking for one throws logic_error.
bool has(const Settings& settings, std::string_view key) {
  try {
    return settings.has(key);
  } catch (const std::logic_error&) {
    return false;
  }
}

const Settings* part(const Settings& settings, std::string_view key) {
  return has(settings, key) ? &settings.section(key) : nullptr;
}

std::string text(const Settings& settings, std::string_view key) {
  return has(settings, key) ? settings.text(key) : std::string();
}

bool good_utility_key(std::string_view key) {
  return !key.empty() && key.size() <= 63 && key.front() != '-' &&
         std::all_of(key.begin(), key.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

class Loader {
 public:
  Loader(const std::string& path, const Families& families)
      : families_(families), folder_(fs::absolute(path).parent_path()) {
    out_.config.file = fs::absolute(path).lexically_normal().string();
  }

  LoadedConfig load(const std::string& path) {
    auto loaded = sdk::load_settings_file(path, gateway_schema());
    out_.problems = std::move(loaded.problems);
    const auto& settings = loaded.settings;
    general(settings);
    notices(settings);
    event_facts();
    vee();
    if (const auto* database = part(settings, "database")) this->database(*database);
    if (const auto* http = part(settings, "http")) this->http(*http);
    if (const auto* raw = part(settings, "raw")) this->raw(*raw);
    if (const auto* maintenance = part(settings, "maintenance")) this->maintenance(*maintenance);
    if (const auto* journal = part(settings, "journal")) this->journal(*journal);
    if (const auto* rpc = part(settings, "rpc")) this->rpc(settings, *rpc);
    if (const auto* collection = part(settings, "collection")) this->collection(*collection);
    if (const auto* commands = part(settings, "commands")) this->commands(*commands);
    if (const auto* validation = part(settings, "validation")) this->validation(*validation);
    if (has(settings, "utilities")) utilities(settings);
    if (const auto* retention = part(settings, "retention")) this->retention(*retention);
    if (const auto* switching = part(settings, "switching")) this->switching(*switching);
    if (has(settings, "adapters")) feeds(settings);
    std::stable_sort(out_.problems.begin(), out_.problems.end(),
                     [&](const Problem& a, const Problem& b) { return a.file == b.file && a.line < b.line; });
    return std::move(out_);
  }

 private:
  void problem(const Settings& where, std::string_view key, std::string message) {
    out_.problems.push_back({where.file(), where.line(key), std::string(key) + ": " + std::move(message)});
  }

  // Credentials expanded; relative paths are relative to gateway.yaml. Empty when it cannot be made out.
  std::string secret_path(const Settings& settings, std::string_view key, bool secret) {
    if (!has(settings, key)) return {};
    const auto expanded = expand_credentials(settings.text(key));
    if (!expanded) {
      problem(settings, key, expanded.error().message);
      return {};
    }
    const auto path = (folder_ / *expanded).lexically_normal().string();
    if (const auto bad = file_problem(path, secret)) problem(settings, key, *bad);
    return path;
  }

  std::string conninfo(const Settings& settings, std::string_view key) {
    const auto written = text(settings, key);
    if (const auto bad = conninfo_problem(written)) problem(settings, key, *bad);
    const auto expanded = expand_credentials(written);
    if (!expanded) problem(settings, key, expanded.error().message);
    return expanded ? *expanded : std::string();
  }

  std::string address(const Settings& settings, bool only_loopback) {
    const auto written = text(settings, "address");
    if (written.empty()) return written;
    const auto parsed = parse_address(written);
    if (!parsed) {
      problem(settings, "address", parsed.error().message);
    } else if (only_loopback && !parsed->loopback) {
      problem(settings, "address",
              written + " is not loopback: without TLS only 127.0.0.0/8 and [::1] are allowed");
    }
    return written;
  }

  void general(const Settings& s) {
    auto& c = out_.config;
    c.demo = has(s, "demo") && s.boolean("demo");
    c.data_dir = text(s, "data_dir");
    c.state_dir = text(s, "state_dir");
    if (has(s, "threads")) c.threads = static_cast<int>(s.integer("threads"));
    if (has(s, "work_threads")) c.work_threads = static_cast<int>(s.integer("work_threads"));
    if (has(s, "drain_timeout")) c.drain_timeout = s.duration("drain_timeout");
    if (!c.data_dir.empty() && !fs::is_directory(c.data_dir))
      problem(s, "data_dir", c.data_dir + ": no such folder");
    if (const auto* log = part(s, "log")) {
      c.log_level = level_from(text(*log, "level")).value_or(Level::Info);
      c.log_format = text(*log, "format") == "json" ? LogFormat::Json : LogFormat::Text;
    }
  }

  // A table that is missing is told by each feed that reads by it.
  void event_facts() {
    const auto path = (fs::path(out_.config.data_dir) / "codes" / "events.yaml").lexically_normal().string();
    std::ifstream file(path);
    if (!file) return;
    std::ostringstream text;
    text << file.rdbuf();
    if (auto facts = EventFacts::parse(text.str(), path)) {
      out_.config.event_facts = std::move(facts.value());
    } else {
      out_.problems.push_back({path, 0, facts.error().message});
    }
  }

  void notices(const Settings& s) {
    auto& c = out_.config;
    c.approvals_dir = text(s, "approvals_dir");
    const bool said = !c.approvals_dir.empty();
    if (!said) c.approvals_dir = (fs::path(c.data_dir) / "approvals").lexically_normal().string();
    if (said && !fs::is_directory(c.approvals_dir))
      problem(s, "approvals_dir", c.approvals_dir + ": no such folder");
    auto loaded = load_notices(c.approvals_dir);
    c.notices = std::move(loaded.notices);
    notices_broken_ = !loaded.problems.empty();
    std::ranges::move(loaded.problems, std::back_inserter(out_.problems));
  }

  void database(const Settings& s) {
    auto& d = out_.config.database;
    d.conninfo = conninfo(s, "conninfo");
    d.migrator_conninfo = has(s, "migrator_conninfo") ? conninfo(s, "migrator_conninfo") : d.conninfo;
    if (has(s, "reader_conninfo")) d.reader_conninfo = conninfo(s, "reader_conninfo");
    d.allow_owner = out_.config.demo || (has(s, "allow_owner") && s.boolean("allow_owner"));
    d.migrate_on_start = has(s, "migrate_on_start") && s.boolean("migrate_on_start");
    if (has(s, "connections")) d.connections = static_cast<int>(s.integer("connections"));
    if (has(s, "lanes")) d.lanes = static_cast<int>(s.integer("lanes"));
    if (has(s, "check_every")) d.check_every = s.duration("check_every");
    if (has(s, "retry_first")) d.retry_first = s.duration("retry_first");
    if (has(s, "retry_longest")) d.retry_longest = s.duration("retry_longest");
    if (d.retry_longest < d.retry_first) problem(s, "retry_longest", "is shorter than retry_first");
    if (has(s, "answer_timeout")) d.answer_timeout = s.duration("answer_timeout");
    if (d.answer_timeout < std::chrono::seconds{1})
      problem(s, "answer_timeout", "must be 1s at least: a busy database needs that long");
    if (d.answer_timeout > std::chrono::hours{24}) problem(s, "answer_timeout", "must be 24h at most");
  }

  void raw(const Settings& s) {
    if (has(s, "keep")) out_.config.raw.keep = s.boolean("keep");
    if (has(s, "keep_months")) out_.config.raw.keep_months = static_cast<int>(s.integer("keep_months"));
  }

  void journal(const Settings& s) {
    auto& j = out_.config.journal;
    j.path = text(s, "path");
    if (j.path.empty()) j.path = out_.config.state_dir + "/journal";
    if (has(s, "max_bytes")) j.max_bytes = static_cast<std::uint64_t>(s.integer("max_bytes"));
    if (has(s, "max_messages")) j.max_messages = static_cast<std::uint64_t>(s.integer("max_messages"));
    std::error_code ignored;
    if (fs::exists(j.path, ignored) && !fs::is_directory(j.path, ignored)) {
      problem(s, "path", j.path + ": is no folder");
    }
  }

  void maintenance(const Settings& s) {
    auto& m = out_.config.maintenance;
    if (has(s, "hour")) m.hour = static_cast<int>(s.integer("hour"));
    if (has(s, "rewrite_after_days")) m.rewrite_after_days = static_cast<int>(s.integer("rewrite_after_days"));
    if (has(s, "budget")) m.budget = s.duration("budget");
    if (m.budget < std::chrono::minutes{1}) problem(s, "budget", "must be 1m at least");
  }

  static storage::RetentionMonths months_of(const Settings& s) {
    storage::RetentionMonths months;
    for (const std::string_view name : storage::kRetentionClasses) {
      if (has(s, name)) months[std::string(name)] = static_cast<int>(s.integer(name));
    }
    return months;
  }

  void retention(const Settings& s) {
    auto& r = out_.config.retention;
    r.general = months_of(s);
    if (has(s, "changes_days")) r.change_days = static_cast<int>(s.integer("changes_days"));
    if (!has(s, "utilities")) return;
    for (const auto& own : s.sections("utilities")) {
      const auto key = text(own, "utility");
      if (!key.empty() && !find_utility(key))
        problem(own, "utility", "\"" + key + "\" is none of the utilities of this file");
      if (!r.of_utility.emplace(key, months_of(own)).second)
        problem(own, "utility", "\"" + key + "\" is listed twice");
    }
  }

  void http(const Settings& s) {
    auto& h = out_.config.http;
    h.address = address(s, false);
    h.port_file = text(s, "port_file");
    if (has(s, "connections")) h.connections = static_cast<int>(s.integer("connections"));
    if (has(s, "request_timeout")) h.request_timeout = s.duration("request_timeout");
  }

  void rpc(const Settings& root, const Settings& s) {
    auto& r = out_.config.rpc;
    if (const auto* tls = part(s, "tls")) {
      TlsConfig t;
      t.address = address(*tls, false);
      t.certificate = secret_path(*tls, "certificate", false);
      t.key = secret_path(*tls, "key", true);
      t.client_ca = secret_path(*tls, "client_ca", false);
      r.tls = std::move(t);
    }
    if (has(s, "unix_socket")) {
      r.unix_path = text(s, "unix_socket");
      if (r.unix_path->size() > 107) {
        problem(s, "unix_socket", "is longer than the 107 bytes that a Unix socket may have");
      }
    }
    if (const auto* plaintext = part(s, "plaintext")) {
      r.plaintext_address = address(*plaintext, true);
      if (!out_.config.demo) {
        problem(s, "plaintext",
                "gRPC without TLS is only allowed with demo: true; use rpc.tls or rpc.unix_socket");
      }
    }
    if (const auto* changes = part(s, "changes")) {
      auto& c = r.changes;
      if (has(*changes, "poll")) c.poll = changes->duration("poll");
      if (has(*changes, "heartbeat")) c.heartbeat = changes->duration("heartbeat");
      if (has(*changes, "store_patience")) c.store_patience = changes->duration("store_patience");
      if (has(*changes, "streams_per_caller"))
        c.streams_per_caller = static_cast<int>(changes->integer("streams_per_caller"));
      if (c.poll < std::chrono::milliseconds{10})
        problem(*changes, "poll", "must be 10ms at least: each open stream asks the database that often");
      if (c.heartbeat < c.poll) problem(*changes, "heartbeat", "is shorter than poll");
    }
    if (!r.tls && !r.unix_path && !r.plaintext_address) {
      problem(root, "rpc", "no listener: configure rpc.tls or rpc.unix_socket");
    }
  }

  void collection(const Settings& s) {
    auto& c = out_.config.collection;
    if (has(s, "grace")) c.grace = s.duration("grace");
    if (has(s, "every")) c.every = s.duration("every");
    c.registers_daily = text(s, "register_expected") == "daily";
    if (has(s, "backfill")) c.backfill = s.boolean("backfill");
    if (has(s, "backfill_after")) c.backfill_after = s.duration("backfill_after");
    if (has(s, "backfill_per_hour")) c.backfill_per_hour = static_cast<int>(s.integer("backfill_per_hour"));
    if (has(s, "backfill_tries")) c.backfill_tries = static_cast<int>(s.integer("backfill_tries"));
    if (has(s, "backfill_pause")) c.backfill_pause = s.duration("backfill_pause");
    if (has(s, "backfill_longest_pause")) c.backfill_longest_pause = s.duration("backfill_longest_pause");
    if (c.backfill_after > std::chrono::days{60}) problem(s, "backfill_after", "must be 60d at most");
    if (c.backfill_pause < std::chrono::hours{1} || c.backfill_pause > std::chrono::days{30})
      problem(s, "backfill_pause", "must be 1h to 30d");
    if (c.backfill_longest_pause < c.backfill_pause || c.backfill_longest_pause > std::chrono::days{90})
      problem(s, "backfill_longest_pause", "must be backfill_pause to 90d");
    if (c.grace > std::chrono::days{60}) problem(s, "grace", "must be 60d at most");
    if (c.every < std::chrono::milliseconds{100}) problem(s, "every", "must be 100ms at least");
  }

  void commands(const Settings& s) {
    auto& c = out_.config.commands;
    if (has(s, "queue")) c.queue = static_cast<int>(s.integer("queue"));
    if (has(s, "feeder_in_flight")) c.feeder_in_flight = static_cast<int>(s.integer("feeder_in_flight"));
    if (has(s, "substation_in_flight"))
      c.substation_in_flight = static_cast<int>(s.integer("substation_in_flight"));
    if (has(s, "collector_in_flight")) c.collector_in_flight = static_cast<int>(s.integer("collector_in_flight"));
    if (has(s, "backfill_percent")) c.backfill_percent = static_cast<int>(s.integer("backfill_percent"));
    if (has(s, "expiry")) c.expiry = s.duration("expiry");
    if (has(s, "reset_lock_out")) c.reset_lock_out = s.duration("reset_lock_out");
    if (has(s, "read_before_reset")) c.read_before_reset = s.boolean("read_before_reset");
    if (has(s, "read_before_age")) c.read_before_age = s.duration("read_before_age");
    if (has(s, "followers")) c.followers = static_cast<int>(s.integer("followers"));
    if (c.expiry < std::chrono::seconds{1} || c.expiry > std::chrono::days{7})
      problem(s, "expiry", "must be 1s to 7d");
    if (c.reset_lock_out > std::chrono::days{400}) problem(s, "reset_lock_out", "must be 400d at most");
    if (c.read_before_age < std::chrono::minutes{1} || c.read_before_age > std::chrono::hours{24})
      problem(s, "read_before_age", "must be 1m to 24h");
  }

  void switching(const Settings& s) {
    std::vector<std::string> utilities, families;
    for (const auto& utility : out_.config.utilities) utilities.push_back(utility.key);
    for (const auto& family : families_) families.push_back(family->info().family);
    out_.config.switching = switching_config(s, utilities, families, out_.problems);
    out_.config.switching->conninfo = conninfo(s, "conninfo");
  }

  void validation(const Settings& s) {
    auto& v = out_.config.validation;
    if (has(s, "settle")) v.settle = s.duration("settle");
    if (has(s, "every")) v.every = s.duration("every");
    if (v.settle > std::chrono::hours{24}) problem(s, "settle", "must be 24h at most");
    if (v.every < std::chrono::milliseconds{100}) problem(s, "every", "must be 100ms at least");
    if (!has(s, "holidays")) return;
    for (const std::string& text : s.list("holidays")) {
      const auto midnight = parse_instant(text + "T00:00:00Z");
      if (text.size() != std::string_view("2026-12-25").size() || !midnight) {
        problem(s, "holidays", "\"" + text.substr(0, 40) + "\" is no day as 2026-12-25");
      } else {
        v.holidays.emplace_back(std::chrono::floor<std::chrono::days>(*midnight));
      }
    }
  }

  // Without the file of data_dir the built-in thresholds hold, which are the same as it ships.
  void vee() {
    auto& c = out_.config;
    c.vee = vee::default_vee_config();
    const auto path = (fs::path(c.data_dir) / "vee" / "default.yaml").lexically_normal().string();
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return;
    auto loaded = load_vee_file(path, c.vee);
    std::ranges::move(loaded.problems, std::back_inserter(out_.problems));
    c.vee = std::move(loaded.config);
  }

  // The overlay that the feed names, if it does.
  vee::VeeConfig vee_of(const Settings& s) {
    const auto name = text(s, "vee");
    if (name.empty()) return out_.config.vee;
    const auto path = vee_path(name);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
      problem(s, "vee", path + ": no such file");
      return out_.config.vee;
    }
    auto loaded = load_vee_file(path, out_.config.vee);
    // Several feeds may name one file; its problems are told once.
    if (vee_told_.insert(path).second) std::ranges::move(loaded.problems, std::back_inserter(out_.problems));
    return std::move(loaded.config);
  }
  [[nodiscard]] std::string vee_path(const std::string& name) const {
    return (fs::path(out_.config.data_dir) / name).lexically_normal().string();
  }

  void utilities(const Settings& root) {
    const auto& list = root.sections("utilities");
    if (list.empty()) problem(root, "utilities", "is empty: name at least one utility");
    for (const auto& s : list) {
      if (!has(s, "key")) continue;
      UtilityConfig u{text(s, "key"), text(s, "notice"), text(s, "zone"), {}};
      if (!good_utility_key(u.key)) {
        problem(s, "key", "\"" + u.key.substr(0, 70) + "\" is not 1 to 63 of a-z, 0-9 and -");
      }
      if (find_utility(u.key)) problem(s, "key", "\"" + u.key + "\" is listed twice");
      notice_of(s, u);
      out_.config.utilities.push_back(std::move(u));
    }
  }

  void notice_of(const Settings& s, UtilityConfig& u) {
    const auto& known = out_.config.notices;
    const auto found = known.find(u.notice);
    const approval::Notice* const notice = found == known.end() ? nullptr : &found->second;
    // A file that cannot be read has been told already; the notice may be in it.
    if (!u.notice.empty() && notice == nullptr && !notices_broken_) {
      std::string names;
      for (const auto& [name, one] : known) names += (names.empty() ? "" : ", ") + name;
      problem(s, "notice",
              "\"" + u.notice + "\" is no notice of " + out_.config.approvals_dir +
                  (names.empty() ? ", which has none" : ", which has " + names));
    }
    if (!has(s, "switch_evidence")) return;
    for (const auto& evidence : s.sections("switch_evidence")) {
      u.switch_evidence.push_back(
          {text(evidence, "module"), text(evidence, "author"), text(evidence, "document")});
      const std::string& module = u.switch_evidence.back().module;
      if (notice != nullptr && !module.empty() && notice->module_named(module) == nullptr) {
        std::string names;
        for (const approval::Module& one : notice->modules) names += (names.empty() ? "" : ", ") + one.key;
        problem(evidence, "module", "\"" + module + "\" is no module that " + u.notice + " names: " + names);
      }
    }
  }

  bool find_utility(std::string_view key) const {
    return std::any_of(out_.config.utilities.begin(), out_.config.utilities.end(),
                       [&](const UtilityConfig& u) { return u.key == key; });
  }

  void feeds(const Settings& root) {
    std::set<std::string> files{out_.config.file};
    std::vector<std::string> paths;
    for (const auto& entry : root.list("adapters")) {
      const auto path = (folder_ / entry).lexically_normal().string();
      if (!files.insert(path).second) {
        problem(root, "adapters", path + " is listed twice");
        continue;
      }
      paths.push_back(path);
    }
    // What no feed reads by; a notice that changes must not make every file be read again.
    std::set<std::string> apart = files;
    std::error_code ignored;
    apart.insert(fs::weakly_canonical(out_.config.approvals_dir, ignored).string());
    for (const char* folder : {"approvals", "scenarios", "vee"})
      apart.insert(fs::weakly_canonical(fs::path(out_.config.data_dir) / folder, ignored).string());
    std::map<std::string, std::string> owner;  // feed name -> file
    for (const auto& path : paths) feed(path, owner);
    for (const auto& file : vee_told_) apart.insert(fs::weakly_canonical(file, ignored).string());
    const auto data_digest = digest_of_folder(out_.config.data_dir, apart);
    for (FeedConfig& feed : out_.config.feeds)
      feed.fingerprint = digest_of_text(digest_of_feed_file(feed.file) + feed.utility + data_digest);
  }

  // Two feeds that look into one folder would take each other's files.
  void own_folder(const sdk::Settings& s) {
    std::error_code ignored;
    const std::string mine = fs::weakly_canonical(s.text("folder"), ignored).string() + "/";
    for (const auto& [other, owner] : folders_) {
      if (mine.starts_with(other) || other.starts_with(mine)) {
        problem(s, "folder", "overlaps the folder of " + owner + ": each feed needs one of its own");
      }
    }
    folders_.emplace_back(mine, s.file());
  }

  void feed(const std::string& path, std::map<std::string, std::string>& owner) {
    auto loaded = sdk::load_feed_file(path, families_);
    const bool whole = loaded.problems.empty() && loaded.family != nullptr;
    std::move(loaded.problems.begin(), loaded.problems.end(), std::back_inserter(out_.problems));
    if (!whole) return;
    const auto& s = loaded.settings;
    if (!s.boolean("enabled")) return;
    FeedConfig feed;
    feed.name = s.text("name");
    feed.utility = s.text("utility");
    feed.file = path;
    feed.family = loaded.family;
    feed.vee = vee_of(s);
    const auto [first, fresh] = owner.emplace(feed.name, path);
    if (!fresh) problem(s, "name", "\"" + feed.name + "\" is already the name of " + first->second);
    const auto& known = loaded.family->schema().settings;
    if (std::any_of(known.begin(), known.end(), [](const auto& def) { return def.key == "folder"; }))
      own_folder(s);
    if (!find_utility(feed.utility)) {
      problem(s, "utility", "\"" + feed.utility + "\" is none of the utilities of " + out_.config.file);
    }
    auto plan = loaded.family->plan(s, out_.config.data_dir);
    if (!plan) {
      out_.problems.push_back({path, 0, plan.error().message});
      return;
    }
    feed.plan = std::move(plan).value();
    feed.plan.rules.feed = feed.name;
    feed.repeat_window = std::chrono::floor<std::chrono::seconds>(s.duration("repeat_window"));
    feed.settings = std::move(loaded.settings);
    out_.config.feeds.push_back(std::move(feed));
  }

  const Families& families_;
  fs::path folder_;
  std::vector<std::pair<std::string, std::string>> folders_;  // of the feeds so far, and the feed's file
  bool notices_broken_ = false;
  std::set<std::string> vee_told_;  // files that feeds overlay
  LoadedConfig out_;
};

}  // namespace

LoadedConfig load_gateway_config(const std::string& path, const Families& families) {
  return Loader(path, families).load(path);
}

}  // namespace ami::daemon
