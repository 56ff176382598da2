// Job, record, what HTTP's answers mean, settings and capabilities: without sockets.
#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "adapters/wire/uiq_job/link/far_side.h"
#include "adapters/wire/uiq_job/link/interface.h"
#include "adapters/wire/uiq_job/link/record.h"
#include "adapters/wire/uiq_job/link/settings.h"
#include "tests/adapters/wire/uiq_job/link/link_scene.h"
#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

using sdk::CommandKind;
using testing::HasSubstr;

Job a_job() {
  return {"4711", "2s-1-abc", CommandKind::Read,
          "M1",   "00:13:50", parse_instant("2026-01-15T00:05:00Z").value()};
}

TEST(UiqJobText, IsReadAsItWasWritten) {
  std::mt19937_64 random(7);
  for (const CommandKind kind :
       {CommandKind::Read, CommandKind::Ping, CommandKind::Backfill, CommandKind::SwitchOpen,
        CommandKind::SwitchClose, CommandKind::SwitchState}) {
    Job job = a_job();
    job.kind = kind;
    for (std::string* field : {&job.id, &job.meter, &job.mac}) {
      field->clear();
      for (std::size_t i = 1 + random() % 20; i > 0; --i) *field += static_cast<char>(' ' + random() % 95);
    }
    const auto read = parse_job(to_text(job));
    ASSERT_TRUE(read) << to_text(job);
    EXPECT_EQ(read->id, job.id);
    EXPECT_EQ(read->transaction, job.transaction);
    EXPECT_EQ(read->kind, kind);
    EXPECT_EQ(read->meter, job.meter);
    EXPECT_EQ(read->mac, job.mac);
    EXPECT_EQ(read->expires_at, job.expires_at);
  }
}

TEST(UiqJobText, EveryPrefixIsRefused) {
  const std::string text = to_text(a_job());
  for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_FALSE(parse_job(text.substr(0, cut))) << cut;
  EXPECT_FALSE(parse_job(text + "\n"));
  EXPECT_FALSE(parse_job(text + "\nmore"));
  Job reset = a_job();
  reset.kind = CommandKind::DemandReset;  // that no job is made of
  EXPECT_FALSE(parse_job(to_text(reset)));
}

TEST(UiqJobText, RemembersThatItWasBegun) {
  Job begun = a_job();
  begun.activated = true;
  const auto read = parse_job(to_text(begun));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->activated);
  EXPECT_EQ(read->id, "4711");
  EXPECT_FALSE(parse_job(to_text(a_job()))->activated);  // as jobs of before are in the book
  EXPECT_FALSE(parse_job("2" + to_text(a_job()).substr(1)));
}

TEST(UiqMac, IsTheSameWhateverItsSeparators) {
  EXPECT_TRUE(same_mac("00:13:50:0A:bc", "0013500aBC"));
  EXPECT_TRUE(same_mac("00-13-50", "00.13.50"));
  EXPECT_FALSE(same_mac("00:13:50:01", "00:13:50:10"));
  EXPECT_FALSE(same_mac("", ""));
  EXPECT_FALSE(same_mac("00:13", "00:13:50"));
}

TEST(UiqRecord, SaysOneThingOfTheJobsMeter) {
  const SiteTemplate site = shipped();
  const auto said = [&](const std::vector<Row>& rows) {
    const DecodedBatch batch = read_record(
        site, AliasKind::Badge,
        to_record(Operation::ReadResults, a_job(), encode_answer(site, Operation::ReadResults, rows)));
    if (batch.results.size() != 1) return std::to_string(batch.results.size()) + " results";
    return std::string(batch.results[0].word) + "|" + std::string(batch.results[0].fault);
  };
  EXPECT_EQ(said({}), "0 results");
  EXPECT_EQ(said({{{"mac", "001350"}, {"word", "Success"}}}), "Success|");
  EXPECT_EQ(said({{{"mac", "00:13:51"}, {"word", "Failure"}}, {{"mac", "00:13:50"}, {"word", "Success"}}}),
            "Success|");
  EXPECT_EQ(said({{{"mac", "00:13:50"}, {"word", "Failure"}, {"fault", "busy"}}}), "Failure|busy");
  EXPECT_EQ(said({{{"mac", "00:13:50"}, {"word", "Success"}}, {{"mac", "00:13:50"}, {"word", "Success"}}}),
            "Success|");
  EXPECT_EQ(said({{{"mac", "00:13:50"}, {"word", "Failure"}}, {{"mac", "00:13:50"}, {"word", "Success"}}}),
            "|the rows of the meter disagree");
  EXPECT_EQ(said({{{"mac", "00:13:51"}, {"word", "Success"}}}), "|the results speak of other devices only");
  EXPECT_EQ(said({{{"word", "Success"}}}), "|a row of the results cannot be read: missing_device");
  EXPECT_EQ(said({{{"mac", "00:13:50"}, {"word", "Success"}, {"time", "noon"}}}),
            "|a row of the results cannot be read: bad_time");
  EXPECT_EQ(said({{{"mac", "00:13:50"}, {"word", "Success"}}, {{"mac", "00:13:51"}, {"time", "noon"}}}),
            "Success|");
}

TEST(UiqRecord, OfResultsSaysTheStateOfTheirJobToo) {
  const SiteTemplate site = shipped();
  const std::string rows =
      encode_answer(site, Operation::ReadResults, {{{"mac", "00:13:50"}, {"word", "Success"}}});
  const std::string record = to_record(Operation::ReadResults, a_job(), rows, "Fai\nlure");
  const DecodedBatch batch = read_record(site, AliasKind::Badge, record);
  ASSERT_EQ(batch.results.size(), 1U);
  EXPECT_EQ(batch.results[0].channel, "Fai lure");
  EXPECT_EQ(batch.results[0].word, "Success");
  EXPECT_EQ(batch.results[0].transaction, "2s-1-abc");
  for (std::size_t cut = 0; cut < record.size(); ++cut) {
    const DecodedBatch part = read_record(site, AliasKind::Badge, record.substr(0, cut));
    ASSERT_EQ(part.results.size() + part.malformed.size(), 1U) << cut;
    if (!part.results.empty()) {
      ASSERT_TRUE(part.results[0].word.empty()) << cut;
    }
  }
  // Records of before do not say it.
  const DecodedBatch old =
      read_record(site, AliasKind::Badge, to_record(Operation::ReadResults, a_job(), rows));
  ASSERT_EQ(old.results.size(), 1U);
  EXPECT_EQ(old.results[0].channel, "");
}

TEST(UiqRecord, OfAStatusSaysItsWord) {
  const SiteTemplate site = shipped();
  const auto read = [&](const std::string& message) {
    return read_record(site, AliasKind::Mac, to_record(Operation::JobStatus, a_job(), message));
  };
  const DecodedBatch good = read(encode_answer(site, Operation::JobStatus, {{{"status", "Completed"}}}));
  ASSERT_EQ(good.results.size(), 1U);
  EXPECT_EQ(good.results[0].measure, "job_status");
  EXPECT_EQ(good.results[0].word, "Completed");
  EXPECT_EQ(good.results[0].transaction, "2s-1-abc");
  EXPECT_EQ(good.results[0].meter_kind, AliasKind::Mac);
  EXPECT_EQ(read(encode_fault(site, "no such job")).results.at(0).fault,
            "the status was refused: no such job");
  EXPECT_THAT(std::string(read("<a>").results.at(0).fault),
              HasSubstr("the status cannot be read: truncated"));
}

TEST(UiqRecord, CutOrOtherTextIsMalformedOrSaysNothing) {
  const SiteTemplate site = shipped();
  const std::string record =
      to_record(Operation::PingResults, a_job(),
                encode_answer(site, Operation::PingResults, {{{"mac", "00:13:50"}, {"word", "Success"}}}));
  for (std::size_t cut = 0; cut < record.size(); ++cut) {
    const DecodedBatch batch = read_record(site, AliasKind::Badge, record.substr(0, cut));
    ASSERT_EQ(batch.results.size() + batch.malformed.size(), 1U) << cut;
    if (!batch.results.empty()) {
      ASSERT_TRUE(batch.results[0].word.empty()) << cut;
      ASSERT_FALSE(batch.results[0].fault.empty()) << cut;
    } else {
      ASSERT_STREQ(batch.malformed[0].reason, "no_uiq_job_record");
    }
  }
  for (const char* text : {"uiq-job-record 1\nfind_device\n1\n\n", "uiq-job-record 2\n", "\n\n", "<a/>"})
    EXPECT_EQ(read_record(site, AliasKind::Badge, text).malformed.size(), 1U) << text;
}

// FIPS 180-2, appendix B.1.
TEST(UiqRecord, DigestIsSha256) {
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(UiqWords, AreShortAndPrintable) {
  EXPECT_EQ(words("a\r\nb\tc"), "a  b c");
  EXPECT_EQ(words(std::string(400, 'x')), std::string(300, 'x') + " (cut)");
}

http::Answer failing(http::FailureKind kind, Error error, bool sent, int status = 0, std::string body = "") {
  http::Answer answer;
  answer.failure = http::Failure{kind, std::move(error), sent, std::nullopt};
  if (status != 0) answer.reply = http::Reply{status, {}, std::move(body)};
  return answer;
}

TEST(UiqFarSide, TellsWhatSurelyDidNotLeaveFromWhatMayHave) {
  using Kind = Told::Kind;
  using http::FailureKind;
  const SiteTemplate site = shipped();
  const std::string fault = encode_fault(site, "no such device");
  const auto kind = [&](http::Answer answer) {
    return told_by(site, Operation::AddReadJob, std::move(answer)).kind;
  };
  EXPECT_EQ(kind(failing(FailureKind::NotSent, transient("no"), false)), Kind::Unsent);
  EXPECT_EQ(kind(failing(FailureKind::Stopped, transient("stopping"), false)), Kind::Unsent);
  EXPECT_EQ(kind(failing(FailureKind::Stopped, in_doubt("stopping"), true)), Kind::Lost);
  EXPECT_EQ(kind(failing(FailureKind::Cancelled, in_doubt("gone"), true)), Kind::Lost);
  EXPECT_EQ(kind(failing(FailureKind::BreakerOpen, transient("rests"), false)), Kind::NotTaken);
  EXPECT_EQ(kind(failing(FailureKind::Busy, transient("429"), true, 429)), Kind::NotTaken);
  EXPECT_EQ(kind(failing(FailureKind::Unauthorized, permanent("401"), true, 401)), Kind::Refused);
  EXPECT_EQ(kind(failing(FailureKind::BadCall, permanent("bad"), false)), Kind::Refused);
  EXPECT_EQ(kind(failing(FailureKind::ServerError, in_doubt("500"), true, 500, fault)), Kind::Faulted);
  EXPECT_EQ(kind(failing(FailureKind::ServerError, in_doubt("502"), true, 502, fault)), Kind::Lost);
  EXPECT_EQ(kind(failing(FailureKind::Refused, permanent("400"), true, 400, fault)), Kind::Faulted);
  EXPECT_EQ(kind(failing(FailureKind::Refused, permanent("404"), true, 404, fault)), Kind::Refused);
  EXPECT_EQ(kind(failing(FailureKind::Redirected, in_doubt("303"), true, 303)), Kind::Lost);
}

TEST(UiqFarSide, KnowsWhoseFaultAFaultIs) {
  const SiteTemplate site = shipped();
  const auto setback = [&](const std::string& body) {
    return told_by(site, Operation::AddProvisioningJob,
                   failing(http::FailureKind::ServerError, in_doubt("500"), true, 500, body))
        .setback;
  };
  const auto soap11 = [](const std::string& code) {
    return "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault><faultcode>" +
           code + "</faultcode><faultstring>why</faultstring></e:Fault></e:Body></e:Envelope>";
  };
  for (const char* code :
       {"e:Client", "Client", "e:Client.Authentication", "e:MustUnderstand", "VersionMismatch"})
    EXPECT_EQ(setback(soap11(code)), sdk::Setback::Refused) << code;
  for (const char* code : {"e:Server", "Server.Database", "", "e:Clients", "whatever"})
    EXPECT_EQ(setback(soap11(code)), sdk::Setback::BrokeOff) << code;
  const auto soap12 = [](const std::string& code) {
    return "<e:Envelope "
           "xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><e:Fault><e:Code><e:Value>" +
           code + "</e:Value></e:Code></e:Fault></e:Body></e:Envelope>";
  };
  EXPECT_EQ(setback(soap12("e:Sender")), sdk::Setback::Refused);
  EXPECT_EQ(setback(soap12("e:Receiver")), sdk::Setback::BrokeOff);
  EXPECT_EQ(setback(encode_fault(site, "no")), sdk::Setback::BrokeOff);
  EXPECT_EQ(setback(encode_fault(site, "no", true)), sdk::Setback::Refused);
}

// An operation's block taken out, a text replaced, or both.
sdk::Capabilities can(const std::string& yaml) {
  return capabilities_of(site_of(yaml));
}

TEST(UiqCapabilities, AreThoseThatTheTemplateHasOperationsFor) {
  const std::string shipped_one = LinkScene::shipped_template(), confirmed = LinkScene::confirmed_template();
  const sdk::Capabilities assumed = can(shipped_one);
  EXPECT_TRUE(assumed.read_on_demand && assumed.ping);
  EXPECT_FALSE(assumed.switch_open || assumed.switch_close || assumed.switch_state || assumed.switch_arm);
  EXPECT_FALSE(assumed.backfill || assumed.demand_reset || assumed.files || assumed.registers);
  const sdk::Capabilities all = can(confirmed);
  EXPECT_TRUE(all.switch_open && all.switch_close && all.switch_state);
  EXPECT_FALSE(all.switch_arm);
  EXPECT_FALSE(can(LinkScene::without(confirmed, "add_ping_job")).ping);
  EXPECT_FALSE(can(LinkScene::without(confirmed, "ping_results")).ping);
  EXPECT_FALSE(can(LinkScene::without(confirmed, "add_read_job")).read_on_demand);
  EXPECT_FALSE(can(LinkScene::without(confirmed, "add_provisioning_job")).switch_open);
  EXPECT_TRUE(can(LinkScene::without(confirmed, "provisioning_results")).switch_open);
  EXPECT_FALSE(can(LinkScene::without(confirmed, "provisioning_results")).switch_state);
  const sdk::Capabilities none = can(LinkScene::without(confirmed, "job_status"));
  EXPECT_FALSE(none.read_on_demand || none.ping || none.switch_open);
  // By a name, nobody knows whose module a search found whose answer names none.
  std::string no_name = confirmed;
  const std::string meter_field = ", meter: Name";
  no_name.erase(no_name.find(meter_field), meter_field.size());
  EXPECT_FALSE(can(no_name).switch_open || can(no_name).switch_close || can(no_name).switch_state);
  EXPECT_TRUE(can(no_name).read_on_demand);
  EXPECT_TRUE(capabilities_of(site_of(no_name), AliasKind::Mac).switch_open);
  EXPECT_TRUE(
      capabilities_of(site_of(LinkScene::without(confirmed, "find_device")), AliasKind::Mac).switch_open);
  std::string no_word = confirmed;
  const std::string line = "  disconnect: JOB_OP_PROVISION_DISCONNECT\n";
  no_word.erase(no_word.find(line), line.size());
  EXPECT_FALSE(can(no_word).switch_open);
  EXPECT_TRUE(can(no_word).switch_close);
}

class UiqSettings : public LinkScene {
 public:
  // What plan() says of a feed with these lines instead of the usual ones.
  std::string plan_of(const std::string& lines, const std::string& site = shipped_template()) {
    std::ofstream(folder / "site.yaml") << site;
    const std::string path = (folder / "feed.yaml").string();
    std::ofstream(path) << "name: jobs\nutility: u\nfamily: ssn\ninterface: jobs\n" + lines;
    feed = sdk::load_settings_file(path, sdk::feed_schema(*family));
    if (!feed.problems.empty()) return sdk::to_text(feed.problems);
    const auto plan = family->plan(feed.settings, folder.string());
    return plan ? "good" : plan.error().message;
  }
};

TEST_F(UiqSettings, WhatIsWrongIsToldWithItsLine) {
  const std::string path = (folder / "feed.yaml").string();
  const std::string site = (folder / "site.yaml").string();
  const std::string url = "head_end: {url: 'http://127.0.0.1:1'}\n";
  EXPECT_EQ(plan_of(url + "template: site.yaml\n"), "good");
  EXPECT_THAT(plan_of("template: site.yaml\n"), HasSubstr("head_end"));
  EXPECT_EQ(plan_of(url + "template: none.yaml\n"),
            path + ":6: template: " + (folder / "none.yaml").string() + " cannot be read");
  EXPECT_EQ(plan_of(url + "template: site.yaml\n", "version: 9\noperations: {}\n"),
            site + ":1: version must be 1");
  EXPECT_EQ(plan_of(url + "template: site.yaml\n", without(shipped_template(), "find_device")),
            path + ":0: names: BADGE needs find_device in the site template uiq-assumed");
  EXPECT_THAT(plan_of(url + "template: site.yaml\nnames: CIS\n"), HasSubstr(path + ":7: names"));
  EXPECT_THAT(plan_of(url + "template: site.yaml\npoll_frist: 1s\n"), HasSubstr("poll_first"));
  EXPECT_THAT(plan_of(url + "template: site.yaml\nmax_jobs: 0\n"), HasSubstr(path + ":7: max_jobs"));
  EXPECT_THAT(plan_of("head_end: {url: 'http://192.0.2.1:80', user: u, password_file: password}\n"
                      "template: site.yaml\n"),
              HasSubstr("clear text"));
  EXPECT_THAT(plan_of("head_end: {url: 'http://127.0.0.1:1', user: u, password_file: none}\n"
                      "template: site.yaml\n"),
              HasSubstr(path + ":5: password_file"));
}

TEST_F(UiqSettings, LimitsAreThoseOfTheFeed) {
  ASSERT_EQ(plan_of("head_end: {url: 'http://127.0.0.1:1'}\ntemplate: site.yaml\nexpiry: 20m\ngrace: 30s\n"
                    "max_jobs: 7\nper_minute: 12\nnames: MAC\n"),
            "good");
  const sdk::CommandLimits limits = family->command_limits(feed.settings);
  EXPECT_EQ(limits.expiry, std::chrono::minutes{20});
  EXPECT_EQ(limits.grace, std::chrono::seconds{30});
  EXPECT_EQ(limits.targets, 1U);
  EXPECT_EQ(limits.backfill_targets, 1U);
  EXPECT_EQ(limits.in_flight, 7U);
  EXPECT_EQ(limits.per_minute, 12.0);
  EXPECT_EQ(limits.names, AliasKind::Mac);
}

TEST_F(UiqSettings, WithoutAPlanAFeedCanNothingAndDoesNotStart) {
  ASSERT_EQ(plan_of("head_end: {url: 'http://127.0.0.1:1'}\ntemplate: site.yaml\n"), "good");
  const auto other = interface_of({"ssn", "Jobs", "UtilityIQ jobs"});
  EXPECT_FALSE(other->capabilities(feed.settings).ping);
  sdk::testing::FakeHost host;
  const auto adapter = other->make(feed.settings, host.services());
  const Outcome started = host.start(*adapter);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().fault, Fault::Permanent);
  EXPECT_EQ(adapter->health().state, sdk::HealthState::Failed);
  host.stop(*adapter);
}

}  // namespace
}  // namespace ami::uiq_job
