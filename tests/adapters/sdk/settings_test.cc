#include "adapters/sdk/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace ami::sdk {
namespace {

using std::chrono::milliseconds;

SettingsSchema schema() {
  return {"Test",
          {{.key = "name", .doc = "The name.", .required = true},
           {.key = "mode", .kind = SettingKind::Choice, .default_value = "fast", .choices = {"fast", "safe"}},
           {.key = "threads", .kind = SettingKind::Integer, .default_value = "2", .min = 1, .max = 64},
           {.key = "strict", .kind = SettingKind::Boolean, .default_value = "true"},
           {.key = "settle", .kind = SettingKind::Duration, .default_value = "5s", .max = 3'600'000},
           {.key = "chunk", .kind = SettingKind::Bytes, .default_value = "1MiB"},
           {.key = "folder", .kind = SettingKind::Path},
           {.key = "zone", .kind = SettingKind::Zone},
           {.key = "ignore", .kind = SettingKind::List, .default_value = "[a, b]"},
           {.key = "limit", .kind = SettingKind::Integer},
           {.key = "extra", .kind = SettingKind::Free},
           {.key = "tls",
            .kind = SettingKind::Section,
            .section = {{.key = "port", .kind = SettingKind::Integer, .default_value = "443"},
                        {.key = "ciphers", .kind = SettingKind::List}}},
           {.key = "store",
            .kind = SettingKind::Section,
            .section = {{.key = "host", .doc = "Where.", .required = true}}},
           {.key = "clients",
            .kind = SettingKind::List,
            .section = {{.key = "role", .kind = SettingKind::Choice, .required = true, .choices = {"reader"}},
                        {.key = "notes", .kind = SettingKind::Free}},
            .list_of_sections = true}}};
}

LoadedSettings load(std::string_view yaml) {
  return load_settings_text(yaml, "/etc/test/feed.yaml", schema());
}

std::string problems(std::string_view yaml) {
  return to_text(load(yaml).problems);
}

TEST(Settings, DefaultsApplyWhereNothingIsWritten) {
  const auto [settings, found] = load("name: a\n");
  EXPECT_EQ(to_text(found), "");
  EXPECT_EQ(settings.text("mode"), "fast");
  EXPECT_EQ(settings.integer("threads"), 2);
  EXPECT_TRUE(settings.boolean("strict"));
  EXPECT_EQ(settings.duration("settle"), milliseconds(5000));
  EXPECT_EQ(settings.integer("chunk"), 1048576);
  EXPECT_EQ(settings.list("ignore"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings.section("tls").integer("port"), 443);
  EXPECT_EQ(settings.line("mode"), 0);
  EXPECT_EQ(settings.line("name"), 1);
  EXPECT_FALSE(settings.has("zone"));
  EXPECT_FALSE(settings.has("store"));  // it has a required key, so it has no default
  EXPECT_TRUE(settings.sections("clients").empty());
}

TEST(Settings, EveryKindIsReadAsWritten) {
  const auto [settings, found] = load(
      "name: feed one\nmode: safe\nthreads: 8\nstrict: false\nsettle: 2m\nchunk: 64KiB\n"
      "folder: ../in\nzone: America/Toronto\nignore: ['*.x']\n"
      "tls: {port: 8443}\nstore:\n  host: db\nclients:\n  - role: reader\n  - {role: reader}\n");
  EXPECT_EQ(to_text(found), "");
  EXPECT_EQ(settings.text("name"), "feed one");
  EXPECT_EQ(settings.text("mode"), "safe");
  EXPECT_EQ(settings.integer("threads"), 8);
  EXPECT_FALSE(settings.boolean("strict"));
  EXPECT_EQ(settings.duration("settle"), milliseconds(120'000));
  EXPECT_EQ(settings.integer("chunk"), 65536);
  EXPECT_EQ(settings.text("folder"), "/etc/in");
  EXPECT_EQ(settings.text("zone"), "America/Toronto");
  EXPECT_EQ(settings.list("ignore"), (std::vector<std::string>{"*.x"}));
  EXPECT_EQ(settings.section("tls").integer("port"), 8443);
  EXPECT_EQ(settings.section("store").text("host"), "db");
  EXPECT_EQ(settings.sections("clients").size(), 2U);
  EXPECT_EQ(settings.sections("clients")[1].line("role"), 15);
}

TEST(Settings, AnAbsolutePathStaysWhereItIs) {
  EXPECT_EQ(load("name: a\nfolder: /srv/in/\n").settings.text("folder"), "/srv/in/");
}

TEST(Settings, AnUnknownKeyNamesTheNearestKnownOne) {
  EXPECT_EQ(problems("name: a\n\nsetle: 5s\n"),
            "/etc/test/feed.yaml:3: unknown key 'setle'; the nearest known one is 'settle'\n");
  EXPECT_EQ(problems("name: a\ntls:\n  prot: 1\n"),
            "/etc/test/feed.yaml:3: unknown key 'tls.prot'; the nearest known one is 'port'\n");
  EXPECT_EQ(problems("name: a\nclients:\n  - role: reader\n    nots: 1\n"),
            "/etc/test/feed.yaml:4: unknown key 'clients[0].nots'; the nearest known one is 'notes'\n");
}

TEST(Settings, EveryProblemIsNamedWithItsLineInOrder) {
  EXPECT_EQ(
      problems("mode: slow\nthreads: 65\nstrict: yes\nsettle: 5 s\nchunk: 1MB\nzone: Canada/Torronto\n"
               "ignore: x\nname: [a]\n"),
      "/etc/test/feed.yaml:1: mode: 'slow' is not one of: fast, safe\n"
      "/etc/test/feed.yaml:2: threads: '65' is out of range: 1 to 64\n"
      "/etc/test/feed.yaml:3: strict: 'yes' is neither true nor false\n"
      "/etc/test/feed.yaml:4: settle: '5 s' is not a duration: write a whole number and ms, s, m, h or d, "
      "such as 5s\n"
      "/etc/test/feed.yaml:5: chunk: '1MB' is not a size: write a whole number, alone or with KiB, MiB or "
      "GiB\n" +
          problems("name: a\n\n\n\n\nzone: Canada/Torronto\n") +
          "/etc/test/feed.yaml:7: ignore must be a list\n"
          "/etc/test/feed.yaml:8: name must be a single value (text)\n");
}

TEST(Settings, AnUnknownZoneSaysWhatAZoneLooksLike) {
  const std::string text = problems("name: a\nzone: Mars/Olympus\n");
  EXPECT_TRUE(
      text.starts_with("/etc/test/feed.yaml:2: zone: 'Mars/Olympus' is not a known time zone; write an IANA "
                       "name such as America/Toronto"))
      << text;
}

TEST(Settings, AMissingRequiredKeySaysWhatItIsFor) {
  EXPECT_EQ(problems("mode: safe\n"), "/etc/test/feed.yaml: name is required: The name.\n");
  EXPECT_EQ(problems("name: a\nstore: {}\n"), "/etc/test/feed.yaml:2: store.host is required: Where.\n");
}

TEST(Settings, AKeyGivenTwiceIsAProblem) {
  EXPECT_EQ(problems("name: a\nmode: safe\nname: b\n"),
            "/etc/test/feed.yaml:3: name is given twice; the first is on line 1\n");
}

TEST(Settings, AKeyWithoutAValueIsAProblem) {
  EXPECT_EQ(problems("name: a\nmode:\n"),
            "/etc/test/feed.yaml:2: mode has no value; write one or leave the key out\n");
}

TEST(Settings, NumbersMustBeWholeAndFit) {
  EXPECT_EQ(problems("name: a\nthreads: 2.5\n"),
            "/etc/test/feed.yaml:2: threads: '2.5' is not a whole number\n");
  EXPECT_EQ(problems("name: a\nlimit: 99999999999999999999\n"),
            "/etc/test/feed.yaml:2: limit: '99999999999999999999' is not a whole number\n");
  EXPECT_EQ(problems("name: a\nlimit: -1\n"),
            "/etc/test/feed.yaml:2: limit: '-1' is out of range: 0 to any\n");
  EXPECT_EQ(problems("name: a\nsettle: 2h\n"),
            "/etc/test/feed.yaml:2: settle: '2h' is out of range: 0 to 3600000 ms\n");
}

TEST(Settings, BrokenYamlIsOneProblemWithItsLine) {
  const auto [settings, found] = load("name: a\nmode: [fast\n");
  ASSERT_FALSE(found.empty());
  EXPECT_GE(found[0].line, 2);
  EXPECT_TRUE(found[0].message.starts_with("is not YAML: ")) << found[0].message;
}

TEST(Settings, AFileThatIsNoMappingIsRefused) {
  EXPECT_EQ(problems("- a\n- b\n"), "/etc/test/feed.yaml:1: the file must be a mapping of keys to values\n");
  EXPECT_EQ(problems(""), "/etc/test/feed.yaml: name is required: The name.\n");
  EXPECT_EQ(problems("name: a\n---\nname: b\n"),
            "/etc/test/feed.yaml:3: only one YAML document is read from a file\n");
}

TEST(Settings, FreeYamlKeepsTheLineNumbersOfItsFile) {
  const auto [settings, found] = load(
      "name: a\nextra:\n  units:\n    - {unit: X}  # why\n    - {unit: Y}\n\n  tou: {A: 1}\nmode: safe\n");
  EXPECT_EQ(to_text(found), "");
  EXPECT_EQ(settings.text("extra"),
            "\n\n  units:\n    - {unit: X}  # why\n    - {unit: Y}\n\n  tou: {A: 1}\n");
  EXPECT_EQ(settings.text("mode"), "safe");
}

TEST(Settings, FreeYamlMayBeAListAtItsKeysOwnIndent) {
  const auto [settings, found] = load("name: a\nextra:\n- 1\n- 2\nmode: safe\n");
  EXPECT_EQ(to_text(found), "");
  EXPECT_EQ(settings.text("extra"), "\n\n- 1\n- 2\n");
}

TEST(Settings, AGetterForAnotherKindOrAnUnknownKeyIsADefect) {
  const Settings settings = load("name: a\n").settings;
  EXPECT_THROW((void)settings.text("nome"), std::logic_error);
  EXPECT_THROW((void)settings.integer("name"), std::logic_error);
  EXPECT_THROW((void)settings.text("threads"), std::logic_error);
  EXPECT_THROW((void)settings.integer("limit"), std::logic_error);  // absent: ask has() first
  EXPECT_THROW((void)settings.section("store"), std::logic_error);
}

TEST(Settings, AMissingFileOrAFolderIsAProblemOfTheWholeFile) {
  EXPECT_EQ(to_text(load_settings_file("/nowhere/at/all.yaml", schema()).problems),
            "/nowhere/at/all.yaml: there is no such file\n");
  const std::string folder = std::filesystem::temp_directory_path().string();
  EXPECT_EQ(to_text(load_settings_file(folder, schema()).problems), folder + ": is not a plain file\n");
}

TEST(Settings, TheReferencePageShowsEveryKey) {
  const std::string page = reference_page(schema());
  EXPECT_NE(page.find("| `name` | text | **required** | The name. |"), std::string::npos) << page;
  EXPECT_NE(page.find("| `mode` | one of: fast safe | `fast` |"), std::string::npos) << page;
  EXPECT_NE(page.find("| `tls.port` | integer | `443` |"), std::string::npos) << page;
  EXPECT_NE(page.find("| `clients[].role` |"), std::string::npos) << page;
}

TEST(Duration, IsAWholeNumberWithItsUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(parse_duration("400d"), milliseconds(34'560'000'000));
  for (const char* bad :
       {"", "5", "s", "-5s", "5S", "1.5s", "5s ", "99999999999999999999s", "9223372036854775807d"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Bytes, AreAWholeNumberWithABinaryUnitOrNone) {
  EXPECT_EQ(parse_bytes("1000"), 1000);
  EXPECT_EQ(parse_bytes("4MiB"), 4'194'304);
  EXPECT_EQ(parse_bytes("1GiB"), 1'073'741'824);
  for (const char* bad : {"", "MiB", "4M", "4 MiB", "-1", "1e3", "9223372036854775807KiB"}) {
    EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace ami::sdk
