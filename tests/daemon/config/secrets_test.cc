#include "daemon/config/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "tests/daemon/support/temp_folder.h"

namespace ami::daemon {
namespace {

class CredentialsDirectory : public ::testing::Test {
 protected:
  CredentialsDirectory() { setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1); }
  ~CredentialsDirectory() override { unsetenv("CREDENTIALS_DIRECTORY"); }
};

TEST_F(CredentialsDirectory, IsExpandedWhereverItStands) {
  EXPECT_EQ(*expand_credentials("${CREDENTIALS_DIRECTORY}/server.key"), "/run/credentials/x/server.key");
  EXPECT_EQ(*expand_credentials("a=${CREDENTIALS_DIRECTORY}/b c=${CREDENTIALS_DIRECTORY}/d"),
            "a=/run/credentials/x/b c=/run/credentials/x/d");
  EXPECT_EQ(*expand_credentials("$PLAIN {x} $"), "$PLAIN {x} $");
  EXPECT_EQ(*expand_credentials(""), "");
}

TEST_F(CredentialsDirectory, NoOtherVariableIs) {
  EXPECT_FALSE(expand_credentials("${HOME}").ok());
  EXPECT_FALSE(expand_credentials("${CREDENTIALS_DIRECTORY").ok());
}

TEST(Credentials, WithoutSystemdTheErrorSaysWhatToDo) {
  unsetenv("CREDENTIALS_DIRECTORY");
  const auto path = expand_credentials("${CREDENTIALS_DIRECTORY}/k");
  ASSERT_FALSE(path.ok());
  EXPECT_NE(path.error().message.find("LoadCredential"), std::string::npos);
}

TEST(Conninfo, APasswordIsFoundHoweverItIsWritten) {
  for (const char* bad : {"password=x", "host=a password=x", "host=a password = 'x y'", "postgres://u:p@h/d",
                          "postgresql://h/d?password=x", "host=a\tpassword=x"}) {
    EXPECT_TRUE(conninfo_problem(bad)) << bad;
  }
  for (const char* good : {"host=a user=b", "passfile=/x/pgpass", "dbname=password", "sslpassword_file=x",
                           "application_name=password_tool", ""}) {
    EXPECT_FALSE(conninfo_problem(good)) << good;
  }
}

TEST(SecretFile, MustBeAFileWithContentThatOthersCannotRead) {
  const testing::TempFolder folder;
  const auto key = folder.write("key", "secret");
  chmod(key.c_str(), 0400);
  EXPECT_FALSE(file_problem(key, true));
  for (const mode_t open : {mode_t{0404}, mode_t{0444}, mode_t{0420}, mode_t{0402}}) {
    chmod(key.c_str(), open);
    EXPECT_TRUE(file_problem(key, true)) << open;
    EXPECT_FALSE(file_problem(key, false)) << "a certificate is public";
  }
  EXPECT_TRUE(file_problem(folder.write("empty", ""), false));
  EXPECT_TRUE(file_problem(folder.path(), false));
  EXPECT_TRUE(file_problem(folder.path("none"), false));
}

}  // namespace
}  // namespace ami::daemon
