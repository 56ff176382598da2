// The table of docs/uiq-job.md, cell by cell.
#include "adapters/wire/uiq_job/link/verdict.h"

#include "tests/adapters/wire/uiq_job/shipped.h"

namespace ami::uiq_job {
namespace {

using sdk::CommandKind;

constexpr CommandKind kRead = CommandKind::Read, kPing = CommandKind::Ping, kOpen = CommandKind::SwitchOpen,
                      kClose = CommandKind::SwitchClose, kState = CommandKind::SwitchState;

class UiqVerdict : public testing::Test {
 protected:
  // "STATE reason power position"
  std::string of(CommandKind kind, const char* measure, const char* word, const char* fault = "") const {
    ResultObservation result;
    result.measure = measure;
    result.word = word;
    result.fault = fault;
    const sdk::AttemptAnswer answer = verdict_of(site_, Zone::utc(), kind, result);
    return std::string(name_of(answer.state)) + " " + answer.reason + " " +
           std::string(name_of(answer.power)) + " " + std::string(name_of(answer.position));
  }
  static std::string with_armed() {
    std::string yaml = tree_file("config/uiq_job/assumed.yaml");
    yaml.insert(yaml.find("  Open: open\n"), "  Armed: armed\n");
    return yaml;
  }
  const SiteTemplate site_ = site_of(with_armed());
};

TEST_F(UiqVerdict, OfAState) {
  EXPECT_EQ(of(kRead, "job_status", "Completed"), "SUCCEEDED  UNKNOWN UNKNOWN");
  EXPECT_EQ(of(CommandKind::Backfill, "job_status", "Completed"), "SUCCEEDED  UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kPing, "job_status", "Completed"), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
  // That the job came to its end is not that the switch moved.
  EXPECT_EQ(of(kOpen, "job_status", "Completed"), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kClose, "job_status", "Completed"), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kState, "job_status", "Completed"), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
  for (const CommandKind kind : {kRead, kPing, kOpen, kClose, kState}) {
    // Without a row nobody says what the switch did before the job failed.
    EXPECT_EQ(
        of(kind, "job_status", "Failure"),
        std::string(kind == kOpen || kind == kClose ? "UNKNOWN" : "FAILED") + " failed UNKNOWN UNKNOWN");
    for (const char* word : {"Running", "Not Started", "Success", "completed", ""})
      EXPECT_EQ(of(kind, "job_status", word), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN") << word;
  }
}

TEST_F(UiqVerdict, OfARowOfAReadOrAPing) {
  EXPECT_EQ(of(kRead, "read_results", "Success"), "SUCCEEDED  UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kPing, "ping_results", "Success"), "SUCCEEDED  POWERED UNKNOWN");
  EXPECT_EQ(of(kRead, "read_results", "No Response"), "FAILED no_answer UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kPing, "ping_results", "No Response"), "FAILED no_answer NO_ANSWER UNKNOWN");
  EXPECT_EQ(of(kPing, "ping_results", "Failure"), "FAILED failed UNKNOWN UNKNOWN");
  for (const char* word : {"Open", "Closed", "Perhaps", "", "Running"}) {
    EXPECT_EQ(of(kRead, "read_results", word), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN") << word;
    EXPECT_EQ(of(kPing, "ping_results", word), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN") << word;
  }
  EXPECT_EQ(of(kRead, "read_results", "", "it burns"), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
}

TEST_F(UiqVerdict, OfARowOfASwitch) {
  const char* rows = "provisioning_results";
  EXPECT_EQ(of(kOpen, rows, "Success"), "SUCCEEDED  UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kClose, rows, "Success"), "SUCCEEDED  UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kState, rows, "Success"), "UNKNOWN unreadable_answer UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kOpen, rows, "Open"), "SUCCEEDED  UNKNOWN OPEN");
  EXPECT_EQ(of(kClose, rows, "Closed"), "SUCCEEDED  UNKNOWN CLOSED");
  EXPECT_EQ(of(kState, rows, "Open"), "SUCCEEDED  UNKNOWN OPEN");
  EXPECT_EQ(of(kState, rows, "Closed"), "SUCCEEDED  UNKNOWN CLOSED");
  EXPECT_EQ(of(kState, rows, "Armed"), "SUCCEEDED  UNKNOWN ARMED");
  // Not as it was asked: nobody knows whether it will be yet. Armed is not closed.
  EXPECT_EQ(of(kOpen, rows, "Closed"), "UNKNOWN failed UNKNOWN CLOSED");
  EXPECT_EQ(of(kClose, rows, "Open"), "UNKNOWN failed UNKNOWN OPEN");
  EXPECT_EQ(of(kClose, rows, "Armed"), "UNKNOWN failed UNKNOWN ARMED");
  // The meter may have acted and its answer be lost.
  for (const CommandKind kind : {kOpen, kClose})
    EXPECT_EQ(of(kind, rows, "No Response"), "UNKNOWN no_answer UNKNOWN UNKNOWN");
  // Who only asks changes nothing.
  EXPECT_EQ(of(kState, rows, "No Response"), "FAILED no_answer UNKNOWN UNKNOWN");
  EXPECT_EQ(of(kOpen, rows, "Failure", "blocked"), "FAILED failed UNKNOWN UNKNOWN");
}

// Which of the two is true, nobody knows: the switch may stand as it was ordered.
TEST_F(UiqVerdict, ARowThatContradictsTheStateOfItsJobLeavesASwitchOpen) {
  const auto both = [&](CommandKind kind, const char* word, const char* state) {
    ResultObservation result;
    result.measure = "provisioning_results";
    result.word = word;
    result.channel = state;
    const sdk::AttemptAnswer answer = verdict_of(site_, Zone::utc(), kind, result);
    return std::string(name_of(answer.state)) + " " + answer.reason + " " +
           std::string(name_of(answer.position)) + " " + answer.words;
  };
  EXPECT_EQ(both(kOpen, "Success", "Failure"),
            "UNKNOWN failed UNKNOWN the job says Failure, its row Success");
  EXPECT_EQ(both(kOpen, "Open", "Failure"), "UNKNOWN failed OPEN the job says Failure, its row Open");
  EXPECT_EQ(both(kClose, "Closed", "Cancelled"),
            "UNKNOWN failed CLOSED the job says Cancelled, its row Closed");
  EXPECT_EQ(both(kOpen, "Closed", "Failure"), "UNKNOWN failed CLOSED Closed");
  EXPECT_EQ(both(kOpen, "Failure", "Failure"), "FAILED failed UNKNOWN Failure");
  EXPECT_EQ(both(kOpen, "No Response", "Failure"), "UNKNOWN no_answer UNKNOWN No Response");
  EXPECT_EQ(both(kOpen, "Success", "Completed"), "SUCCEEDED  UNKNOWN Success");
  EXPECT_EQ(both(kClose, "Closed", "Completed"), "SUCCEEDED  CLOSED Closed");
}

TEST_F(UiqVerdict, TimesAreOfTheZoneOnlyWhereNoOffsetIsWritten) {
  ResultObservation result;
  result.measure = "read_results";
  result.word = "Success";
  const Zone toronto = Zone::load("America/Toronto").value();
  const auto at = [&](const char* text) {
    result.time = parse_stated_time(text).value();
    return verdict_of(site_, toronto, kRead, result).at;
  };
  EXPECT_EQ(at("2026-01-15T12:00:00"), parse_instant("2026-01-15T17:00:00Z").value());
  EXPECT_EQ(at("2026-01-15T12:00:00Z"), parse_instant("2026-01-15T12:00:00Z").value());
  EXPECT_EQ(at("2026-11-01T01:30:00"), std::nullopt);  // twice that night
  result.time = {};
  EXPECT_EQ(verdict_of(site_, toronto, kRead, result).at, std::nullopt);
}

}  // namespace
}  // namespace ami::uiq_job
