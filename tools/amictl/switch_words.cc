// What each rule that refuses a switch means, and the way out.
#include <map>

#include "tools/amictl/switch_text.h"

namespace ami::amictl {
namespace {

struct Words {
  const char *meaning, *advice;
};

const std::map<std::string, Words>& rules() {
  static const std::map<std::string, Words> table{
      // rules of the engine
      {"WRONG_HOUSE",
       {"meter, usage point and serial do not belong together: nothing was sent",
        "read the badge and the serial at the meter again; what is stored: amictl meters show METER"}},
      {"CAPABILITY",
       {"nobody has shown that this meter's switch may be operated this way",
        "who says what: amictl switch state METER; a person can do it at the meter"}},
      {"SWITCH_LIVE",
       {"another operation of this meter is under way",
        "follow it: amictl switch watch NUMBER; as long as it has not left: amictl switch cancel NUMBER"}},
      {"SWITCH_UNCERTAIN",
       {"it is not known what an earlier operation of this meter did",
        "find out what the meter does, then: amictl switch resolve NUMBER --position ... --reference ...; the way back "
        "(close, arm) is never blocked"}},
      {"ATTESTATION",
       {"closing energises the house at once, and nobody answers for it",
        "ask the customer, then --attest CUSTOMER_PRESENT or MAIN_BREAKER_OPEN; or: amictl switch arm, the customer closes"}},
      {"ARM_PREFERRED",
       {"the meter can be armed, and then the customer closes it safely",
        "amictl switch arm; or --attest CUSTOMER_PRESENT or MAIN_BREAKER_OPEN"}},
      {"LOAD_SIDE_VOLTAGE",
       {"there is voltage behind the open switch: closing would join it to the line",
        "call the customer: a generator has to be switched off first; and watch for a latent close"}},
      {"LOAD_SIDE_UNREADABLE",
       {"whether there is voltage behind the switch cannot be read", "somebody has to go there: amictl switch truck-rolls"}},
      {"NOT_AFTER", {"the time in which it may leave has passed", "order it anew with a later --not-after"}},
      {"CLOCK_STEPPED_BACK",
       {"the gateway's clock is behind the request", "the clock of the gateway needs a look, before anything is switched"}},
      {"ROUTE_CHANGED",
       {"the meter is reached in another way than when it was asked for", "order it anew"}},
      {"TOO_LATE",
       {"it may have left already, and no far side takes one back",
        "wait for what comes of it: amictl switch watch NUMBER; then another operation can undo it"}},
      {"ENDED", {"it has ended: there is nothing to take back", "what came of it: amictl switch show NUMBER"}},
      {"NOT_NOW", {"an observation settles nothing here", "how it stands: amictl switch show NUMBER"}},
      {"SAFETY_HOLD", {"a hold protects this meter", "who holds it and why stands beside; it has to be lifted first"}},
      // rules of the site's rule files
      {"REASON_CLASS",
       {"this reason does not permit that", "what each reason permits stands in the site's rule files; a program may less than a person"}},
      {"PROTECTED_LIST",
       {"the customer is protected, or nobody can say that it is not: a list is missing or stale",
        "hand in today's lists; a protected customer is not cut off"}},
      {"ORDER_VOID",
       {"what the order rests on has changed since: payment, move-in, a medical flag; or there is no news of the account",
        "ask the customer system whether the order still stands, then order it anew"}},
      {"JURISDICTION", {"nobody has said which law holds there", "the site's rule files name the law of each place"}},
      {"KILL_SWITCH", {"opening is stopped for now", "who stopped it and why stands beside; the way back (close, arm) goes on"}},
      {"LIMIT", {"more were opened than may be at a time", "it waits until there is room again, or is ordered anew later"}},
      {"SAFETY_HOLD_NOT_FOUND", {"there is no such hold", "those in force: amictl switch hold list"}},
      {"ALREADY_LIFTED", {"the hold was lifted before", "amictl switch hold list --all"}},
      {"HOLD_OF_ANOTHER_ROLE", {"only the role that set a hold lifts it", "ask its holder: amictl switch hold list"}},
      {"SWITCH_STOP_NOT_FOUND", {"there is no such stop", "those in force: amictl switch stops"}},
      {"ALREADY_CLEARED",
       {"you cleared it before, or it is over", "a second person has to clear it, with a certificate of its own"}},
      {"EMERGENCY_UNREVIEWED",
       {"an emergency of this person was looked at by nobody else for a day: it opens no other one",
        "those that wait: amictl switch emergencies; a second person: amictl switch review NUMBER --words ...; closing and "
        "arming go on"}},
      {"EMERGENCY_NOT_FOUND", {"no emergency of that number left", "those that wait: amictl switch emergencies"}},
      {"SAME_PERSON",
       {"whoever asked for it or answers for it is not the second person",
        "somebody else does it, with a certificate of its own"}},
      {"ALREADY_REVIEWED", {"somebody has looked at it", "those that wait: amictl switch emergencies"}},
      {"NO_SWITCHING", {"this gateway operates no switches", "which one does is in its configuration: `switching`"}},
      {"NO_COMPARISON", {"this gateway compares no switches", "amictl switch state METER says what is known of one"}},
      {"SWITCH_OPERATION_NOT_FOUND", {"there is no such operation", "those there are: amictl switch list"}},
      {"REQUEST_ID_REUSED", {"the request id was used for something else", "leave --request-id out, or take a new one"}},
      {"OUTCOME_IN_DOUBT",
       {"the gateway does not know whether it has stored the order", "the same again with the same --request-id is carried out once"}},
      {"STORE_UNAVAILABLE",
       {"the gateway cannot reach its database", "the same again with the same --request-id is carried out once"}},
      {"TOO_MANY_FOLLOWERS", {"too many look on already", "it goes on without being watched: amictl switch show NUMBER"}},
      {"GATEWAY_STOPPING", {"the gateway is stopping", "what was accepted goes on: amictl switch watch NUMBER, later"}},
      // words of a far side, and of evidence
      {"rejected", {"the head-end refused", "what it said stands beside; it was not done"}},
      {"failed", {"the head-end says that it was not done", "order it anew, or somebody goes there"}},
      {"no_such_meter", {"the head-end does not know the meter", "the meter's name there: amictl meters show METER"}},
      {"not_sent", {"it surely did not leave", "order it anew"}},
      {"unreachable", {"the head-end could not be reached: it surely did not leave", "amictl adapters; then order it anew"}},
      {"POSITION",
       {"the meter is in another position than was said", "somebody has to look; then: amictl switch resolve NUMBER ..."}},
      {"ENERGY_WHILE_OPEN",
       {"energy flows through a switch that was opened: a safety event", "somebody has to go there now"}},
  };
  return table;
}

}  // namespace

// What a check asks, where it passes and so has no words of its own.
std::string question_of_rule(const std::string& rule) {
  static const std::map<std::string, std::string> table{
      {"CLOCK_STEPPED_BACK", "the gateway's clock is not behind the request"},
      {"NOT_AFTER", "its time has not passed"},
      {"WRONG_HOUSE", "meter, usage point and serial belong together"},
      {"CAPABILITY", "approval, adapter, firmware and site say that it may be done"},
      {"SWITCH_UNCERTAIN", "it is known what earlier operations did"},
      {"ATTESTATION", "somebody answers for energising the house"},
      {"ARM_PREFERRED", "there is no safer way"},
      {"LOAD_SIDE_VOLTAGE", "no voltage behind the open switch"},
      {"LOAD_SIDE_UNREADABLE", "that can be read, or the meter itself refuses"},
      {"ROUTE_CHANGED", "the meter is reached as when it was asked for"},
      {"SWITCH_LIVE", "no other operation of the meter is under way"},
      {"SAFETY_HOLD", "no hold protects the meter"},
      {"KILL_SWITCH", "opening is not stopped"},
      {"LIMIT", "no more are opened than may be at a time"},
      {"EMERGENCY_UNREVIEWED", "others have looked at this person's emergencies"},
      {"REASON_CLASS", "the reason permits it"},
      {"PROTECTED_LIST", "the customer is on no list of those who must not be cut off"},
      {"ORDER_VOID", "what the order rests on still holds"},
      {"JURISDICTION", "it is known which law holds there"},
  };
  const auto found = table.find(rule);
  return found == table.end() ? "" : found->second;
}

std::string meaning_of_rule(const std::string& rule) {
  const auto found = rules().find(rule);
  return found == rules().end() ? "" : found->second.meaning;
}

std::string advice_on_rule(const std::string& rule) {
  const auto found = rules().find(rule);
  return found == rules().end() ? "" : found->second.advice;
}

}  // namespace ami::amictl
