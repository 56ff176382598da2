#include "meter_model/approval/quantity.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "meter_model/approval/judge.h"
#include "meter_model/quantity/reading_type_names.h"
#include "meter_model/quantity/unit.h"

namespace ami::approval {
namespace {

using Of = Aspect::Of;
using Part = ReadingType::Part;

// What is settled by the notice outranks what is not known of the meter.
constexpr std::array kWeakestFirst = {TypeApproval::Outside, TypeApproval::NotStated, TypeApproval::Unknown,
                                      TypeApproval::Approved};

bool fits(const QuantityMatch& match, const ReadingType& type) {
  return type[Part::MeasurementKind] == match.kind &&
         (!match.flow || type[Part::FlowDirection] == *match.flow) &&
         (!match.unit || type[Part::Unit] == *match.unit) &&
         (match.accumulations.empty() ||
          std::ranges::find(match.accumulations, type[Part::Accumulation]) != match.accumulations.end());
}

// A harmonic, or a mode that counts the fundamental only: another quantity than the plain one.
bool is_plain(const ReadingType& type) {
  return type[Part::InterharmonicNumerator] == 0 && type[Part::InterharmonicDenominator] == 0 &&
         type[Part::ArgumentNumerator] == 0 && type[Part::ArgumentDenominator] == 0;
}

std::string quantity_words(const ReadingType& type) {
  std::string out(name_of_code(measurement_kind_names(), type[Part::MeasurementKind]));
  if (type[Part::FlowDirection] != 0)
    out += " " + std::string(name_of_code(flow_direction_names(), type[Part::FlowDirection]));
  return out.empty() ? "this quantity" : out;
}

class Inquiry {
 public:
  Inquiry(const Notice& notice, const Device& device, const ReadingType& type, Provenance provenance,
          AsOf as_of)
      : notice_(notice),
        device_(device),
        type_(type),
        provenance_(provenance),
        as_of_(as_of),
        words_(quantity_words(type)) {}

  std::vector<Aspect> aspects() {
    commodity();
    if (!found_.empty() && found_.back().status == TypeApproval::Outside) {
      const Module* module = notice_.module_named(device_.module);
      if (module != nullptr && module->transmits.scope == Transmits::Scope::Outside) of_module(*module);
      return std::move(found_);
    }
    if (provenance_ == Provenance::Processed) {
      add(Of::Origin, TypeApproval::Outside, "computed outside the meter", {notice_.processed});
    }
    const bool by_hand = provenance_ == Provenance::Manual;
    const Judged judged =
        judge_installation(notice_, device_, by_hand ? Ask::MeterAlone : Ask::MeterAndModule, as_of_);
    installation(judged);
    if (notice_.in_force(as_of_) == nullptr) return std::move(found_);
    quantity();
    if (!by_hand && judged.module != nullptr) {
      of_module(*judged.module);
      unit(*judged.module);
    }
    if (is_interval(type_)) recorder(judged);
    firmware();
    if (type_[Part::Tou] != 0) {
      add(Of::TouAssignment, TypeApproval::NotSubject,
          "which tier was active is not subject to the approval; the bulk register stays authoritative",
          {notice_.tou_assignment});
    }
    return std::move(found_);
  }

 private:
  void add(Of of, TypeApproval status, std::string message, const std::vector<Basis>& bases) {
    Aspect aspect{of, status, std::move(message), {}};
    for (const Basis& basis : bases) aspect.grounds.add(notice_, basis);
    found_.push_back(std::move(aspect));
  }

  void commodity() {
    const std::int32_t code = type_[Part::Commodity];
    if (code == 0) {
      add(Of::Commodity, TypeApproval::Unknown, "the reading type names no commodity",
          {notice_.commodity_basis});
    } else if (std::ranges::find(notice_.commodities, code) == notice_.commodities.end()) {
      add(Of::Commodity, TypeApproval::Outside,
          std::string(name_of_code(commodity_names(), code)) + " is outside a notice for " +
              notice_.device_type,
          {notice_.commodity_basis});
    } else {
      add(Of::Commodity, TypeApproval::Approved, "of the notice's device type", {notice_.commodity_basis});
    }
  }

  void installation(const Judged& judged) {
    Aspect aspect{
        Of::Installation, TypeApproval::Approved, "the notice approves the meter with the module", {}};
    if (judged.findings.empty()) {
      if (provenance_ == Provenance::Manual) aspect.message = "the notice approves the meter";
      aspect.grounds = judged.grounds;
      found_.push_back(std::move(aspect));
      return;
    }
    const bool refused = answer_of(judged.findings) == Answer::Refused;
    aspect.status = refused ? TypeApproval::Outside : TypeApproval::Unknown;
    aspect.message.clear();
    for (const Finding& finding : judged.findings) {
      if (refused == (finding.kind == Finding::Kind::Missing)) continue;
      aspect.message += (aspect.message.empty() ? "" : "; ") + finding.message;
      aspect.grounds.add(finding.grounds);
    }
    found_.push_back(std::move(aspect));
  }

  void quantity() {
    if (type_[Part::MeasurementKind] == 0) {
      add(Of::Quantity, TypeApproval::Unknown, "the reading type says no kind of measurement", {});
      return;
    }
    const auto rule = std::ranges::find_if(notice_.quantities, [&](const QuantityRule& one) {
      return fits(one.match, type_) && holds(notice_, one.basis, as_of_);
    });
    if (rule == notice_.quantities.end()) {
      add(Of::Quantity, TypeApproval::NotStated, "the notice does not name " + words_,
          {notice_.unnamed_quantities});
    } else if (rule->status == TypeApproval::Approved && !is_plain(type_)) {
      add(Of::Quantity, TypeApproval::NotStated,
          "the notice names " + words_ + ", not a part of its harmonics or arguments", {rule->basis});
    } else {
      add(Of::Quantity, rule->status,
          "the notice's word on " + words_ + ": " + std::string(name_of(rule->status)), {rule->basis});
    }
  }

  void of_module(const Module& module) {
    const Transmits& says = module.transmits;
    switch (says.scope) {
      case Transmits::Scope::Host:
        add(Of::Module, TypeApproval::Approved, module.name + " transmits " + says.words, {says.basis});
        return;
      case Transmits::Scope::NotStated:
        add(Of::Module, TypeApproval::NotStated, "what " + module.name + " transmits is not stated",
            {says.basis});
        return;
      case Transmits::Scope::Outside:
        add(Of::Module, TypeApproval::Outside, "the notice does not approve " + module.name, {says.basis});
        return;
      case Transmits::Scope::Listed:
        break;
    }
    const bool listed =
        std::ranges::any_of(says.quantities, [&](const QuantityMatch& match) { return fits(match, type_); });
    const std::string says_words = module.name + " transmits " + says.words;
    add(Of::Module, listed ? TypeApproval::Approved : TypeApproval::NotStated,
        listed ? says_words : says_words + "; " + words_ + " is not stated", {says.basis});
  }

  void unit(const Module& module) {
    const ModuleUnit& says = module.unit;
    if (module.transmits.scope == Transmits::Scope::Outside) return;
    if (says.stated == Stated::NotStated) {
      add(Of::Unit, TypeApproval::NotStated, "in which unit " + module.name + " transmits is not stated",
          {says.basis});
      return;
    }
    const bool listed =
        says.stated == Stated::Yes &&
        (says.units.empty() || std::ranges::find(says.units, type_[Part::Unit]) != says.units.end());
    const std::string symbol(unit_symbol(type_[Part::Unit]));
    add(Of::Unit, listed ? TypeApproval::Approved : TypeApproval::NotStated,
        module.name + " transmits " + says.words +
            (listed ? "" : "; " + (symbol.empty() ? "a value without unit" : symbol) + " is not stated"),
        {says.basis});
  }

  void recorder(const Judged& judged) {
    if (judged.model == nullptr) return;  // the installation tells
    const StatedFact& own = judged.model->recorder;
    const std::string& model = judged.model->name;
    const bool has = own.stated == Stated::Yes;
    if (provenance_ == Provenance::ModuleRecorder) {
      add(Of::Recorder, TypeApproval::NotStated,
          "a load profile kept by the module is not the approved recorder", {notice_.module_recorder});
    } else if (provenance_ == Provenance::MeterRecorder) {
      add(Of::Recorder, has ? TypeApproval::Approved : TypeApproval::Outside,
          model + (has ? " is approved with its recorder" : " has no approved recorder"), {own.basis});
    } else if (provenance_ != Provenance::Processed) {
      add(Of::Recorder, has ? TypeApproval::Unknown : TypeApproval::NotStated,
          has ? "which recorder formed the interval is not known: the meter's is approved, a module's is not "
                "stated"
              : model + " has no approved recorder, and of a module's the notice says nothing",
          {own.basis, notice_.module_recorder});
    }
  }

  void firmware() {
    Aspect aspect{Of::Firmware, TypeApproval::Approved, "firmware " + device_.firmware + " is listed", {}};
    if (auto finding = judge_firmware(notice_, device_, as_of_, aspect.grounds)) {
      aspect.status = TypeApproval::Unknown;
      aspect.message = std::move(finding->message);
    }
    found_.push_back(std::move(aspect));
  }

  const Notice& notice_;
  const Device& device_;
  const ReadingType type_;
  const Provenance provenance_;
  const AsOf as_of_;
  const std::string words_;
  std::vector<Aspect> found_;
};

void decide(QuantityVerdict& verdict) {
  const Aspect* quantity = verdict.aspect(Of::Quantity);
  if (quantity != nullptr && quantity->status == TypeApproval::NotSubject) {
    verdict.status = TypeApproval::NotSubject;
    verdict.reason = quantity->message;
    verdict.grounds = quantity->grounds;
    return;
  }
  for (const TypeApproval status : kWeakestFirst) {
    for (const Aspect& aspect : verdict.aspects) {
      if (aspect.status != status) continue;
      if (verdict.reason.empty()) verdict.reason = aspect.message;
      verdict.grounds.add(aspect.grounds);
    }
    if (verdict.reason.empty()) continue;
    verdict.status = status;
    break;
  }
  if (verdict.status == TypeApproval::Approved) verdict.reason = "every aspect of it is stated";
  if (const Aspect* tier = verdict.aspect(Of::TouAssignment)) verdict.grounds.add(tier->grounds);
}

}  // namespace

std::string_view name_of(Aspect::Of of) {
  switch (of) {
    case Of::Commodity:
      return "COMMODITY";
    case Of::Origin:
      return "ORIGIN";
    case Of::Installation:
      return "INSTALLATION";
    case Of::Quantity:
      return "QUANTITY";
    case Of::Module:
      return "MODULE";
    case Of::Unit:
      return "UNIT";
    case Of::Recorder:
      return "RECORDER";
    case Of::Firmware:
      return "FIRMWARE";
    case Of::TouAssignment:
      return "TOU_ASSIGNMENT";
  }
  return "QUANTITY";
}

const Aspect* QuantityVerdict::aspect(Aspect::Of of) const {
  const auto it = std::ranges::find(aspects, of, &Aspect::of);
  return it == aspects.end() ? nullptr : &*it;
}

QuantityVerdict type_approval(const Notice* notice, const Device& device, const ReadingType& type,
                              Provenance provenance, AsOf as_of) {
  QuantityVerdict verdict;
  verdict.module_raw = device.module;
  if (notice == nullptr) {
    verdict.status = TypeApproval::NoRegime;
    verdict.reason = "no notice binds the utility";
    return verdict;
  }
  verdict.notice = notice->name;
  if (const Revision* revision = notice->in_force(as_of)) verdict.revision = revision_name(revision->number);
  if (const Model* model = notice->model_named(device.model)) verdict.model = model->name;
  if (const Module* module = notice->module_named(device.module)) verdict.module = module->key;
  verdict.aspects = Inquiry(*notice, device, type.canonical().unscaled(), provenance, as_of).aspects();
  decide(verdict);
  return verdict;
}

std::string legal_status(const QuantityVerdict& verdict) {
  if (verdict.status != TypeApproval::Outside) return {};
  std::string name;
  for (const char c : folded(verdict.notice))
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return "NOT_COVERED_BY_" + name;
}

}  // namespace ami::approval
