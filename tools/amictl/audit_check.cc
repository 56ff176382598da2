#include "tools/amictl/audit_check.h"

#include <algorithm>
#include <utility>

#include "meter_model/audit/canonical.h"

namespace ami::amictl {
namespace {

constexpr std::size_t kFindingsKept = 1000;

const std::size_t kAuditId = audit::field_index("audit_id"), kSwitchId = audit::field_index("switch_id"),
                  kVersion = audit::field_index("version"), kFrom = audit::field_index("from_state"),
                  kTo = audit::field_index("to_state"), kRecorded = audit::field_index("recorded_at");

std::string id_text(std::int64_t audit_id) {
  return "audit id " + std::to_string(audit_id);
}

std::string name_line(std::int64_t audit_id, std::string_view canonical) {
  std::string out = id_text(audit_id);
  if (const auto fields = audit::parse_canonical(canonical)) {
    out += ", operation " + std::string(fields->at(kSwitchId).value_or("?")) + ", version " +
           std::string(fields->at(kVersion).value_or("?"));
  }
  return out;
}

}  // namespace

AuditCheck::AuditCheck(std::int64_t after, std::vector<GivenHead> heads)
    : after_(after), last_(after), heads_(std::move(heads)) {
  std::ranges::stable_sort(heads_, {}, [](const GivenHead& given) { return given.head.position; });
  if (after_ == 0) stored_ = computed_ = audit::kChainStart;
  // A head from before anything was sealed says nothing about lines.
  while (next_head_ < heads_.size() && heads_[next_head_].head.position == 0) {
    if (heads_[next_head_].head.chain == audit::kChainStart) {
      ++heads_met_;
    } else {
      add(0, "REWRITTEN", "signed head " + heads_[next_head_].file + " names a chain hash for an empty chain");
    }
    ++next_head_;
  }
}

void AuditCheck::add(std::int64_t position, std::string kind, std::string words) {
  ++finding_count_;
  if (findings_.size() < kFindingsKept) findings_.push_back({position, std::move(kind), std::move(words)});
}

void AuditCheck::take(const AuditedLine& line) {
  const bool picked_up = after_ > 0 && lines_ == 0;
  if (line.position != last_ + 1) {
    if (line.position > last_ + 1) {
      add(last_ + 1, "MISSING",
          "positions " + std::to_string(last_ + 1) + " to " + std::to_string(line.position - 1) +
              " are gone, with their seals");
    } else {
      add(line.position, "SEAL", "position " + std::to_string(line.position) + " comes twice, or out of order");
    }
    stored_.reset();  // what the next link hangs on is not known
    computed_.reset();
  }
  ++lines_;
  last_ = line.position;

  bool same = true;
  audit::Digest found{};
  if (line.format != audit::kFormat) {
    add(line.position, "FORMAT", "is sealed in format " + std::to_string(line.format) + ", which this program does not know");
  }
  if (line.canonical.empty()) {
    add(line.position, "DELETED", "the line (" + id_text(line.audit_id) + ") is gone, its seal is there");
    found = audit::digest_from_bytes(line.row_sha256).value_or(audit::Digest{});
  } else {
    found = hasher_.of(line.canonical);
    same = audit::bytes_of(found) == line.row_sha256;
    if (!audit::parse_canonical(line.canonical))
      add(line.position, "FORMAT", "its bytes are not those of a line of format 1");
  }
  check_link(line, found, same);
  if (!line.canonical.empty() && !picked_up) check_life(line.position, line.canonical);
  check_heads(line);
}

void AuditCheck::check_link(const AuditedLine& line, const audit::Digest& found, bool same) {
  const audit::Digest sealed = audit::digest_from_bytes(line.row_sha256).value_or(audit::Digest{});
  const audit::Digest chain = audit::digest_from_bytes(line.chain_sha256).value_or(audit::Digest{});
  const auto follows = [&](const audit::Digest& row) {
    for (const auto* before : {&stored_, &computed_}) {
      if (*before && hasher_.chain(**before, line.position, line.sealed_at, row) == chain) return true;
    }
    return false;
  };
  const bool unknown = !stored_ && !computed_;  // the first one, or behind a gap
  const bool linked = unknown || follows(sealed);
  if (!same && !unknown && !linked && follows(found)) {
    add(line.position, "SEAL", "the seal's hash of the line (" + name_line(line.audit_id, line.canonical) + ") was changed");
  } else if (!same) {
    odd_.push_back({line.position, found, sealed, name_line(line.audit_id, line.canonical)});
  }
  if (!linked && !(!same && follows(found))) {
    add(line.position, "SEAL",
        "the chain breaks here: the seal (" + id_text(line.audit_id) +
            ") does not follow from the one before it; it was changed, moved or put in");
  }
  if (computed_) {
    computed_ = hasher_.chain(*computed_, line.position, line.sealed_at, sealed);
  } else if (stored_) {
    computed_ = hasher_.chain(*stored_, line.position, line.sealed_at, sealed);
  }
  stored_ = chain;
  if (!computed_) computed_ = chain;
}

// Each change of an operation is one version, and begins where the one before it ended.
void AuditCheck::check_life(std::int64_t position, std::string_view canonical) {
  const auto fields = audit::parse_canonical(canonical);
  if (!fields) return;
  const auto id = audit::number_of(fields->at(kSwitchId)), version = audit::number_of(fields->at(kVersion));
  if (!id || !version) return;
  const auto [life, first] = lives_.try_emplace(*id);
  const std::string operation = "operation " + std::to_string(*id);
  if (first && after_ > 0) {
    // Its beginning stands before what is checked.
  } else if (*version != life->second.version + 1) {
    add(position, "LOST",
        operation + " goes from version " + std::to_string(life->second.version) + " to " + std::to_string(*version) +
            ": what stood between has no line");
  } else if (fields->at(kFrom).value_or("") != life->second.state) {
    add(position, "LOST",
        operation + ", version " + std::to_string(*version) + " begins in state " +
            std::string(fields->at(kFrom).value_or("none")) + ", the one before it ended in " +
            (life->second.state.empty() ? "none" : life->second.state));
  }
  life->second.version = *version;
  life->second.state = fields->at(kTo).value_or("");
}

void AuditCheck::check_heads(const AuditedLine& line) {
  for (; next_head_ < heads_.size() && heads_[next_head_].head.position <= line.position; ++next_head_) {
    const GivenHead& given = heads_[next_head_];
    if (given.head.position < line.position) continue;  // a gap, which was told
    if (audit::bytes_of(given.head.chain) == line.chain_sha256) {
      ++heads_met_;
    } else {
      add(line.position, "REWRITTEN",
          "signed head " + given.file + " of " + to_text(given.head.at) +
              " names another chain hash here: what stands at or before this position is not what was signed");
    }
  }
}

void AuditCheck::unsealed(std::int64_t audit_id, std::string_view canonical) {
  ++unsealed_;
  const auto fields = audit::parse_canonical(canonical);
  const auto at = fields ? audit::time_of(fields->at(kRecorded)) : std::nullopt;
  if (!at) {
    add(0, "UNSEALED", "a line that is not sealed (" + id_text(audit_id) + ") does not say when it was recorded");
  } else if (!oldest_unsealed_ || *at < *oldest_unsealed_) {
    oldest_unsealed_ = at;
  }
}

// Lines that stand in each other's places are told as such, the others as edited.
void AuditCheck::tell_odd_lines() {
  std::map<audit::Digest, std::int64_t> sealed_at;
  for (const Odd& odd : odd_) sealed_at.emplace(odd.sealed, odd.position);
  for (const Odd& odd : odd_) {
    const auto other = sealed_at.find(odd.found);
    if (other != sealed_at.end() && other->second != odd.position) {
      add(odd.position, "SWAPPED",
          "the line (" + odd.words + ") is the one that was sealed at position " + std::to_string(other->second));
    } else {
      add(odd.position, "EDITED", "the line (" + odd.words + ") is not what was sealed");
    }
  }
  odd_.clear();
}

void AuditCheck::end(UtcInstant now, std::chrono::seconds patience) {
  tell_odd_lines();
  for (; next_head_ < heads_.size(); ++next_head_) {
    const GivenHead& given = heads_[next_head_];
    add(given.head.position, "TRUNCATED",
        "signed head " + given.file + " of " + to_text(given.head.at) + " names position " +
            std::to_string(given.head.position) + "; the chain ends at " + std::to_string(last_));
  }
  if (oldest_unsealed_ && now - *oldest_unsealed_ > patience) {
    add(0, "UNSEALED",
        std::to_string(unsealed_) + " lines are not sealed, the oldest for " +
            std::to_string(std::chrono::floor<std::chrono::seconds>(now - *oldest_unsealed_).count()) +
            " s: nobody seals, or seals were taken away");
  }
  std::ranges::stable_sort(findings_, {}, &AuditFinding::position);
}

}  // namespace ami::amictl
