// What somebody who owns the database may do to a sealed audit, with every trigger silenced, is found and named by
// its position.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "meter_model/audit/canonical.h"
#include "tests/storage/postgres/switch_seal_scene.h"
#include "tools/amictl/audit_check.h"

namespace ami::storage {
namespace {

using amictl::AuditCheck;
using amictl::AuditFinding;
using amictl::GivenHead;

constexpr const char* kPrivate =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIPvkUIfJwGTKa8YH+KsQ46Pxqx5Xs0vlWyjnyJLkmbC\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kPublic =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAM33u5msknS0AhKwvELnrZGrK+4hjD1IJ72B/YrBsi+E=\n"
    "-----END PUBLIC KEY-----\n";

class Tampered : public SwitchSealTest {
 protected:
  void SetUp() override {
    SwitchSealTest::SetUp();
    two_operations();
    seal_all(5);
    sealed = chain();
    ASSERT_EQ(sealed.size(), 12U);
    sql("CREATE TABLE kept_audit AS TABLE switch_audit; CREATE TABLE kept_seal AS TABLE switch_seal");
  }
  void restore() const {
    tamper("DELETE FROM switch_seal; DELETE FROM switch_audit; INSERT INTO switch_audit OVERRIDING SYSTEM VALUE"
           " TABLE kept_audit; INSERT INTO switch_seal TABLE kept_seal");
  }
  [[nodiscard]] std::string id_at(std::int64_t position) const {
    return std::to_string(sealed.at(static_cast<std::size_t>(position) - 1).audit_id);
  }
  GivenHead head_at(std::int64_t position) {
    GivenHead given;
    given.file = "head-" + std::to_string(position);
    given.head.position = position;
    given.head.chain = sealed.at(static_cast<std::size_t>(position) - 1).chain;
    given.text = audit::sign_head(given.head, kPrivate).value();
    return given;
  }

  std::vector<AuditFinding> check(const std::vector<GivenHead>& heads = {}, std::int64_t after = 0) {
    AuditCheck checked(after, heads);
    const std::vector<SealedLine> lines = seals->sealed(after, 1000).value(), tail = seals->unsealed(0, 1000).value();
    for (const SealedLine& line : lines) {
      checked.take({line.position, line.audit_id, line.format, line.canonical, audit::bytes_of(line.row),
                    audit::bytes_of(line.chain), line.sealed_at});
    }
    for (const SealedLine& line : tail) checked.unsealed(line.audit_id, line.canonical);
    checked.end(seals->tail(true)->now, std::chrono::seconds{60});
    heads_met = checked.heads_met();
    unsealed = checked.unsealed_count();
    return checked.findings();
  }
  // "kind@position", each once.
  static std::set<std::string> told(const std::vector<AuditFinding>& findings) {
    std::set<std::string> out;
    for (const AuditFinding& finding : findings) out.insert(finding.kind + "@" + std::to_string(finding.position));
    return out;
  }
  static std::string words(const std::vector<AuditFinding>& findings) {
    std::string out;
    for (const AuditFinding& finding : findings)
      out += finding.kind + "@" + std::to_string(finding.position) + " " + finding.words + "\n";
    return out;
  }
  // Makes every seal anew over what is stored now, as somebody with the sealer's own code could.
  void seal_anew() {
    audit::Sha256 hasher;
    audit::Digest before = audit::kChainStart;
    std::string statements;
    for (const SealedLine& line : chain()) {
      const audit::Digest row = hasher.of(line.canonical);
      before = hasher.chain(before, line.position, line.sealed_at, row);
      statements += "UPDATE switch_seal SET row_sha256 = '\\x" + audit::hex(row) + "', chain_sha256 = '\\x" +
                    audit::hex(before) + "' WHERE position = " + std::to_string(line.position) + ";";
    }
    tamper(statements);
  }

  std::vector<SealedLine> sealed;
  std::size_t heads_met = 0;
  std::int64_t unsealed = 0;
};

TEST_F(Tampered, UntouchedAuditIsWhole) {
  EXPECT_EQ(words(check()), "");
  EXPECT_EQ(words(check({head_at(12), head_at(5)})), "");
  EXPECT_EQ(heads_met, 2U);
  EXPECT_EQ(words(check({head_at(9)}, 6)), "") << "begun in the middle";
  EXPECT_EQ(heads_met, 1U);
}

TEST_F(Tampered, EditOfEachColumnIsFoundAtItsPosition) {
  for (const audit::FieldInfo& field : audit::fields()) {
    if (field.name == "audit_id") continue;  // see below
    const std::string name(field.name);
    std::string to;
    switch (field.kind) {
      case audit::FieldKind::Number:
        to = "coalesce(" + name + ", 0) + 100";
        break;
      case audit::FieldKind::Flag:
        to = "NOT " + name;
        break;
      case audit::FieldKind::Time:
        to = name + " + interval '1 microsecond'";
        break;
      case audit::FieldKind::Text:
        to = name + " || ' '";
        break;
    }
    tamper("UPDATE switch_audit SET " + name + " = " + to + " WHERE audit_id = " + id_at(7));
    const auto found = check();
    EXPECT_TRUE(told(found).contains("EDITED@7")) << name << "\n" << words(found);
    for (const AuditFinding& finding : found)
      EXPECT_TRUE(finding.position == 7 || finding.kind == "LOST") << name << "\n" << words(found);
    restore();
  }
  EXPECT_EQ(words(check()), "");
}

TEST_F(Tampered, EmptyInsteadOfNullAndBackIsFound) {
  tamper("UPDATE switch_audit SET from_state = '' WHERE audit_id = " + id_at(1));
  EXPECT_TRUE(told(check()).contains("EDITED@1"));
  restore();
  tamper("UPDATE switch_audit SET certificate = NULL WHERE audit_id = " + id_at(12));
  EXPECT_TRUE(told(check()).contains("EDITED@12"));
  restore();
  for (const char* time : {"infinity", "-infinity", "294276-12-31 23:59:59.999999+00", "4713-01-01 00:00:00+00 BC"}) {
    tamper(std::string("UPDATE switch_audit SET at = '") + time + "' WHERE audit_id = " + id_at(4));
    EXPECT_TRUE(told(check()).contains("EDITED@4")) << time;
    restore();
  }
}

TEST_F(Tampered, EditOfEachColumnOfASealIsFound) {
  const std::pair<const char*, const char*> edits[] = {
      {"row_sha256 = sha256('x')", "SEAL@7"},
      {"chain_sha256 = sha256('x')", "SEAL@7"},
      {"sealed_at = sealed_at + interval '1 microsecond'", "SEAL@7"},
      {"sealed_at = 'infinity'", "SEAL@7"},
      {"format = 2", "FORMAT@7"},
      {"audit_id = audit_id + 1000", "DELETED@7"},
      {"position = 700", "MISSING@7"}};
  for (const auto& [edit, kind] : edits) {
    tamper(std::string("UPDATE switch_seal SET ") + edit + " WHERE position = 7");
    const auto found = check();
    EXPECT_TRUE(told(found).contains(kind)) << edit << "\n" << words(found);
    restore();
  }
  // A line and its seal's hash together.
  tamper("UPDATE switch_audit SET words = 'nothing happened' WHERE audit_id = " + id_at(7));
  audit::Sha256 hasher;
  tamper("UPDATE switch_seal SET row_sha256 = '\\x" + audit::hex(hasher.of(chain()[6].canonical)) + "' WHERE position = 7");
  EXPECT_EQ(told(check()), std::set<std::string>{"SEAL@7"});
}

TEST_F(Tampered, DeletedLineIsFound) {
  tamper("DELETE FROM switch_audit WHERE audit_id = " + id_at(7));
  auto found = told(check());
  EXPECT_TRUE(found.contains("DELETED@7"));
  restore();
  tamper("UPDATE switch_audit SET audit_id = audit_id + 1000 WHERE audit_id = " + id_at(7));
  found = told(check());
  EXPECT_TRUE(found.contains("DELETED@7"));
  EXPECT_EQ(unsealed, 1) << "it stands elsewhere now, and nobody sealed it there";
  restore();
  // With its seal.
  tamper("DELETE FROM switch_audit WHERE audit_id = " + id_at(7) + "; DELETE FROM switch_seal WHERE position = 7");
  EXPECT_TRUE(told(check()).contains("MISSING@7"));
  restore();
  // With its seal, and the gap closed.
  tamper("DELETE FROM switch_audit WHERE audit_id = " + id_at(7) + "; DELETE FROM switch_seal WHERE position = 7;"
         "UPDATE switch_seal SET position = position + 1000 WHERE position > 7;"
         "UPDATE switch_seal SET position = position - 1001 WHERE position > 1000");
  EXPECT_TRUE(told(check()).contains("SEAL@7"));
}

TEST_F(Tampered, SwappedLinesAreFound) {
  const std::string a = id_at(3), b = id_at(9);
  // Where they are stored.
  tamper("UPDATE switch_audit SET audit_id = -1 WHERE audit_id = " + a + "; UPDATE switch_audit SET audit_id = " + a +
         " WHERE audit_id = " + b + "; UPDATE switch_audit SET audit_id = " + b + " WHERE audit_id = -1");
  auto found = told(check());
  EXPECT_TRUE(found.contains("EDITED@3") && found.contains("EDITED@9"));
  restore();
  // In their seals.
  tamper("UPDATE switch_seal SET audit_id = -1 WHERE position = 3; UPDATE switch_seal SET audit_id = " + a +
         " WHERE position = 9; UPDATE switch_seal SET audit_id = " + b + " WHERE position = 3");
  found = told(check());
  EXPECT_TRUE(found.contains("SWAPPED@3") && found.contains("SWAPPED@9"));
  restore();
  // The seals themselves.
  tamper("UPDATE switch_seal SET position = 1000 WHERE position = 3; UPDATE switch_seal SET position = 3 WHERE position = 9;"
         "UPDATE switch_seal SET position = 9 WHERE position = 1000");
  found = told(check());
  EXPECT_TRUE(found.contains("SEAL@3") && found.contains("SEAL@9"));
}

TEST_F(Tampered, SmuggledLineIsFound) {
  tamper("INSERT INTO switch_audit (switch_id, utility_id, version, from_state, to_state, input, actor, gateway, words, facts,"
         " at, recorded_at) SELECT switch_id, utility_id, 99, 'SENT', 'CANCELLED', 'x', 'x', 'x', '', '', at,"
         " recorded_at - interval '1 day' FROM switch_audit WHERE audit_id = " + id_at(7));
  EXPECT_TRUE(told(check()).contains("UNSEALED@0")) << "a line that waits for a day";
  // Once it is sealed, the operation's own story does not fit.
  seal_all();
  EXPECT_TRUE(told(check()).contains("LOST@13"));
}

TEST_F(Tampered, LineThatWentBeforeItWasSealedIsMissed) {
  SwitchOperation third = create("r3");
  third = move(third, SwitchState::PolicyChecked);
  move(third, SwitchState::Authorised);
  tamper("DELETE FROM switch_audit WHERE version = 2 AND switch_id = " + std::to_string(third.id));
  seal_all();
  const auto found = check();
  EXPECT_EQ(told(found), std::set<std::string>{"LOST@14"}) << words(found);
}

TEST_F(Tampered, TruncationIsFoundByTheHeadAndByNothingElse) {
  const GivenHead head = head_at(11);
  tamper("DELETE FROM switch_audit WHERE audit_id IN (SELECT audit_id FROM switch_seal WHERE position > 9);"
         "DELETE FROM switch_seal WHERE position > 9");
  EXPECT_EQ(words(check()), "") << "a chain cannot see that its own tail is gone";
  const auto found = check({head});
  EXPECT_EQ(told(found), std::set<std::string>{"TRUNCATED@11"}) << words(found);
  EXPECT_NE(words(found).find("the chain ends at 9"), std::string::npos);
  // Other lines grow over the place.
  create("r3");
  create("r4");
  create("r5");
  seal_all();
  EXPECT_EQ(words(check()), "");
  EXPECT_TRUE(told(check({head})).contains("REWRITTEN@11"));
  restore();
  tamper("DELETE FROM switch_seal; DELETE FROM switch_audit");
  EXPECT_EQ(words(check()), "");
  EXPECT_EQ(told(check({head})), std::set<std::string>{"TRUNCATED@11"});
}

TEST_F(Tampered, SealsThatWereTakenAwayLeaveLinesThatNobodySealed) {
  tamper("DELETE FROM switch_seal WHERE position > 9; UPDATE switch_audit SET recorded_at = recorded_at - interval '2 min'");
  EXPECT_EQ(unsealed, 0);
  const auto found = check();
  EXPECT_TRUE(told(found).contains("UNSEALED@0")) << words(found);
  EXPECT_EQ(unsealed, 3);
}

TEST_F(Tampered, HistoryThatWasSealedAnewIsFoundByTheHead) {
  const GivenHead head = head_at(10);
  tamper("UPDATE switch_audit SET actor = 'CN=somebody else' WHERE audit_id = " + id_at(7));
  seal_anew();
  EXPECT_EQ(words(check()), "") << "a chain that was made anew is whole";
  const auto found = check({head});
  EXPECT_EQ(told(found), std::set<std::string>{"REWRITTEN@10"}) << words(found);
  EXPECT_EQ(words(check({head_at(6)})), "") << "what was signed before the edit still stands";
}

TEST_F(Tampered, ForgedHeadDoesNotPassItsSignature) {
  GivenHead forged = head_at(12);
  EXPECT_TRUE(audit::check_signature(forged.text, kPublic).ok());
  const auto at = forged.text.find("position: 12");
  forged.text.replace(at, 12, "position: 11");
  EXPECT_FALSE(audit::check_signature(forged.text, kPublic).ok());
}

// A second program, written from the document alone, in another language.
TEST_F(Tampered, ProgramThatKnowsOnlyTheDocumentComesToTheSame) {
  const auto folder = std::string(::testing::TempDir());
  const std::string head_file = folder + "/audit-" + std::to_string(::getpid()) + ".head", key_file = head_file + ".pub";
  std::ofstream(head_file) << head_at(12).text;
  std::ofstream(key_file) << kPublic;
  const std::string command = std::string("/usr/bin/python3 ") + std::getenv("AMI_SOURCE_DIR") +
                              "/tests/e2e/audit/independent_check.py '" + as_user(conninfo, "t_audit") + "' " + head_file +
                              " " + key_file;
  const auto run = [&] { return WEXITSTATUS(std::system(command.c_str())); };
  EXPECT_EQ(run(), 0);
  for (const std::string& edit :
       {"UPDATE switch_audit SET words = 'é\n\"' WHERE audit_id = " + id_at(7),
        "DELETE FROM switch_audit WHERE audit_id = " + id_at(7), std::string("DELETE FROM switch_seal WHERE position = 12"),
        std::string("UPDATE switch_seal SET sealed_at = 'infinity' WHERE position = 3")}) {
    tamper(edit);
    EXPECT_NE(run(), 0) << edit;
    restore();
  }
  // A line with everything that is awkward in it, sealed by us, understood by the other.
  SwitchOperation odd = create("r\u00e9 \U0001F50C");
  (void)odd;
  seal_all();
  EXPECT_EQ(run(), 0);
  ::unlink(head_file.c_str());
  ::unlink(key_file.c_str());
}

}  // namespace
}  // namespace ami::storage
