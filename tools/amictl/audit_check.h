// Checks the sealed audit of the service switch line by line: what `amictl audit verify` finds. Pure; believes
// nothing but the bytes. docs/audit.md
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "meter_model/audit/chain.h"
#include "meter_model/audit/signed_head.h"

namespace ami::amictl {

// A seal with its line, as they were received.
struct AuditedLine {
  std::int64_t position = 0;
  std::int64_t audit_id = 0;
  int format = 0;
  std::string_view canonical, row_sha256, chain_sha256;
  UtcInstant sealed_at{};
};

struct AuditFinding {
  std::int64_t position = 0;  // 0 = of none
  std::string kind;           // a stable word, see below
  std::string words;
};
// EDITED     a line is not what was sealed
// SWAPPED    a line stands where another one was sealed
// DELETED    a seal's line is gone
// MISSING    seals are gone, with or without their lines
// SEAL       a seal was changed, moved or put in
// FORMAT     bytes that no format explains
// LOST       an operation has a change without a line: it went before it was sealed
// REWRITTEN  the chain is whole, and not the one that was signed
// TRUNCATED  the chain ends before a position that was signed
// HEAD       a head file is not what was signed, or does not follow the one before it
// UNSEALED   a line waits too long to be sealed

struct GivenHead {
  std::string file;
  std::string text;
  audit::Head head;
};

class AuditCheck {
 public:
  // Lines come behind position `after`. With after > 0 the first line that is taken is only where the chain is
  // picked up: what stands before it is not checked. Heads: their signatures were looked at before.
  AuditCheck(std::int64_t after, std::vector<GivenHead> heads);

  void take(const AuditedLine& line);
  void unsealed(std::int64_t audit_id, std::string_view canonical);
  // `now`: the database's time. Lines that wait longer than `patience` are a finding.
  void end(UtcInstant now, std::chrono::seconds patience);
  void add(std::int64_t position, std::string kind, std::string words);

  [[nodiscard]] const std::vector<AuditFinding>& findings() const { return findings_; }  // the first ones
  [[nodiscard]] std::size_t finding_count() const { return finding_count_; }
  [[nodiscard]] std::int64_t lines() const { return lines_; }
  [[nodiscard]] std::int64_t last_position() const { return last_; }
  [[nodiscard]] std::int64_t unsealed_count() const { return unsealed_; }
  [[nodiscard]] std::optional<UtcInstant> oldest_unsealed() const { return oldest_unsealed_; }
  [[nodiscard]] std::size_t heads_met() const { return heads_met_; }  // whose position holds what was signed

 private:
  struct Life {
    std::int64_t version = 0;
    std::string state;
  };
  struct Odd {  // a line that is not what was sealed at its place
    std::int64_t position = 0;
    audit::Digest found{}, sealed{};
    std::string words;
  };
  void check_link(const AuditedLine& line, const audit::Digest& found, bool same);
  void check_life(std::int64_t position, std::string_view canonical);
  void check_heads(const AuditedLine& line);
  void tell_odd_lines();

  audit::Sha256 hasher_;
  const std::int64_t after_;
  std::int64_t last_;
  // The chain behind the last position: as it is stored, and as it follows. One of both has to fit the next.
  std::optional<audit::Digest> stored_, computed_;
  std::vector<GivenHead> heads_;  // in order of position
  std::size_t next_head_ = 0, heads_met_ = 0;
  std::unordered_map<std::int64_t, Life> lives_;  // by operation
  std::vector<Odd> odd_;
  std::vector<AuditFinding> findings_;
  std::size_t finding_count_ = 0;
  std::int64_t lines_ = 0, unsealed_ = 0;
  std::optional<UtcInstant> oldest_unsealed_;
};

}  // namespace ami::amictl
