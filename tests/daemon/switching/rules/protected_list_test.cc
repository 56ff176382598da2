#include "daemon/switching/rules/protected_list.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <random>
#include <stdexcept>

#include "daemon/switching/rules/detached_signature.h"

namespace ami::daemon::switching {
namespace {

using std::chrono::minutes;

const UtcInstant kNow = parse_instant("2026-01-15T07:00:00Z").value();

constexpr const char* kList =
    "ami-protected-list 1\nutility: north\nlist: MEDICAL\nversion: 42\nmade_at: 2026-01-15T06:00:00Z\n"
    "entries: 2\n\nUP-1\nUP-2\n";

std::string bytes_of_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// SubjectPublicKeyInfo of Ed25519 (RFC 8410, section 4) around the 32 bytes, in PEM.
std::string public_pem(const std::string& raw) {
  const std::string der = bytes_of_hex("302a300506032b6570032100") + raw;
  std::string base64(64, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                                     reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  base64.resize(static_cast<std::size_t>(length));
  return "-----BEGIN PUBLIC KEY-----\n" + base64 + "\n-----END PUBLIC KEY-----\n";
}

// A key pair out of its secret 32 bytes.
class Signer {
 public:
  explicit Signer(const std::string& secret)
      : key_(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                          reinterpret_cast<const unsigned char*>(secret.data()), secret.size()),
             &EVP_PKEY_free) {
    if (!key_) throw std::runtime_error("no key");
  }
  [[nodiscard]] std::string pem() const {
    std::string raw(32, '\0');
    std::size_t length = raw.size();
    if (EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &length) != 1)
      throw std::runtime_error("no public key");
    return public_pem(raw);
  }
  [[nodiscard]] std::string sign(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string out(64, '\0');
    std::size_t length = out.size();
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &length,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
      throw std::runtime_error("not signed");
    return out;
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

// RFC 8032, 7.1, test 3.
TEST(DetachedSignature, TakesTheVectorOfTheStandardAndNothingNearIt) {
  const std::string pem =
      public_pem(bytes_of_hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"));
  const std::string message = bytes_of_hex("af82");
  const std::string signature = bytes_of_hex(
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
  EXPECT_TRUE(verify_ed25519(message, signature, pem).ok());
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    std::string wrong = signature;
    wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(verify_ed25519(message, wrong, pem).ok()) << bit;
  }
  EXPECT_FALSE(verify_ed25519(bytes_of_hex("af83"), signature, pem).ok());
  EXPECT_FALSE(verify_ed25519(message + "\n", signature, pem).ok());
  EXPECT_FALSE(verify_ed25519("", signature, pem).ok());
  EXPECT_FALSE(verify_ed25519(message, signature + "x", pem).ok());
  EXPECT_FALSE(verify_ed25519(message, signature.substr(1), pem).ok());
  EXPECT_FALSE(verify_ed25519(message, "", pem).ok());
}

TEST(DetachedSignature, KeyOfAnotherKindIsNoKey) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> p256(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  ASSERT_EQ(PEM_write_bio_PUBKEY(out.get(), p256.get()), 1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  for (const std::string& pem : {std::string(text, static_cast<std::size_t>(length)), std::string("key"), std::string(),
                                 std::string("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}) {
    const auto verified = verify_ed25519("x", std::string(64, 'x'), pem);
    ASSERT_FALSE(verified.ok());
    EXPECT_EQ(verified.error().message, "the key is no Ed25519 public key in PEM");
  }
}

TEST(ProtectedListText, SaysWhatItSays) {
  const auto list = parse_protected_list(kList);
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list->utility, "north");
  EXPECT_EQ(list->kind, storage::ProtectedKind::Medical);
  EXPECT_EQ(list->version, 42);
  EXPECT_EQ(to_text(list->made_at), "2026-01-15T06:00:00Z");
  EXPECT_EQ(list->usage_points, (std::vector<std::string>{"UP-1", "UP-2"}));
  const auto none = parse_protected_list(
      "ami-protected-list 1\nutility: n\nlist: LIFE_SUPPORT\nversion: 1\nmade_at: 2026-01-15T06:00:00-05:00\n"
      "entries: 0\n\n");
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_TRUE(none->usage_points.empty());
  EXPECT_EQ(to_text(none->made_at), "2026-01-15T11:00:00Z");
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kList;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ProtectedListText, WhatIsWrongIsToldWithItsLine) {
  const std::pair<std::string, const char*> wrongs[] = {
      {"", "line 1: must say"},
      {with("list 1\n", "list 2\n"), "line 1: must say"},
      {with("utility: north", "utility:"), "line 2: must say \"utility: …\""},
      {with("utility: north", "utility: "), "line 2: must say"},
      {with("list: MEDICAL", "list: medical"), "line 3: the list is none of"},
      {with("version: 42", "version: 0"), "line 4: the version is no whole number"},
      {with("version: 42", "version: -1"), "line 4: the version is no whole number"},
      {with("version: 42", "version: 4.2"), "line 4: the version is no whole number"},
      {with("version: 42", "version: 99999999999999999999"), "line 4: the version is no whole number"},
      {with("T06:00:00Z", "T06:00:00"), "line 5: "},
      {with("entries: 2", "entries: 3"), "the file says 3 entries and has 2"},
      {with("entries: 2", "entries: 1"), "the file says 1 entries and has 2"},
      {with("entries: 2", "entries: two"), "line 6: entries is no whole number"},
      {with("\n\n", "\n"), "line 7: must be empty"},
      {with("UP-2", "UP-1"), "line 9: is there twice"},
      {with("UP-2\n", "UP-2"), "line 9: does not end"},
      {with("UP-2", "UP-2 "), "line 9: is no key"},
      {with("UP-2", "UP-2\r"), "line 9: is no key"},
      {with("UP-2", ""), "line 9: is no key"},
      {with("UP-2", std::string(201, 'x')), "line 9: is no key"},
      {with("version: 42\nmade_at", "made_at"), "line 4: must say \"version: …\""},
  };
  for (const auto& [text, told] : wrongs) {
    const auto list = parse_protected_list(text);
    ASSERT_FALSE(list.ok()) << told;
    EXPECT_EQ(list.error().message.find(told), 0U) << list.error().message << " instead of " << told;
  }
}

TEST(ProtectedListText, AnyCutOrChangedByteEndsInWordsAndNeverInNobody) {
  const std::string whole = kList;
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(parse_protected_list(std::string_view(whole).substr(0, length)).ok()) << length;
  std::mt19937 random(7);
  for (int i = 0; i < 5'000; ++i) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) text[random() % text.size()] = static_cast<char>(random());
    const auto list = parse_protected_list(text);
    EXPECT_TRUE(!list.ok() || !list->usage_points.empty());
  }
}

class SignedList : public ::testing::Test {
 protected:
  Signer crm{std::string(32, 'c')}, other{std::string(32, 'o')};
  std::vector<ListKey> keys{{"old", other.pem()}, {"crm-2026", crm.pem()}};
  Result<storage::ProtectedImport> take(const std::string& file, const std::string& signature,
                                        const std::string& utility = "north") const {
    return signed_list(file, signature, keys, utility, 3, "cn=asset", kNow);
  }
};

TEST_F(SignedList, GoodOneKeepsHashSignatureAndKey) {
  const auto list = take(kList, crm.sign(kList));
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ(list->utility, 3);
  EXPECT_EQ(list->version, 42);
  EXPECT_EQ(list->signed_with, "crm-2026");
  EXPECT_EQ(list->actor, "cn=asset");
  EXPECT_EQ(bytes_of_hex(list->signature), crm.sign(kList));
  std::string digest(32, '\0');
  ASSERT_EQ(EVP_Digest(kList, std::string(kList).size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
                       EVP_sha256(), nullptr),
            1);
  EXPECT_EQ(bytes_of_hex(list->sha256), digest);
  EXPECT_FALSE(storage::wrong_import(*list).has_value());
}

TEST_F(SignedList, NotSignedByAKnownKeyIsNotEvenRead) {
  const Signer stranger{std::string(32, 's')};
  for (const std::string& signature : {stranger.sign(kList), std::string(64, '\0'), std::string()}) {
    const auto list = take(kList, signature);
    ASSERT_FALSE(list.ok());
    EXPECT_EQ(list.error().message.find("the list is not signed by anybody who may"), 0U);
  }
  EXPECT_FALSE(take(std::string(kList) + "UP-3\n", crm.sign(kList)).ok()) << "a name more";
  EXPECT_FALSE(take(with("UP-2", "UP-3"), crm.sign(kList)).ok()) << "a name changed";
  keys.clear();
  EXPECT_FALSE(take(kList, crm.sign(kList)).ok());
}

TEST_F(SignedList, SignedNonsenseAnotherUtilityAndTheFutureAreRefused) {
  EXPECT_FALSE(take("hello\n", crm.sign("hello\n")).ok());
  EXPECT_FALSE(take(kList, crm.sign(kList), "south").ok());
  const std::string soon = with("2026-01-15T06:00:00Z", "2026-01-15T07:05:00Z");
  EXPECT_TRUE(take(soon, crm.sign(soon)).ok()) << "within the slack of clocks";
  const std::string later = with("2026-01-15T06:00:00Z", "2026-01-15T07:05:01Z");
  EXPECT_FALSE(take(later, crm.sign(later)).ok());
}

}  // namespace
}  // namespace ami::daemon::switching
