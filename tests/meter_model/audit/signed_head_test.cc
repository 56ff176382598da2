// Heads as `openssl pkeyutl -sign -rawin` signs them: Ed25519 gives the same signature each time.
#include "meter_model/audit/signed_head.h"

#include <gtest/gtest.h>

namespace ami::audit {
namespace {

// Made with deploy/audit-key for this test; it guards nothing.
constexpr const char* kPrivate =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIPvkUIfJwGTKa8YH+KsQ46Pxqx5Xs0vlWyjnyJLkmbC\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kPublic =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAM33u5msknS0AhKwvELnrZGrK+4hjD1IJ72B/YrBsi+E=\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kOtherPublic =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAv3DS+POO/K3+EiF+sQ6J7vbba9QaE5AtCHB7uWsspGQ=\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kBody =
    "ami-switch-audit-head-1\n"
    "position: 2\n"
    "chain_sha256: 10dc3b9f12de11f3d5d2454737a7d4ea7a3b59a01b3b822c981c42cc634cd1e2\n"
    "at: 2026-01-15T12:00:01Z\n"
    "gateway_at: 2026-01-15T12:00:01.500Z\n"
    "cluster: 7300000000000000001\n"
    "database: ami\n"
    "gateway: gw-1\n"
    "unsealed: 3\n"
    "previous: a.head\n"
    "previous_sha256: 21489f987016921f0d539a3ff82b9207693cec8cf2770b6d1fec5c8406865a02\n"
    "key_sha256: 551f7886ea8f36271c3f02f38e727d5e157fc89e6e993912cd65cf6bffa0c4f8\n";
constexpr const char* kSignature =
    "6KP7UyaiCBzcn5D+97/Lf8z+ckxogC4EFNomAciV0euUNyixJUrRstr/N/xrBDRx+FzlCBtlmZfZ3Ckr4VpqBQ==";

std::string golden() {
  std::string text(kBody);
  for (const char* part : {"signature: ", kSignature, "\n"}) text.append(part);
  return text;
}

Head head() {
  Head out;
  out.position = 2;
  out.chain = *digest_from_hex("10dc3b9f12de11f3d5d2454737a7d4ea7a3b59a01b3b822c981c42cc634cd1e2");
  out.at = *parse_instant("2026-01-15T12:00:01Z");
  out.gateway_at = *parse_instant("2026-01-15T12:00:01.5Z");
  out.cluster = 7300000000000000001U;
  out.database = "ami";
  out.gateway = "gw-1";
  out.unsealed = 3;
  out.previous = "a.head";
  out.previous_sha256 = Sha256().of("what was there");
  return out;
}

TEST(SignedHead, IsTheTextThatOpensslSigns) {
  const auto text = sign_head(head(), kPrivate);
  ASSERT_TRUE(text.ok()) << text.error().message;
  EXPECT_EQ(*text, golden());
  EXPECT_TRUE(check_signature(golden(), kPublic).ok());
  const auto back = parse_head(golden());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, head());
}

TEST(SignedHead, FirstOneHasNoPredecessor) {
  Head first;
  first.database = "d";
  first.gateway = "g";
  const auto text = sign_head(first, kPrivate);
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("\nprevious: \nprevious_sha256: \n"), std::string::npos) << *text;
  EXPECT_EQ(parse_head(*text).value(), first);
  EXPECT_TRUE(check_signature(*text, kPublic).ok());
}

TEST(SignedHead, AnyChangedByteIsFound) {
  const std::string good = golden();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(check_signature(bad, kPublic).ok()) << "byte " << i;
  }
}

TEST(SignedHead, CutOrLongerTextsAreRefused) {
  const std::string good = golden();
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(check_signature(good.substr(0, size), kPublic).ok()) << size;
  for (const std::string& more : {good + "\n", good + " ", good + "position: 9\n", std::string(9000, 'x') + good})
    EXPECT_FALSE(check_signature(more, kPublic).ok());
}

TEST(SignedHead, OtherKeysAreRefusedInWords) {
  EXPECT_FALSE(check_signature(golden(), kOtherPublic).ok());
  for (const char* wrong : {"", "no key", kPrivate}) {
    const auto refused = check_signature(golden(), wrong);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("public key"), std::string::npos) << refused.error().message;
  }
  for (const char* wrong : {"", "no key", kPublic,
                            // an EC key, not Ed25519
                            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPCLfTvjLy4wd8mDI\n"
                            "MzYQGO8rMbyHOEt5k05lklcvrKahRANCAASdcfHLfJrzSHj/s32Zff4gVt8OcHgs\n"
                            "6/PeRPFants6IlpNFIXkNlSB4MPm4cUIPWj/5srK0r+jmwwvv8dbT3AS\n-----END PRIVATE KEY-----\n"}) {
    const auto refused = sign_head(head(), wrong);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("private key"), std::string::npos) << refused.error().message;
  }
}

TEST(SignedHead, NamesCannotForgeALine) {
  Head sly = head();
  sly.database = "a\nposition: 99";
  sly.gateway = std::string("b\0c\x7f", 4);
  const auto text = sign_head(sly, kPrivate);
  ASSERT_TRUE(text.ok());
  const auto back = parse_head(*text);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->position, 2);
  EXPECT_EQ(back->database, "a?position: 99");
  EXPECT_EQ(back->gateway, "b?c?");
}

TEST(SignedHead, TextsThatAreNoHeadAreRefused) {
  const std::string good = golden();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("signature: x\n"), with("head-1", "head-2"),
        with("position: 2", "position: -2"), with("position: 2", "position: two"), with("position: 2\n", ""),
        with("chain_sha256: 10", "chain_sha256: 1g"), with("at: 2026-01-15T12:00:01Z", "at: noon"),
        with("unsealed: 3", "position: 3"), with("cluster: 7", "cluster: 7x"), with("previous_sha256: ", "previous_sha256: 0")})
    EXPECT_FALSE(parse_head(bad).ok()) << bad;
}

}  // namespace
}  // namespace ami::audit
