// Expected hashes: expected_hashes.py; those of SHA-256 itself: FIPS 180-4's examples.
#include "meter_model/audit/chain.h"

#include <gtest/gtest.h>

namespace ami::audit {
namespace {

UtcInstant micros(std::int64_t value) {
  return UtcInstant{std::chrono::microseconds{value}};
}

TEST(Chain, Sha256IsSha256HoweverOftenItIsUsed) {
  Sha256 hasher;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(hex(hasher.of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(hasher.of("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }
}

TEST(Chain, IsTheOneThatAnotherProgramMakes) {
  const auto full = *digest_from_hex("0756ac62f09b01c791b7aaafd6ce89d5fbd1eccb058db362f5631d88535d73e9");
  const auto old = *digest_from_hex("f421491ddcd3fdc773d782f268f7cfc63220cce943efe9cd05e430400175ebdd");
  Sha256 hasher;
  const Digest first = hasher.chain(kChainStart, 1, micros(1768478401000000), full);
  EXPECT_EQ(hex(first), "9565a2b6016432ae3f293c894543dbff67712326500cb54b7400164e2c74700d");
  EXPECT_EQ(hex(hasher.chain(first, 2, micros(-5), old)),
            "10dc3b9f12de11f3d5d2454737a7d4ea7a3b59a01b3b822c981c42cc634cd1e2");
}

TEST(Chain, DependsOnEachOfItsParts) {
  Sha256 hasher;
  const Digest a = hasher.of("a"), b = hasher.of("b");
  const Digest base = hasher.chain(a, 7, micros(9), b);
  EXPECT_NE(base, hasher.chain(b, 7, micros(9), b));
  EXPECT_NE(base, hasher.chain(a, 8, micros(9), b));
  EXPECT_NE(base, hasher.chain(a, 7, micros(10), b));
  EXPECT_NE(base, hasher.chain(a, 7, micros(9), a));
}

TEST(Chain, DigestsAreWrittenInOneWay) {
  const Digest digest = Sha256().of("abc");
  EXPECT_EQ(digest_from_hex(hex(digest)), digest);
  EXPECT_EQ(digest_from_bytes(bytes_of(digest)), digest);
  for (const char* bad : {"", "00", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
                          "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})
    EXPECT_FALSE(digest_from_hex(bad).has_value()) << bad;
  EXPECT_FALSE(digest_from_bytes("short").has_value());
}

}  // namespace
}  // namespace ami::audit
