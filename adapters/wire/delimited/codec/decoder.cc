#include <algorithm>
#include <cstring>
#include <utility>

#include "adapters/wire/delimited/codec/delimited.h"
#include "adapters/wire/delimited/codec/fields.h"
#include "adapters/wire/delimited/codec/record.h"

namespace ami::delimited {
namespace {

constexpr std::size_t kLongestLine = std::size_t{512} << 10;
constexpr std::string_view kMark = "\xEF\xBB\xBF";

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

class Decoder::Impl {
 public:
  explicit Impl(Options options) : options_(std::move(options)), records_(options_) {
    options_.max_line = std::min(options_.max_line, kLongestLine);
  }

  Outcome feed(std::string_view bytes, bool last, DecodedBatch& out);
  [[nodiscard]] const char* fatal_reason() const noexcept { return reason_; }
  [[nodiscard]] std::uint64_t safe_offset() const noexcept { return safe_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  void take(std::string_view line, DecodedBatch& out);
  void too_long(DecodedBatch& out);
  void reject(const char* reason, std::string detail, DecodedBatch& out) const {
    // Nothing of the line is kept: which field is which is not known, and one may be somebody's address.
    out.malformed.push_back({begin_, {}, {}, reason, std::move(detail)});
  }
  void fail(const char* reason, const std::string& detail, DecodedBatch& out);

  Options options_;
  RecordReader records_;
  Counters counters_;
  Fields fields_;
  std::string line_;         // what was fed of the line under way
  bool skipping_ = false;    // inside an over-long line that was reported
  bool began_ = false;       // past where a byte order mark may stand
  std::uint64_t begin_ = 0;  // offset of the line under way
  std::uint64_t fed_ = 0;
  std::uint64_t safe_ = 0;
  const char* reason_ = "";
  Error error_;
};

Outcome Decoder::Impl::feed(std::string_view bytes, bool last, DecodedBatch& out) {
  while (*reason_ == '\0' && !bytes.empty()) {
    const auto* const newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const std::size_t length =
        newline == nullptr ? bytes.size() : static_cast<std::size_t>(newline - bytes.data());
    // No more than tells that the line is too long: one byte for its carriage return, one too many, the mark.
    const std::size_t most = options_.max_line + 2 + kMark.size();
    if (!skipping_) line_.append(bytes.substr(0, std::min(length, most - std::min(most, line_.size()))));
    const std::size_t taken = newline == nullptr ? length : length + 1;
    fed_ += taken;
    bytes.remove_prefix(taken);
    if (newline != nullptr) {
      if (!skipping_) take(line_, out);
      skipping_ = false;
      line_.clear();
      begin_ = fed_;
      if (*reason_ == '\0') safe_ = fed_;
    } else if (!skipping_ && line_.size() == most) {
      too_long(out);
      skipping_ = true;
      line_.clear();
    }
  }
  if (*reason_ == '\0' && last) {
    if (!blank(line_) && options_.line_end_required) {
      fail(reason::kLineEndMissing,
           "the last line has no line end: it may be cut short, and the file with it", out);
    } else if (!line_.empty()) {
      take(line_, out);
    }
    line_.clear();
    if (*reason_ == '\0') safe_ = fed_;
  }
  if (*reason_ != '\0') return error_;
  return Done{};
}

void Decoder::Impl::take(std::string_view line, DecodedBatch& out) {
  if (!began_ && line.starts_with(kMark)) line.remove_prefix(kMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > options_.max_line) return too_long(out);
  began_ = true;
  if (blank(line)) return;
  ++counters_.lines;
  const bool whole = fields_.split(line, options_.delimiter);
  if (!records_.has_header() || (whole && records_.is_header(fields_))) {
    if (const auto fault = records_.take_header(fields_)) return fail(fault->reason, fault->detail, out);
    ++counters_.headers;
    return;
  }
  if (!whole) {
    return reject(reason::kBadQuote, "a quote is not closed in its line, or is followed by text", out);
  }
  records_.read(fields_, begin_, counters_, out);
}

void Decoder::Impl::too_long(DecodedBatch& out) {
  began_ = true;
  ++counters_.lines;
  reject(reason::kLineTooLong,
         "the line has no end within " + std::to_string(options_.max_line) + " bytes; skipped to the next",
         out);
}

void Decoder::Impl::fail(const char* reason, const std::string& detail, DecodedBatch& out) {
  reject(reason, detail, out);
  reason_ = reason;
  error_ = permanent(std::string(reason) + ": " + detail + " (line at byte " + std::to_string(begin_) + ")");
}

Decoder::Decoder(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Outcome Decoder::feed(std::string_view bytes, bool last, DecodedBatch& out) {
  return impl_->feed(bytes, last, out);
}
const char* Decoder::fatal_reason() const noexcept {
  return impl_->fatal_reason();
}
std::uint64_t Decoder::safe_offset() const noexcept {
  return impl_->safe_offset();
}
const Counters& Decoder::counters() const noexcept {
  return impl_->counters();
}

Outcome decode_all(std::string_view text, const Options& options, DecodedBatch& out) {
  return Decoder(options).feed(text, true, out);
}

}  // namespace ami::delimited
