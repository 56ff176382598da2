#include "tools/fieldsim/drop_box/drop_box.h"

#include <fstream>
#include <memory>
#include <utility>

#include "adapters/sdk/settings.h"

namespace ami::fieldsim {
namespace fs = std::filesystem;

Outcome DropBox::ready() const {
  std::error_code error;
  if (!fs::is_directory(folder_, error)) return permanent("folder " + folder_.string() + " is not there");
  const fs::path probe = folder_ / ".fieldsim.part";
  const bool written = static_cast<bool>(std::ofstream(probe) << "");
  if (!written) return permanent("nothing can be written into folder " + folder_.string());
  fs::remove(probe, error);
  return Done{};
}

// Written beside and moved in, as a well-behaved sender does: nobody reads half a file.
bool DropBox::write(const std::string& name, const std::string& bytes) {
  const fs::path beside = folder_ / ("." + name + ".part");
  {
    std::ofstream file(beside, std::ios::binary | std::ios::trunc);
    file << bytes;
    if (!file.flush()) {
      trouble_ = "cannot write " + beside.string();
      return false;
    }
  }
  std::error_code error;
  fs::rename(beside, folder_ / name, error);
  if (error) trouble_ = "cannot move to " + (folder_ / name).string() + ": " + error.message();
  return !error;
}

Parcel DropBox::parcel(const File& file) {
  struct State {
    std::string name, bytes;
    unsigned copies = 0;
  };
  auto state = std::make_shared<State>(State{file.name, file.bytes});
  Parcel out{file.name, "file", {}, file.content};
  out.send = [this, state]() -> sdk::Awaitable<bool> {
    const fs::path name(state->name);
    const unsigned copy = ++state->copies;
    co_return write(copy == 1 ? state->name
                              : name.stem().string() + "-" + std::to_string(copy) + name.extension().string(),
                    state->bytes);
  };
  return out;
}

void DropBox::drop(std::string name, std::string bytes, Content content) {
  File file{std::move(name), std::move(bytes), std::move(content)};
  const Fate fate = courier_.carry(parcel(file));
  if (fate.lost) lost_.push_back(std::move(file));
}

std::size_t DropBox::catch_up() {
  const std::size_t files = lost_.size();
  for (File& file : lost_) {
    file.name = "catchup-" + file.name;
    courier_.carry(parcel(file), Fate{});
  }
  lost_.clear();
  return files;
}

bool CatchUp::due(UtcInstant at) const {
  return every.count() > 0 &&
         std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()) % every == std::chrono::seconds{0};
}

Result<CatchUp> CatchUp::parse(const std::string& text) {
  if (text.empty()) return CatchUp{};
  const auto span = sdk::parse_duration(text);
  if (!span || *span < std::chrono::minutes{1} || *span % std::chrono::minutes{1} != std::chrono::milliseconds{0})
    return permanent("catch_up \"" + text + "\" is no number of whole minutes, as 15m, 6h or 1d");
  return CatchUp{std::chrono::duration_cast<std::chrono::seconds>(*span)};
}

}  // namespace ami::fieldsim
