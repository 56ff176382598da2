#include "meter_model/audit/signed_head.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <vector>

namespace ami::audit {
namespace {

constexpr std::string_view kTitle = "ami-switch-audit-head-1";
constexpr std::string_view kSignature = "signature: ";
constexpr std::size_t kLongestHead = 8192;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Bio reading(std::string_view pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}
const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Result<Key> ed25519(EVP_PKEY* key, const char* what) {
  Key out(key, &EVP_PKEY_free);
  if (!out || EVP_PKEY_id(out.get()) != EVP_PKEY_ED25519)
    return permanent(std::string("is not an Ed25519 ") + what + " key in PEM");
  return out;
}

// A key with a passphrase is refused, not asked for on a terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::string fingerprint(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  std::string bytes(reinterpret_cast<char*>(der), length > 0 ? static_cast<std::size_t>(length) : 0);
  OPENSSL_free(der);
  return hex(Sha256().of(bytes));
}

// A value is one line.
std::string line_text(std::string_view text) {
  std::string out(text.substr(0, 500));
  std::ranges::replace_if(
      out, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return out;
}

std::string base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(bytes),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

constexpr std::size_t kSignatureBytes = 64;
std::optional<std::string> signature_from(std::string_view text) {
  constexpr std::size_t kText = 88;  // 64 bytes and two of padding
  if (text.size() != kText || !text.ends_with("==")) return std::nullopt;
  std::string out(66, '\0');
  if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(text), static_cast<int>(text.size())) != 66)
    return std::nullopt;
  out.resize(kSignatureBytes);
  if (base64(out) != text) return std::nullopt;  // only the one way to write it
  return out;
}

struct Split {
  std::string_view body, signature;
};
std::optional<Split> split(std::string_view text) {
  if (text.size() > kLongestHead || !text.ends_with('\n')) return std::nullopt;
  const std::string_view whole = text.substr(0, text.size() - 1);
  const auto last = whole.rfind('\n');
  if (last == std::string_view::npos) return std::nullopt;
  const std::string_view line = whole.substr(last + 1);
  if (!line.starts_with(kSignature)) return std::nullopt;
  return Split{text.substr(0, last + 1), line.substr(kSignature.size())};
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

Result<std::string> sign_head(const Head& head, std::string_view private_key_pem) {
  const Bio bio = reading(private_key_pem);
  auto key = ed25519(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr), "private");
  if (!key) return key.error();
  std::string text(kTitle);
  text += '\n';
  const auto put = [&](std::string_view name, const std::string& value) {
    text.append(name).append(": ").append(value).append("\n");
  };
  put("position", std::to_string(head.position));
  put("chain_sha256", hex(head.chain));
  put("at", to_text(head.at));
  put("gateway_at", to_text(head.gateway_at));
  put("cluster", std::to_string(head.cluster));
  put("database", line_text(head.database));
  put("gateway", line_text(head.gateway));
  put("unsealed", std::to_string(head.unsealed));
  put("previous", line_text(head.previous));
  put("previous_sha256", head.previous_sha256 ? hex(*head.previous_sha256) : "");
  put("key_sha256", fingerprint(key->get()));
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::string signature(kSignatureBytes, '\0');
  std::size_t length = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key->get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, raw(text),
                     text.size()) != 1)
    return permanent("signing failed");
  put("signature", base64(signature));
  return text;
}

Result<Head> parse_head(std::string_view text) {
  const Error broken = permanent("is not a head file of the switch audit");
  const auto parts = split(text);
  if (!parts) return broken;
  std::map<std::string_view, std::string_view> said;
  std::string_view rest = parts->body;
  for (bool title = true; !rest.empty(); title = false) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (title) {
      if (line != kTitle) return broken;
      continue;
    }
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos || !said.emplace(line.substr(0, colon), line.substr(colon + 2)).second)
      return broken;
  }
  Head out;
  const auto position = number<std::int64_t>(said["position"]), unsealed = number<std::int64_t>(said["unsealed"]);
  const auto cluster = number<std::uint64_t>(said["cluster"]);
  const auto chain = digest_from_hex(said["chain_sha256"]);
  const auto at = parse_instant(said["at"]), gateway_at = parse_instant(said["gateway_at"]);
  if (!position || *position < 0 || !unsealed || !cluster || !chain || !at.ok() || !gateway_at.ok()) return broken;
  out.position = *position;
  out.unsealed = *unsealed;
  out.cluster = *cluster;
  out.chain = *chain;
  out.at = *at;
  out.gateway_at = *gateway_at;
  out.database = said["database"];
  out.gateway = said["gateway"];
  out.previous = said["previous"];
  if (!said["previous_sha256"].empty()) {
    out.previous_sha256 = digest_from_hex(said["previous_sha256"]);
    if (!out.previous_sha256) return broken;
  }
  return out;
}

Outcome check_signature(std::string_view text, std::string_view public_key_pem) {
  const Bio bio = reading(public_key_pem);
  auto key = ed25519(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr), "public");
  if (!key) return key.error();
  const auto parts = split(text);
  const auto signature = parts ? signature_from(parts->signature) : std::nullopt;
  if (!signature) return permanent("has no signature");
  const Context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key->get()) != 1 ||
      EVP_DigestVerify(context.get(), raw(*signature), signature->size(), raw(parts->body), parts->body.size()) != 1)
    return permanent("was not signed with this key, or was changed since");
  return Done{};
}

}  // namespace ami::audit
