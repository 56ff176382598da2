#include "daemon/switching/rules/protected_list.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_set>

#include "daemon/switching/rules/detached_signature.h"
#include "daemon/switching/rules/gate.h"
#include "meter_model/audit/chain.h"

namespace ami::daemon::switching {
namespace {

Error at_line(std::size_t line, const std::string& what) {
  return permanent("line " + std::to_string(line) + ": " + what);
}

// Line after line, each of which must end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  [[nodiscard]] std::size_t number() const { return number_; }  // of the line that was read last
  [[nodiscard]] bool over() const { return rest_.empty(); }
  std::optional<std::string_view> next() {
    ++number_;
    const auto end = rest_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

Result<std::string> header(Lines& lines, std::string_view name) {
  const auto line = lines.next();
  const std::string start = std::string(name) + ": ";
  if (!line || !line->starts_with(start) || line->size() == start.size())
    return at_line(lines.number(), "must say \"" + start + "…\"");
  return std::string(line->substr(start.size()));
}

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || number < 0) return std::nullopt;
  return number;
}

bool plain(std::string_view key) {
  return !key.empty() && key.size() <= kLongestKey && key.front() != ' ' && key.back() != ' ' &&
         std::ranges::none_of(key, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; });
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

}  // namespace

Result<ProtectedListText> parse_protected_list(std::string_view text) {
  if (text.size() > kLongestListBytes) return permanent("the file is longer than 64 MiB");
  Lines lines(text);
  const auto first = lines.next();
  if (!first || *first != "ami-protected-list 1") return at_line(1, "must say \"ami-protected-list 1\"");
  ProtectedListText out;
  auto utility = header(lines, "utility");
  if (!utility.ok()) return utility.error();
  out.utility = std::move(utility).value();
  const auto list = header(lines, "list");
  if (!list.ok()) return list.error();
  const auto kind = storage::protected_kind_from(*list);
  if (!kind) return at_line(lines.number(), "the list is none of MEDICAL, LIFE_SUPPORT, CRITICAL_CUSTOMER");
  out.kind = *kind;
  const auto version = header(lines, "version");
  if (!version.ok()) return version.error();
  out.version = whole(*version).value_or(0);
  if (out.version == 0) return at_line(lines.number(), "the version is no whole number above zero");
  const auto made_at = header(lines, "made_at");
  if (!made_at.ok()) return made_at.error();
  const auto instant = parse_instant(*made_at);
  if (!instant.ok()) return at_line(lines.number(), instant.error().message);
  out.made_at = *instant;
  const auto entries = header(lines, "entries");
  if (!entries.ok()) return entries.error();
  const auto count = whole(*entries);
  if (!count) return at_line(lines.number(), "entries is no whole number");
  const auto empty = lines.next();
  if (!empty || !empty->empty()) return at_line(lines.number(), "must be empty");
  std::unordered_set<std::string_view> seen;
  while (!lines.over()) {
    const auto key = lines.next();
    if (!key) return at_line(lines.number(), "does not end: the file was cut");
    if (!plain(*key)) {
      return at_line(lines.number(), "is no key of a usage point: 1 to " + std::to_string(kLongestKey) +
                                         " characters, none of control, no blank at either end");
    }
    if (!seen.insert(*key).second) return at_line(lines.number(), "is there twice");
    out.usage_points.emplace_back(*key);
  }
  if (static_cast<std::int64_t>(out.usage_points.size()) != *count) {
    return permanent("the file says " + std::to_string(*count) + " entries and has " +
                     std::to_string(out.usage_points.size()));
  }
  return out;
}

Result<storage::ProtectedImport> signed_list(std::string_view file, std::string_view signature,
                                             std::span<const ListKey> keys, const std::string& utility,
                                             std::int32_t utility_id, const std::string& actor, UtcInstant now) {
  // Nothing of a file is looked at before it is known who wrote it.
  std::string signed_with, why = "no key is configured";
  for (const ListKey& key : keys) {
    const auto verified = verify_ed25519(file, signature, key.public_key_pem);
    if (verified.ok()) {
      signed_with = key.name;
      break;
    }
    why = key.name + ": " + verified.error().message;
  }
  if (signed_with.empty()) return permanent("the list is not signed by anybody who may: " + why);
  auto text = parse_protected_list(file);
  if (!text.ok()) return text.error();
  if (text->utility != utility)
    return permanent("the list is of utility " + text->utility + ", not of " + utility);
  if (text->made_at - now > kFutureSlack) {
    return permanent("the list was made at " + to_text(text->made_at) + ", which is still to come: it is " +
                     to_text(now));
  }
  storage::ProtectedImport out;
  out.utility = utility_id;
  out.kind = text->kind;
  out.version = text->version;
  out.made_at = text->made_at;
  out.usage_points = std::move(text.value().usage_points);
  out.sha256 = audit::hex(audit::Sha256().of(file));
  out.signature = hex(signature);
  out.signed_with = std::move(signed_with);
  out.actor = actor;
  return out;
}

}  // namespace ami::daemon::switching
