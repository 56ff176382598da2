// Settings that cannot all be meant: said when the file is checked, not when somebody asks a meter.
#include <set>
#include <string>

#include "adapters/wire/http/url.h"
#include "adapters/wire/multispeak/link/link_settings.h"

namespace ami::multispeak {
namespace {

class Check {
 public:
  Check(const Profile& profile, const sdk::Settings& settings)
      : profile_(profile), settings_(settings), rules_(command_rules(settings)) {}

  std::vector<sdk::Problem> run() {
    peers();
    commands();
    words();
    std::set<std::string> seen;
    for (const sdk::Settings& entry : settings_.sections("pull")) pull(entry, seen);
    return std::move(problems_);
  }

 private:
  void add(const sdk::Settings& where, const std::string& key, const std::string& text) {
    problems_.push_back({where.file(), where.line(key), key + ": " + text});
  }
  void add(const std::string& key, const std::string& text) { add(settings_, key, text); }
  [[nodiscard]] bool given(const std::string& key) const { return settings_.line(key) > 0; }

  void peers() {
    const bool any = settings_.has("mr") || settings_.has("cd") || settings_.has("od");
    const bool called_back = settings_.has("callback");
    if (!any && !called_back)
      problems_.push_back({settings_.file(), 0, "nobody to speak with: write mr, cd, od or callback"});

    const std::string& response_url = settings_.text("response_url");
    const sdk::Capabilities can = capabilities_of(profile_, settings_);
    const bool later = (can.read_on_demand && !rules_.latest_reading) || can.ping || can.demand_reset ||
                       can.switch_open || can.switch_close || can.switch_arm ||
                       (can.switch_state && !rules_.state_at_once);
    if (response_url.empty() && later && called_back)
      add("response_url", "is required: commands are possible, and their answers would go nowhere");
    if (!response_url.empty() && !called_back)
      add("response_url", "without the section callback nobody listens there");
    if (!response_url.empty()) {
      if (const auto url = http::parse_url(response_url); !url) add("response_url", url.error().message);
    }
    if (settings_.text("header_user").empty() != settings_.text("header_password_file").empty()) {
      const bool user = !settings_.text("header_user").empty();
      add(user ? "header_user" : "header_password_file",
          user ? "needs header_password_file" : "without header_user it is the password of nobody");
    }
  }

  void commands() {
    if (rules_.ping == PingWay::Read && rules_.latest_reading && profile_.can.ping && settings_.has("mr")) {
      add(given("ping") ? "ping" : "read",
          "a latest reading comes from the head-end and says nothing of the meter: a ping by read needs "
          "read: "
          "initiate");
    }
    if (given("ping") && rules_.ping == PingWay::OutageDetection && !settings_.has("od"))
      add("ping", "outage_detection needs the section od");
    if (!settings_.text("switch_evidence").empty() && !profile_.evidence_helps) {
      add("switch_evidence",
          "is of no use here" + (profile_.silence.empty() ? std::string() : ": " + profile_.silence));
    }
    if (given("arm_word") && !profile_.arm) add("arm_word", "arming is not stated for this family");
  }

  // What would come of an order with that word.
  void words() {
    if (!settings_.has("cd")) return;
    const std::pair<const char*, const std::string*> words[] = {
        {"open_word", &rules_.open_word}, {"close_word", &rules_.close_word}, {"arm_word", &rules_.arm_word}};
    std::set<std::string> seen;
    for (const auto& [key, word] : words) {
      if (!seen.insert(*word).second) add(key, "'" + *word + "' stands for another order already");
      Request request;
      request.operation = Operation::InitiateConnectDisconnect;
      request.response_url = request.transaction = "-";
      request.expiry = std::chrono::seconds{60};
      SwitchOrder order;
      order.load_action = *word;
      order.meter.number = "0";
      request.orders.push_back(order);
      if (!check(request, rules_.version)) {
        add(key,
            "'" + *word + "' is no loadActionCode of MultiSpeak " + std::string(name_of(rules_.version)));
      }
    }
  }

  void pull(const sdk::Settings& entry, std::set<std::string>& seen) {
    if (!settings_.has("mr")) add(entry, "what", "a pull needs the section mr");
    const bool by_cycle = entry.text("what") == "billing_cycle";
    if (by_cycle && entry.list("billing_cycles").empty())
      add(entry, "what", "billing_cycle needs billing_cycles");
    if (!by_cycle && !entry.list("billing_cycles").empty())
      add(entry, "billing_cycles", "belongs to what: billing_cycle");
    if (!by_cycle && !seen.insert("by date").second) add(entry, "what", "readings_by_date is there already");
    for (const std::string& cycle : entry.list("billing_cycles")) {
      if (cycle.empty() || cycle.size() > 64) add(entry, "billing_cycles", "a cycle has 1 to 64 characters");
      if (!seen.insert("cycle " + cycle).second)
        add(entry, "billing_cycles", "cycle '" + cycle + "' is there already");
    }
    if (entry.line("overlap") > 0 && entry.duration("overlap") >= entry.duration("window"))
      add(entry, "overlap", "must be shorter than window, or the pull never gets on");
  }

  const Profile& profile_;
  const sdk::Settings& settings_;
  const CommandRules rules_;
  std::vector<sdk::Problem> problems_;
};

}  // namespace

std::vector<sdk::Problem> contradictions(const Profile& profile, const sdk::Settings& settings) {
  return Check(profile, settings).run();
}

}  // namespace ami::multispeak
