#include "tools/amictl/day_text.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "meter_model/time/zone.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/reads.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

template <class Texts>
std::string joined(const Texts& texts, const char* between = " ") {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : between) + text;
  return out;
}

std::string figures_text(const google::protobuf::RepeatedPtrField<v1::Figure>& figures) {
  std::string text;
  for (const v1::Figure& figure : figures) {
    text += (text.empty() ? "" : ", ") + figure.name() + " " + figure.value() +
            (figure.unit().empty() ? "" : " " + figure.unit());
  }
  return text;
}

// The looks of one check at one channel: how many of each kind, and the words of the worst.
struct Looks {
  int passed = 0, failed = 0, unjudged = 0;
  const v1::CheckResult* shown = nullptr;

  void add(const v1::CheckResult& look) {
    const auto worse = [](const v1::CheckResult* a, const v1::CheckResult& b) {
      const auto rank = [](v1::CheckResult::Verdict verdict) {
        return verdict == v1::CheckResult::FAILED ? 2 : verdict == v1::CheckResult::NOT_JUDGED ? 1 : 0;
      };
      return a == nullptr || rank(b.verdict()) > rank(a->verdict());
    };
    ++(look.verdict() == v1::CheckResult::PASSED   ? passed
       : look.verdict() == v1::CheckResult::FAILED ? failed
                                                   : unjudged);
    if (worse(shown, look)) shown = &look;
  }
  [[nodiscard]] std::string verdict() const {
    std::string text;
    const auto say = [&](int count, const char* word) {
      if (count == 0) return;
      text += (text.empty() ? "" : ", ") + std::string(word);
      if (passed + failed + unjudged > 1) text += " " + std::to_string(count);
    };
    say(failed, "FAILED");
    say(passed, "passed");
    say(unjudged, "not judged");
    return text;
  }
};

void add_checks(const std::string& where, const google::protobuf::RepeatedPtrField<v1::CheckResult>& checks,
                Table& table) {
  std::map<std::string, Looks> looks;
  for (const v1::CheckResult& check : checks) looks[check.check()].add(check);
  for (const auto& [id, of] : looks) {
    const std::string figures = figures_text(of.shown->figures());
    const std::string words = of.shown->words();
    table.row({where, id, of.shown->title(), of.verdict(), of.shown->footing(),
               words + (words.empty() || figures.empty() ? "" : "; ") + figures});
  }
}

class DayPrinter {
 public:
  DayPrinter(std::ostream& out, const v1::ExplainedDay& day)
      : out_(out), day_(day), zone_(load(day.time_zone())) {}

  void head() {
    out_ << last_part(day_.meter()) << "  " << day_.day() << "  " << day_.time_zone() << ", "
         << to_text(day_.start()) << " to " << to_text(day_.end()) << '\n';
    for (const auto& stay : day_.stays()) {
      out_ << "at " << last_part(stay.usage_point()) << ", multiplier " << stay.multiplier()
           << " (not applied)";
      if (stay.has_start() && stay.start().seconds() > day_.start().seconds())
        out_ << ", from " << to_text(stay.start());
      if (stay.has_end() && stay.end().seconds() < day_.end().seconds())
        out_ << ", until " << to_text(stay.end());
      out_ << '\n';
    }
    if (day_.stays().empty()) out_ << "not installed that day\n";
    const std::string feed = day_.feed().empty() ? "(none)" : day_.feed();
    if (day_.has_as_of()) {
      out_ << "as of " << to_text(day_.as_of()) << ", values of feed " << feed
           << (day_.profile().empty() ? "" : "; found by profile " + day_.profile()) << '\n';
    } else {
      out_ << (day_.judged() ? "judged" : "not judged") << " by profile " << day_.profile() << " of feed "
           << feed << '\n';
    }
    for (const std::string& what : day_.not_told()) out_ << "not told of that moment: " << what << '\n';
    if (day_.has_again_at())
      out_ << "holes are not missing yet: looked at again at " << to_text(day_.again_at()) << '\n';
    for (const auto& outage : day_.outages())
      out_ << "outage " << to_text(outage.start()) << " to " << to_text(outage.end()) << '\n';
  }

  void checks() {
    Table table({"CHANNEL", "CHECK", "TITLE", "VERDICT", "BOUND", "WHY"});
    add_checks("(meter)", day_.checks(), table);
    for (const v1::ExplainedChannel& channel : day_.channels())
      add_checks(channel.channel(), channel.checks(), table);
    section("CHECKS", table, "none was asked for");
  }

  void findings() {
    out_ << "\nFINDINGS\n";
    bool any = tell("(meter)", day_.findings());
    for (const v1::ExplainedChannel& channel : day_.channels())
      any |= tell(channel.channel(), channel.findings());
    if (!any) out_ << "none\n";
  }

  void channel(const v1::ExplainedChannel& channel, bool all_slots) {
    out_ << '\n'
         << channel.channel() << "  " << v1::Quantity_Name(channel.quantity())
         << (channel.tou() == 0 ? "" : " tou " + std::to_string(channel.tou())) << ", " << channel.unit();
    if (!channel.slots().empty())
      out_ << ", " << channel.slots_size() << " intervals of " << channel.length_s() << " s";
    out_ << "  " << channel.reading_type() << '\n';
    for (const auto& standing : channel.standings()) {
      out_ << "type approval " << approval_text(standing);
      const v1::Approval& approval = standing.approval();
      if (!approval.notice().empty())
        out_ << " by " << approval.notice() << ' ' << approval.revision() << ' ' << approval.clause();
      if (!approval.reason().empty()) out_ << ": " << approval.reason();
      out_ << '\n';
    }
    if (!channel.paired().empty() || !channel.pairing().empty())
      out_ << "compared with " << (channel.paired().empty() ? "nothing" : channel.paired())
           << (channel.pairing().empty() ? "" : ": " + channel.pairing()) << '\n';
    for (const std::string& assumed : channel.assumed()) out_ << "assumed: " << assumed << '\n';
    map(channel);
    slots(channel, all_slots);
    registers(channel);
    estimates(channel);
  }

  void events() {
    if (day_.events().empty()) return;
    Table table({"TIME", "EVENT", "CODE", "FROM"});
    for (const v1::ExplainedEvent& event : day_.events())
      table.row({to_text(event.time()), event.kind(), event.code(), number(event.source())});
    section("EVENTS", table, "");
  }

  void sources() {
    Table table({"FROM", "SOURCE", "FEED", "FILE", "SHA256", "OFFSET", "LENGTH", "MAPPING", "RECEIVED",
                 "STORED", "KEPT"});
    for (const v1::RawReference& source : day_.sources()) {
      table.row({std::to_string(source.number()), last_part(source.source()), source.feed(), source.file(),
                 source.content_sha256().substr(0, 16), std::to_string(source.offset()),
                 std::to_string(source.length()), std::to_string(source.mapping_version()),
                 to_text(source.received_at()), to_text(source.stored_at()), source.kept() ? "yes" : "no"});
    }
    section("WHERE IT CAME FROM  (amictl raw SOURCE shows it)", table, "nothing was received");
  }

 private:
  static Zone load(const std::string& name) {
    const Result<Zone> zone = Zone::load(name);
    return zone ? *zone : Zone::utc();
  }
  static std::string number(int source) { return source == 0 ? "" : std::to_string(source); }

  void section(const char* title, const Table& table, const char* none) {
    out_ << '\n' << title << '\n';
    if (table.empty()) {
      out_ << none << '\n';
    } else {
      table.print(out_);
    }
  }

  bool tell(const std::string& where,
            const google::protobuf::RepeatedPtrField<v1::ExplainedFinding>& findings) {
    for (const v1::ExplainedFinding& finding : findings) {
      out_ << finding.check() << ' ' << finding.quality_code() << "  " << where;
      if (finding.has_start()) out_ << "  " << to_text(finding.start());
      if (finding.has_end()) out_ << " to " << to_text(finding.end());
      if (finding.advice() != "KEEP") out_ << "  " << finding.advice();
      out_ << "\n    " << finding.words() << '\n';
      if (!finding.figures().empty()) out_ << "    " << figures_text(finding.figures()) << '\n';
      if (!finding.has_diagnosis()) continue;
      const v1::Diagnosis& diagnosis = finding.diagnosis();
      out_ << "    identity " << diagnosis.identity() << " fails by " << diagnosis.by() << ' '
           << diagnosis.unit()
           << (diagnosis.causes().empty() ? "; no likely cause fits\n" : "; what would explain it:\n");
      for (const auto& cause : diagnosis.causes()) {
        out_ << "      " << cause.cause() << "  " << cause.words();
        if (!cause.figures().empty()) out_ << " (" << figures_text(cause.figures()) << ')';
        out_ << '\n';
      }
    }
    return !findings.empty();
  }

  // One sign a slot, grouped by the hours of the local clock; an hour that is there twice stands there twice.
  void map(const v1::ExplainedChannel& channel) {
    if (channel.slots().empty()) return;
    std::vector<std::string> hours;
    CivilTime before{};
    for (const v1::ExplainedSlot& slot : channel.slots()) {
      const auto& start = slot.start();
      const CivilTime civil = zone_.civil(UtcInstant{std::chrono::seconds{start.seconds()} +
                                                     std::chrono::microseconds{start.nanos() / 1000}});
      const auto hour = std::chrono::floor<std::chrono::hours>(civil);
      if (hours.empty() || hour != std::chrono::floor<std::chrono::hours>(before) || civil <= before) {
        const auto of_day = (hour - std::chrono::floor<std::chrono::days>(hour)).count();
        hours.push_back((of_day < 10 ? "0" : "") + std::to_string(of_day) + " ");
      }
      hours.back() += sign(slot);
      before = civil;
    }
    constexpr std::size_t kColumns = 100;
    std::string line;
    for (const std::string& hour : hours) {
      if (!line.empty() && line.size() + 2 + hour.size() > kColumns) {
        out_ << line << '\n';
        line.clear();
      }
      line += (line.empty() ? "" : "  ") + hour;
    }
    out_ << line << '\n';
    out_ << "(. value, ? doubted by the sender, ! found by us, x missing, e estimated; by the local clock)\n";
  }
  static char sign(const v1::ExplainedSlot& slot) {
    if (slot.value().empty()) return slot.estimate().empty() ? 'x' : 'e';
    if (!slot.found().empty()) return '!';
    return slot.quality().codes().empty() ? '.' : '?';
  }

  void slots(const v1::ExplainedChannel& channel, bool all) {
    Table table({"START", "END", "VALUE", "AS SENT", "FOUND", "ESTIMATE", "ALSO SAID", "FROM"});
    const auto add = [&](const v1::ExplainedSlot& slot) {
      std::string others;
      for (const auto& other : slot.others())
        others += (others.empty() ? "" : ", ") + other.value() +
                  (other.contradiction() ? " (contradicts)" : " (corrected)");
      table.row({to_text(slot.start()), to_text(slot.end()), slot.value().empty() ? "missing" : slot.value(),
                 quality_text(slot.quality()), joined(slot.found()), slot.estimate(), others,
                 number(slot.source())});
    };
    // What a finding covers is said there.
    for (const v1::ExplainedSlot& slot : channel.slots()) {
      if (all || slot.value().empty() || !slot.quality().codes().empty() || !slot.others().empty()) add(slot);
    }
    for (const v1::ExplainedSlot& slot : channel.odd()) add(slot);
    if (!table.empty()) table.print(out_);
  }

  void registers(const v1::ExplainedChannel& channel) {
    if (channel.registers().empty()) return;
    Table table({"REGISTER", "TIME", "VALUE", "AS SENT", "FOUND", "FROM"});
    for (const v1::RegisterPoint& point : channel.registers())
      table.row({point.channel(), to_text(point.time()), point.value(), quality_text(point.quality()),
                 joined(point.found()), number(point.source())});
    table.print(out_);
  }

  void estimates(const v1::ExplainedChannel& channel) {
    for (const v1::ExplainedEstimate& estimate : channel.estimates()) {
      out_ << "estimate " << to_text(estimate.start()) << " to " << to_text(estimate.end()) << ": "
           << estimate.method() << (estimate.register_scaled() ? ", scaled to the registers" : "") << ", "
           << estimate.algorithm() << " version " << estimate.version() << ", from";
      for (const auto& input : estimate.inputs()) out_ << ' ' << input.kind() << ' ' << to_text(input.time());
      out_ << '\n';
    }
    for (const auto& hole : channel.unfilled())
      out_ << "not estimated " << to_text(hole.start()) << " to " << to_text(hole.end()) << ": " << hole.why()
           << '\n';
  }

  std::ostream& out_;
  const v1::ExplainedDay& day_;
  const Zone zone_;
};

}  // namespace

void print_day(std::ostream& out, const v1::ExplainedDay& day, bool all_slots) {
  std::stringstream text;
  DayPrinter printer(text, day);
  printer.head();
  if (!day.has_as_of()) printer.checks();
  printer.findings();
  for (const v1::ExplainedChannel& channel : day.channels()) printer.channel(channel, all_slots);
  printer.events();
  printer.sources();
  for (std::string line; std::getline(text, line);) out << harmless(line) << '\n';
}

}  // namespace ami::amictl
