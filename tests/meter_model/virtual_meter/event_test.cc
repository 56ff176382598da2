#include "meter_model/virtual_meter/event.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "meter_model/quantity/event_map.h"

namespace ami::virtual_meter {
namespace {

TEST(VirtualEvents, NamesAndCodesAreThoseOfTheTableOfRecord) {
  std::ifstream file(std::string(std::getenv("AMI_SOURCE_DIR")) + "/config/codes/events.yaml");
  ASSERT_TRUE(file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto map = EventMap::parse(text, "", "events.yaml");
  ASSERT_TRUE(map) << map.error().message;
  std::set<std::string_view> names;
  for (int i = 0; i < kEventKinds; ++i) {
    const auto kind = static_cast<EventKind>(i);
    names.insert(name_of(kind));
    const auto row = map->kinds().find(name_of(kind));
    ASSERT_NE(row, map->kinds().end()) << name_of(kind);
    EXPECT_EQ(row->second, code_of(kind)) << name_of(kind);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kEventKinds));
}

}  // namespace
}  // namespace ami::virtual_meter
