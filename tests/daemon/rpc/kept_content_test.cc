#include <gtest/gtest.h>

#include "storage/postgres/raw_contents.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::stamp;
using testing::text_of;

class KeptContentTest : public testing::ServicesTest {
 protected:
  KeptContentTest() : ServicesTest(testing::create_filled_database()) {
    v1::ListSourcesRequest request;
    request.set_parent("utilities/maui");
    v1::ListSourcesResponse response;
    EXPECT_TRUE(call(ingest, &v1::IngestService::Stub::ListSources, request, response).ok());
    source = response.sources(0);
  }

  // As the daemon does when the file arrives.
  void keep(const std::string& text) {
    fixture.kept[source.content_sha256()] = text;
    const auto utility = storage::Assets(fixture.database).get_utility("maui");
    ASSERT_TRUE(storage::RawContents(fixture.database)
                    .claim({utility->id, "feed-1", source.content_sha256(), "file-a.xml", text.size(), 5,
                            testing::at("2013-04-09T14:00:00Z")},
                           13)
                    .ok());
  }

  grpc::Status read(const std::string& name, const std::string& purpose, std::string& out) {
    v1::GetRawRequest request;
    request.set_name(name);
    request.set_purpose(purpose);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    const auto reader = ingest->GetRaw(&context, request);
    v1::GetRawResponse part;
    out.clear();
    while (reader->Read(&part)) out += part.data();
    return reader->Finish();
  }

  v1::ReprocessRequest request() const {
    v1::ReprocessRequest request;
    request.set_parent("utilities/maui");
    request.set_feed("feed-1");
    request.set_cause("unit XYZ is Wh");
    request.set_dry_run(true);
    return request;
  }
  grpc::Status order(const v1::ReprocessRequest& request, v1::ReprocessRun& run) {
    return call(ingest, &v1::IngestService::Stub::Reprocess, request, run);
  }

  v1::Source source;
};

TEST_F(KeptContentTest, TheContentOfASourceComesWholeAndTheReadingOfItIsLogged) {
  std::string out;
  EXPECT_EQ(reason_of(read(source.name(), "dispute 4711", out)), "RAW_NOT_KEPT");
  EXPECT_FALSE(source.raw_kept());
  std::string text;
  for (int i = 0; i < 700'000; ++i) text += static_cast<char>(i * 7);
  keep(text);
  const auto before = fixture.log.of(CallRecord::Kind::Access).size();
  ASSERT_TRUE(read(source.name(), "dispute 4711", out).ok());
  EXPECT_TRUE(out == text);
  const auto accesses = fixture.log.of(CallRecord::Kind::Access);
  ASSERT_EQ(accesses.size(), before + 1);
  EXPECT_EQ(accesses.back().purpose, "dispute 4711");
  EXPECT_EQ(accesses.back().utility, "maui");

  keep(std::string(512 << 10, 'x'));  // exactly two messages
  ASSERT_TRUE(read(source.name(), "dispute 4711", out).ok());
  EXPECT_EQ(out.size(), 512U << 10);

  v1::ListSourcesRequest list;
  list.set_parent("utilities/maui");
  v1::ListSourcesResponse sources;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListSources, list, sources).ok());
  EXPECT_TRUE(sources.sources(0).raw_kept());
  EXPECT_TRUE(sources.sources(0).has_stored_at());
  EXPECT_EQ(sources.sources(0).cause(), "");
}

TEST_F(KeptContentTest, ContentIsNotGivenWithoutAPurposeOrUnderAWrongName) {
  keep("abc");
  std::string out;
  EXPECT_EQ(reason_of(read(source.name(), "", out)), "PURPOSE_REQUIRED");
  EXPECT_EQ(reason_of(read("utilities/maui/sources/999999", "look", out)), "SOURCE_NOT_FOUND");
  const std::string foreign = "utilities/oahu" + source.name().substr(std::string("utilities/maui").size());
  EXPECT_EQ(reason_of(read(foreign, "look", out)), "SOURCE_NOT_FOUND") << "another utility's";
  for (const char* name : {"", "17", "utilities/maui/sources/", "utilities/maui/sources/x",
                           "utilities/maui/sources/-1", "utilities/maui/sources/1/2", "utilities//sources/1",
                           "utilities/maui/meters/1", "utilities/maui/sources/99999999999999999999"}) {
    EXPECT_EQ(reason_of(read(name, "look", out)), "INVALID_FIELD") << name;
    EXPECT_EQ(out, "");
  }
  EXPECT_EQ(reason_of(read("utilities/nowhere/sources/1", "look", out)), "UTILITY_NOT_FOUND");
  EXPECT_TRUE(fixture.log.of(CallRecord::Kind::Access).empty());
}

TEST_F(KeptContentTest, ACorruptContentEndsWithDataLoss) {
  keep("abc");
  fixture.kept_error = permanent("the kept content is corrupt");
  std::string out;
  const grpc::Status status = read(source.name(), "look", out);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(reason_of(status), "RAW_CORRUPT");
  fixture.kept_error = transient("the disk");
  EXPECT_EQ(read(source.name(), "look", out).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(KeptContentTest, AnOrderBecomesARunThatIsListedShownAndCancelled) {
  auto wanted = request();
  wanted.add_meters("utilities/maui/meters/m1");
  wanted.add_sources(source.name());
  *wanted.mutable_start() = stamp("2013-04-01T00:00:00Z");
  *wanted.mutable_received_end() = stamp("2014-01-01T00:00:00Z");
  v1::ReprocessRun run;
  const grpc::Status ordered = order(wanted, run);
  ASSERT_TRUE(ordered.ok()) << ordered.error_message();
  EXPECT_EQ(run.state(), v1::ReprocessRun::CHECKING);
  EXPECT_EQ(run.contents(), 1);
  EXPECT_EQ(run.ordered_by(), "local operator");
  EXPECT_EQ(run.cause(), "unit XYZ is Wh");
  EXPECT_EQ(run.rate(), 200'000);
  EXPECT_EQ(run.meters_chosen(), 1);
  EXPECT_EQ(text_of(run.start()), "2013-04-01T00:00:00Z");
  EXPECT_FALSE(run.has_end());
  ASSERT_EQ(fixture.runs.size(), 1U);
  EXPECT_TRUE(fixture.runs[0].dry_run);
  EXPECT_EQ(fixture.runs[0].meters.size(), 1U);

  v1::GetReprocessRequest get;
  get.set_name(run.name());
  v1::ReprocessRun shown;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::GetReprocess, get, shown).ok());
  EXPECT_EQ(shown.name(), run.name());

  v1::ListReprocessRequest list;
  list.set_parent("utilities/maui");
  v1::ListReprocessResponse runs;
  ASSERT_TRUE(order(request(), run).ok());
  list.set_page_size(1);
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListReprocess, list, runs).ok());
  ASSERT_EQ(runs.runs_size(), 1);
  EXPECT_EQ(runs.runs(0).name(), run.name()) << "newest first";
  list.set_page_token(runs.next_page_token());
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListReprocess, list, runs).ok());
  EXPECT_EQ(runs.runs(0).name(), shown.name());
  list.set_parent("utilities/oahu");
  list.clear_page_token();
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListReprocess, list, runs).ok());
  EXPECT_EQ(runs.runs_size(), 0) << "another utility's runs are not shown";

  v1::CancelReprocessRequest cancel;
  cancel.set_name(run.name());
  v1::ReprocessRun cancelled;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::CancelReprocess, cancel, cancelled).ok());
  EXPECT_EQ(cancelled.state(), v1::ReprocessRun::CANCELLED);
  EXPECT_TRUE(cancelled.has_finished_at());
  const std::string foreign = "utilities/oahu" + run.name().substr(std::string("utilities/maui").size());
  get.set_name(foreign);
  EXPECT_EQ(reason_of(call(ingest, &v1::IngestService::Stub::GetReprocess, get, shown)),
            "REPROCESS_NOT_FOUND");
  cancel.set_name(foreign);
  EXPECT_EQ(reason_of(call(ingest, &v1::IngestService::Stub::CancelReprocess, cancel, shown)),
            "REPROCESS_NOT_FOUND");
  get.set_name("utilities/maui/reprocesses/abc");
  EXPECT_EQ(field_of(call(ingest, &v1::IngestService::Stub::GetReprocess, get, shown)), "name");
}

TEST_F(KeptContentTest, AnOrderThatIsNotOneIsRefusedBeforeAnythingIsWritten) {
  v1::ReprocessRun run;
  auto bad = request();
  bad.clear_cause();
  EXPECT_EQ(field_of(order(bad, run)), "cause");
  bad.set_cause("why\nnot");
  EXPECT_EQ(field_of(order(bad, run)), "cause");
  bad = request();
  bad.clear_feed();
  EXPECT_EQ(field_of(order(bad, run)), "feed") << "nothing is chosen";
  bad.set_feed("no-such-feed");
  EXPECT_EQ(field_of(order(bad, run)), "feed");
  bad = request();
  bad.set_rate(-2);
  EXPECT_EQ(field_of(order(bad, run)), "rate");
  bad = request();
  *bad.mutable_start() = stamp("2013-04-02T00:00:00Z");
  *bad.mutable_end() = stamp("2013-04-02T00:00:00Z");
  EXPECT_EQ(field_of(order(bad, run)), "end");
  bad = request();
  *bad.mutable_received_start() = stamp("2013-04-02T00:00:00Z");
  *bad.mutable_received_end() = stamp("2013-04-01T00:00:00Z");
  EXPECT_EQ(field_of(order(bad, run)), "received_end");
  bad = request();
  bad.add_meters("utilities/oahu/meters/m1");
  EXPECT_EQ(field_of(order(bad, run)), "meters");
  bad = request();
  bad.add_meters("utilities/maui/meters/m1x");
  EXPECT_EQ(reason_of(order(bad, run)), "METER_NOT_FOUND");
  bad = request();
  bad.add_sources("utilities/oahu/sources/1");
  EXPECT_EQ(field_of(order(bad, run)), "sources");
  bad = request();
  bad.add_sources("utilities/maui/sources/999999");
  EXPECT_EQ(reason_of(order(bad, run)), "SOURCE_NOT_FOUND");
  bad = request();
  for (int i = 0; i < 1001; ++i) bad.add_sources(source.name());
  EXPECT_EQ(field_of(order(bad, run)), "sources");
  bad = request();
  bad.set_parent("utilities/nowhere");
  EXPECT_EQ(reason_of(order(bad, run)), "UTILITY_NOT_FOUND");
  v1::ListReprocessRequest list;
  list.set_parent("utilities/maui");
  v1::ListReprocessResponse runs;
  ASSERT_TRUE(call(ingest, &v1::IngestService::Stub::ListReprocess, list, runs).ok());
  EXPECT_EQ(runs.runs_size(), 0);
}

}  // namespace
}  // namespace ami::rpc
