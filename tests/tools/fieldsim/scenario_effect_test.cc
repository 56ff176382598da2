// Every key of a scenario, by what it does: in the ledger, or in the files beside it. Without the key the same field says
// otherwise, which each case looks at, too, where that is not plain.
#include "tests/tools/fieldsim/scenario_effect.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tools/fieldsim/scenario/scenario.h"

namespace ami::fieldsim {
namespace {

using effect::Case;
using effect::of_networks;
using effect::of_the_run;
using effect::of_troubles;
using ::testing::HasSubstr;

// What takes a request to be seen, or stands in files alone: which test of which file shows it.
struct Elsewhere {
  const char *key, *file, *test;
};
constexpr Elsewhere kElsewhere[] = {
    {"history", "world_test.cc", "OnlyTheLastHoursCanBeAskedForAgain"},
    {"networks[].zone", "networks/flexnet/network_test.cc", "TimesInAZoneAreReadInThatZone"},
    {"networks[].listen", "requests_test.cc", "AReadOnDemandIsToldAndItsValuesAreInTheLedger"},
    {"networks[].template", "networks/ssn/network_test.cc", "AReadJobBringsItsValueWithAnExportAndIsExecutedOnce"},
    {"networks[].path", "networks/securemesh/network_test.cc", "RequestsAreTakenAtItsPathAndNowhereElse"},
};

class KeyEffect : public ::testing::TestWithParam<Case> {};
TEST_P(KeyEffect, IsInTheLedger) {
  GetParam().shows();
}
const auto kName = [](const ::testing::TestParamInfo<Case>& of) {
  std::string name = of.param.key;
  std::ranges::replace_if(name, [](char c) { return c == '.' || c == '[' || c == ']'; }, '_');
  return name;
};
INSTANTIATE_TEST_SUITE_P(Run, KeyEffect, ::testing::ValuesIn(of_the_run()), kName);
INSTANTIATE_TEST_SUITE_P(Network, KeyEffect, ::testing::ValuesIn(of_networks()), kName);
INSTANTIATE_TEST_SUITE_P(Trouble, KeyEffect, ::testing::ValuesIn(of_troubles()), kName);

void leaves(const std::vector<sdk::SettingDef>& defs, const std::string& prefix, std::set<std::string>& into) {
  for (const sdk::SettingDef& def : defs) {
    if (def.section.empty()) {
      into.insert(prefix + def.key);
    } else {
      leaves(def.section, prefix + def.key + (def.list_of_sections ? "[]." : "."), into);
    }
  }
}

TEST(KeyEffects, EveryKeyOfTheReferencePageHasOne) {
  std::set<std::string> keys, shown;
  leaves(scenario_schema(networks()).settings, "", keys);
  for (const auto& cases : {of_the_run(), of_networks(), of_troubles()}) {
    for (const Case& one : cases) EXPECT_TRUE(shown.insert(one.key).second) << one.key;
  }
  for (const Elsewhere& one : kElsewhere) {
    EXPECT_TRUE(shown.insert(one.key).second) << one.key;
    std::ifstream file(std::string(std::getenv("AMI_SOURCE_DIR")) + "/tests/tools/fieldsim/" + one.file);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(text, HasSubstr(std::string(", ") + one.test + ")")) << one.key;
  }
  EXPECT_EQ(shown, keys);
}

}  // namespace
}  // namespace ami::fieldsim
