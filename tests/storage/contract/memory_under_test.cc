#include <algorithm>
#include <limits>
#include <stdexcept>

#include "storage/memory/memory_store.h"
#include "tests/storage/contract/store_under_test.h"

namespace ami::storage::contract {
namespace {

using Cells = std::vector<std::string>;
constexpr std::int64_t kHole64 = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHole32 = std::numeric_limits<std::int32_t>::min();

Cells operator+(Cells left, const Cells& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::string text(std::int64_t number) {
  return std::to_string(number);
}
std::string text(const std::optional<UtcInstant>& instant) {
  return instant ? to_text(*instant) : "-";
}
std::string text(const std::optional<Decimal>& value) {
  return value ? value->normalised().to_string() : "-";
}
std::string text(TimeSource clock) {
  return text(static_cast<std::int64_t>(clock));
}
std::string text(const QualitySet& codes) {
  std::string out = "{";
  for (const QualityCode code : codes) out += (out.size() > 1 ? "," : "") + code.to_string();
  return out + "}";
}
std::string hex(const std::string& bytes) {
  std::string out;
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += kDigits[static_cast<unsigned char>(byte) / 16];
    out += kDigits[static_cast<unsigned char>(byte) % 16];
  }
  return out;
}
Cells cells(const ValueQuality& quality) {
  return {text(quality.codes), quality.vendor_flag};
}
Cells cells(const IntervalSaid& said) {
  return Cells{text(said.value)} + cells(said.quality) +
         Cells{to_text(said.stamp), text(said.mapping_version)};
}
Cells cells(const RegisterSaid& said) {
  return Cells{text(said.value.mantissa), text(said.value.exponent)} + cells(said.quality) +
         Cells{to_text(said.stamp), text(said.mapping_version)};
}
Cells cells(const MemorySourceKey& key) {
  return {text(key.utility),     key.feed,
          key.content_sha256,    text(static_cast<std::int64_t>(key.offset)),
          to_text(key.stamp),    text(key.mapping_version),
          text(key.time_source), text(key.replay)};
}

template <class T>
std::string array(const std::vector<T>& items) {
  std::string out = "{";
  for (const T& item : items) {
    if (out.size() > 1) out += ",";
    if constexpr (std::is_same_v<T, std::string>) {
      out += item;
    } else {
      out += std::to_string(item);
    }
  }
  return out + "}";
}

// The mantissa at that exponent, unless it does not fit or would read as a hole.
std::optional<std::int64_t> fit(const Decimal& value, int exponent) {
  const auto mantissa = value.mantissa_at(exponent);
  return mantissa == kHole64 ? std::nullopt : mantissa;
}

// The smallest exponent from `least` on at which the value fits 64 bits.
Decimal widest(const Decimal& value, int least) {
  int exponent = least;
  while (!fit(value, exponent)) ++exponent;
  return {*fit(value, exponent), exponent};
}

class MemoryUnderTest final : public StoreUnderTest {
 public:
  MemoryUnderTest() { clear(); }

  IngestStore& store() override { return *store_; }
  void clear() override {
    store_ = std::make_unique<MemoryStore>([this] { return now(); }, contract_facts());
    store_->add_utility(kNorth);
    store_->add_utility(kSouth);
    store_->add_meter(kNorth, kMeter);
    store_->add_meter(kNorth, kOtherMeter);
    store_->add_meter(kSouth, kSouthMeter);
    for (int i = 0; i < touched_; ++i) store_->touch_directory();
  }
  std::int64_t directory_version() override { return store_->tables().directory_version; }
  void touch_directory() override {
    ++touched_;
    store_->touch_directory();
  }
  std::int64_t quarantine_id(const std::string& reason) override {
    std::vector<std::int64_t> found;
    for (const auto& [key, row] : store_->tables().quarantine) {
      if (key.reason == reason) found.push_back(row.quarantine_id);
    }
    if (found.size() != 1) throw std::logic_error(text(static_cast<std::int64_t>(found.size())) + " rows");
    return found.front();
  }
  void reject(std::int64_t quarantine_id) override { store_->reject(quarantine_id); }
  UtcInstant now() override { return now_ += std::chrono::milliseconds{1}; }

  Dump dump() override {
    tables_ = store_->tables();
    sections_.clear();
    for (const auto& [name, columns] : section_columns()) sections_[name].columns = columns;
    for (const MemoryChannel& channel : tables_.channels) row("channel", cells(channel));
    dump_rows();
    dump_intervals();
    dump_registers();
    dump_events();
    dump_intake();
    dump_changes();
    Dump out;
    for (auto& [name, section] : sections_) {
      sort_rows(section);
      auto& part = name == "source" ? out.sources
                   : name == "odd"  ? out.digits
                   : is_truth(name) ? out.truth
                                    : out.history;
      if (name != "as_of") part[name] = std::move(section);
    }
    return out;
  }

  Section as_of(UtcInstant then) override {
    tables_ = store_->tables();
    Section out{section_columns().at("as_of"), {}};
    for (const auto& [key, said] : tables_.intervals) {
      if (const IntervalSaid* was = tables_.interval_as_of(key, then); was != nullptr) {
        out.rows.push_back(Cells{"interval"} + cells(key.channel) +
                           Cells{to_text(key.start), text(key.length_s)} + cells(*was));
      }
    }
    for (const auto& [key, said] : tables_.registers) {
      if (const RegisterSaid* was = tables_.register_as_of(key, then); was != nullptr) {
        out.rows.push_back(Cells{"register"} + cells(key.channel) +
                           Cells{to_text(key.at), "0", text(std::optional(was->value))} +
                           cells(was->quality) + Cells{to_text(was->stamp), text(was->mapping_version)});
      }
    }
    sort_rows(out);
    return out;
  }

 private:
  void row(const std::string& section, Cells cells) {
    sections_.at(section).rows.push_back(std::move(cells));
  }
  Cells cells(const MemoryChannel& channel) const {
    return {text(tables_.meters.at(channel.meter)), text(channel.meter), channel.key, channel.reading_type,
            channel.unit};
  }
  template <class T>
  Cells cells(const T& value) const {
    return contract::cells(value);
  }
  Cells origin(MemorySourceId id) const {
    const MemorySourceKey& key = tables_.source(id).first;
    return {key.content_sha256, text(static_cast<std::int64_t>(key.offset))};
  }
  Cells clock(MemorySourceId id) const { return {text(tables_.source(id).first.time_source)}; }

  [[nodiscard]] std::optional<Decimal> current(const IntervalRow& row, int slot) const {
    const auto found = tables_.intervals.find(slot_of(row, slot));
    return found == tables_.intervals.end() ? std::nullopt : found->second.rbegin()->first.value;
  }

  void dump_rows() {
    for (const auto& [key, facts] : tables_.interval_rows) {
      const Cells name = cells(key.channel) + Cells{to_text(key.start), text(key.length_s)};
      if (!key.grid) {
        const auto value = current(key, 0);
        row("odd", name + (value ? Cells{text(value->mantissa), text(value->exponent)} : Cells{"-", "-"}) +
                       Cells{text(facts.version)});
        continue;
      }
      row("version", name + Cells{text(facts.version)});
      bool common = true, narrow = true;
      std::vector<std::optional<Decimal>> slots;
      for (int slot = 0; slot < 86'400 / key.length_s; ++slot) {
        slots.push_back(current(key, slot));
        if (!slots.back()) continue;
        slots.back() = widest(*slots.back(), *facts.exponent);
        common &= slots.back()->exponent == *facts.exponent;
        narrow &= slots.back()->mantissa > kHole32 && slots.back()->mantissa < -kHole32;
      }
      narrow &= common;
      std::vector<std::int64_t> mantissas;
      std::vector<std::string> exponents;
      for (const auto& slot : slots) {
        mantissas.push_back(slot ? slot->mantissa : narrow ? kHole32 : kHole64);
        exponents.push_back(slot ? text(slot->exponent) : "NULL");
      }
      row("day", name + Cells{facts.exponent ? text(*facts.exponent) : "-", narrow ? array(mantissas) : "-",
                              narrow ? "-" : array(mantissas), common ? "-" : array(exponents)});
    }
  }

  void dump_intervals() {
    for (const auto& [key, statements] : tables_.intervals) {
      const Cells name = cells(key.channel) + Cells{to_text(key.start), text(key.length_s)};
      for (auto it = statements.begin(); it != statements.end(); ++it) {
        const auto& [said, source] = *it;
        const Cells from = origin(source) + clock(source);
        if (std::next(it) == statements.end()) {
          row("slot", name + cells(said));
          row("slot_origin", name + from);
        } else {
          row("revision", name + cells(said));
          row("revision_origin", name + cells(said) + from);
        }
      }
    }
  }

  void dump_registers() {
    for (const auto& [key, statements] : tables_.registers) {
      const Cells name = cells(key.channel) + Cells{to_text(key.at)};
      for (auto it = statements.begin(); it != statements.end(); ++it) {
        const auto& [said, source] = *it;
        const bool is_current = std::next(it) == statements.end();
        row(is_current ? "register" : "register_revision",
            name + cells(said) +
                Cells{text(said.period_start), text(said.occurred_at), text(said.time_source)});
        if (is_current) {
          row("register_origin", name + origin(source));
        } else {
          row("register_revision_origin", name + cells(said) + origin(source));
        }
      }
    }
  }

  void dump_events() {
    std::map<std::int64_t, std::string> heads;
    for (const auto& [key, event] : tables_.events) {
      heads[event.event_id] =
          "of " + key.raw_code + " " + key.raw_text + " " + text(key.at.time_since_epoch().count());
    }
    for (const auto& [key, event] : tables_.events) {
      row("event",
          {text(tables_.meters.at(key.meter)), text(key.meter), to_text(key.at), key.vendor, key.raw_code,
           key.raw_text, event.said.kind, event.said.code, text(event.said.mapping_version),
           text(event.said.time_source),
           event.duplicate_of == 0 ? text(std::int64_t{event.duplicates}) : heads.at(event.duplicate_of)});
      row("event_origin",
          Cells{text(key.meter), to_text(key.at), key.raw_code, key.raw_text} + origin(event.source));
    }
  }

  void dump_intake() {
    for (const auto& [key, item] : tables_.quarantine) {
      const Cells name{text(key.utility), key.feed, key.reason, hex(key.raw)};
      constexpr const char* kStates[] = {"OPEN", "REPLAYED", "REJECTED"};
      row("quarantine", name + Cells{kStates[static_cast<int>(item.state)]});
      row("sighting", name + Cells{item.detail, item.meter, text(static_cast<std::int64_t>(item.offset)),
                                   text(item.times_seen), to_text(item.first_seen), to_text(item.last_seen),
                                   origin(item.source)[0]});
    }
    for (const auto& [key, sign] : tables_.clock_signs) {
      row("clock", {text(key.meter), key.feed, text(static_cast<std::int64_t>(key.kind)), text(sign.times),
                    to_text(sign.first_at), to_text(sign.last_at), text(sign.tolerance.count()),
                    text(sign.last_offset.count()), text(sign.least_offset.count()),
                    text(sign.most_offset.count()), to_text(sign.worst_at)});
    }
    for (const auto& [key, value] : tables_.state) row("state", {key.first, hex(key.second), hex(value)});
    for (const auto& [key, source] : tables_.sources) {
      row("source", cells(key));
      row("receipt", cells(key) + Cells{source.name, text(static_cast<std::int64_t>(source.length)),
                                        to_text(source.received_at), text(source.registers),
                                        text(source.interval_values), text(source.events), source.cause});
    }
  }

  void dump_changes() {
    std::int64_t commit = 0, last = 0;
    for (const MemoryChange& change : tables_.changes) {
      if (change.commit != last) ++commit;
      last = change.commit;
      int kinds = 0;
      std::string slots, old;
      int run_first = 0, run_count = 0, run_kind = 0;
      const auto end_run = [&] {
        if (run_count > 0) {
          slots +=
              (slots.empty() ? "" : ",") + text(run_first) + "," + text(run_count) + "," + text(run_kind);
        }
      };
      for (const auto& slot : change.slots) {
        kinds |= slot.kind;
        if (slot.kind == run_kind && slot.slot == run_first + run_count) {
          ++run_count;
        } else {
          end_run();
          run_first = slot.slot;
          run_count = 1;
          run_kind = slot.kind;
        }
        if (slot.old) {
          old += (old.empty() ? "" : "; ") + text(slot.old->first) + " " + text(slot.old->second.codes) +
                 " " + slot.old->second.vendor_flag;
        }
      }
      end_run();
      const bool event = change.entity == MemoryChange::kEvent;
      row("change", {text(commit), text(change.entity), text(change.utility), text(change.meter),
                     change.channel ? change.channel->key + " " + change.channel->reading_type : "-",
                     to_text(change.at), text(std::min<std::int64_t>(change.length_s, 2'147'483'647)),
                     event ? "event_id" : text(change.version), text(kinds),
                     change.entity == MemoryChange::kDay ? "{" + slots + "}" : "-", old});
    }
  }

  UtcInstant now_{std::chrono::sys_days{std::chrono::year{2024} / 3 / 10}};
  std::unique_ptr<MemoryStore> store_;
  int touched_ = 0;
  MemoryTables tables_;
  std::map<std::string, Section> sections_;
};

}  // namespace

std::unique_ptr<StoreUnderTest> memory_store() {
  return std::make_unique<MemoryUnderTest>();
}

}  // namespace ami::storage::contract
