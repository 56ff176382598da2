// The simulated job service, asked by a plain HTTP client: its jobs take their time, and go wrong to order.
#include "adapters/wire/uiq_job/peer/job_service.h"

#include <gmock/gmock.h>

#include "tests/adapters/wire/http/http_scene.h"
#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job::peer {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

constexpr const char* kMac = "00:13:50:00:00:00:00:01";

class UiqPeer : public http::HttpScene {
 public:
  UiqPeer() : jobs(shipped()) { jobs.add({"M1", kMac}); }
  ~UiqPeer() override {
    if (service) drive_void(service->stop());
  }
  void begin(const std::string& user = "gateway") {
    http::ServerSettings settings = plain_server();
    settings.basic = http::BasicCredentials{"gateway", http::Secret("secret")};
    service = std::make_unique<JobService>(jobs, settings, host.services());
    ASSERT_TRUE(drive(service->start()).ok());
    http::ClientSettings client = client_of(service->port());
    client.basic = http::BasicCredentials{user, http::Secret("secret")};
    connect(client);
  }
  http::Answer post(Operation operation, const Values& values) {
    const Call written = encode_call(jobs.site(), operation, values).value();
    http::Call call;
    call.target = written.path;
    call.body = written.body;
    return send(std::move(call));
  }
  Answer ask(Operation operation, const Values& values) {
    const http::Answer answer = post(operation, values);
    EXPECT_TRUE(answer.reply.has_value());
    auto read = decode_answer(jobs.site(), operation, answer.reply->body);
    EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
    return read ? *read : Answer{};
  }
  std::string add(const char* action = "JOB_OP_PROVISION_DISCONNECT") {
    const Answer answer = ask(
        Operation::AddProvisioningJob,
        {{"mac", kMac}, {"job_name", "op-1"}, {"action", action}, {"retries", "0"}, {"priority", "HIGH"}});
    return answer.rows.empty() ? "" : answer.rows[0].at("job");
  }
  std::string status(const std::string& job) {
    const Answer answer = ask(Operation::JobStatus, {{"job", job}});
    return answer.fault ? "fault: " + *answer.fault : answer.rows.at(0).at("status");
  }
  SimulatedJobs jobs;
  std::unique_ptr<JobService> service;
};

TEST_F(UiqPeer, AJobWaitsRunsAndEndsAndItsResultIsThere) {
  begin();
  const std::string job = add();
  EXPECT_EQ(job, "4711");
  EXPECT_EQ(status(job), "Not Started");
  host.advance(seconds{2});
  EXPECT_EQ(status(job), "Running");
  EXPECT_FALSE(jobs.device("M1")->open);
  EXPECT_TRUE(ask(Operation::ProvisioningResults, {{"job", job}, {"rows", "9"}}).rows.empty());
  host.advance(seconds{10});
  EXPECT_EQ(status(job), "Completed");
  EXPECT_TRUE(jobs.device("M1")->open);
  const Answer results = ask(Operation::ProvisioningResults, {{"job", job}, {"rows", "9"}});
  EXPECT_THAT(results.rows,
              ElementsAre(Row{{"mac", kMac}, {"word", "Success"}, {"time", "2026-01-15T00:00:12Z"}}));
  EXPECT_EQ(jobs.jobs().at(0).values.at("job_name"), "op-1");
}

TEST_F(UiqPeer, AsksForTheSwitchAndTellsWhereItStands) {
  begin();
  const std::string job = add("JOB_OP_PROVISION_GET_STATUS");
  host.advance(seconds{12});
  EXPECT_EQ(ask(Operation::ProvisioningResults, {{"job", job}, {"rows", "9"}}).rows.at(0).at("word"),
            "Closed");
}

TEST_F(UiqPeer, RefusesWhoeverDoesNotLogIn) {
  begin("somebody");
  const http::Answer answer = post(Operation::JobStatus, {{"job", "1"}});
  EXPECT_EQ(answer.failure->kind, http::FailureKind::Unauthorized);
  EXPECT_TRUE(jobs.ledger().empty());
}

TEST_F(UiqPeer, UnknownDevicesJobsAndCallsAreFaults) {
  begin();
  EXPECT_EQ(status("99"), "fault: no job of that id");
  EXPECT_TRUE(ask(Operation::FindDevice, {{"meter", "M9"}, {"rows", "2"}}).rows.empty());
  EXPECT_EQ(ask(Operation::FindDevice, {{"meter", "M1"}, {"rows", "2"}}).rows.at(0).at("mac"), kMac);
  const Values elsewhere{{"mac", "ff"}, {"job_name", "x"}, {"retries", "0"}, {"priority", "HIGH"}};
  EXPECT_EQ(ask(Operation::AddPingJob, elsewhere).fault, "no device of that MAC id");
  http::Call nonsense;
  nonsense.target = "/amm/webservice/v2.10/JobManagerPort";
  nonsense.body = "<a/>";
  EXPECT_EQ(send(nonsense).reply->status, 500);
  EXPECT_EQ(jobs.unread(), 1U);
  EXPECT_EQ(jobs.asked(Operation::AddPingJob), 1U);
}

TEST_F(UiqPeer, GoesWrongToOrderAndThenRight) {
  begin();
  jobs.order(Operation::AddProvisioningJob, Disorder::SoapFault);
  jobs.order(Operation::AddProvisioningJob, Disorder::LostAnswer);
  jobs.order(Operation::AddProvisioningJob, Disorder::JobFails);
  jobs.order(Operation::AddProvisioningJob, Disorder::NeverEnds);
  EXPECT_EQ(add(), "");
  EXPECT_TRUE(jobs.jobs().empty());
  const Values values{
      {"mac", kMac}, {"job_name", "x"}, {"action", "a"}, {"retries", "0"}, {"priority", "HIGH"}};
  EXPECT_EQ(post(Operation::AddProvisioningJob, values).failure->error.fault, Fault::InDoubt);
  EXPECT_EQ(jobs.jobs().size(), 1U);
  const std::string fails = add(), never = add(), good = add();
  host.advance(seconds{3600});
  EXPECT_EQ(status(fails), "Failure");
  EXPECT_EQ(status(never), "Running");
  EXPECT_EQ(status(good), "Completed");
  EXPECT_EQ(ask(Operation::ProvisioningResults, {{"job", fails}, {"rows", "9"}}).rows.at(0).at("word"),
            "Failure");
  jobs.order(Operation::JobStatus, Disorder::StrangeWord);
  EXPECT_EQ(status(good), "Pondering");
  jobs.order(Operation::JobStatus, Disorder::Garbage);
  EXPECT_FALSE(decode_answer(jobs.site(), Operation::JobStatus,
                             post(Operation::JobStatus, {{"job", good}}).reply->body)
                   .ok());
}

TEST_F(UiqPeer, AJobThatMustBeActivatedWaitsForIt) {
  SimulatedJobs waiting(shipped(), Timing{seconds{2}, seconds{10}, false});
  waiting.add({"M1", kMac});
  const auto told = [&](Operation operation, const Values& values, const char* at) {
    const auto reply =
        waiting.answer(encode_call(waiting.site(), operation, values)->body, parse_instant(at).value());
    const auto answer = decode_answer(waiting.site(), operation, reply.body);
    if (!answer || answer->fault) return std::string("fault");
    return answer->rows.empty() ? std::string("done") : answer->rows[0].begin()->second;
  };
  EXPECT_EQ(
      told(Operation::AddPingJob, {{"mac", kMac}, {"job_name", "x"}, {"retries", "0"}, {"priority", "HIGH"}},
           "2026-01-15T00:00:00Z"),
      "4711");
  EXPECT_EQ(told(Operation::JobStatus, {{"job", "4711"}}, "2026-01-15T09:00:00Z"), "Not Started");
  EXPECT_EQ(told(Operation::ActivateJob, {{"job", "4711"}}, "2026-01-15T09:00:00Z"), "done");
  EXPECT_EQ(told(Operation::ActivateJob, {{"job", "4711"}}, "2026-01-15T09:00:01Z"), "fault");
  EXPECT_EQ(told(Operation::JobStatus, {{"job", "4711"}}, "2026-01-15T09:00:02Z"), "Running");
  EXPECT_EQ(told(Operation::JobStatus, {{"job", "4711"}}, "2026-01-15T09:00:12Z"), "Completed");
}

}  // namespace
}  // namespace ami::uiq_job::peer
