// What arrived, one file a content: <folder>/ab/abcdef….zst, named by the SHA-256 of the bytes as they came.
//
// Written beside, synced, renamed, and the folder synced: a name that is there holds all of its content. What
// is read is checked against the name; a file that does not hold what its name says is put aside as
// <name>.corrupt, so that the same content can be kept anew when it comes again. Memory is bounded whatever
// the content's size.
//
// Blocking; thread-safe. Transient: the disk (full, unreadable): try again. Permanent: what is said.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/result.h"

namespace ami::storage {

// Copies up to `size` bytes of a content that stand at `offset`; fewer only at its end. Offsets only grow.
using ReadContent = std::function<Result<std::size_t>(char* into, std::size_t size, std::uint64_t offset)>;

class RawReader {
 public:
  ~RawReader();
  RawReader(RawReader&&) noexcept;
  RawReader& operator=(RawReader&&) noexcept;

  // Fewer than `size` bytes only at the end; 0 = all was read and is what was kept. Permanent: the file is
  // corrupt (it was put aside); what was read before may be wrong too.
  Result<std::size_t> read(char* into, std::size_t size);

 private:
  friend class RawFiles;
  struct Impl;
  explicit RawReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class RawFiles {
 public:
  explicit RawFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes the folder; takes away what a crash left half-written. Before the first keep().
  Outcome prepare() const;

  // Keeps a content of `size` bytes unless it is there; returns the size on disk. Transient when its bytes do
  // not have this hash: they were changed meanwhile.
  Result<std::uint64_t> keep(const std::string& sha256, std::uint64_t size, const ReadContent& read) const;
  // Many at once, made durable together, which costs little more than one; in the order of `contents`. On an
  // error any of them may be kept.
  struct Content {
    std::string sha256;
    std::uint64_t size = 0;
    ReadContent read;
  };
  Result<std::vector<std::uint64_t>> keep(std::span<const Content> contents) const;

  [[nodiscard]] bool holds(const std::string& sha256) const;
  Result<RawReader> open(const std::string& sha256) const;  // Permanent: not there
  Outcome verify(const std::string& sha256) const;          // reads all of it
  Outcome remove(const std::string& sha256) const;          // good when it is not there

  // Hashes of the contents in one of the 256 subfolders that were last written before `age` ago.
  Result<std::vector<std::string>> older_than(int subfolder, std::chrono::seconds age) const;

  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }

 private:
  struct Part;
  [[nodiscard]] std::filesystem::path path_of(const std::string& sha256) const;
  Result<Part> write(const Content& content) const;
  std::filesystem::path folder_;
  mutable std::atomic<std::uint64_t> parts_{0};  // names files being written
};

// 64 lower-case hexadecimal digits: what may become a path.
bool is_sha256(std::string_view text);

}  // namespace ami::storage
