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

}  // namespace ami::daemon::commands
