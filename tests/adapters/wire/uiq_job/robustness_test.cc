#include <gtest/gtest.h>

#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

TEST(UiqJobTruncation, EveryPrefixOfAnAnswerOrACallIsAClearError) {
  const SiteTemplate site = shipped();
  const std::string answer =
      encode_answer(site, Operation::ProvisioningResults,
                    {{{"mac", "00:13"}, {"word", "Success"}, {"time", "2026-01-15T00:00:00Z"}}});
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    DecodedBatch batch;
    ASSERT_FALSE(decode_results(site, Operation::ProvisioningResults, "1", answer.substr(0, cut), batch).ok())
        << cut;
    ASSERT_TRUE(batch.results.empty());
  }
  const auto call = encode_call(site, Operation::JobStatus, {{"job", "1"}});
  ASSERT_TRUE(call.ok());
  for (std::size_t cut = 0; cut < call->body.size(); ++cut)
    ASSERT_FALSE(decode_call(site, call->body.substr(0, cut)).ok()) << cut;
}

TEST(UiqJobTruncation, EveryPrefixOfATemplateIsRefusedOrSaysNothingWrong) {
  const std::string yaml = tree_file("config/uiq_job/assumed.yaml");
  for (std::size_t cut = 0; cut < yaml.size(); cut += 7) {
    const auto site = SiteTemplate::parse(yaml.substr(0, cut), "t.yaml");
    if (!site) {
      ASSERT_TRUE(site.error().message.starts_with("t.yaml:")) << site.error().message;
    }
  }
}

TEST(UiqJobBadAnswer, IsAnErrorThatBeginsWithItsWord) {
  const SiteTemplate site = shipped();
  const auto word = [&](const std::string& text) {
    const auto answer = decode_answer(site, Operation::JobStatus, text);
    return answer ? std::string("ok") : answer.error().message.substr(0, answer.error().message.find(':'));
  };
  EXPECT_EQ(word(""), "empty_file");
  EXPECT_EQ(word("<html><body>502 Bad Gateway</body></html>"), "not_soap");
  EXPECT_EQ(word("<a>"), "truncated");
  EXPECT_EQ(word("HTTP/1.1 200 OK"), "not_well_formed");
  EXPECT_EQ(word("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), "entity_declaration");
  EXPECT_EQ(word("<a>" + std::string(kMaxMessageBytes, ' ') + "</a>"), "too_large");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_EQ(word(deep), "too_deep");
}

TEST(UiqJobBadAnswer, AnOperationThatTheSiteDoesNotHaveIsToldOf) {
  const auto answer = decode_answer(site_of("version: 1\noperations: {}\n"), Operation::JobStatus, "<a/>");
  ASSERT_FALSE(answer.ok());
  EXPECT_TRUE(answer.error().message.starts_with("unknown_operation: "));
}

}  // namespace
}  // namespace ami::uiq_job
