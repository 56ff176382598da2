#include "meter_model/approval/notice.h"

#include <algorithm>

namespace ami::approval {
namespace {

template <class List, class Key, class Member>
auto found(const List& list, const Key& key, Member member) -> decltype(list.data()) {
  const auto it = std::ranges::find(list, key, member);
  return it == list.end() ? nullptr : &*it;
}

// Digits only, all of them.
std::optional<int> digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string padded(unsigned value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4)), month = digits(text.substr(5, 2)),
             day = digits(text.substr(8));
  if (!year || !month || !day) return std::nullopt;
  const Date date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                  std::chrono::day{static_cast<unsigned>(*day)}};
  return date.ok() ? std::optional(date) : std::nullopt;
}

std::string to_text(Date date) {
  std::string year = std::to_string(static_cast<int>(date.year()));
  year.insert(0, year.size() < 4 ? 4 - year.size() : 0, '0');
  return year + '-' + padded(static_cast<unsigned>(date.month())) + '-' +
         padded(static_cast<unsigned>(date.day()));
}

std::string revision_name(int number) {
  return number == 0 ? "Original" : "Rev. " + std::to_string(number);
}

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

const Model* Notice::model_named(std::string_view text) const {
  const auto it = std::ranges::find_if(models, [&](const Model& model) {
    return model.name == text || std::ranges::find(model.aliases, text) != model.aliases.end();
  });
  return it == models.end() ? nullptr : &*it;
}

const Module* Notice::module_named(std::string_view text) const {
  const std::string wanted = folded(text);
  if (wanted.empty()) return nullptr;
  const auto is_wanted = [&](const std::string& word) { return folded(word) == wanted; };
  const auto it = std::ranges::find_if(modules, [&](const Module& module) {
    return is_wanted(module.key) || is_wanted(module.name) ||
           std::ranges::any_of(module.aliases, is_wanted) || std::ranges::any_of(module.families, is_wanted);
  });
  return it == modules.end() ? nullptr : &*it;
}

const Clause* Notice::clause(std::string_view key) const {
  return found(clauses, key, &Clause::key);
}

const Question* Notice::question(int number) const {
  return found(questions, number, &Question::number);
}

const Inference* Notice::inference(std::string_view key) const {
  return found(inferences, key, &Inference::key);
}

const Revision* Notice::revision_numbered(int number) const {
  return found(revisions, number, &Revision::number);
}

const Revision* Notice::in_force(AsOf as_of) const {
  const Revision* newest = nullptr;
  for (const Revision& issue : revisions) {
    if (!as_of || issue.effective <= *as_of) newest = &issue;
  }
  return newest;
}

}  // namespace ami::approval
