#include "meter_model/observation/observation.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ami {
namespace {

// Small enough that a batch of few records wastes little, large enough that a full one allocates rarely.
constexpr std::size_t kBlockBytes = 16 * 1024;

struct NamedAlias {
  AliasKind kind;
  std::string_view name;
};

constexpr std::array<NamedAlias, 6> kAliasNames{{{AliasKind::Badge, "BADGE"},
                                                 {AliasKind::ManufacturerSerial, "MANUFACTURER_SERIAL"},
                                                 {AliasKind::Module, "MODULE"},
                                                 {AliasKind::VendorControl, "VENDOR_CONTROL"},
                                                 {AliasKind::Mac, "MAC"},
                                                 {AliasKind::Cis, "CIS"}}};

}  // namespace

std::string_view TextArena::keep(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > kBlockBytes / 4) {
    // A block of its own: the current one keeps serving small texts.
    auto block = std::make_unique_for_overwrite<char[]>(text.size());
    std::memcpy(block.get(), text.data(), text.size());
    blocks_.push_back(std::move(block));
    return {blocks_.back().get(), text.size()};
  }
  if (text.size() > free_) {
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
    next_ = blocks_.back().get();
    free_ = kBlockBytes;
  }
  char* place = next_;
  std::memcpy(place, text.data(), text.size());
  next_ += text.size();
  free_ -= text.size();
  return {place, text.size()};
}

std::string_view TextArena::adopt(std::string&& text) {
  return strings_.emplace_back(std::move(text));
}

std::string_view TextArena::share(std::shared_ptr<const std::string> buffer) {
  if (!buffer) return {};
  return *shared_.emplace_back(std::move(buffer));
}

std::string_view name_of(TimeSource source) {
  switch (source) {
    case TimeSource::Device:
      return "DEVICE";
    case TimeSource::Collector:
      return "COLLECTOR";
    case TimeSource::Receipt:
      return "RECEIPT";
  }
  return "";
}

std::string_view name_of(AliasKind kind) {
  const auto* found = std::ranges::find(kAliasNames, kind, &NamedAlias::kind);
  return found == kAliasNames.end() ? std::string_view{} : found->name;
}

std::optional<AliasKind> alias_kind_from(std::string_view name) {
  const auto* found = std::ranges::find(kAliasNames, name, &NamedAlias::name);
  if (found == kAliasNames.end()) return std::nullopt;
  return found->kind;
}

}  // namespace ami
