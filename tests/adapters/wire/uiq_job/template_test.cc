#include <gtest/gtest.h>

#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

std::string problems(const std::string& yaml) {
  const auto site = SiteTemplate::parse(yaml, "t.yaml");
  return site ? "none" : site.error().message;
}

TEST(UiqJobTemplate, TheShippedOneHasEveryOperationAndSaysThatItIsAssumed) {
  const SiteTemplate site = shipped();
  for (std::size_t i = 0; i < kOperations; ++i)
    EXPECT_NE(site.find(static_cast<Operation>(i)), nullptr) << name_of(static_cast<Operation>(i));
  EXPECT_FALSE(site.assumed().empty());
  EXPECT_EQ(site.action_word("disconnect"), "JOB_OP_PROVISION_DISCONNECT");
  EXPECT_EQ(site.action_word("arm"), std::nullopt);
}

TEST(UiqJobTemplate, StatesAreByTheTableAndAnyOtherWordIsUnknown) {
  const SiteTemplate site = shipped();
  EXPECT_EQ(site.state_of("Completed"), JobState::Completed);
  EXPECT_EQ(site.state_of("Failure"), JobState::Failed);
  EXPECT_EQ(site.state_of("Not Started"), JobState::NotStarted);
  EXPECT_EQ(site.state_of("Running"), JobState::Running);
  for (const char* word : {"", "completed", "Completed ", "Success", "Done"})
    EXPECT_EQ(site.state_of(word), JobState::Unknown) << word;
  EXPECT_EQ(name_of(JobState::NotStarted), "not_started");
}

TEST(UiqJobTemplate, WordsOfResultsAreByTheirOwnTableAndAnyOtherIsUnknown) {
  const SiteTemplate site = shipped();
  EXPECT_EQ(site.ending_of("Success"), Ending::Succeeded);
  EXPECT_EQ(site.ending_of("Failure"), Ending::Failed);
  EXPECT_EQ(site.ending_of("No Response"), Ending::NoAnswer);
  EXPECT_EQ(site.ending_of("Open"), Ending::Open);
  EXPECT_EQ(site.ending_of("Closed"), Ending::Closed);
  for (const char* word : {"", "closed", "Running", "Armed", "OK"})
    EXPECT_EQ(site.ending_of(word), Ending::Unknown) << word;
  EXPECT_EQ(name_of(Ending::NoAnswer), "no_answer");
}

// A template whose find_device has `body` from line 6 on.
std::string with_body(const std::string& body) {
  return "version: 1\noperations:\n  find_device:\n    path: /p\n    body: |\n      " + body +
         "\n    answer: {fields: {mac: A/B}}\n";
}

TEST(UiqJobTemplate, ASmallOneIsEnough) {
  EXPECT_EQ(problems(with_body("<a><b>{meter}</b></a>")), "none");
  EXPECT_EQ(problems("version: 1\noperations: {}\n"), "none");
  const SiteTemplate site = site_of("version: 1\noperations: {}\n");
  EXPECT_EQ(site.find(Operation::FindDevice), nullptr);
  EXPECT_TRUE(site.assumed().empty());
  EXPECT_FALSE(site.soap12());
}

TEST(UiqJobTemplate, AnUnknownPlaceholderIsNamedWithItsOwnLine) {
  EXPECT_EQ(problems(with_body("<a>\n        <b>{meter}</b>\n        <c>{metre}</c>\n      </a>")),
            "t.yaml:8: unknown placeholder \"{metre}\" in find_device; nearest is 'meter'");
  EXPECT_EQ(problems(with_body("<a>{job}</a>")),
            "t.yaml:6: unknown placeholder \"{job}\" in find_device; nearest is 'rows'");
  EXPECT_EQ(problems("version: 1\noperations:\n  find_device:\n    path: /p\n    body: \"<a>{metre}</a>\"\n"
                     "    answer: {fields: {mac: A}}\n"),
            "t.yaml:5: unknown placeholder \"{metre}\" in find_device; nearest is 'meter'");
}

TEST(UiqJobTemplate, APlaceholderMustStandAlone) {
  for (const char* body :
       {"<a><b>\n        x{meter}</b></a>", "<a>\n        <b c=\"{meter}\"/></a>",
        "<a>\n        {meter}<b/></a>", "<a>\n        <b>{}</b></a>", "<a>\n        <b>{</b></a>"})
    EXPECT_TRUE(problems(with_body(body)).starts_with("t.yaml:7: a placeholder must be the whole text"))
        << problems(with_body(body));
}

TEST(UiqJobTemplate, TwoPlaceholdersOfOnePathCannotBeToldApart) {
  EXPECT_NE(problems(with_body("<a><b>{meter}</b><b>{rows}</b></a>")).find("two elements of one path"),
            std::string::npos);
}

struct Case {
  const char* name;
  const char* yaml;
  const char* message;
};
class UiqJobBadTemplate : public testing::TestWithParam<Case> {};

TEST_P(UiqJobBadTemplate, IsRefusedWithTheLine) {
  EXPECT_NE(problems(GetParam().yaml).find(GetParam().message), std::string::npos)
      << problems(GetParam().yaml);
}

INSTANTIATE_TEST_SUITE_P(
    Templates, UiqJobBadTemplate,
    testing::Values(
        Case{"Empty", "", "t.yaml:1: template must be a mapping"},
        Case{"List", "- a\n", "t.yaml:1: template must be a mapping"},
        Case{"NoVersion", "operations: {}\n", "version must be 1"},
        Case{"OtherVersion", "version: 2\noperations: {}\n", "t.yaml:1: version must be 1"},
        Case{"NoOperations", "version: 1\n", "the key 'operations' is missing"},
        Case{"UnknownKey", "version: 1\noperation: {}\n",
             "t.yaml:2: template: unknown key \"operation\"; nearest is 'operations'"},
        Case{"KeyTwice", "version: 1\nversion: 1\noperations: {}\n",
             "t.yaml:2: template: key \"version\" is given twice"},
        Case{"UnknownOperation", "version: 1\noperations:\n  find_devices: {}\n",
             "t.yaml:3: operations: unknown key \"find_devices\"; nearest is 'find_device'"},
        Case{"NoPath", "version: 1\noperations:\n  activate_job: {body: <a/>}\n",
             "t.yaml:3: activate_job needs 'path'"},
        Case{"NoBody", "version: 1\noperations:\n  activate_job: {path: /p}\n", "activate_job needs 'body'"},
        Case{"RelativePath", "version: 1\noperations:\n  activate_job: {path: p, body: <a/>}\n",
             "must begin with /"},
        Case{"BrokenBody", "version: 1\noperations:\n  activate_job: {path: /p, body: <a>}\n",
             "body: truncated"},
        Case{"TwoRoots", "version: 1\noperations:\n  activate_job: {path: /p, body: <a/><b/>}\n",
             "body: not_well_formed"},
        Case{"Bomb", "version: 1\noperations:\n  activate_job: {path: /p, body: '<!DOCTYPE a []><a/>'}\n",
             "body: entity_declaration"},
        Case{"NeededField", "version: 1\noperations:\n  find_device: {path: /p, body: <a/>}\n",
             "find_device: answer needs the field 'mac'"},
        Case{"UnknownField",
             "version: 1\noperations:\n  add_ping_job: {path: /p, body: <a/>, answer: {fields: {job: J, jib: "
             "K}}}\n",
             "unknown key \"jib\"; nearest is 'job'"},
        Case{"BadFieldPath",
             "version: 1\noperations:\n  add_ping_job:\n    path: /p\n    body: <a/>\n    answer:\n      "
             "fields:\n        job: \"A//B\"\n",
             "t.yaml:8: job: \"A//B\" is no path of local names"},
        Case{"PrefixInPath",
             "version: 1\noperations:\n  add_ping_job: {path: /p, body: <a/>, answer: {fields: {job: "
             "'u:J'}}}\n",
             "is no path of local names"},
        Case{"UnknownState", "version: 1\noperations: {}\nstates:\n  Done: complete\n",
             "t.yaml:4: unknown state \"complete\"; nearest is 'completed'"},
        Case{"UnknownResult", "version: 1\noperations: {}\nresults:\n  Done: success\n",
             "t.yaml:4: unknown result \"success\"; nearest is 'succeeded'"},
        Case{"StatusWithoutStates",
             "version: 1\noperations:\n  job_status: {path: /p, body: <a/>, answer: {fields: {status: S}}}\n",
             "job_status without 'states'"},
        Case{"Soap", "version: 1\nsoap: 1.3\noperations: {}\n",
             "t.yaml:2: soap: \"1.3\" is neither 1.1 nor 1.2"},
        Case{"NoYaml", "version: [1\n", "t.yaml:"}),
    [](const auto& one) { return one.param.name; });

TEST(UiqJobTemplate, AllProblemsAreToldAtOnce) {
  const std::string all = problems("version: 3\nsoap: 9\noperations:\n  activate_job: {}\n");
  EXPECT_NE(all.find("t.yaml:1: "), std::string::npos);
  EXPECT_NE(all.find("\nt.yaml:2: "), std::string::npos);
  EXPECT_NE(all.find("\nt.yaml:4: "), std::string::npos);
}

}  // namespace
}  // namespace ami::uiq_job
