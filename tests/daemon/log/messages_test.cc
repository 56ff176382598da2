// The catalogue is read as text, so that an entry nobody writes is found too.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

fs::path source_dir() {
  const char* folder = std::getenv("AMI_SOURCE_DIR");
  return folder == nullptr ? fs::path() : fs::path(folder);
}

struct Entry {
  std::string constant, id, advice;
};

std::vector<Entry> catalogue() {
  const auto text = read(source_dir() / "daemon/log/messages.h");
  const std::regex entry(
      R"re(constexpr Message (k\w+)\{\s*"([^"]*)",\s*Level::\w+,\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\})re");
  std::vector<Entry> entries;
  for (std::sregex_iterator it(text.begin(), text.end(), entry), end; it != end; ++it) {
    entries.push_back({(*it)[1], (*it)[2], (*it)[3]});
  }
  return entries;
}

TEST(MessageCatalogue, IsReadWhole) {
  const auto text = read(source_dir() / "daemon/log/messages.h");
  std::size_t declared = 0;
  for (auto at = text.find("constexpr Message "); at != std::string::npos;
       at = text.find("constexpr Message ", at + 1)) {
    ++declared;
  }
  EXPECT_GT(declared, 20U);
  EXPECT_EQ(catalogue().size(), declared);
}

TEST(MessageCatalogue, IdsAreUniqueAndInOneStyle) {
  std::set<std::string> ids;
  for (const auto& entry : catalogue()) {
    EXPECT_TRUE(ids.insert(entry.id).second) << entry.id << " is used twice";
    EXPECT_TRUE(std::regex_match(entry.id, std::regex("[A-Z]+(_[A-Z]+)+"))) << entry.id;
    EXPECT_GT(entry.advice.size(), 20U) << entry.id << " does not tell an operator anything";
  }
}

TEST(MessageCatalogue, EveryMessageIsWrittenSomewhere) {
  std::string sources;
  for (const auto& file : fs::recursive_directory_iterator(source_dir() / "daemon")) {
    if (file.path().extension() == ".cc") sources += read(file.path());
  }
  for (const auto& entry : catalogue()) {
    EXPECT_TRUE(std::regex_search(sources, std::regex("messages::" + entry.constant + "\\b")))
        << entry.constant;
  }
}

}  // namespace
