#include "adapters/wire/uiq_job/link/job.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace ami::uiq_job {
namespace {

using sdk::CommandKind;

constexpr std::string_view kVersion = "1", kVersionActivated = "1a";
constexpr std::size_t kLongestField = 200;
constexpr std::size_t kLongestWords = 300;
constexpr std::array kKinds{CommandKind::Read,       CommandKind::Ping,        CommandKind::Backfill,
                            CommandKind::SwitchOpen, CommandKind::SwitchClose, CommandKind::SwitchState};

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

std::string digits_of(std::string_view mac) {
  std::string digits;
  for (const char c : mac) {
    if (c == ':' || c == '-' || c == '.' || c == ' ') continue;
    digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return digits;
}

}  // namespace

bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kLongestField && std::none_of(text.begin(), text.end(), is_control);
}

bool same_mac(std::string_view a, std::string_view b) {
  const std::string digits = digits_of(a);
  return !digits.empty() && digits == digits_of(b);
}

std::string to_text(const Job& job) {
  std::string text(job.activated ? kVersionActivated : kVersion);
  for (const std::string& field : {job.id, job.transaction, std::string(name_of(job.kind)), job.meter,
                                   job.mac, ami::to_text(job.expires_at)}) {
    text += '\n' + field;
  }
  return text;
}

std::optional<Job> parse_job(std::string_view text) {
  std::array<std::string, 7> fields;
  std::size_t at = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool last = i + 1 == fields.size();
    const std::size_t end = last ? text.size() : text.find('\n', at);
    if (end == std::string_view::npos || end < at) return std::nullopt;
    fields[i] = text.substr(at, end - at);
    if (!is_plain(fields[i])) return std::nullopt;
    at = end + 1;
  }
  const auto kind =
      std::find_if(kKinds.begin(), kKinds.end(), [&](CommandKind one) { return name_of(one) == fields[3]; });
  const Result<UtcInstant> expires_at = parse_instant(fields[6]);
  const bool activated = fields[0] == kVersionActivated;
  if ((fields[0] != kVersion && !activated) || kind == kKinds.end() || !expires_at) return std::nullopt;
  return Job{fields[1], fields[2], *kind, fields[4], fields[5], *expires_at, activated};
}

bool is_switch(CommandKind kind) {
  return kind == CommandKind::SwitchOpen || kind == CommandKind::SwitchClose ||
         kind == CommandKind::SwitchArm || kind == CommandKind::SwitchState;
}

std::string words(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kLongestWords)) out += is_control(c) ? ' ' : c;
  if (text.size() > kLongestWords) out += " (cut)";
  return out;
}

}  // namespace ami::uiq_job
