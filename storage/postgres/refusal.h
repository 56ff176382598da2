// How an asset operation or a query says no: with enough for an API to choose its status code.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace ami::storage {

// A rule of the caller's own that forbids what was asked.
struct Rule {
  std::string name;                          // a stable word, "MODULE_RESTRICTION"
  std::map<std::string, std::string> facts;  // what it rests on
};

struct Refusal {
  enum class Kind {
    Invalid,        // the request itself is wrong; `field` says where
    NotFound,       // no such utility, meter, usage point, alias; `nearest` holds the closest that exists
    AlreadyExists,  // the name is taken
    Collision,      // an effective-dated row is in the way; the message names it
    Excluded,       // a rule that the caller handed in forbids it; `rule` is that rule
    Unavailable,    // PostgreSQL is away: retry
    InDoubt,        // COMMIT lost its answer: look before trying again
    Internal,       // a defect
  };
  Kind kind = Kind::Internal;
  std::string message;
  std::string field;    // snake_case name of the request's field, or empty
  std::string nearest;  // for NotFound
  std::shared_ptr<const Rule> rule{};  // for Excluded
};

template <class T>
class [[nodiscard]] Answer {
 public:
  Answer(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Answer(Refusal refusal) : state_(std::in_place_index<1>, std::move(refusal)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Refusal& refusal() const { return std::get<1>(state_); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, Refusal> state_;
};

}  // namespace ami::storage
