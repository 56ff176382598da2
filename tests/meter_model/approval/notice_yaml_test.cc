#include "meter_model/approval/notice_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/meter_model/approval/scene.h"

namespace ami::approval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

int line_of(const std::string& text, const std::string& what) {
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(what)), '\n'));
}

// The problems of the shipped file after one edit, which must find its place.
std::string broken(const std::string& from, const std::string& to) {
  std::string text = shipped_text();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  const auto notice = parse_notice(text, "n.yaml");
  return notice ? "" : notice.error().message;
}

std::string at_line(const std::string& what, const std::string& message) {
  return "n.yaml:" + std::to_string(line_of(shipped_text(), what)) + ": " + message;
}

TEST(NoticeYaml, ShippedFileIsWithoutAProblem) {
  const auto notice = parse_notice(shipped_text(), "n.yaml");
  ASSERT_TRUE(notice) << notice.error().message;
  EXPECT_EQ(notice->name, "AE-1641");
  EXPECT_EQ(notice->revision, 6);
  EXPECT_EQ(to_text(notice->signed_on), "2010-06-07");
  EXPECT_EQ(notice->revisions.size(), 7U);
  EXPECT_EQ(notice->questions.size(), 14U);
  EXPECT_EQ(notice->modules.size(), 7U);
}

TEST(NoticeYaml, EveryQuestionAndClauseOfTheShippedFileIsUsedByAFact) {
  const Notice& notice = ae1641();
  std::set<int> questions;
  std::set<std::string> clauses, inferred;
  const auto take = [&](const Basis& basis) {
    questions.insert(basis.questions.begin(), basis.questions.end());
    clauses.insert(basis.clauses.begin(), basis.clauses.end());
    inferred.insert(basis.inferences.begin(), basis.inferences.end());
  };
  for (const Model& one : notice.models) {
    for (const Basis* basis : {&one.basis, &one.recorder.basis, &one.service_switch.basis}) take(*basis);
    for (const Restriction& rule : one.restrictions) take(rule.basis);
  }
  for (const Module& one : notice.modules) {
    for (const Basis* basis :
         {&one.basis, &one.maker.basis, &one.bearer.basis, &one.transmits.basis, &one.unit.basis,
          &one.two_way.basis, &one.zigbee.basis, &one.remote_disconnect.basis})
      take(*basis);
    for (const Restriction& rule : one.restrictions) take(rule.basis);
  }
  for (const Service& one : notice.services) take(one.basis);
  for (const CurrentRange& one : notice.ranges) take(one.basis), take(one.connection_basis);
  for (const Firmware& one : notice.firmware) take(one.basis);
  for (const QuantityRule& one : notice.quantities) take(one.basis);
  for (const Statement& one : notice.statements) take(one.basis);
  for (const Basis* basis :
       {&notice.pairing, &notice.firmware_basis, &notice.commodity_basis, &notice.tou_assignment,
        &notice.module_recorder, &notice.processed, &notice.temperature, &notice.cold_start})
    take(*basis);
  for (int number = 1; number <= 14; ++number) EXPECT_TRUE(questions.contains(number)) << number;
  for (const Clause& clause : notice.clauses) EXPECT_TRUE(clauses.contains(clause.key)) << clause.key;
  for (const Inference& one : notice.inferences) EXPECT_TRUE(inferred.contains(one.key)) << one.key;
}

TEST(NoticeYaml, UnknownKeyHasItsLineAndTheNearestKnownKey) {
  EXPECT_EQ(
      broken("manufacturer: Landis", "manufacturers: Landis"),
      at_line("manufacturer: Landis", "notice: unknown key \"manufacturers\", nearest is \"manufacturer\"") +
          "\n" + at_line("notice: AE-1641", "notice: 'manufacturer' is needed"));
}

TEST(NoticeYaml, UnknownKeyInAModule) {
  EXPECT_EQ(broken("    families: [twacs]", "    familys: [twacs]"),
            at_line("families: [twacs]", "module \"UMT\": unknown key \"familys\", nearest is \"families\""));
}

TEST(NoticeYaml, UnknownKeyInARestriction) {
  EXPECT_THAT(broken("only: {form: 2S", "only: {from: 2S"),
              HasSubstr(at_line("only: {form: 2S",
                                "module \"TRILLIANT\": restriction: unknown key \"from\", nearest is "
                                "\"form\"")));
  EXPECT_THAT(broken("- {except: {elements", "- {excepting: {elements"),
              AllOf(HasSubstr("unknown key \"excepting\", nearest is \"except\""),
                    HasSubstr("says either 'only' or 'except'")));
}

TEST(NoticeYaml, WrongValues) {
  EXPECT_EQ(broken("signed_on: 2010-06-07", "signed_on: 2010-06-31"),
            at_line("signed_on: 2010", "notice: signed_on: \"2010-06-31\" is no day, as 2010-06-07"));
  EXPECT_THAT(broken("max_a: 20,", "max_a: twenty,"),
              HasSubstr(at_line("max_a: 20,", "current range: max_a: ")));
  EXPECT_THAT(broken("max_a: 20,", "max_a: 0.1,"), HasSubstr("min_a must be above zero and below max_a"));
  EXPECT_THAT(broken("zigbee: {stated: YES", "zigbee: {stated: MAYBE"),
              HasSubstr("stated: \"MAYBE\" is not known, nearest is \"YES\""));
  EXPECT_THAT(broken("zigbee: {stated: YES", "zigbee: {stated: true"),
              HasSubstr("stated: \"true\" is not known"));
  EXPECT_THAT(broken("scope: HOST", "scope: HOSTS"),
              HasSubstr("\"HOSTS\" is not known, nearest is \"HOST\""));
  EXPECT_THAT(broken("kind: energy, flow: received", "kind: energie, flow: received"),
              HasSubstr("kind: \"energie\" is not known, nearest is \"energy\""));
  EXPECT_THAT(broken("flow: received", "flow: reversed"), HasSubstr("flow: \"reversed\" is not known"));
  EXPECT_THAT(broken("units: [Wh]", "units: [kWh]"),
              HasSubstr("units: \"kWh\" is not known, nearest is \"Wh\""));
  EXPECT_THAT(broken("status: NOT_SUBJECT", "status: UNKNOWN"),
              HasSubstr("a notice says APPROVED, NOT_STATED"));
  EXPECT_THAT(broken("is: TRANSFORMER_RATED", "is: CT"), HasSubstr("\"CT\" is not known"));
  EXPECT_THAT(broken("wires: 2, phase", "wires: 2.5, phase"),
              HasSubstr("\"2.5\" is not a whole number from 1 to 9"));
  EXPECT_THAT(broken("least: -40", "least: 60"), HasSubstr("must be below 'most'"));
  EXPECT_THAT(broken("messages: [Insufficient Security Clearance, Cold Start failed]", "messages: []"),
              HasSubstr("at least one is needed"));
  EXPECT_THAT(broken("only: {connection: SELF_CONTAINED}", "only: {}"),
              HasSubstr("a condition asks for something"));
}

TEST(NoticeYaml, StatedTextAndListsBelongToWhatIsStated) {
  EXPECT_THAT(broken("maker: {stated: YES, text: Trilliant,", "maker: {stated: NOT_STATED, text: Trilliant,"),
              HasSubstr("text: belongs to what is stated"));
  EXPECT_THAT(broken("maker: {stated: YES, text: Trilliant,", "maker: {stated: YES,"),
              HasSubstr("text: belongs to what is stated"));
  EXPECT_THAT(broken("unit: {stated: YES, words: Wh,", "unit: {stated: NO, words: Wh,"),
              HasSubstr("belong to what is stated"));
  EXPECT_THAT(broken("transmits: {scope: NOT_STATED,", "transmits: {scope: LISTED,"),
              HasSubstr("quantities: belong to scope LISTED"));
}

TEST(NoticeYaml, EveryFactNamesAClauseThatIsThere) {
  EXPECT_EQ(broken("clauses: [trilliant.forms]", "clauses: [trilliant.form]"),
            at_line("clauses: [trilliant.forms]",
                    "module \"TRILLIANT\": restriction: clauses: \"trilliant.form\" is not known, nearest is "
                    "\"trilliant.forms\""));
  EXPECT_THAT(broken("zigbee: {stated: YES, clauses: [ts2.zigbee]}", "zigbee: {stated: YES}"),
              HasSubstr("module \"TS2\": zigbee: every fact names at least one of its clauses"));
  EXPECT_THAT(broken("questions: [7]", "questions: [15]"), HasSubstr("\"15\" is no question of this file"));
  EXPECT_THAT(broken("inferences: [MODULE_RECORDER]", "inferences: [MODULE_RECORDERS]"),
              HasSubstr("nearest is \"MODULE_RECORDER\""));
  EXPECT_THAT(broken("revision: NOT_STATED", "revision: 9"), HasSubstr("9 is not in the table of revisions"));
}

TEST(NoticeYaml, MissingFactsAreTold) {
  EXPECT_THAT(broken("tou_assignment: {clauses: [summary.tou]}", ""),
              HasSubstr("'tou_assignment' is needed"));
  EXPECT_THAT(broken("pairing: {", "pairings: {"), HasSubstr("'pairing' is needed"));
  EXPECT_THAT(broken("    two_way: {stated: YES, clauses: [aclara.transmits]}\n", ""),
              HasSubstr("module \"UMT\": 'two_way' is needed"));
  EXPECT_THAT(broken("    families: [twacs]\n", ""), "");  // a module that the gateway does not read through
}

TEST(NoticeYaml, DuplicatesAndClashes) {
  EXPECT_EQ(broken("  EMTR3FX:\n    name: EMTR-3-FX", "  UMT:\n    name: EMTR-3-FX"),
            at_line("  EMTR3FX:\n", "notice: modules: \"UMT\" is given twice"));
  EXPECT_THAT(broken("aliases: [EMTR-3, ", "aliases: [umt_r_fx, "),
              HasSubstr("module \"EMTR3FX\": \"umt_r_fx\" also names module \"UMT\""));
  EXPECT_THAT(broken("families: [flexnet]", "families: [ssn]"),
              HasSubstr("\"ssn\" also names module \"SSN\""));
  EXPECT_THAT(broken("aliases: [EMTR-3, ", "aliases: [EMTR-3, EMTR-3, "),
              HasSubstr("\"EMTR-3\" is given twice"));
  EXPECT_THAT(broken("aliases: [EMTR-3, ", "aliases: [\"--\", "), HasSubstr("has neither letter nor digit"));
  EXPECT_THAT(broken("aliases: [AXR-SD]", "aliases: [AXR]"), HasSubstr("\"AXR\" names another model, too"));
  EXPECT_THAT(broken("version: \"5.33\"", "version: \"5.32\""), HasSubstr("\"5.32\" is given twice"));
  EXPECT_THAT(broken("  page1.ssn:", "  page1.flexnet:"), HasSubstr("\"page1.flexnet\" is given twice"));
  EXPECT_THAT(broken("signed_on: 2010-06-07", "signed_on: 2010-06-07\nsigned_on: 2010-06-07"),
              HasSubstr("key \"signed_on\" is given twice"));
}

TEST(NoticeYaml, RevisionsStandInOrderOfNumberAndDate) {
  EXPECT_EQ(
      broken("{number: 3, issued: 2010-03-30", "{number: 3, issued: 2010-03-29"),
      at_line("{number: 3,", "revision: issued: 2010-03-29 is out of order: revision 2 is of 2010-03-30"));
  EXPECT_THAT(broken("{number: 1, issued", "{number: 0, issued"),
              HasSubstr("0 is out of order: it stands after 0"));
  EXPECT_THAT(broken("signed_on: 2010-06-07", "signed_on: 2010-01-01"),
              HasSubstr("2010-01-01 is out of order: revision 5 is of 2010-05-14"));
  EXPECT_EQ(broken("revision: 6", "revision: 5"),
            "n.yaml:6: notice: revision: 5 is not the last of its revisions");
}

TEST(NoticeYaml, AllProblemsAreTold) {
  EXPECT_THAT(broken("notice: AE-1641\nrevision: 6", "revision: six\nauthority: [a]"),
              AllOf(HasSubstr("'notice' is needed"), HasSubstr("\"six\" is not a whole number"),
                    HasSubstr("key \"authority\" is given twice")));
}

TEST(NoticeYaml, RefusesWhatIsNoNotice) {
  const auto message = [](const std::string& text) {
    const auto notice = parse_notice(text, "n.yaml");
    return notice ? "" : notice.error().message;
  };
  EXPECT_EQ(message("- a\n"), "n.yaml:1: notice must be a mapping of keys to values");
  EXPECT_THAT(message(""), HasSubstr("must be a mapping"));
  EXPECT_THAT(message("notice: [\n"), HasSubstr("n.yaml:2: "));
  EXPECT_THAT(message("notice: a\nmodules: 7\n"), HasSubstr("n.yaml:2: notice: modules: must be a mapping"));
  EXPECT_THAT(message("notice: a\nclauses: {x: 7}\n"), HasSubstr("n.yaml:2: clause \"x\" must be a mapping"));
  EXPECT_THAT(message("notice: a\nservices: {x: 7}\n"),
              HasSubstr("n.yaml:2: notice: services: must be a list"));
  EXPECT_THAT(message("revisions: [7, [], {}]\n"), HasSubstr("revision must be a mapping"));
  EXPECT_THAT(message("models: {? [a] : b}\n"), HasSubstr("a name must be one word or number"));
  EXPECT_THAT(message(std::string((std::size_t{1} << 20) + 1, ' ')), HasSubstr("at most 1 MiB"));
  EXPECT_THAT(message(std::string(100'000, '[')), Not(""));
}

}  // namespace
}  // namespace ami::approval
