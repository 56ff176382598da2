#include "tests/daemon/regime/shipped_regimes.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "meter_model/approval/notice_yaml.h"

namespace ami::regime::testing {

std::shared_ptr<Regimes> shipped_regimes() {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  const std::string path = std::string(source == nullptr ? "." : source) + "/config/approvals/ae-1641.yaml";
  std::ifstream file(path, std::ios::binary);
  const std::string yaml{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto notice = approval::parse_notice(yaml, path);
  if (!notice.ok()) throw std::runtime_error(notice.error().message);
  auto regimes = std::make_shared<Regimes>();
  regimes->notices.emplace(notice->name, *notice);
  return regimes;
}

UtcInstant at(const char* text) {
  const auto instant = parse_instant(text);
  if (!instant.ok()) throw std::runtime_error(instant.error().message);
  return *instant;
}

storage::MeterDetail axr_sd() {
  storage::MeterDetail detail;
  detail.model = "FOCUS AXR-SD";
  detail.form = "2S";
  detail.elements = "1.5";
  detail.wires = 3;
  detail.class_a = "200";
  detail.firmware = "5.33";
  return detail;
}

storage::FittedModule module(const char* name, const storage::Period& valid, bool breaks_seal) {
  return {valid, name, name, "", breaks_seal};
}

storage::SealRecord seal(int year, unsigned month, unsigned day, int due_year) {
  storage::SealRecord record;
  record.seal_date = std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day};
  record.certificate = "C-1";
  record.due_year = due_year;
  return record;
}

}  // namespace ami::regime::testing
