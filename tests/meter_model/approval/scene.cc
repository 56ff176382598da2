#include "tests/meter_model/approval/scene.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "meter_model/approval/notice_yaml.h"

namespace ami::approval {

std::string shipped_text() {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/config/approvals/ae-1641.yaml");
  EXPECT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const Notice& ae1641() {
  static const Notice notice = [] {
    auto parsed = parse_notice(shipped_text(), "ae-1641.yaml");
    if (!parsed) ADD_FAILURE() << parsed.error().message;
    return parsed ? *parsed : Notice{};
  }();
  return notice;
}

Date day(const std::string& text) {
  const auto date = parse_date(text);
  EXPECT_TRUE(date) << text;
  return date.value_or(Date{});
}

Decimal number(const std::string& text) {
  return Decimal::parse(text).value();
}

Device meter(const std::string& module) {
  Device device = meter("FOCUS AXR-SD", "1.5", 3, 200, module);
  device.firmware = "5.33";
  return device;
}

Device meter(const std::string& model, const std::string& elements, int wires, int class_a,
             const std::string& module) {
  Device device;
  device.model = model;
  device.form = "2S";
  device.elements = number(elements);
  device.wires = wires;
  device.class_a = Decimal{class_a, 0};
  device.module = module;
  return device;
}

ReadingType type(const std::string& text) {
  return ReadingType::parse(text).value();
}

std::vector<int> numbers(const Grounds& grounds) {
  std::vector<int> list;
  for (const Question& one : grounds.questions) list.push_back(one.number);
  return list;
}

std::vector<std::string> keys(const Grounds& grounds) {
  std::vector<std::string> list;
  for (const Citation& one : grounds.clauses) list.push_back(one.key);
  return list;
}

std::vector<std::string> inferences(const Grounds& grounds) {
  std::vector<std::string> list;
  for (const Inference& one : grounds.inferences) list.push_back(one.key);
  return list;
}

std::vector<std::string> rules(const std::vector<Finding>& findings) {
  std::vector<std::string> list;
  for (const Finding& one : findings) list.push_back(one.rule);
  return list;
}

}  // namespace ami::approval
