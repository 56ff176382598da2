#include "daemon/config/switching_config.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "daemon/switching/rules/rule_book_yaml.h"

namespace ami::daemon {
namespace {

using sdk::Problem;
using sdk::Settings;

// A part that was malformed lacks its keys and has been reported already.
bool has(const Settings& settings, std::string_view key) {
  try {
    return settings.has(key);
  } catch (const std::logic_error&) {
    return false;
  }
}

std::string text(const Settings& settings, std::string_view key) {
  return has(settings, key) ? settings.text(key) : std::string();
}

bool flag(const Settings& settings, std::string_view key) {
  return has(settings, key) && settings.boolean(key);
}

class Reader {
 public:
  Reader(const std::vector<std::string>& utilities, const std::vector<std::string>& families,
         std::vector<Problem>& problems)
      : utilities_(utilities), families_(families), problems_(problems) {}

  SwitchingConfig read(const Settings& s) {
    SwitchingConfig out;
    out.conninfo = text(s, "conninfo");
    if (has(s, "threads")) out.threads = static_cast<int>(s.integer("threads"));
    using std::chrono::days, std::chrono::hours, std::chrono::milliseconds, std::chrono::minutes,
        std::chrono::seconds;
    span(s, "lease", seconds{2}, minutes{10}, out.lease);
    span(s, "longest_wait", minutes{1}, days{90}, out.longest_wait);
    span(s, "expiry", seconds{1}, out.longest_wait, out.expiry);
    span(s, "verify", seconds{1}, days{7}, out.verify);
    span(s, "unresolved", seconds{1}, days{1}, out.unresolved);
    span(s, "incident", out.unresolved, days{7}, out.incident);
    span(s, "armed", seconds{1}, days{7}, out.armed);
    span(s, "retry", milliseconds{100}, minutes{10}, out.retry);
    span(s, "send_deadline", milliseconds{100}, minutes{1}, out.send_deadline);
    span(s, "reconcile", minutes{10}, days{7}, out.reconcile);
    if (has(s, "audit")) audit(s.section("audit"), out.audit);
    out.limits_conninfo = text(s, "limits_conninfo");
    rules(s, out);
    if (!has(s, "utilities")) return out;
    for (const Settings& one : s.sections("utilities")) utility(one, out);
    return out;
  }

 private:
  void problem(const Settings& where, std::string_view key, std::string message) {
    problems_.push_back({where.file(), where.line(key), std::string(key) + ": " + std::move(message)});
  }

  static std::string words(std::chrono::milliseconds span) {
    const auto ms = span.count();
    if (ms % 86'400'000 == 0) return std::to_string(ms / 86'400'000) + "d";
    if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
    if (ms % 1000 == 0) return std::to_string(ms / 1000) + "s";
    return std::to_string(ms) + "ms";
  }

  template <class Span>
  void span(const Settings& s, std::string_view key, std::chrono::milliseconds least,
            std::chrono::milliseconds most, Span& out) {
    if (!has(s, key)) return;
    const auto written = s.duration(key);
    if (written < least || written > most)
      problem(s, key, "must be " + words(least) + " to " + words(most));
    out = std::chrono::ceil<Span>(written);
  }

  void rules(const Settings& s, SwitchingConfig& out) {
    out.rules_dir = text(s, "rules_dir");
    if (out.rules_dir.empty()) return;
    const auto loaded = switching::load_rule_book(out.rules_dir);
    problems_.insert(problems_.end(), loaded.problems.begin(), loaded.problems.end());
    for (const auto& [utility, code] : loaded.book.jurisdiction_of) {
      if (std::ranges::find(utilities_, utility) == utilities_.end())
        problem(s, "rules_dir", "sites.yaml names \"" + utility + "\", which is none of the utilities of this file");
    }
  }

  // One without the other signs nothing, and nobody would notice before the day that a head is needed.
  void audit(const Settings& s, SwitchAuditConfig& out) {
    out.head_dir = text(s, "head_dir");
    out.key_file = text(s, "key_file");
    if (out.head_dir.empty() != out.key_file.empty())
      problem(s, out.head_dir.empty() ? "key_file" : "head_dir", "head_dir and key_file go together");
  }

  // Above zero; empty = absent.
  std::optional<Decimal> amount(const Settings& s, std::string_view key) {
    const std::string written = text(s, key);
    if (written.empty()) return std::nullopt;
    const auto parsed = Decimal::parse(written);
    if (parsed.ok() && *parsed > Decimal{0, 0}) return *parsed;
    problem(s, key, "\"" + written.substr(0, 40) + "\" is no number above zero");
    return std::nullopt;
  }

  bool family_known(const Settings& s, const std::string& family) {
    if (std::ranges::find(families_, family) != families_.end()) return true;
    problem(s, "family", "\"" + family + "\" is no adapter family of this gateway");
    return false;
  }

  void utility(const Settings& s, SwitchingConfig& out) {
    SwitchingUtility u;
    u.utility = text(s, "utility");
    if (!u.utility.empty()) {
      if (std::ranges::find(utilities_, u.utility) == utilities_.end())
        problem(s, "utility", "\"" + u.utility + "\" is none of the utilities of this file");
      if (std::ranges::find(out.utilities, u.utility, &SwitchingUtility::utility) != out.utilities.end())
        problem(s, "utility", "\"" + u.utility + "\" is listed twice");
    }
    if (has(s, "evidence")) {
      for (const Settings& one : s.sections("evidence")) evidence(one, u);
    }
    if (has(s, "shown")) {
      for (const Settings& one : s.sections("shown")) shown(one, u);
    }
    out.utilities.push_back(std::move(u));
  }

  void evidence(const Settings& s, SwitchingUtility& u) {
    EvidenceConfig e;
    e.feed = text(s, "feed");
    e.family = text(s, "family");
    if (e.feed.empty() == e.family.empty()) {
      problem(s, e.feed.empty() ? "minimum_load_w" : "feed", "a row is of a feed or of a family: name one of them");
    } else if (!e.family.empty()) {
      family_known(s, e.family);
    }
    for (const EvidenceConfig& other : u.evidence) {
      if (other.feed == e.feed && other.family == e.family)
        problem(s, e.feed.empty() ? "family" : "feed", "\"" + e.feed + e.family + "\" is listed twice");
    }
    if (has(s, "minimum")) e.minimum = static_cast<int>(s.integer("minimum"));
    e.reports_device_time = flag(s, "reports_device_time");
    if (const auto load = amount(s, "minimum_load_w")) e.minimum_load_w = *load;
    e.register_step_kwh = amount(s, "register_step_kwh");
    if (has(s, "interval")) {
      const auto length = s.duration("interval");
      if (length < std::chrono::minutes{1} || length > std::chrono::hours{24})
        problem(s, "interval", "must be 1m to 24h");
      e.interval = std::chrono::ceil<std::chrono::seconds>(length);
    }
    if (const auto step = amount(s, "interval_step_kwh")) e.interval_step_kwh = *step;
    u.evidence.push_back(std::move(e));
  }

  void shown(const Settings& s, SwitchingUtility& u) {
    ShownConfig e;
    e.family = text(s, "family");
    e.firmware = text(s, "firmware");
    e.module = text(s, "module");
    e.author = text(s, "author");
    e.document = text(s, "document");
    e.open = flag(s, "open");
    e.close = flag(s, "close");
    e.arm = flag(s, "arm");
    e.rely_on_meter_interlock = flag(s, "rely_on_meter_interlock");
    if (!e.family.empty()) family_known(s, e.family);
    // Evidence that nobody answers for is none.
    for (const auto& [key, value] : {std::pair{"firmware", &e.firmware}, std::pair{"author", &e.author},
                                     std::pair{"document", &e.document}}) {
      if (has(s, key) && value->find_first_not_of(" \t\r\n") == std::string::npos)
        problem(s, key, "is empty: evidence needs it");
    }
    if (!e.open && !e.close && !e.arm && !e.rely_on_meter_interlock)
      problem(s, "family", "the row shows nothing: say open, close, arm or rely_on_meter_interlock");
    u.shown.push_back(std::move(e));
  }

  const std::vector<std::string>& utilities_;
  const std::vector<std::string>& families_;
  std::vector<Problem>& problems_;
};

}  // namespace

SwitchingConfig switching_config(const Settings& section, const std::vector<std::string>& utilities,
                                 const std::vector<std::string>& families, std::vector<Problem>& problems) {
  return Reader(utilities, families, problems).read(section);
}

}  // namespace ami::daemon
