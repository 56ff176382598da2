#include "meter_model/approval/installation.h"

#include "meter_model/approval/judge.h"
#include "meter_model/quantity/quoted.h"

namespace ami::approval {
namespace {

Result<Decimal> above_zero(std::string_view text, std::string_view number, const char* what) {
  const auto value = Decimal::parse(number);
  if (value && Decimal{0, 0} < *value) return value->normalised();
  return permanent(quoted(text) + " is no " + what);
}

}  // namespace

Result<Decimal> parse_class(std::string_view text) {
  std::string_view number = text;
  if (number.starts_with("CL")) number.remove_prefix(2);
  if (number.ends_with('A')) number.remove_suffix(1);
  while (number.starts_with(' ')) number.remove_prefix(1);
  while (number.ends_with(' ')) number.remove_suffix(1);
  return above_zero(text, number, "class in amperes, as 200 or CL200");
}

Result<Decimal> parse_elements(std::string_view text) {
  return above_zero(text, text, "number of elements, as 1 or 1.5");
}

CarryVerdict may_carry(const Notice* notice, const Device& device, AsOf as_of) {
  CarryVerdict verdict;
  verdict.model_raw = device.model;
  verdict.module_raw = device.module;
  if (notice == nullptr) {
    verdict.answer = Answer::NoRegime;
    return verdict;
  }
  verdict.notice = notice->name;
  if (const Revision* revision = notice->in_force(as_of)) verdict.revision = revision_name(revision->number);
  Judged judged = judge_installation(*notice, device, Ask::MeterAndModule, as_of);
  verdict.firmware_judged = !device.firmware.empty() && !verdict.revision.empty();
  if (verdict.firmware_judged) {
    if (auto finding = judge_firmware(*notice, device, as_of, judged.grounds))
      judged.findings.push_back(std::move(*finding));
  }
  if (const Model* model = notice->model_named(device.model)) verdict.model = model->name;
  if (const Module* module = notice->module_named(device.module)) verdict.module = module->key;
  verdict.answer = answer_of(judged.findings);
  verdict.findings = std::move(judged.findings);
  verdict.grounds = std::move(judged.grounds);
  return verdict;
}

std::vector<Finding> nonconformities(const Notice* notice, const Device& device, AsOf as_of) {
  std::vector<Finding> found;
  if (notice == nullptr) return found;
  for (Finding& finding : judge_installation(*notice, device, Ask::MeterAndModule, as_of).findings) {
    if (finding.kind != Finding::Kind::Missing) found.push_back(std::move(finding));
  }
  return found;
}

}  // namespace ami::approval
