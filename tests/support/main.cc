// Runs the tests with the environment that every test may rely on, also when started by hand.
#include <gtest/gtest.h>

#include <cstdlib>

int main(int argc, char** argv) {
  setenv("AMI_SOURCE_DIR", AMI_TEST_SOURCE_DIR, 0);
  setenv("AMI_BIN_DIR", AMI_TEST_BIN_DIR, 0);
  setenv("AMI_SAMPLES_DIR", AMI_TEST_SOURCE_DIR "/../shared/samples", 0);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
