// What every verdict is made of: findings, each with the clauses that it rests on and the open questions and
// inferences that touch it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/approval/notice.h"

namespace ami::approval {

// A clause with its text, so that a verdict can be read without the notice. The clause that a fact stands in
// (its first) carries the revision that brought the fact, the others their own.
struct Citation {
  std::string notice;    // "AE-1641"
  std::string revision;  // "Rev. 2", "Original"; "not stated" where the notice does not say which
  std::string key, section, text;
  bool operator==(const Citation&) const = default;
};

struct Grounds {
  std::vector<Citation> clauses;
  std::vector<Question> questions;    // by number, each once
  std::vector<Inference> inferences;  // each once

  void add(const Notice& notice, const Basis& basis);
  void add(const Grounds& other);
};

// Why a verdict is not a plain yes. `rule` is a stable word.
struct Finding {
  enum class Kind : std::uint8_t {
    Excluded,   // a clause excludes it
    NotListed,  // the notice, as of the day asked, approves no such thing
    Missing,    // a fact that a clause asks for is not known
  };
  Kind kind = Kind::Excluded;
  std::string rule;  // MODULE_RESTRICTION, MODEL_RESTRICTION, MODEL_NOT_LISTED, …; list in docs/approval.md
  std::string message;  // for a person
  Grounds grounds;
};

std::string_view name_of(Finding::Kind kind);  // "EXCLUDED", "NOT_LISTED", "MISSING"

}  // namespace ami::approval
