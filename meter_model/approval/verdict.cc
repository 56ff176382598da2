#include "meter_model/approval/verdict.h"

#include <algorithm>

namespace ami::approval {
namespace {

template <class T, class Same>
void add_once(std::vector<T>& list, const T& item, Same same) {
  if (std::ranges::none_of(list, [&](const T& known) { return same(known, item); })) list.push_back(item);
}

void add_citation(Grounds& grounds, const Citation& citation) {
  add_once(grounds.clauses, citation, [](const Citation& a, const Citation& b) { return a == b; });
}

void add_question(Grounds& grounds, const Question& question) {
  add_once(grounds.questions, question,
           [](const Question& a, const Question& b) { return a.number == b.number; });
  std::ranges::sort(grounds.questions, {}, &Question::number);
}

void add_inference(Grounds& grounds, const Inference& inference) {
  add_once(grounds.inferences, inference,
           [](const Inference& a, const Inference& b) { return a.key == b.key; });
}

}  // namespace

void Grounds::add(const Notice& notice, const Basis& basis) {
  bool first = true;
  for (const std::string& key : basis.clauses) {
    if (const Clause* clause = notice.clause(key)) {
      const std::optional<int> revision = first ? basis.revision : clause->revision;
      add_citation(*this, {notice.name, revision ? revision_name(*revision) : "not stated", clause->key,
                           clause->section, clause->text});
    }
    first = false;
  }
  for (const int number : basis.questions) {
    if (const Question* question = notice.question(number)) add_question(*this, *question);
  }
  for (const std::string& key : basis.inferences) {
    if (const Inference* inference = notice.inference(key)) add_inference(*this, *inference);
  }
}

void Grounds::add(const Grounds& other) {
  for (const Citation& citation : other.clauses) add_citation(*this, citation);
  for (const Question& question : other.questions) add_question(*this, question);
  for (const Inference& inference : other.inferences) add_inference(*this, inference);
}

std::string_view name_of(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::Excluded:
      return "EXCLUDED";
    case Finding::Kind::NotListed:
      return "NOT_LISTED";
    case Finding::Kind::Missing:
      return "MISSING";
  }
  return "MISSING";
}

}  // namespace ami::approval
