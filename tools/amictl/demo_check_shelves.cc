#include "tools/amictl/demo_check_shelves.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace ami::amictl {
namespace {

constexpr std::size_t kBufferedBytes = 32 << 10;          // of each shelf
constexpr std::uint64_t kLedgerBytesOfPart = 192ULL << 20;  // some 600,000 values

enum class Tag : std::uint8_t { Values, Event, Command, StoredEvent, StoredCount, StoredTarget };

struct CloseFile {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error("scratch file: " + std::string(what) + ": " + std::strerror(errno));
}

File scratch_file(const std::filesystem::path& folder) {
  std::string name = (folder / "amictl-demo-check-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) throw std::runtime_error("scratch file " + name + ": " + std::strerror(errno));
  (void)::unlink(name.c_str());
  File file(::fdopen(descriptor, "w+b"));
  if (!file) {
    (void)::close(descriptor);
    fail("open");
  }
  (void)std::setvbuf(file.get(), nullptr, _IONBF, 0);  // a shelf buffers by itself
  return file;
}

// In this machine's order of bytes: who writes it reads it.
template <class Number>
void put(std::string& to, Number number) {
  const auto bytes = std::bit_cast<std::array<char, sizeof(Number)>>(number);
  to.append(bytes.data(), bytes.size());
}
void put(std::string& to, UtcInstant at) {
  put<std::int64_t>(to, at.time_since_epoch().count());
}
void put(std::string& to, const Decimal& value) {
  put(to, value.mantissa);
  put(to, static_cast<std::int8_t>(value.exponent));
}
void put_text(std::string& to, std::string_view text) {
  put(to, static_cast<std::uint32_t>(text.size()));
  to.append(text);
}

// The same way back.
class Cursor {
 public:
  explicit Cursor(std::FILE* file) : file_(file) {}
  bool more() {
    if (at_ == end_) fill();
    return at_ != end_;
  }
  template <class Number>
  Number get() {
    std::array<char, sizeof(Number)> bytes;
    read(bytes.data(), bytes.size());
    return std::bit_cast<Number>(bytes);
  }
  UtcInstant instant() { return UtcInstant{std::chrono::microseconds{get<std::int64_t>()}}; }
  Decimal decimal() {
    const auto mantissa = get<std::int64_t>();
    return {mantissa, get<std::int8_t>()};
  }
  std::string text() {
    std::string out(get<std::uint32_t>(), '\0');
    read(out.data(), out.size());
    return out;
  }

 private:
  void fill() {
    at_ = 0;
    end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_);
    if (end_ == 0 && std::ferror(file_) != 0) fail("read");
  }
  void read(char* to, std::size_t bytes) {
    while (bytes > 0) {
      if (!more()) throw std::runtime_error("scratch file: it ends too early");
      const std::size_t now = std::min(bytes, end_ - at_);
      std::memcpy(to, buffer_.data() + at_, now);
      at_ += now, to += now, bytes -= now;
    }
  }
  std::FILE* file_;
  std::vector<char> buffer_ = std::vector<char>(256 << 10);
  std::size_t at_ = 0, end_ = 0;
};

}  // namespace

class Shelves::Shelf {
 public:
  explicit Shelf(const std::filesystem::path& folder) : file_(scratch_file(folder)) {}

  std::string& begin(Tag tag) {
    if (buffer_.size() >= kBufferedBytes) write_out();
    put(buffer_, tag);
    return buffer_;
  }
  void write_out() {
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size()) fail("write");
    written_ += buffer_.size();
    buffer_.clear();
  }
  Cursor rewound() {
    write_out();
    buffer_ = {};
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0) fail("seek");
    return Cursor(file_.get());
  }
  void close() {
    file_.reset();
    written_ = 0;
  }
  [[nodiscard]] std::uint64_t bytes() const { return written_ + buffer_.size(); }

 private:
  File file_;
  std::string buffer_;
  std::uint64_t written_ = 0;
};

std::size_t Shelves::parts_for(std::uint64_t ledger_bytes) {
  return std::clamp<std::size_t>(static_cast<std::size_t>(ledger_bytes / kLedgerBytesOfPart) + 1, 1, kMostParts);
}

Shelves::Shelves(const std::filesystem::path& folder, std::size_t parts) {
  shelves_.reserve(parts);
  for (std::size_t i = 0; i < parts; ++i) shelves_.emplace_back(folder);
}
Shelves::~Shelves() = default;

Shelves::Shelf& Shelves::of(std::string_view meter) {
  return shelves_[std::hash<std::string_view>{}(meter) % shelves_.size()];
}

void Shelves::values(std::string_view meter, std::string_view reading_type, std::string_view unit,
                     std::span<const Statement> said) {
  auto type = types_.find(reading_type);
  if (type == types_.end()) {
    type = types_.emplace(std::string(reading_type), static_cast<std::uint32_t>(names_.size())).first;
    names_.emplace_back(reading_type, unit);
  }
  std::string& to = of(meter).begin(Tag::Values);
  put_text(to, meter);
  put(to, type->second);
  put(to, static_cast<std::uint32_t>(said.size()));
  for (const Statement& one : said) {
    put(to, one.at);
    put(to, one.value);
    put(to, one.length_s);
    put(to, one.delivery);
  }
}

void Shelves::event(std::string_view meter, const SaidEvent& event) {
  std::string& to = of(meter).begin(Tag::Event);
  put_text(to, meter);
  for (const std::string* text : {&event.code, &event.name, &event.raw}) put_text(to, *text);
  put(to, event.at);
  put(to, event.delivery);
}

void Shelves::command(const SaidStep& step) {
  std::string& to = of(step.meter).begin(Tag::Command);
  for (const std::string* text : {&step.transaction, &step.meter, &step.command}) put_text(to, *text);
  put(to, step.step);
}

void Shelves::stored(std::string_view meter, const StoredEvent& event) {
  std::string& to = of(meter).begin(Tag::StoredEvent);
  put_text(to, meter);
  for (const std::string* text : {&event.kind, &event.code, &event.vendor_code}) put_text(to, *text);
  put(to, event.at);
}

void Shelves::stored(const StoredCount& count) {
  std::string& to = of(count.meter).begin(Tag::StoredCount);
  put_text(to, count.meter);
  put_text(to, count.channel);
  put(to, count.day);
  put(to, count.intervals);
  put(to, count.registers);
  put(to, count.interval_sum);
}

void Shelves::stored(const StoredTarget& target) {
  std::string& to = of(target.meter).begin(Tag::StoredTarget);
  for (const std::string* text : {&target.transaction, &target.meter, &target.state}) put_text(to, *text);
}

std::size_t Shelves::parts() const {
  return shelves_.size();
}

std::uint64_t Shelves::bytes() const {
  std::uint64_t bytes = 0;
  for (const Shelf& shelf : shelves_) bytes += shelf.bytes();
  return bytes;
}

Part Shelves::take(std::size_t part) {
  Part out;
  std::map<std::tuple<std::string, std::string, UtcInstant>, StoredCount> counts;
  std::vector<Statement> said;
  Shelf& shelf = shelves_.at(part);
  {
    Cursor from = shelf.rewound();
    while (from.more()) {
      switch (from.get<Tag>()) {
        case Tag::Values: {
          const std::string meter = from.text();
          const auto& [type, unit] = names_.at(from.get<std::uint32_t>());
          said.resize(from.get<std::uint32_t>());
          for (Statement& one : said) {
            one.at = from.instant();
            one.value = from.decimal();
            one.length_s = from.get<std::uint32_t>();
            one.delivery = from.get<Delivery>();
          }
          out.truth.values(meter, type, unit, said);
          break;
        }
        case Tag::Event: {
          const std::string meter = from.text();
          SaidEvent event;
          for (std::string* text : {&event.code, &event.name, &event.raw}) *text = from.text();
          event.at = from.instant();
          event.delivery = from.get<Delivery>();
          out.truth.event(meter, event);
          break;
        }
        case Tag::Command: {
          SaidStep step;
          for (std::string* text : {&step.transaction, &step.meter, &step.command}) *text = from.text();
          step.step = from.get<CommandStep>();
          out.truth.command(step);
          break;
        }
        case Tag::StoredEvent: {
          const std::string meter = from.text();
          StoredEvent event;
          for (std::string* text : {&event.kind, &event.code, &event.vendor_code}) *text = from.text();
          event.at = from.instant();
          out.events[meter].push_back(std::move(event));
          break;
        }
        case Tag::StoredCount: {
          const std::string meter = from.text(), channel = from.text();
          const UtcInstant day = from.instant();
          StoredCount& count = counts[{meter, channel, day}];
          count.intervals += from.get<std::uint64_t>();
          count.registers += from.get<std::uint64_t>();
          const auto sum = count.interval_sum.plus(from.decimal());
          if (!sum) throw std::runtime_error("a sum of meter " + meter + " is too large to compare");
          count.interval_sum = *sum;
          break;
        }
        case Tag::StoredTarget: {
          StoredTarget target;
          for (std::string* text : {&target.transaction, &target.meter, &target.state}) *text = from.text();
          out.targets.push_back(std::move(target));
          break;
        }
      }
    }
  }
  shelf.close();
  // All of the ledger stands in front of what the store says, but a part is only now known to be whole.
  std::set<std::string_view> others;
  for (auto& [key, count] : counts) {
    const auto& [meter, channel, day] = key;
    if (!out.truth.meters.contains(meter)) {
      others.insert(meter);
      continue;
    }
    count.meter = meter;
    count.channel = channel;
    count.day = day;
    out.counts.push_back(std::move(count));
  }
  out.other_meters = others.size();
  std::erase_if(out.events, [&](const auto& one) { return !out.truth.meters.contains(one.first); });
  std::erase_if(out.targets, [&](const auto& one) { return !out.truth.meters.contains(one.meter); });
  out.truth.sort();
  return out;
}

}  // namespace ami::amictl
