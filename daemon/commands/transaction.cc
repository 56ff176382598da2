#include "daemon/commands/transaction.h"

#include <array>
#include <charconv>

namespace ami::daemon::commands {
namespace {

void put(std::string& out, std::int64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 36).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::string transaction_id(storage::OperationId operation, int attempt, UtcInstant now) {
  std::string out;
  put(out, operation);
  out += '-';
  put(out, attempt);
  out += '-';
  put(out, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  return out;
}

std::optional<UtcInstant> asked_at(std::string_view transaction) {
  std::array<std::int64_t, 3> numbers{};
  const char* at = transaction.data();
  const char* const end = at + transaction.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && (at == end || *at++ != '-')) return std::nullopt;
    // A name of ours has no sign, and capitals are not how we write.
    if (at == end || !((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z'))) return std::nullopt;
    const auto [next, problem] = std::from_chars(at, end, numbers[i], 36);
    if (problem != std::errc{}) return std::nullopt;
    at = next;
  }
  // Names of others may look alike ("550e8400-e29b-41d4"); their third part is hardly a second of our time.
  constexpr std::int64_t kFirst = 1'577'836'800, kLast = 253'402'300'799;  // the years 2020 to 9999
  if (at != end || numbers[0] < 1 || numbers[1] < 1 || numbers[2] < kFirst || numbers[2] > kLast)
    return std::nullopt;
  return UtcInstant{std::chrono::seconds{numbers[2]}};
}

}  // namespace ami::daemon::commands
