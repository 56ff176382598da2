// Section `callback` of a feed, the keys of the journal's messages' senders apart: what is read and what
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "adapters/wire/multispeak/link/callback_server.h"

namespace ami::multispeak {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CallbackConfig : public ::testing::Test {
 protected:
  CallbackConfig() {
    std::string name = (fs::temp_directory_path() / "ami-callback-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    schema_.title = "feed";
    schema_.settings = {
        {.key = "callback", .kind = sdk::SettingKind::Section, .doc = "", .section = callback_settings()}};
  }
  ~CallbackConfig() override { fs::remove_all(folder_); }

  void write_password(const std::string& text, mode_t mode = 0400) {
    const std::string path = (folder_ / "password").string();
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
  }
  Result<CallbackSettings> read(const std::string& lines, Options options = {}) {
    std::string yaml = "callback:\n";
    std::string rest = lines;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      yaml += "  " + rest.substr(0, end) + "\n";
      rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
    const auto loaded = sdk::load_settings_text(yaml, (folder_ / "feed.yaml").string(), schema_);
    if (!loaded.problems.empty()) return permanent(sdk::to_text(loaded.problems));
    return callback_config(loaded.settings.section("callback"), std::move(options));
  }
  std::string refusal(const std::string& lines) {
    const auto config = read(lines);
    EXPECT_FALSE(config.ok()) << lines;
    return config ? std::string() : config.error().message;
  }

  fs::path folder_;
  sdk::SettingsSchema schema_;
};

TEST_F(CallbackConfig, ListensAtOnePathAndLooksAtNoHeaderUnlessTold) {
  const auto config = read("listen: [\"127.0.0.1:0\"]");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->paths, ElementsAre("/multispeak"));
  EXPECT_FALSE(config->server.in_message.has_value());
  EXPECT_EQ(config->server.limits.requests_in_work, 1000U);
  EXPECT_EQ(config->server.limits.body_bytes, std::size_t{8} << 20);
}

TEST_F(CallbackConfig, TakesPathsUserPasswordAndTheFeedsOptions) {
  write_password("pa ss\n");
  Options options;
  options.meter_field = MeterField::DeviceId;
  const auto config = read(
      "listen: [\"127.0.0.1:0\"]\npaths: [/CB_MR.asmx, /CB_CD.asmx]\nheader_user: hes\nheader_password_file: "
      "password",
      options);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->paths, ElementsAre("/CB_MR.asmx", "/CB_CD.asmx"));
  ASSERT_TRUE(config->server.in_message.has_value());
  EXPECT_EQ(config->server.in_message->user, "hes");
  EXPECT_EQ(config->server.in_message->password.reveal(), "pa ss");
  EXPECT_EQ(config->options.meter_field, MeterField::DeviceId);
}

TEST_F(CallbackConfig, RefusesPathsThatNoRequestCanHave) {
  for (const std::string path :
       {"multispeak", "\"\"", "\"/a b\"", "\"/a?wsdl\"", "\"/a#b\"", "\"/caf\\u00e9\""}) {
    EXPECT_THAT(refusal("listen: [\"127.0.0.1:0\"]\npaths: [" + path + "]"),
                HasSubstr("feed.yaml:3: paths: "))
        << path;
  }
  EXPECT_THAT(refusal("listen: [\"127.0.0.1:0\"]\npaths: [/a, /a]"), HasSubstr("stands there twice"));
  EXPECT_THAT(refusal("listen: [\"127.0.0.1:0\"]\npaths: []"), HasSubstr("names no path"));
}

TEST_F(CallbackConfig, RefusesHalfCredentialsAndAPasswordThatOthersCanRead) {
  const std::string listen = "listen: [\"127.0.0.1:0\"]\n";
  EXPECT_THAT(refusal(listen + "header_user: hes"), HasSubstr("header_user: needs header_password_file"));
  EXPECT_THAT(refusal(listen + "header_password_file: password"), HasSubstr("without header_user"));
  const std::string both = listen + "header_user: hes\nheader_password_file: password";
  EXPECT_THAT(refusal(both), HasSubstr("feed.yaml:4: header_password_file: "));
  write_password("s3cret-word\n", 0444);
  const std::string open_to_all = refusal(both);
  EXPECT_THAT(open_to_all, HasSubstr("header_password_file: "));
  EXPECT_THAT(open_to_all, ::testing::Not(HasSubstr("s3cret-word")));
}

TEST_F(CallbackConfig, RefusesCredentialsInClearTextBeyondThisMachineUnlessAllowed) {
  write_password("p\n");
  const std::string far = "listen: [\"0.0.0.0:0\"]\nheader_user: hes\nheader_password_file: password";
  EXPECT_THAT(refusal(far), HasSubstr("in clear text at 0.0.0.0"));
  EXPECT_TRUE(read(far + "\nplain_credentials: true").ok());
}

TEST_F(CallbackConfig, RefusesToListenBeyondThisMachineToAnybodyUnlessAllowed) {
  const std::string words = refusal("listen: [\"127.0.0.1:0\", \"[::]:8443\"]");
  EXPECT_THAT(words, HasSubstr("feed.yaml:2: listen: anybody who reaches :: could post"));
  EXPECT_THAT(words, HasSubstr("header_user and header_password_file"));
  EXPECT_THAT(refusal("listen: [\"0.0.0.0:0\"]\nplain_credentials: true"), HasSubstr("anybody"));
  EXPECT_TRUE(read("listen: [\"0.0.0.0:0\"]\nanonymous_senders: true").ok());
  EXPECT_TRUE(read("listen: [\"127.0.0.1:0\", \"[::1]:0\"]").ok());
}

TEST_F(CallbackConfig, RefusesAnUnknownKeyAndAServerThatCannotListen) {
  EXPECT_THAT(refusal("listen: [\"127.0.0.1:0\"]\nheader_usr: hes"), HasSubstr("header_user"));
  EXPECT_THAT(refusal("listen: [\"gateway:8443\"]"), HasSubstr("is no numeric address"));
}

}  // namespace
}  // namespace ami::multispeak
