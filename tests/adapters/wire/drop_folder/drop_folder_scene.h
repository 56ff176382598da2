// A drop folder on a fake host, with a small line format of its own:
//   "BREAK"   nothing after it can be read          "bad…"   a malformed record
//   any other line is one event whose code is the line; a last line without its end is cut short.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/testing/fake_host.h"
#include "adapters/wire/drop_folder/file_fed_adapter.h"

namespace ami::wire {

class LineReader : public FileReader {
 public:
  std::uint64_t start_at(std::uint64_t committed) override { return safe_ = committed; }
  Result<std::uint64_t> read(std::shared_ptr<const std::string> bytes, std::uint64_t offset, bool last,
                             DecodedBatch& out) override;
  [[nodiscard]] std::uint64_t safe_offset() const override { return safe_; }

 private:
  std::uint64_t safe_ = 0;
};

class DropFolderScene : public testing::Test {
 protected:
  DropFolderScene();
  ~DropFolderScene() override;

  // A new adapter over the same folder and the same store: what a restart of the process would see.
  void restart();
  Outcome start() { return host.start(*adapter); }
  void stop() { host.stop(*adapter); }

  std::filesystem::path inbox() const { return folder_ / "in"; }
  // Written in one go and closed: as a well-behaved sender does.
  void drop(const std::string& name, const std::string& text);
  static std::string read(const std::filesystem::path& path);
  bool in_done(const std::string& name) const { return std::filesystem::exists(inbox() / "done" / name); }
  bool in_rejected(const std::string& name) const {
    return std::filesystem::exists(inbox() / "rejected" / name);
  }
  bool in_inbox(const std::string& name) const { return std::filesystem::exists(inbox() / name); }
  std::string reason(const std::string& name) const {
    return read(inbox() / "rejected" / (name + ".reason.txt"));
  }
  // Every event code that is stored, in order of storing.
  std::vector<std::string> stored() const;

  DropFolderConfig config;
  sdk::testing::FakeHost host;
  std::unique_ptr<FileFedAdapter> adapter;

 private:
  std::filesystem::path folder_;
};

}  // namespace ami::wire
