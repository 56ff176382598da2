// Typed outcomes. Inside a module exceptions are fine; across a module boundary a failure is a value.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace ami {

// What a caller may do about a failure.
enum class Fault {
  Permanent,  // the same request fails again: refuse, quarantine, tell a human
  Transient,  // the same request may succeed later: retry with backoff
  InDoubt,    // it may have happened: find out before doing anything else
};

struct Error {
  Fault fault = Fault::Permanent;
  std::string message;  // for an operator: what is wrong, where, and what would be right
};

inline Error permanent(std::string message) { return {Fault::Permanent, std::move(message)}; }
inline Error transient(std::string message) { return {Fault::Transient, std::move(message)}; }
inline Error in_doubt(std::string message) { return {Fault::InDoubt, std::move(message)}; }

// Either a T or an Error. Reading the wrong side throws std::bad_variant_access.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};  // the value of an operation that has nothing to return
using Outcome = Result<Done>;

}  // namespace ami
