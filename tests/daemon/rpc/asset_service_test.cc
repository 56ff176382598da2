#include <gtest/gtest.h>

#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc {
namespace {

using testing::reason_of;
using testing::stamp;
using testing::text_of;
using Stub = v1::AssetService::Stub;

class AssetServiceTest : public testing::ServicesTest {
 protected:
  AssetServiceTest() : ServicesTest(testing::create_empty_database()) {}

  grpc::Status create_meter(const std::string& key, const std::string& badge = {}) {
    v1::CreateMeterRequest request;
    request.mutable_meter()->set_name("utilities/maui/meters/" + key);
    request.mutable_meter()->set_model("AX-SD");
    request.mutable_meter()->set_form("2S");
    request.mutable_meter()->set_elements("1.5");
    if (!badge.empty()) {
      v1::Alias* alias = request.mutable_meter()->add_aliases();
      alias->set_kind(v1::BADGE);
      alias->set_value(badge);
    }
    return call(assets, &Stub::CreateMeter, request, meter);
  }
  grpc::Status create_point(const std::string& key, const std::string& zone = "Pacific/Honolulu") {
    v1::CreateUsagePointRequest request;
    request.mutable_usage_point()->set_name("utilities/maui/usagePoints/" + key);
    request.mutable_usage_point()->set_time_zone(zone);
    request.mutable_usage_point()->set_commodity("electricity");
    return call(assets, &Stub::CreateUsagePoint, request, point);
  }
  grpc::Status install(const std::string& meter_key, const std::string& point_key, const std::string& when,
                       const std::string& multiplier = {}) {
    v1::InstallRequest request;
    request.set_meter("utilities/maui/meters/" + meter_key);
    request.set_usage_point("utilities/maui/usagePoints/" + point_key);
    *request.mutable_at() = stamp(when);
    request.set_multiplier(multiplier);
    request.set_order_id("WO-1");
    return call(assets, &Stub::Install, request, installation);
  }
  grpc::Status get_meter(const std::string& name) {
    v1::GetMeterRequest request;
    request.set_name(name);
    return call(assets, &Stub::GetMeter, request, meter);
  }

  v1::Meter meter;
  v1::UsagePoint point;
  v1::Installation installation;
};

TEST_F(AssetServiceTest, MeterIsReadBackAsItWasCreated) {
  ASSERT_TRUE(create_meter("m1", "10042").ok());
  ASSERT_TRUE(get_meter("utilities/maui/meters/m1").ok());
  EXPECT_EQ(meter.name(), "utilities/maui/meters/m1");
  EXPECT_EQ(meter.model(), "AX-SD");
  EXPECT_EQ(meter.form(), "2S");
  EXPECT_EQ(meter.elements(), "1.5");
  ASSERT_EQ(meter.aliases_size(), 1);
  EXPECT_EQ(meter.aliases(0).kind(), v1::BADGE);
  EXPECT_EQ(meter.aliases(0).value(), "10042");
  EXPECT_FALSE(meter.aliases(0).has_valid_from());
  EXPECT_FALSE(meter.aliases(0).has_valid_to());
  EXPECT_FALSE(meter.has_installation());
}

TEST_F(AssetServiceTest, UnknownMeterIsNotFoundWithTheNearestOne) {
  ASSERT_TRUE(create_meter("m1001").ok());
  const grpc::Status status = get_meter("utilities/maui/meters/m1002");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(reason_of(status), "METER_NOT_FOUND");
  const auto info = testing::detail<google::rpc::ErrorInfo>(status);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->domain(), "ami.v1");
  EXPECT_EQ(info->metadata().at("nearest"), "utilities/maui/meters/m1001");
  const auto resource = testing::detail<google::rpc::ResourceInfo>(status);
  ASSERT_TRUE(resource);
  EXPECT_EQ(resource->resource_type(), "ami.v1.Meter");
  EXPECT_EQ(resource->resource_name(), "utilities/maui/meters/m1002");
}

TEST_F(AssetServiceTest, UnknownUtilityIsNotFound) {
  EXPECT_EQ(reason_of(get_meter("utilities/kauai/meters/m1")), "UTILITY_NOT_FOUND");
}

TEST_F(AssetServiceTest, NameThatIsTakenAlreadyExists) {
  ASSERT_TRUE(create_meter("m1").ok());
  const grpc::Status again = create_meter("m1");
  EXPECT_EQ(again.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(reason_of(again), "METER_EXISTS");
  ASSERT_TRUE(create_point("up1").ok());
  EXPECT_EQ(reason_of(create_point("up1")), "USAGE_POINT_EXISTS");
}

TEST_F(AssetServiceTest, BadgeOfAnotherMeterIsAConflictThatNamesIt) {
  ASSERT_TRUE(create_meter("m1", "10042").ok());
  const grpc::Status status = create_meter("m2", "10042");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(reason_of(status), "ASSET_CONFLICT");
  EXPECT_NE(status.error_message().find("10042"), std::string::npos) << status.error_message();
}

TEST_F(AssetServiceTest, BadFieldsAreNamed) {
  EXPECT_EQ(field_of(get_meter("meters/m1")), "name");
  EXPECT_EQ(field_of(get_meter("utilities/maui/usagePoints/m1")), "name");
  EXPECT_EQ(field_of(create_point("up1", "Pacific/Atlantis")), "usage_point.time_zone");
  EXPECT_EQ(field_of(create_meter("a b")), "meter.name");
  EXPECT_EQ(field_of(install("m1", "up1", "2012-01-01T00:00:00Z", "0")), "multiplier");
  v1::CreateMeterRequest request;
  request.mutable_meter()->set_name("utilities/maui/meters/m1");
  request.mutable_meter()->add_aliases()->set_value("1");
  EXPECT_EQ(field_of(call(assets, &Stub::CreateMeter, request, meter)), "meter.aliases[0].kind");
  v1::InstallRequest order;
  order.set_meter("utilities/maui/meters/m1");
  order.set_usage_point("utilities/oahu/usagePoints/up1");
  EXPECT_EQ(field_of(call(assets, &Stub::Install, order, installation)), "usage_point");
  order.set_usage_point("utilities/maui/usagePoints/up1");
  EXPECT_EQ(field_of(call(assets, &Stub::Install, order, installation)), "at");
}

TEST_F(AssetServiceTest, UpdateChangesTheNamedFieldsAndNoOther) {
  ASSERT_TRUE(create_meter("m1", "10042").ok());
  v1::UpdateMeterRequest request;
  request.mutable_meter()->set_name("utilities/maui/meters/m1");
  request.mutable_meter()->set_form("9S");
  request.mutable_meter()->set_model("ignored");
  request.add_update_fields("form");
  *request.mutable_at() = stamp("2013-01-01T00:00:00Z");
  v1::Alias* badge = request.add_add_aliases();
  badge->set_kind(v1::MAC);
  badge->set_value("00:11:22");
  ASSERT_TRUE(call(assets, &Stub::UpdateMeter, request, meter).ok());
  ASSERT_TRUE(get_meter("utilities/maui/meters/m1").ok());
  EXPECT_EQ(meter.form(), "9S");
  EXPECT_EQ(meter.model(), "AX-SD");
  EXPECT_EQ(text_of(meter.valid_from()), "2013-01-01T00:00:00Z");
  EXPECT_EQ(meter.aliases_size(), 2);

  request.clear_add_aliases();
  request.clear_update_fields();
  EXPECT_EQ(field_of(call(assets, &Stub::UpdateMeter, request, meter)), "update_fields");
  request.add_update_fields("serial");
  EXPECT_EQ(field_of(call(assets, &Stub::UpdateMeter, request, meter)), "update_fields");
}

TEST_F(AssetServiceTest, UsagePointIsUpdatedFromAnInstantOn) {
  ASSERT_TRUE(create_point("up1").ok());
  v1::UpdateUsagePointRequest request;
  request.mutable_usage_point()->set_name("utilities/maui/usagePoints/up1");
  request.mutable_usage_point()->set_feeder("F12");
  request.add_update_fields("feeder");
  request.mutable_usage_point()->set_substation("SUB-3");
  request.add_update_fields("substation");
  request.mutable_usage_point()->set_collector("C-17");
  request.add_update_fields("collector");
  *request.mutable_at() = stamp("2013-01-01T00:00:00Z");
  ASSERT_TRUE(call(assets, &Stub::UpdateUsagePoint, request, point).ok());
  v1::GetUsagePointRequest get;
  get.set_name("utilities/maui/usagePoints/up1");
  ASSERT_TRUE(call(assets, &Stub::GetUsagePoint, get, point).ok());
  EXPECT_EQ(point.feeder(), "F12");
  EXPECT_EQ(point.substation(), "SUB-3");
  EXPECT_EQ(point.collector(), "C-17");
  EXPECT_EQ(point.commodity(), "electricity");
  EXPECT_EQ(point.time_zone(), "Pacific/Honolulu");
}

TEST_F(AssetServiceTest, ExchangeEndsOneStayAndBeginsTheNextAtTheSameInstant) {
  ASSERT_TRUE(create_meter("old").ok());
  ASSERT_TRUE(create_meter("new").ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("old", "up1", "2012-01-01T00:00:00Z", "40").ok());
  EXPECT_EQ(installation.multiplier(), "40");

  v1::ExchangeRequest request;
  request.set_usage_point("utilities/maui/usagePoints/up1");
  request.set_new_meter("utilities/maui/meters/new");
  *request.mutable_at() = stamp("2013-04-08T10:37:00Z");
  request.set_order_id("WO-77");
  v1::DialRead* dial = request.add_old_end_reads();
  dial->set_reading_type("0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0");
  dial->set_value("10450.5");
  v1::ExchangeResponse exchanged;
  const grpc::Status status = call(assets, &Stub::Exchange, request, exchanged);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(exchanged.removed().meter(), "utilities/maui/meters/old");
  EXPECT_EQ(text_of(exchanged.removed().end()), "2013-04-08T10:37:00Z");
  ASSERT_EQ(exchanged.removed().end_reads_size(), 1);
  EXPECT_EQ(exchanged.removed().end_reads(0).value(), "10450.5");
  EXPECT_EQ(exchanged.installed().meter(), "utilities/maui/meters/new");
  EXPECT_EQ(text_of(exchanged.installed().start()), "2013-04-08T10:37:00Z");
  EXPECT_FALSE(exchanged.installed().has_end());
  EXPECT_EQ(exchanged.installed().multiplier(), "40");  // the transformers stayed
  EXPECT_EQ(exchanged.installed().order_id(), "WO-77");

  ASSERT_TRUE(get_meter("utilities/maui/meters/new").ok());
  EXPECT_EQ(meter.installation().usage_point(), "utilities/maui/usagePoints/up1");
  ASSERT_TRUE(get_meter("utilities/maui/meters/old").ok());
  EXPECT_FALSE(meter.has_installation());
}

TEST_F(AssetServiceTest, InstallWhereAMeterIsAlreadyIsAConflict) {
  ASSERT_TRUE(create_meter("m1").ok());
  ASSERT_TRUE(create_meter("m2").ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("m1", "up1", "2012-01-01T00:00:00Z").ok());
  const grpc::Status status = install("m2", "up1", "2013-01-01T00:00:00Z");
  EXPECT_EQ(reason_of(status), "ASSET_CONFLICT");
  EXPECT_NE(status.error_message().find("m1"), std::string::npos) << status.error_message();
  const grpc::Status nowhere = install("m2", "up9", "2013-01-01T00:00:00Z");
  EXPECT_EQ(reason_of(nowhere), "USAGE_POINT_NOT_FOUND");
  EXPECT_EQ(reason_of(install("m9", "up1", "2013-01-01T00:00:00Z")), "METER_NOT_FOUND");
}

TEST_F(AssetServiceTest, RemovedMeterIsNowhere) {
  ASSERT_TRUE(create_meter("m1").ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("m1", "up1", "2012-01-01T00:00:00Z").ok());
  v1::RemoveRequest request;
  request.set_meter("utilities/maui/meters/m1");
  *request.mutable_at() = stamp("2013-01-01T00:00:00Z");
  ASSERT_TRUE(call(assets, &Stub::Remove, request, installation).ok());
  EXPECT_EQ(text_of(installation.end()), "2013-01-01T00:00:00Z");
  EXPECT_FALSE(call(assets, &Stub::Remove, request, installation).ok());
}

TEST_F(AssetServiceTest, ResolveAnswersEachAliasForItself) {
  ASSERT_TRUE(create_meter("m1", "10042").ok());
  ASSERT_TRUE(create_point("up1").ok());
  ASSERT_TRUE(install("m1", "up1", "2012-01-01T00:00:00Z").ok());
  v1::ResolveRequest request;
  request.set_parent("utilities/maui");
  request.add_aliases()->set_value("10042");
  request.add_aliases()->set_value("10043");
  request.mutable_aliases(1)->set_kind(v1::BADGE);
  v1::ResolveResponse response;
  ASSERT_TRUE(call(assets, &Stub::Resolve, request, response).ok());
  ASSERT_EQ(response.resolved_size(), 2);
  EXPECT_EQ(response.resolved(0).meter(), "utilities/maui/meters/m1");
  EXPECT_EQ(response.resolved(0).usage_point(), "utilities/maui/usagePoints/up1");
  EXPECT_FALSE(response.resolved(0).has_missing());
  EXPECT_EQ(response.resolved(1).meter(), "");
  EXPECT_EQ(response.resolved(1).missing().reason(), v1::Missing::UNKNOWN_ID);
  EXPECT_NE(response.resolved(1).missing().detail().find("10042"), std::string::npos);

  *request.mutable_at() = stamp("2011-01-01T00:00:00Z");
  ASSERT_TRUE(call(assets, &Stub::Resolve, request, response).ok());
  EXPECT_EQ(response.resolved(0).usage_point(), "");  // before it was installed

  request.clear_aliases();
  EXPECT_EQ(field_of(call(assets, &Stub::Resolve, request, response)), "aliases");
  for (int i = 0; i < 1001; ++i) request.add_aliases()->set_value("1");
  EXPECT_EQ(field_of(call(assets, &Stub::Resolve, request, response)), "aliases");
}

TEST_F(AssetServiceTest, PagesCoverEveryMeterOnceInOrder) {
  for (const char* key : {"c", "a", "e", "b", "d"}) ASSERT_TRUE(create_meter(key).ok());
  v1::ListMetersRequest request;
  request.set_parent("utilities/maui");
  request.set_page_size(2);
  std::string seen;
  v1::ListMetersResponse response;
  int pages = 0;
  do {
    ASSERT_TRUE(call(assets, &Stub::ListMeters, request, response).ok());
    EXPECT_LE(response.meters_size(), 2);
    for (const v1::Meter& one : response.meters()) seen += one.name().back();
    request.set_page_token(response.next_page_token());
    ASSERT_LT(++pages, 10);
  } while (!response.next_page_token().empty());
  EXPECT_EQ(seen, "abcde");
}

TEST_F(AssetServiceTest, PageTokenIsGoodForItsRequestAndADay) {
  for (const char* key : {"a", "b"}) {
    ASSERT_TRUE(create_meter(key).ok());
    ASSERT_TRUE(create_point(key).ok());
  }
  v1::ListMetersRequest request;
  request.set_parent("utilities/maui");
  request.set_page_size(1);
  v1::ListMetersResponse response;
  ASSERT_TRUE(call(assets, &Stub::ListMeters, request, response).ok());
  const std::string token = response.next_page_token();
  ASSERT_FALSE(token.empty());

  v1::ListUsagePointsRequest other;
  other.set_parent("utilities/maui");
  other.set_page_token(token);
  v1::ListUsagePointsResponse points;
  EXPECT_EQ(reason_of(call(assets, &Stub::ListUsagePoints, other, points)), "PAGE_TOKEN_INVALID");

  request.set_page_token(token);
  fixture.now += std::chrono::hours{25};
  const grpc::Status late = call(assets, &Stub::ListMeters, request, response);
  EXPECT_EQ(late.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(reason_of(late), "PAGE_TOKEN_EXPIRED");
  request.clear_page_token();
  request.set_page_size(1001);
  EXPECT_EQ(field_of(call(assets, &Stub::ListMeters, request, response)), "page_size");
}

class ImportTest : public AssetServiceTest {
 protected:
  void add_row(const std::string& key, const std::string& badge, const std::string& usage_point) {
    v1::ImportRow* row = rows.mutable_rows()->add_rows();
    row->set_meter(key);
    row->set_badge(badge);
    row->set_usage_point(usage_point);
    row->set_commodity("electricity");
    *row->mutable_valid_from() = stamp("2012-01-01T00:00:00Z");
  }
  grpc::Status import(v1::ImportOptions::Mode mode, bool dry_run) {
    v1::ImportMetersRequest options;
    options.mutable_options()->set_parent("utilities/maui");
    options.mutable_options()->set_mode(mode);
    options.mutable_options()->set_dry_run(dry_run);
    options.mutable_options()->set_row_count(static_cast<std::uint64_t>(rows.rows().rows_size()));
    return send({options, rows});
  }
  grpc::Status send(const std::vector<v1::ImportMetersRequest>& messages) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds{30});
    response.Clear();
    const auto writer = assets->ImportMeters(&context, &response);
    for (const auto& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }
  int meters() {
    v1::ListMetersRequest request;
    request.set_parent("utilities/maui");
    v1::ListMetersResponse list;
    EXPECT_TRUE(call(assets, &Stub::ListMeters, request, list).ok());
    return list.meters_size();
  }
  v1::ImportMetersRequest rows;
  v1::ImportMetersResponse response;
};

TEST_F(ImportTest, RowsAreStoredAndInstalledAndASecondTimeNothingChanges) {
  add_row("m1", "1", "up1");
  add_row("m2", "2", "");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED, false).ok());
  EXPECT_TRUE(response.stored());
  EXPECT_EQ(response.rows(), 2U);
  EXPECT_EQ(response.created(), 2U);
  EXPECT_EQ(response.installed(), 1U);
  EXPECT_EQ(response.error_count(), 0U);
  ASSERT_TRUE(get_meter("utilities/maui/meters/m1").ok());
  EXPECT_EQ(meter.installation().usage_point(), "utilities/maui/usagePoints/up1");

  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED, false).ok());
  EXPECT_EQ(response.created(), 0U);
  EXPECT_EQ(response.unchanged(), 2U);
  EXPECT_EQ(meters(), 2);
}

TEST_F(ImportTest, DryRunCountsAndStoresNothing) {
  add_row("m1", "1", "up1");
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED, true).ok());
  EXPECT_FALSE(response.stored());
  EXPECT_EQ(response.created(), 1U);
  EXPECT_EQ(meters(), 0);
}

TEST_F(ImportTest, OneBadRowKeepsEverythingOutAndEachErrorHasItsRow) {
  add_row("m1", "1", "up1");
  add_row("bad key", "2", "up2");
  add_row("m3", "3", "up3");
  rows.mutable_rows()->mutable_rows(2)->set_multiplier("-4");
  add_row("m4", "4", "up4");
  rows.mutable_rows()->mutable_rows(3)->clear_valid_from();
  add_row("m5", "5", "up5");
  rows.mutable_rows()->mutable_rows(4)->set_time_zone("Mars/Olympus");
  add_row("m6", "1", "up6");  // the badge of row 1
  ASSERT_TRUE(import(v1::ImportOptions::INSTALLED, false).ok());
  EXPECT_FALSE(response.stored());
  EXPECT_EQ(response.rows(), 6U);
  std::vector<std::pair<std::uint64_t, std::string>> errors;
  for (const v1::RowError& error : response.errors()) errors.emplace_back(error.row(), error.field());
  ASSERT_GE(errors.size(), 5U);
  EXPECT_EQ(response.error_count(), errors.size());
  EXPECT_EQ(errors[0], (std::pair<std::uint64_t, std::string>{2, "meter"}));
  EXPECT_EQ(errors[1], (std::pair<std::uint64_t, std::string>{3, "multiplier"}));
  EXPECT_EQ(errors[2], (std::pair<std::uint64_t, std::string>{4, "valid_from"}));
  EXPECT_EQ(errors[3], (std::pair<std::uint64_t, std::string>{5, "time_zone"}));
  EXPECT_EQ(errors[4].first, 6U);
  EXPECT_EQ(meters(), 0);
}

TEST_F(ImportTest, OptionsComeFirstAndOnce) {
  add_row("m1", "1", "up1");
  EXPECT_EQ(field_of(send({rows})), "options");
  EXPECT_EQ(field_of(send({})), "options");
  EXPECT_EQ(field_of(import(v1::ImportOptions::MODE_UNSPECIFIED, false)), "options.mode");
  v1::ImportMetersRequest options;
  options.mutable_options()->set_parent("utilities/maui");
  options.mutable_options()->set_mode(v1::ImportOptions::PLANNED);
  EXPECT_EQ(field_of(send({options, options})), "options");
  EXPECT_EQ(meters(), 0);
}

TEST_F(ImportTest, StreamThatEndsBeforeAllRowsCameStoresNothing) {
  add_row("m1", "1", "up1");
  v1::ImportMetersRequest options;
  options.mutable_options()->set_parent("utilities/maui");
  options.mutable_options()->set_mode(v1::ImportOptions::PLANNED);
  options.mutable_options()->set_row_count(2);
  EXPECT_EQ(field_of(send({options, rows})), "options.row_count");
  EXPECT_EQ(field_of(send({options, rows, rows, rows})), "options.row_count");
  EXPECT_EQ(meters(), 0);
}

TEST_F(ImportTest, PlannedMetersAreNotInstalled) {
  add_row("m1", "1", "up1");
  ASSERT_TRUE(import(v1::ImportOptions::PLANNED, false).ok());
  EXPECT_TRUE(response.stored());
  EXPECT_EQ(response.installed(), 0U);
  ASSERT_TRUE(get_meter("utilities/maui/meters/m1").ok());
  EXPECT_FALSE(meter.has_installation());
}

TEST_F(ImportTest, CallerThatGoesAwayHalfWayStoresNothing) {
  add_row("m1", "1", "up1");
  grpc::ClientContext context;
  const auto writer = assets->ImportMeters(&context, &response);
  v1::ImportMetersRequest options;
  options.mutable_options()->set_parent("utilities/maui");
  options.mutable_options()->set_mode(v1::ImportOptions::PLANNED);
  options.mutable_options()->set_row_count(2);
  ASSERT_TRUE(writer->Write(options));
  ASSERT_TRUE(writer->Write(rows));
  context.TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  fixture.server->drain(std::chrono::seconds{20});  // whatever the call still did is over now
  storage::Assets store(fixture.database);
  const auto utility = store.get_utility("maui");
  ASSERT_TRUE(utility.ok());
  const auto stored = store.list_meters(utility->id, {});
  ASSERT_TRUE(stored.ok());
  EXPECT_TRUE(stored->items.empty());
}

}  // namespace
}  // namespace ami::rpc
