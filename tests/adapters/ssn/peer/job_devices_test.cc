#include "adapters/ssn/peer/job_devices.h"

#include <gtest/gtest.h>

#include "adapters/ssn/peer/export_document.h"

namespace ami::ssn::peer {
namespace {

virtual_meter::Collected meter(const std::string& name, const std::string& module) {
  virtual_meter::Collected collected;
  collected.meter = name;
  virtual_meter::Reading reading;
  reading.identity.module = module;
  collected.readings = {reading};
  return collected;
}

TEST(SsnJobDevices, BearTheNamesOfTheExport) {
  const std::vector<virtual_meter::Collected> meters = {meter("M1", "00135000000000a7")};
  const auto devices = job_devices(meters);
  ASSERT_TRUE(devices.ok()) << devices.error().message;
  ASSERT_EQ(devices->size(), 1U);
  EXPECT_EQ(devices->front().name, "M1");
  EXPECT_EQ(devices->front().mac, "00:13:50:00:00:00:00:a7");
  const std::string exported = export_document(meters, {}).value();
  EXPECT_NE(exported.find("MacID=\"" + devices->front().mac + "\""), std::string::npos) << exported;
}

TEST(SsnJobDevices, AMeterThatNoJobCouldBeForIsRefused) {
  virtual_meter::Collected silent = meter("M1", "00135000000000a7");
  silent.readings.clear();
  const std::vector<virtual_meter::Collected> unknown = {silent};
  EXPECT_FALSE(job_devices(unknown).ok());
  const std::vector<virtual_meter::Collected> one_mac = {meter("M1", "00a7"), meter("M2", "00a7")};
  EXPECT_EQ(job_devices(one_mac).error().message, "meter M2: another has its name or its MAC id 00:a7");
  const std::vector<virtual_meter::Collected> one_name = {meter("M1", "00a7"), meter("M1", "00a8")};
  EXPECT_FALSE(job_devices(one_name).ok());
}

}  // namespace
}  // namespace ami::ssn::peer
