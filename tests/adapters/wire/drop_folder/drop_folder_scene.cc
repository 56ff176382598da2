#include "tests/adapters/wire/drop_folder/drop_folder_scene.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace ami::wire {

namespace fs = std::filesystem;

Result<std::uint64_t> LineReader::read(std::shared_ptr<const std::string> bytes, std::uint64_t offset,
                                       bool last, DecodedBatch& out) {
  const std::string_view all = out.arena->share(std::move(bytes));
  std::size_t at = 0;
  for (std::size_t end = 0; (end = all.find('\n', at)) != std::string_view::npos; at = end + 1) {
    const std::string_view line = all.substr(at, end - at);
    safe_ = offset + at;
    if (line == "BREAK") return permanent("broken at byte " + std::to_string(safe_));
    if (line.starts_with("bad")) {
      out.malformed.push_back({safe_, line, {}, "bad_line", "begins with bad"});
    } else {
      EventObservation event;
      event.code = line;
      event.offset = safe_;
      out.observations.emplace_back(event);
    }
  }
  safe_ = offset + at;
  if (!last || at == all.size()) return at;
  out.malformed.push_back({safe_, all.substr(at), {}, "cut_short", "no line end"});
  return permanent("cut short at byte " + std::to_string(safe_));
}

DropFolderScene::DropFolderScene() {
  char folder[] = "/tmp/ami-drop-XXXXXX";
  folder_ = ::mkdtemp(folder);
  config.inbox = inbox();
  config.settle = std::chrono::seconds(5);
  config.rescan = std::chrono::seconds(30);
  restart();
}

DropFolderScene::~DropFolderScene() {
  if (adapter) stop();
  fs::remove_all(folder_);
}

void DropFolderScene::restart() {
  if (adapter) stop();
  adapter = std::make_unique<FileFedAdapter>(sdk::AdapterInfo{"lines", "test", {.files = true}}, config,
                                             host.services(), [] { return std::make_unique<LineReader>(); });
}

void DropFolderScene::drop(const std::string& name, const std::string& text) {
  fs::create_directories(inbox());
  std::ofstream(inbox() / name, std::ios::binary) << text;
}

std::string DropFolderScene::read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> DropFolderScene::stored() const {
  std::vector<std::string> codes;
  for (const sdk::testing::CommittedBatch& batch : host.store.committed) {
    for (const Observation& o : batch.batch.observations)
      codes.emplace_back(std::get<EventObservation>(o).code);
  }
  return codes;
}

}  // namespace ami::wire
