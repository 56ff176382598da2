#include "tests/storage/postgres/store_fixture.h"

namespace ami::storage {
namespace {

using std::chrono::year;

class AssetFactsTest : public StoreTest {
 protected:
  static FittedModule module(const char* name, const char* from, bool breaks_seal = false) {
    return {{at(from)}, name, name, "", breaks_seal};
  }
  Answer<Meter> fit(const FittedModule& fitted) {
    MeterChange change;
    change.module = fitted;
    return assets->change_meter(north, "m", change);
  }
  static SealRecord seal(std::chrono::year_month_day day, int due, const char* certificate = "C-1") {
    SealRecord record;
    record.seal_date = day;
    record.certificate = certificate;
    record.due_year = due;
    return record;
  }
  MeterFacts facts(MeterId id) { return assets->facts_of({id}).value().at(id); }
  static FittedCheck refuse_module(const char* name) {
    return [name](const Fitted& fitted, UtcInstant) -> std::optional<Exclusion> {
      if (fitted.module.module != name) return std::nullopt;
      return Exclusion{"not that one", {"NO_SUCH_MODULE", {{"clause", "7"}}}};
    };
  }
  void point(const std::string& key) {
    ASSERT_TRUE(assets->create_usage_point(north, key, {{at("2020-01-01T00:00:00Z")}, "", "", "", ""}).ok());
  }
  InstallRequest installing(const FittedCheck& check) const {
    InstallRequest request;
    request.utility = north;
    request.meter = "m";
    request.usage_point = "p";
    request.at = at("2024-01-01T00:00:00Z");
    request.check = check;
    return request;
  }
};

TEST_F(AssetFactsTest, SwapEndsOneModuleAndBeginsTheNext) {
  const MeterId id = meter(north, "m");
  ASSERT_TRUE(fit(module("SSN", "2021-01-01T00:00:00Z")).ok());
  ASSERT_TRUE(fit(module("TS2", "2022-01-01T00:00:00Z", true)).ok());
  const MeterFacts known = facts(id);
  ASSERT_EQ(known.modules.size(), 2U);
  EXPECT_EQ(known.modules[0].module, "SSN");
  EXPECT_EQ(known.modules[0].valid, (Period{at("2021-01-01T00:00:00Z"), at("2022-01-01T00:00:00Z")}));
  EXPECT_EQ(known.modules[1].key, "TS2");
  EXPECT_TRUE(known.modules[1].breaks_seal);
  EXPECT_EQ(known.modules[1].valid.to, UtcInstant::max());
  ASSERT_EQ(known.details.size(), 1U);
  EXPECT_EQ(known.details[0].form, "2S");
  EXPECT_EQ(
      one("SELECT string_agg(detail, ';' ORDER BY audit_id) FROM asset_audit WHERE action = 'fit_module'"),
      "SSN from 2021-01-01T00:00:00Z on;TS2 from 2022-01-01T00:00:00Z on, seal broken");
}

TEST_F(AssetFactsTest, OverlappingSwapIsRefusedAndTheTableRefusesItByItself) {
  const MeterId id = meter(north, "m");
  ASSERT_TRUE(fit(module("SSN", "2021-01-01T00:00:00Z")).ok());
  const auto late = fit(module("TS2", "2020-06-01T00:00:00Z"));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.refusal().kind, Refusal::Kind::Collision);
  EXPECT_NE(late.refusal().message.find("a module is already recorded from 2021-01-01"), std::string::npos)
      << late.refusal().message;
  EXPECT_EQ(fit(module("TS2", "2021-01-01T00:00:00Z")).refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(facts(id).modules.size(), 1U);
  EXPECT_THROW(
      sql("INSERT INTO endpoint (utility_id, meter_id, family, module, valid) SELECT utility_id, meter_id,"
          " 'X', 'X', tstzrange('2023-01-01Z', NULL) FROM endpoint"),
      std::exception);
}

TEST_F(AssetFactsTest, BoardNeedsAModuleAndAnEmptyModuleMeansThatThereIsNone) {
  const MeterId id = meter(north, "m");
  FittedModule board;
  board.valid.from = at("2021-01-01T00:00:00Z");
  board.board = "EMTR-3-FX";
  EXPECT_EQ(fit(board).refusal().kind, Refusal::Kind::Invalid);
  EXPECT_TRUE(facts(id).modules.empty());
  ASSERT_TRUE(fit(module("UMT", "2021-01-01T00:00:00Z")).ok());
  FittedModule none;
  none.valid.from = at("2022-01-01T00:00:00Z");
  ASSERT_TRUE(fit(none).ok());
  EXPECT_EQ(facts(id).modules.size(), 2U);
  EXPECT_EQ(facts(id).modules[1].module, "");
}

TEST_F(AssetFactsTest, ChangeThatIsRefusedInOnePartStoresNeither) {
  const MeterId id = meter(north, "m");
  ASSERT_TRUE(fit(module("SSN", "2023-01-01T00:00:00Z")).ok());
  MeterChange change;
  change.detail.emplace();
  change.detail->valid.from = at("2022-01-01T00:00:00Z");
  change.detail->form = "12S";
  change.module = module("TS2", "2022-01-01T00:00:00Z");
  EXPECT_EQ(assets->change_meter(north, "m", change).refusal().kind, Refusal::Kind::Collision);
  EXPECT_EQ(facts(id).details.size(), 1U);
}

TEST_F(AssetFactsTest, MetersOfWhichNothingIsKnownHaveEmptyFacts) {
  const MeterId id = meter(north, "m");
  const auto found = assets->facts_of({id, id, 4711}).value();
  EXPECT_EQ(found.size(), 2U);
  EXPECT_TRUE(found.at(4711).details.empty());
  EXPECT_TRUE(found.at(id).modules.empty());
  EXPECT_TRUE(found.at(id).seals.empty());
  EXPECT_TRUE(assets->facts_of({})->empty());
}

TEST_F(AssetFactsTest, VerificationsAreKeptAsTheyWereSaid) {
  const MeterId id = meter(north, "m");
  Assets clerk = assets->acting_as("clerk");
  ASSERT_TRUE(clerk.set_verification(north, "m", seal(year{2021} / 5 / 3, 2031)).ok());
  ASSERT_TRUE(clerk.set_verification(north, "m", seal(year{2020} / 1 / 31, 2020, "C-0")).ok());
  ASSERT_TRUE(clerk.set_verification(north, "m", seal(year{2021} / 5 / 3, 2030)).ok());
  ASSERT_TRUE(clerk.set_verification(north, "m", seal(year{2021} / 5 / 3, 2030)).ok());
  const auto seals = facts(id).seals;
  ASSERT_EQ(seals.size(), 3U) << "what is known already is no news";
  EXPECT_EQ(seals[0].certificate, "C-0");
  EXPECT_EQ(seals[0].seal_date, year{2020} / 1 / 31);
  EXPECT_EQ(seals[1].due_year, 2031);
  EXPECT_EQ(seals[2].due_year, 2030);
  EXPECT_EQ(seals[2].recorded_by, "clerk");
  EXPECT_EQ(one("SELECT count(*) FROM asset_audit WHERE action = 'set_verification' AND actor = 'clerk'"),
            "3");

  SealRecord back;
  back.seal_date = year{2021} / 5 / 3;
  back.withdrawn = true;
  ASSERT_TRUE(clerk.set_verification(north, "m", back).ok());
  EXPECT_EQ(clerk.set_verification(north, "m", back).refusal().field, "seal_date");
  EXPECT_TRUE(facts(id).seals.back().withdrawn);
  EXPECT_EQ(facts(id).seals.back().due_year, std::nullopt);
}

TEST_F(AssetFactsTest, ImpossibleVerificationsAreRefusedByTheStoreAndByTheTable) {
  meter(north, "m");
  EXPECT_EQ(assets->set_verification(north, "m", seal(year{2021} / 5 / 3, 2020)).refusal().field, "due_year");
  EXPECT_EQ(assets->set_verification(north, "m", seal(year{2021} / 5 / 3, 2031, "")).refusal().field,
            "certificate");
  EXPECT_EQ(assets->set_verification(north, "q", seal(year{2021} / 5 / 3, 2031)).refusal().kind,
            Refusal::Kind::NotFound);
  EXPECT_EQ(one("SELECT count(*) FROM verification"), "0");
  EXPECT_THROW(
      sql("INSERT INTO verification (utility_id, meter_id, seal_date, certificate, due_year, recorded_by)"
          " SELECT utility_id, meter_id, '2021-05-03', 'C', 2020, 'x' FROM meter"),
      std::exception);
}

TEST_F(AssetFactsTest, CheckOfAnInstallIsMadeInItsTransaction) {
  meter(north, "m");
  point("p");
  ASSERT_TRUE(fit(module("SSN", "2021-01-01T00:00:00Z")).ok());
  const auto refused = assets->install(installing(refuse_module("SSN")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.refusal().kind, Refusal::Kind::Excluded);
  ASSERT_TRUE(refused.refusal().rule);
  EXPECT_EQ(refused.refusal().rule->name, "NO_SUCH_MODULE");
  EXPECT_EQ(refused.refusal().rule->facts.at("clause"), "7");
  EXPECT_EQ(one("SELECT count(*) FROM installation"), "0");
  ASSERT_TRUE(assets->install(installing(refuse_module("TS2"))).ok());

  MeterChange change;
  change.module = module("TS2", "2024-06-01T00:00:00Z");
  change.check = refuse_module("TS2");
  EXPECT_EQ(assets->change_meter(north, "m", change).refusal().kind, Refusal::Kind::Excluded);
  EXPECT_EQ(one("SELECT count(*) FROM endpoint"), "1");
}

TEST_F(AssetFactsTest, MeterThatIsNowhereMayBeAnything) {
  meter(north, "m");
  MeterChange change;
  change.module = module("TS2", "2024-06-01T00:00:00Z");
  change.check = refuse_module("TS2");
  EXPECT_TRUE(assets->change_meter(north, "m", change).ok());
}

TEST_F(AssetFactsTest, CombinationsAreFoundOnceAndTheirMetersInPages) {
  for (const char* key : {"m", "n", "o"}) meter(north, key);
  meter(south, "m");
  for (const char* key : {"m", "o"}) {
    MeterChange change;
    change.module = module("SSN", "2021-01-01T00:00:00Z");
    ASSERT_TRUE(assets->change_meter(north, key, change).ok());
  }
  const UtcInstant then = at("2024-01-01T00:00:00Z");
  const auto combinations = assets->fitted_at(north, then).value();
  ASSERT_EQ(combinations.size(), 2U);
  std::vector<Fitted> wanted;
  for (const Fitted& one_of : combinations) {
    if (one_of.module.module == "SSN") wanted.push_back(one_of);
  }
  ASSERT_EQ(wanted.size(), 1U);
  PageRequest page;
  page.size = 1;
  const auto first = assets->meters_fitted(north, then, wanted, page).value();
  ASSERT_EQ(first.items.size(), 1U);
  EXPECT_EQ(first.items[0].meter.key, "m");
  EXPECT_EQ(first.items[0].module.valid.from, at("2021-01-01T00:00:00Z"));
  EXPECT_EQ(first.items[0].usage_point_key, "");
  page.token = first.next_token;
  const auto second = assets->meters_fitted(north, then, wanted, page).value();
  ASSERT_EQ(second.items.size(), 1U);
  EXPECT_EQ(second.items[0].meter.key, "o");
  EXPECT_EQ(second.next_token, "");
  EXPECT_TRUE(assets->meters_fitted(north, then, {}, {})->items.empty());
  EXPECT_EQ(assets->fitted_at(north, at("2019-01-01T00:00:00Z"))->size(), 0U) << "before they were known";
}

TEST_F(AssetFactsTest, PlannedImportOfWhatIsForbiddenStoresNothingAndAnInstalledOneCountsIt) {
  ImportRow good, bad;
  good.meter = "good";
  good.module_key = good.module_type = "SSN";
  good.valid_from = bad.valid_from = at("2024-01-01T00:00:00Z");
  bad.meter = "bad";
  bad.module_key = bad.module_type = "TS2";
  bad.usage_point = "p";
  const FittedCheck check = refuse_module("TS2");
  const auto planned = assets->import_meters(north, {good, bad}, false, false, check);
  ASSERT_TRUE(planned.ok()) << planned.refusal().message;
  EXPECT_FALSE(planned->stored);
  EXPECT_EQ(planned->problem_count, 1U);
  ASSERT_EQ(planned->problems.size(), 1U);
  EXPECT_EQ(planned->problems[0].row, 1U);
  EXPECT_EQ(planned->problems[0].rule, "NO_SUCH_MODULE");
  EXPECT_EQ(planned->created, 0U);
  EXPECT_EQ(one("SELECT (SELECT count(*) FROM meter) + (SELECT count(*) FROM endpoint)"), "0");

  const auto there = assets->import_meters(north, {good, bad}, true, false, check);
  ASSERT_TRUE(there->stored);
  EXPECT_EQ(there->excluded, 1U);
  EXPECT_EQ(there->installed, 1U);
  EXPECT_EQ(
      one("SELECT string_agg(family || ' ' || module || ' ' || lower(valid)::date, ';' ORDER BY endpoint_id)"
          " FROM endpoint"),
      "SSN SSN 2024-01-01;TS2 TS2 2024-01-01");
  EXPECT_EQ(assets->import_meters(north, {good, bad}, true, false, check)->unchanged, 2U);
}

TEST_F(AssetFactsTest, ImportedModuleThatContradictsTheKnownOneIsAProblem) {
  meter(north, "m");
  ASSERT_TRUE(fit(module("SSN", "2021-01-01T00:00:00Z")).ok());
  ImportRow row;
  row.meter = "m";
  row.valid_from = at("2024-01-01T00:00:00Z");
  row.module_key = row.module_type = "TS2";
  auto report = assets->import_meters(north, {row}, false, false);
  ASSERT_EQ(report->problem_count, 1U);
  EXPECT_EQ(report->problems[0].field, "module_type");
  EXPECT_NE(report->problems[0].message.find("has module 'SSN' from 2021-01-01"), std::string::npos)
      << report->problems[0].message;
  row.valid_from = at("2020-06-01T00:00:00Z");  // SSN came only later
  row.module_key = row.module_type = "SSN";
  EXPECT_EQ(assets->import_meters(north, {row}, false, false)->problem_count, 1U);
  row.module_key = row.module_type = "";
  row.board = "EMTR-3-FX";
  report = assets->import_meters(north, {row}, false, false);
  ASSERT_EQ(report->problem_count, 1U);
  EXPECT_EQ(report->problems[0].field, "board");
}

}  // namespace
}  // namespace ami::storage
